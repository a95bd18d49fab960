//! `bail!` in a handler that cannot return an error: `Result<&'static str>` can.

use shikra::prelude::*;

async fn show(req: Request) -> &'static str {
    if req.header("x-key").is_none() {
        bail!(401, "say the word");
    }
    "hello"
}

fn main() {
    App::new().get("/", show);
}
