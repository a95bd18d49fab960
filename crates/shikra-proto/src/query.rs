//! Queries as pairs (`application/x-www-form-urlencoded`, as the URL standard reads it).
//!
//! How many pairs there may be is checked while the head is decoded, so nothing here fails.

use std::borrow::Cow;
use std::fmt;

/// Reads a query as pairs, decoded: `+` is a space, malformed triplets stay text, and bytes that are not UTF-8 become U+FFFD.
///
/// A key without `=` has an empty value; empty pairs are skipped.
///
/// # Examples
///
/// ```
/// let pairs: Vec<_> = shikra_proto::query::pairs("q=a+b&tag=x%26y&done&n=100%").collect();
/// assert_eq!(
///     pairs,
///     [
///         ("q".into(), "a b".into()),
///         ("tag".into(), "x&y".into()),
///         ("done".into(), "".into()),
///         ("n".into(), "100%".into()),
///     ]
/// );
/// ```
pub fn pairs(query: &str) -> Pairs<'_> {
    Pairs { inner: form_urlencoded::parse(query.as_bytes()) }
}

/// The pairs of a query, decoded one at a time. Made by [`pairs`].
#[derive(Clone, Copy)]
pub struct Pairs<'a> {
    inner: form_urlencoded::Parse<'a>,
}

impl<'a> Pairs<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { inner: form_urlencoded::parse(bytes) }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next()
    }
}

/// Shows the pairs that are left.
impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}
