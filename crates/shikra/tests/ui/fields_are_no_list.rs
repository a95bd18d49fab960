//! One header field, which is no list of them.

use shikra::prelude::*;

fn main() {
    App::new().get("/", async |_| (201, ("location", "/x"), "made"));
}
