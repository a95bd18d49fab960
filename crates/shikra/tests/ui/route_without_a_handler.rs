//! A route that nobody answers: PO-068.

use shikra::prelude::*;

fn main() {
    App::new().get("/users");
}
