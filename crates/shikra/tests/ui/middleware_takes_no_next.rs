//! A middleware without the rest of the way: `before` is the form for it.

use shikra::prelude::*;

async fn check(req: Request) -> Option<u16> {
    req.header("x-key").is_none().then_some(401)
}

fn main() {
    App::new().use_(check);
}
