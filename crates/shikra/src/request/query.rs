//! The query of a request, as decoded pairs.

use crate::error::{Error, Result};
use serde_core::de::DeserializeOwned;
use shikra_proto::query;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The pairs of a query, in order; a key may occur several times. A key without `=` has empty text.
///
/// ```
/// use shikra::{App, testing::TestClient};
///
/// let mut app = App::new();
/// app.get("/find", async |req| {
///     let page = req.query().parse("page")?.unwrap_or(1_u32);
///     Ok(format!("{} on page {page}", req.query().get("q").unwrap_or_default()))
/// });
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/find?q=a+b&page=2").send().text(), "a b on page 2");
/// ```
#[derive(Clone, Copy)]
pub struct QueryPairs<'a> {
    text: &'a str,
}

impl fmt::Debug for QueryPairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> QueryPairs<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// All pairs, decoded.
    pub fn iter(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        query::pairs(self.text)
    }

    /// The first value of a key.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Cow<'a, str>> {
        self.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The last value of a key.
    #[must_use]
    pub fn get_last(self, key: &str) -> Option<Cow<'a, str>> {
        self.iter().filter(|(name, _)| name == key).last().map(|(_, value)| value)
    }

    /// All values of a key.
    pub fn get_all<'k>(self, key: &'k str) -> impl Iterator<Item = Cow<'a, str>> + use<'a, 'k> {
        self.iter().filter(move |(name, _)| name == key).map(|(_, value)| value)
    }

    /// The first value of a key, parsed; `None` when the key is absent.
    ///
    /// # Errors
    /// 400 when the value does not parse, with a message that names the key.
    pub fn parse<T: FromStr>(self, key: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        let Some(text) = self.get(key) else { return Ok(None) };
        let value = text.parse();
        value.map(Some).map_err(|error| Error::new(400, format!("query `{key}`: {error}")))
    }

    /// The whole query as a value; a key that occurs several times fills a list.
    ///
    /// # Errors
    /// 400 when a field is missing or has the wrong form, with a message that names it.
    pub fn to<T: DeserializeOwned>(self) -> Result<T> {
        decode_pairs(self.text.as_bytes()).map_err(|(place, error)| {
            Error::new(400, format!("query{place}: {error}")).with_cause(error)
        })
    }
}

/// Decodes pairs as one value; an error comes with its place, which is empty or begins with a space.
pub(super) fn decode_pairs<T: DeserializeOwned>(
    pairs: &[u8],
) -> Result<T, (String, serde_html_form::de::Error)> {
    let decoder = serde_html_form::Deserializer::from_bytes(pairs);
    serde_path_to_error::deserialize(decoder).map_err(|error| {
        let path = error.path().to_string();
        // The root is `.`; a key that is wrong itself has `?` for its last part.
        let path = path.trim_end_matches(['.', '?']);
        let place = if path.is_empty() { String::new() } else { format!(" `{path}`") };
        (place, error.into_inner())
    })
}
