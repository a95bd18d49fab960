//! A handler that borrows a value of the function that registers it: `move`, or state, gives it the value.

use shikra::prelude::*;

fn main() {
    let greeting = String::from("hello");
    App::new().get("/", async |_| greeting.clone());
}
