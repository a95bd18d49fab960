//! A handler whose error is not `shikra::Error`.

use shikra::prelude::*;

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

async fn show(_: Request) -> Result<&'static str, Refused> {
    Err(Refused)
}

fn main() {
    App::new().get("/", show);
}
