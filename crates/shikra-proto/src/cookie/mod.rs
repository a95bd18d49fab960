//! Cookies, both ways (RFC 6265).
//!
//! [`cookies`] reads what a client sends, [`SetCookie`] writes what a server sets.
//! Signing is left to the framework; a signature covers the text on the wire, which is [`Cookie::raw`].

mod set_cookie;

use std::borrow::Cow;

use percent_encoding::percent_decode;

pub use set_cookie::{CookieError, CookieScope, SameSite, SetCookie, scope};

use crate::scan;

/// One cookie of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'a> {
    name: &'a [u8],
    raw: &'a [u8],
}

impl<'a> Cookie<'a> {
    /// Gives the name as it was sent.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Gives the value as it was sent, without white space and quotes around it.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Gives the value with its triplets decoded; malformed ones stay text, and so does all of it if it would not be UTF-8.
    pub fn value(&self) -> Cow<'a, str> {
        match percent_decode(self.raw).decode_utf8() {
            Ok(value) => value,
            Err(_) => String::from_utf8_lossy(self.raw),
        }
    }
}

/// Reads the cookies of one `Cookie` field, in order. Parts without `=` or without a name are skipped.
///
/// # Examples
///
/// ```
/// let names: Vec<_> = shikra_proto::cookie::cookies(b"a=1; b=\"x=y\"; junk")
///     .map(|cookie| (cookie.name(), cookie.raw()))
///     .collect();
/// assert_eq!(names, [(&b"a"[..], &b"1"[..]), (b"b", b"x=y")]);
/// ```
pub fn cookies(field: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    // RFC 6265 §5.4: pairs are divided by `;` and a space. Clients differ about the space, so it is trimmed.
    field.split(|&byte| byte == b';').filter_map(|part| {
        let equals = memchr::memchr(b'=', part)?;
        let name = scan::trim(part.get(..equals)?);
        let raw = scan::trim(part.get(equals + 1..)?);
        let raw = raw.strip_prefix(b"\"").and_then(|r| r.strip_suffix(b"\"")).unwrap_or(raw);
        (!name.is_empty()).then_some(Cookie { name, raw })
    })
}

/// Finds a cookie in one `Cookie` field. The first of several of one name counts: clients send the one with the longest path first.
///
/// # Examples
///
/// ```
/// use shikra_proto::cookie;
///
/// let found = cookie::find(b"id=a%20b; id=2", "id").unwrap();
/// assert_eq!(found.value(), "a b");
/// assert_eq!(found.raw(), b"a%20b");
/// ```
pub fn find<'a>(field: &'a [u8], name: &str) -> Option<Cookie<'a>> {
    cookies(field).find(|cookie| cookie.name == name.as_bytes())
}
