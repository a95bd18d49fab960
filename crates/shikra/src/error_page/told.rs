//! Causes as the page tells them: one of a template with its line, a mark below the place, and the
//! templates that led there.

use std::error::Error;

pub(super) fn told(cause: &(dyn Error + 'static)) -> String {
    match cause.downcast_ref::<shikra_template::Error>() {
        Some(error) => format!("{error:#}"),
        None => cause.to_string(),
    }
}
