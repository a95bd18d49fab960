//! Header fields (RFC 9110 §5 and §8): checks, lists, media types, preferences, and the fields of a response.
//!
//! [`FieldLines`] is what a response carries; [`list`], [`ContentType`] and [`weighted`] read single values.
//! What a field means for a connection is decided in [`http1`](crate::http1).

mod accept;
mod content_type;
mod forwarded;
mod known;
mod lines;
mod list;

pub use accept::{Weighted, media_weight, preferred, weighted};
pub use content_type::ContentType;
pub use forwarded::{Forwarded, Node, forwarded};
pub use known::KnownField;
pub use lines::{FieldError, FieldLines};
pub use list::list;

use crate::{date, scan};

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
    !bytes.is_empty() && scan::all_token(bytes)
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

/// Checks the value of a field that frames a message or acts on a connection, and the date; any other field passes.
///
/// # Errors
///
/// `content-length` must be digits, `date` in the form that senders use (RFC 9110 §5.6.7), and `connection`,
/// `trailer` and `transfer-encoding` lists whose elements begin with a token.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::check_form;
///
/// assert!(check_form("Content-Length", b"12").is_ok());
/// assert!(check_form("content-length", b"a dozen").is_err());
/// ```
pub fn check_form(name: &str, value: &[u8]) -> Result<(), FieldError> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let value = scan::trim(value);
    let is_valid = match name.len() {
        4 if is("date") => date::is_fixed(value),
        7 if is("trailer") => list(value).all(is_token),
        10 if is("connection") => list(value).all(is_token),
        14 if is("content-length") => !value.is_empty() && value.iter().all(u8::is_ascii_digit),
        17 if is("transfer-encoding") => list(value).all(|coding| {
            let name = coding.split(|&byte| byte == b';').next().unwrap_or_default();
            is_token(scan::trim(name))
        }),
        _ => true,
    };
    if is_valid { Ok(()) } else { Err(FieldError::Form) }
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
            | "trailer"
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
