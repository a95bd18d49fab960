//! A middleware that puts another bag in the place of the request's own.
// VA-065

use shikra::Meta;
use shikra::prelude::*;

async fn swap(req: Request, next: Next) -> Response {
    *req.meta() = Meta::default();
    next.run(req).await
}

fn main() {
    App::new().use_(swap);
}
