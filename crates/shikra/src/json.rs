//! JSON in and out.

use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::response::{JSON, Response};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use shikra_engine::service::ReplyBody;

/// A value as a JSON reply.
///
/// A value that cannot be serialised is a logged 500.
///
/// ```
/// use shikra::{IntoResponse, Json};
///
/// let res = Json([1, 2, 3]).into_response();
/// assert_eq!(res.body(), Some(&b"[1,2,3]"[..]));
/// assert_eq!(res.header("content-type"), Some("application/json"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(TYPICAL_BYTES);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => Response::with_content(JSON, ReplyBody::Owned(text)),
            Err(error) => Response::from_error(error.into()),
        }
    }
}

/// Decodes a body, at most 128 levels deep.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut decoder = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        let path = error.path().to_string();
        refused(bytes, &path, error.into_inner())
    })?;
    decoder.end().map_err(|error| refused(bytes, ".", error))?;
    Ok(value)
}

fn refused(bytes: &[u8], path: &str, error: serde_json::Error) -> Error {
    let status = match error.classify() {
        Category::Data => 422,
        // One element too many, or a number too large, counts as syntax there and is a shape here.
        Category::Syntax if !is_too_deep(&error) && is_json(bytes) => 422,
        Category::Syntax | Category::Eof | Category::Io => 400,
    };
    // The root is `.`, and what ended early or is no JSON has `?` for its last part.
    let path = path.trim_end_matches(['.', '?']);
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    Error::new(status, format!("JSON{place}: {error}")).with_cause(error)
}

fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// What is skipped may have any depth, so `is_json` does not see it; only the text tells.
fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit")
}

const TYPICAL_BYTES: usize = 128;
