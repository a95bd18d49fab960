//! JSON in and out.

use crate::error::{Error, Result};
use crate::extract::{FromRequest, OptionalFromRequest};
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::{JSON, Response};
use serde_core::Serialize;
use serde_core::de::{
    Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;
use shikra_engine::buffer::take_spare;
use shikra_engine::service::ReplyBody;
use shikra_proto::ascii;
use std::fmt;

/// A value as JSON: the reply that a handler returns, and the body of a request as an extractor.
///
/// As a reply, a value that cannot be serialised is a logged 500. As an extractor it does what
/// [`Request::json`] does: 400 for what is no JSON, 422 for JSON of another shape.
///
/// ```
/// use shikra::{App, Json, testing::TestClient, with};
///
/// let mut app = App::new();
/// app.post("/sum", with(async |_, Json(list): Json<Vec<i64>>| Json(list.iter().sum::<i64>())));
/// let client = TestClient::new(app);
/// let reply = client.post("/sum").json(&[1, 2, 3]).send();
/// assert_eq!((reply.header("content-type"), &*reply.text()), (Some("application/json"), "6"));
/// assert_eq!(client.post("/sum").json(&[1, -2, 300]).send().text(), "299");
/// assert_eq!(client.post("/sum").json(&"many").send().status(), 422);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut text = take_spare(TYPICAL_BYTES);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => Response::with_content(JSON, ReplyBody::Owned(text)),
            Err(error) => Response::from_error(error.into()),
        }
    }
}

/// A value as JSONP: `name(json)`, where the name is the query parameter `callback` of the request.
///
/// A reply for scripts of other sites, which anybody's page may read. Without a callback, or with one that is no
/// dotted path of identifiers of at most 128 bytes, the reply is plain JSON. What the value says cannot end a
/// script: `<`, U+2028 and U+2029 are escaped.
///
/// ```
/// use shikra::{App, jsonp, testing::TestClient};
///
/// let client = TestClient::new(App::new().get("/", async |req| jsonp(&req, [1, 2])));
/// assert_eq!(client.get("/?callback=app.show").send().text(), "app.show([1,2])");
/// assert_eq!(client.get("/?callback=alert(1);x").send().text(), "[1,2]");
/// ```
pub fn jsonp<T: Serialize>(req: &Request, value: T) -> Response {
    match req.query().get("callback") {
        Some(callback) => jsonp_with(&callback, value),
        None => jsonp_with("", value),
    }
}

/// A value as JSONP with a name of the program's own; see [`jsonp`].
pub fn jsonp_with<T: Serialize>(callback: &str, value: T) -> Response {
    let mut text = String::from(if is_callback(callback) { callback } else { "" });
    let name_len = text.len();
    let json = match serde_json::to_string(&value) {
        Ok(json) => json,
        Err(error) => return Response::from_error(error.into()),
    };
    if name_len == 0 {
        return Response::with_content(JSON, ReplyBody::Owned(json.into_bytes()))
            .with_header("x-content-type-options", "nosniff");
    }
    text.push('(');
    // Only texts have these, and there an escape says the same.
    for c in json.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            c => text.push(c),
        }
    }
    text.push(')');
    Response::with_content(JAVASCRIPT, ReplyBody::Owned(text.into_bytes()))
        .with_header("x-content-type-options", "nosniff")
}

fn is_callback(name: &str) -> bool {
    let is_identifier = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
    };
    name.len() <= CALLBACK_BYTES_MAX && name.split('.').all(is_identifier)
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    async fn from_request(req: &Request) -> Result<Self> {
        req.json().await.map(Self)
    }
}

/// `None` for an empty body.
impl<T: DeserializeOwned> OptionalFromRequest for Json<T> {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        match req.bytes().await?.is_empty() {
            true => Ok(None),
            false => Self::from_request(req).await.map(Some),
        }
    }
}

/// Decodes a body, at most 128 levels deep.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // Keeping track of the path costs as much as decoding: only a mistake pays for it, by a second
    // look that finds its place.
    // One look at all of the text costs a fraction of what one look at each of its strings does. Where
    // bytes that are skipped are no text, the second look takes them as they are.
    let decoded = ascii::utf8(bytes).and_then(|text| serde_json::from_str(text).ok());
    decoded.map_or_else(|| decode_with_path(bytes), Ok)
}

fn decode_with_path<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut decoder = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        let path = error.path().to_string();
        refused(bytes, &path, error.into_inner())
    })?;
    decoder.end().map_err(|error| refused(bytes, ".", error))?;
    Ok(value)
}

// `#[inline]`, as the rest of the way of a mistake: compiled where JSON is decoded, if it is.
#[inline]
fn refused(bytes: &[u8], path: &str, error: serde_json::Error) -> Error {
    let status = match (error.classify(), malformed(bytes)) {
        // Text that is no JSON is malformed, even if its shape was found wrong before its end.
        (Category::Data, Some(malformed)) => return refusal(400, "", malformed),
        (Category::Data, None) => 422,
        // One element too many, or a number too large, counts as syntax there and is a shape here.
        (Category::Syntax, None) if !is_too_deep(&error) => 422,
        (Category::Syntax | Category::Eof | Category::Io, _) => 400,
    };
    refusal(status, path, error)
}

#[inline]
fn refusal(status: u16, path: &str, error: serde_json::Error) -> Error {
    // The root is `.`, and what ended early or is no JSON has `?` for its last part.
    let path = path.trim_end_matches(['.', '?']);
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    Error::new(status, format!("JSON{place}: {error}")).with_cause(error)
}

#[inline]
fn malformed(bytes: &[u8]) -> Option<serde_json::Error> {
    match std::str::from_utf8(bytes) {
        Ok(_) => serde_json::from_slice::<IgnoredAny>(bytes).err(),
        // What is skipped is not looked at, so its bytes may be anything.
        Err(_) => serde_json::from_slice::<Looked>(bytes).err(),
    }
}

/// Any JSON, looked at and forgotten.
struct Looked;

impl<'de> Deserialize<'de> for Looked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Looked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// What is skipped may have any depth, so `malformed` does not see it; only the text tells.
#[inline]
fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit")
}

const TYPICAL_BYTES: usize = 128;
const CALLBACK_BYTES_MAX: usize = 128;
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
