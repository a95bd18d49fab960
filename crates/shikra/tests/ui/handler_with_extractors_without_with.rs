//! A handler that takes an extractor, but was not wrapped.

use shikra::prelude::*;

async fn show(_: Request, Path(id): Path<u64>) -> String {
    id.to_string()
}

fn main() {
    App::new().get("/:id", show);
}
