//! A parameter is part of the request, which never changes: VA-059.

use shikra::prelude::*;

async fn show(req: Request) -> String {
    let id: &mut str = req.param_str("id").unwrap_or_default();
    id.make_ascii_uppercase();
    id.to_owned()
}

fn main() {
    App::new().get("/:id", show);
}
