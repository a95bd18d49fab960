//! A plain function as a handler.

use shikra::prelude::*;

fn show(_: Request) -> &'static str {
    "hello"
}

fn main() {
    App::new().get("/", show);
}
