//! A handler whose `Ok` value cannot be sent.

use shikra::prelude::*;

struct User;

async fn show(_: Request) -> Result<User> {
    Ok(User)
}

fn main() {
    App::new().get("/", show);
}
