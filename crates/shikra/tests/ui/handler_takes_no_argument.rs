//! A handler that does not take the request: `async |_|` does.

use shikra::prelude::*;

fn main() {
    App::new().get("/", async || "hello");
}
