//! A port is a `u16`; a flag is no place.

use shikra::prelude::*;

fn main() -> std::io::Result<()> {
    App::new().get("/", async |_| "hello").listen(true)
}
