//! Header fields (RFC 9110 §5 and §8): checks, lists, media types, preferences, and the fields of a response.
//!
//! [`FieldLines`] is what a response carries; [`list`], [`ContentType`] and [`weighted`] read single values.
//! What a field means for a connection is decided in [`http1`](crate::http1).

mod accept;
mod content_type;
mod known;
mod lines;
mod list;

pub use accept::{Weighted, media_weight, preferred, weighted};
pub use content_type::ContentType;
pub use known::KnownField;
pub use lines::{FieldError, FieldLines};
pub use list::list;

use crate::scan;

/// Says whether `bytes` is a token, such as a field name or a method (RFC 9110 §5.6.2).
///
/// # Examples
///
/// ```
/// use shikra_proto::header::is_token;
///
/// assert!(is_token(b"content-type"));
/// assert!(!is_token(b"content type"));
/// assert!(!is_token(b""));
/// ```
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && scan::span(bytes, scan::TOKEN) == bytes.len()
}

/// Says whether `bytes` may be a field value: no control byte but HTAB (RFC 9110 §5.5).
///
/// # Examples
///
/// ```
/// use shikra_proto::header::is_field_value;
///
/// assert!(is_field_value("café".as_bytes()));
/// assert!(!is_field_value(b"a\r\nset-cookie: b"));
/// ```
pub fn is_field_value(bytes: &[u8]) -> bool {
    scan::value_span(bytes) == bytes.len()
}

/// Says whether a field of this name may come after a body; letter case does not matter.
///
/// What acts on framing, routing, authorisation, caching or the handling of the content may not (RFC 9110 §6.5.1).
///
/// # Examples
///
/// ```
/// use shikra_proto::header::may_be_trailer;
///
/// assert!(may_be_trailer("x-checksum"));
/// assert!(!may_be_trailer("Content-Length"));
/// ```
pub fn may_be_trailer(name: &str) -> bool {
    !NO_TRAILERS.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}

/// Says whether the encoder leaves out a field of this name, because framing and connection are the engine's alone.
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "date"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Says whether the value of this field is kept out of debug output.
pub(crate) fn is_secret(name: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization", "set-cookie"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The names that are kept out of trailers.
const NO_TRAILERS: [&str; 36] = [
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "www-authenticate",
];
