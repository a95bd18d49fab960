//! State by reference: the application owns what it gives to its handlers.

use shikra::prelude::*;

fn main() {
    let name = String::from("ada");
    App::new().state(&name).get("/", async |_| "hello");
}
