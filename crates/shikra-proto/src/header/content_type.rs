use std::borrow::Cow;

use super::accept::parameters;
use super::is_token;
use crate::scan;

/// A media type with its parameters (RFC 9110 §8.3.1): what `Content-Type` says.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::ContentType;
///
/// let media = ContentType::decode(b"Text/HTML; Charset=\"utf-8\"").unwrap();
/// assert!(media.is("text/html"));
/// assert_eq!(media.charset().as_deref(), Some("utf-8"));
/// assert!(ContentType::decode(b"html").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'a> {
    essence: &'a str,
    slash: usize,
    value: &'a [u8],
}

impl<'a> ContentType<'a> {
    /// Reads a media type; `None` if it is not two tokens with a slash between them.
    pub fn decode(value: &'a [u8]) -> Option<Self> {
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        let essence = scan::trim(value.get(..end)?);
        let slash = essence.iter().position(|&byte| byte == b'/')?;
        let is_valid = is_token(essence.get(..slash)?) && is_token(essence.get(slash + 1..)?);
        is_valid.then(|| Self { essence: scan::ascii(essence), slash, value })
    }

    /// Gives type and subtype without parameters, in the letter case in which they came.
    pub fn essence(&self) -> &'a str {
        self.essence
    }

    /// Gives the part before the slash.
    pub fn kind(&self) -> &'a str {
        self.essence.get(..self.slash).unwrap_or_default()
    }

    /// Gives the part after the slash.
    pub fn subtype(&self) -> &'a str {
        self.essence.get(self.slash + 1..).unwrap_or_default()
    }

    /// Says whether type and subtype are those of `essence`; letter case does not matter.
    pub fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// Says whether the content is JSON: `application/json` or a subtype that ends in `+json` (RFC 6839).
    pub fn is_json(&self) -> bool {
        let suffix = self.subtype().as_bytes().last_chunk::<5>();
        self.is("application/json") || suffix.is_some_and(|s| s.eq_ignore_ascii_case(b"+json"))
    }

    /// Gives the first parameter of a name, with quotes and escapes removed.
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        parameters(self.value).find_map(|parameter| {
            let equals = parameter.iter().position(|&byte| byte == b'=')?;
            let (key, value) = (parameter.get(..equals)?, parameter.get(equals + 1..)?);
            if key.eq_ignore_ascii_case(name.as_bytes()) { unquote(value) } else { None }
        })
    }

    /// Gives the `charset` parameter.
    pub fn charset(&self) -> Option<Cow<'a, str>> {
        self.param("charset")
    }

    /// Gives the `boundary` parameter of a multipart type.
    pub fn boundary(&self) -> Option<Cow<'a, str>> {
        self.param("boundary")
    }
}

/// A token as it is, or a quoted string without its quotes and escapes (RFC 9110 §5.6.4).
pub(super) fn unquote(value: &[u8]) -> Option<Cow<'_, str>> {
    let Some(quoted) = value.strip_prefix(b"\"") else {
        return is_token(value).then(|| Cow::Borrowed(scan::ascii(value)));
    };
    let quoted = std::str::from_utf8(quoted.strip_suffix(b"\"")?).ok()?;
    if !quoted.contains(['\\', '"']) {
        return Some(Cow::Borrowed(quoted));
    }
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.push(chars.next()?),
            // The closing quote was not the last byte.
            '"' => return None,
            _ => text.push(char),
        }
    }
    Some(Cow::Owned(text))
}
