//! State that only one thread may touch: `state_per_worker` makes one on each.

use shikra::prelude::*;
use std::cell::Cell;
use std::rc::Rc;

fn main() {
    App::new().state(Rc::new(Cell::new(0))).get("/", async |_| "hello");
}
