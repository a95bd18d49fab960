//! A header field, which may be absent, compared with text: `Some("sesame")` is what it may be.

use shikra::prelude::*;

async fn show(req: Request) -> u16 {
    if req.header("x-key") == "sesame" { 204 } else { 401 }
}

fn main() {
    App::new().get("/", show);
}
