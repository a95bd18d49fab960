//! A middleware that runs the rest and drops what came of it: HX-078, PO-112, VA-102.

use shikra::prelude::*;

async fn timing(req: Request, next: Next) {
    next.run(req).await;
}

fn main() {
    App::new().use_(timing);
}
