//! In place of problem details, where the feature `json` is off: nobody gets any.

use crate::error::Error;
use crate::error_page::{self, Surroundings};
use crate::request::Request;
use crate::response::{Response, plain_error};

/// No client can have them.
pub(super) fn accept_weight(_: &Request) -> u16 {
    0
}

/// The reply to an error, as text.
pub(super) fn reply(req: &Request, error: &Error, development: Option<&Surroundings>) -> Response {
    match development {
        Some(around) => error_page::text(req, error, around),
        None => plain_error(error),
    }
}
