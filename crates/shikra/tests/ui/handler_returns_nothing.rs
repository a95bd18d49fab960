//! A handler that returns nothing: HX-148, VA-095, PO-104. Nobody would answer.

use shikra::prelude::*;

async fn look(req: Request) {
    println!("{}", req.path());
}

fn main() {
    App::new().get("/", look);
}
