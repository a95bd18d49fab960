//! A handler that holds what must not leave its thread, though all workers share it: `Arc` may.

use shikra::prelude::*;
use std::rc::Rc;

fn main() {
    let greeting = Rc::new(String::from("hello"));
    App::new().get("/", async move |_| greeting.to_string());
}
