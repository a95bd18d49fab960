//! A middleware that changes the request to steer the steps after it.
// CV-24: VA-059, VA-062, VA-063, VA-069, CF-30

use shikra::prelude::*;

async fn steer(req: Request, next: Next) -> Response {
    req.headers_mut().insert("x-user", "7");
    req.set_path("/other");
    req.params().clear();
    next.run(req).await
}

fn main() {
    App::new().use_(steer);
}
