//! Causes as the page tells them where there are no templates.

use std::error::Error;

pub(super) fn told(cause: &(dyn Error + 'static)) -> String {
    cause.to_string()
}
