//! A handler of something that is no request.

use shikra::prelude::*;

async fn show(id: u64) -> String {
    id.to_string()
}

fn main() {
    App::new().get("/:id", show);
}
