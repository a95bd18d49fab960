//! What development mode shows, as problem details.

use super::{Around, Near, Shown, Surroundings, guarded};
use crate::error::{Error, phrase};
use crate::request::Request;
use crate::response::Response;

/// The same as problem details, with members of their own.
pub(crate) fn problem(req: &Request, error: &Error, around: &Surroundings) -> Response {
    let shown = Shown::new(req, error, around);
    let place = |around: &Around| serde_json::json!({ "name": around.name, "place": around.place });
    let near =
        |near: &Near| serde_json::json!({ "route": near.around.name, "reason": near.reason });
    let fields = shown.fields.iter().map(|(name, value)| serde_json::json!([name, value]));
    let body = serde_json::json!({
        "title": phrase(error.status()),
        "status": error.status().as_u16(),
        "detail": error.to_string(),
        "causes": shown.causes,
        "panic": error.is_panic(),
        "place": shown.place,
        "route": around.route.as_ref().map(place),
        "middleware": around.steps.iter().map(place).collect::<Vec<_>>(),
        "verdict": around.verdict,
        "near": around.near.iter().map(near).collect::<Vec<_>>(),
        "request": { "line": shown.request_line(), "fields": fields.collect::<Vec<_>>() },
    });
    guarded(error, body.to_string(), "application/problem+json")
}
