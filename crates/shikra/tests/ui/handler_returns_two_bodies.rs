//! Two bodies, the first of which stands where a status belongs: VA-094.

use shikra::prelude::*;

async fn show(_: Request) -> (&'static str, &'static str) {
    ("one", "two")
}

fn main() {
    App::new().get("/", show);
}
