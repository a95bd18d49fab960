//! Problem details (RFC 9457), for clients that would rather have JSON.

use crate::error::{Error, phrase};
use crate::error_page::{self, Surroundings};
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::Response;

/// How much the client wants them, as weights of `accept` are.
pub(super) fn accept_weight(req: &Request) -> u16 {
    req.accept_weight("application/json").max(req.accept_weight("application/problem+json"))
}

/// The reply to an error; in development mode with what stands around the request.
pub(super) fn reply(req: &Request, error: &Error, development: Option<&Surroundings>) -> Response {
    if let Some(around) = development {
        return error_page::problem(req, error, around);
    }
    let status = error.status();
    let body = serde_json::json!({
        "title": phrase(status),
        "status": status.as_u16(),
        "detail": error.message(),
    });
    let text = body.to_string();
    text.with_status(status).with_header("content-type", "application/problem+json")
}
