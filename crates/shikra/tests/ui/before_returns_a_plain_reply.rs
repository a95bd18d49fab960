//! A `before` step that neither goes on nor says that it answers.

use shikra::prelude::*;

fn main() {
    App::new().use_(before(async |_| "go on?"));
}
