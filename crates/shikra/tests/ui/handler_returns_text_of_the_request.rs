//! Text that belongs to the request, which is gone when the handler is: `to_owned()`.

use shikra::prelude::*;

async fn path(req: Request) -> &'static str {
    req.path()
}

fn main() {
    App::new().get("/", path);
}
