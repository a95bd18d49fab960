//! Problem details (RFC 9457), for clients that would rather have JSON.

use crate::error::{Error, phrase};
use crate::error_page::{self, Surroundings};
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::Response;
use serde_core::Serialize;
use serde_core::ser::{SerializeMap, Serializer};

/// How much the client wants them, as weights of `accept` are.
pub(super) fn accept_weight(req: &Request) -> u16 {
    req.accept_weight("application/json").max(req.accept_weight("application/problem+json"))
}

/// The reply to an error; in development mode with what stands around the request.
pub(super) fn reply(req: &Request, error: &Error, development: Option<&Surroundings>) -> Response {
    if let Some(around) = development {
        return error_page::problem(req, error, around);
    }
    let text = error_page::written(&Problem(error));
    text.with_status(error.status()).with_header("content-type", "application/problem+json")
}

struct Problem<'a>(&'a Error);

impl Serialize for Problem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("detail", self.0.message())?;
        map.serialize_entry("status", &self.0.status().as_u16())?;
        map.serialize_entry("title", phrase(self.0.status()))?;
        map.end()
    }
}
