//! An error handler that wants the error for itself: it gets a reference.

use shikra::prelude::*;

async fn render(_: Request, error: Error) -> String {
    error.message().to_owned()
}

fn main() {
    App::new().on_error(render);
}
