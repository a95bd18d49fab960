//! A handler whose value cannot be sent.

use shikra::prelude::*;

struct User {
    _name: String,
}

async fn show(_: Request) -> User {
    User { _name: "ada".to_owned() }
}

fn main() {
    App::new().get("/", show);
}
