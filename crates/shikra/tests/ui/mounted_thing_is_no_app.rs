//! A handler where an application belongs.

use shikra::prelude::*;

async fn admin(_: Request) -> &'static str {
    "admin"
}

fn main() {
    App::new().mount("/admin", admin);
}
