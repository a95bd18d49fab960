//! A middleware that runs the rest a second time.
// PO-122, HX-087, HA-050

use shikra::prelude::*;

async fn retry(req: Request, next: Next) -> Response {
    let res = next.run(req.clone()).await;
    if res.status() == 503 { next.run(req).await } else { res }
}

fn main() {
    App::new().use_(retry);
}
