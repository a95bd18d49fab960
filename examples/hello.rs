//! The smallest application: `cargo run -p examples --bin hello`.

use shikra::prelude::*;

fn main() -> std::io::Result<()> {
    App::new().get("/", async |_| "hello world").listen("127.0.0.1:3000")
}
