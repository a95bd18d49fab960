//! The query of a request, as decoded pairs.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
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
pub struct Query<'a> {
    text: &'a str,
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> Query<'a> {
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
    /// 400 when a field is missing or has the wrong form.
    pub fn to<T: DeserializeOwned>(self) -> Result<T> {
        serde_html_form::from_str(self.text)
            .map_err(|error| Error::new(400, format!("query: {error}")).with_cause(error))
    }
}
