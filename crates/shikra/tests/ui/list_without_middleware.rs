//! A list of middleware in which something else stands: HX-059, HX-068, HX-090, VA-038.

use shikra::prelude::*;

async fn timing(req: Request, next: Next) -> Response {
    next.run(req).await
}

fn main() {
    App::new().use_all((timing, [timing], "timing"));
}
