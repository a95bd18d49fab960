//! A middleware where a handler belongs: it goes to `use_`, or to the `use_` of a route.

use shikra::prelude::*;

async fn timing(req: Request, next: Next) -> Response {
    next.run(req).await
}

fn main() {
    App::new().get("/", timing);
}
