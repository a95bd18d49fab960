//! What development mode shows, as problem details.

use super::{Around, Near, Shown, Surroundings, guarded};
use crate::error::{Error, phrase};
use crate::request::Request;
use crate::response::Response;
use serde_core::Serialize;
use serde_core::ser::{SerializeMap, Serializer};

/// The same as problem details, with members of their own.
pub(crate) fn problem(req: &Request, error: &Error, around: &Surroundings) -> Response {
    let shown = Shown::new(req, error, around);
    guarded(error, written(&shown), "application/problem+json")
}

/// The text of problem details.
pub(crate) fn written(problem: &impl Serialize) -> String {
    serde_json::to_string(problem)
        .expect("all keys are text, and nothing in it can fail to be JSON")
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (error, around) = (self.error, self.around);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("causes", &self.causes)?;
        map.serialize_entry("detail", &error.to_string())?;
        map.serialize_entry("middleware", &around.steps)?;
        map.serialize_entry("near", &around.near)?;
        map.serialize_entry("panic", &error.is_panic())?;
        map.serialize_entry("place", &self.place)?;
        map.serialize_entry("request", &ShownRequest(self))?;
        map.serialize_entry("route", &around.route)?;
        map.serialize_entry("status", &error.status().as_u16())?;
        map.serialize_entry("title", phrase(error.status()))?;
        map.serialize_entry("verdict", &around.verdict)?;
        map.end()
    }
}

struct ShownRequest<'a>(&'a Shown<'a>);

impl Serialize for ShownRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("fields", &self.0.fields)?;
        map.serialize_entry("line", &self.0.request_line())?;
        map.end()
    }
}

impl Serialize for Around {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("place", &self.place)?;
        map.end()
    }
}

impl Serialize for Near {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("reason", &self.reason)?;
        map.serialize_entry("route", &self.around.name)?;
        map.end()
    }
}
