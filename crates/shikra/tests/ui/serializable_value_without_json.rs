//! A list of numbers, which is data and no reply.

use shikra::prelude::*;

fn main() {
    App::new().get("/", async |_| vec![1_u32, 2, 3]);
}
