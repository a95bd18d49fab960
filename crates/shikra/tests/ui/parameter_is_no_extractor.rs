//! A plain number where an extractor has to say where it comes from.

use shikra::prelude::*;

async fn show(_: Request, id: u64) -> String {
    id.to_string()
}

fn main() {
    App::new().get("/:id", with(show));
}
