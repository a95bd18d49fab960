//! What the client has already, and which part of it it wants: conditions and ranges (RFC 9110 §13, §14).

use super::Request;
use crate::error::{Error, Result};
use http::Method;
use shikra_proto::header::{KnownField, list};
use shikra_proto::range::{self, RangeError, RangeLimits};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

impl Request {
    /// Whether the client still has what it would get, so that 304 is enough: by `if-none-match`, else by
    /// `if-modified-since`. Only for `GET` and `HEAD`; for others, and without both fields, false.
    ///
    /// `etag` is the entity tag of the content with its quotes, and `W/` before them for a weak one.
    ///
    /// ```
    /// use shikra::{App, IntoResponse, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| match req.is_fresh(Some("\"v1\""), None) {
    ///     true => 304.into_response(),
    ///     false => "content".with_header("etag", "\"v1\""),
    /// });
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").send().text(), "content");
    /// assert_eq!(client.get("/").header("if-none-match", "\"v0\", W/\"v1\"").send().status(), 304);
    /// ```
    #[must_use]
    pub fn is_fresh(&self, etag: Option<&str>, last_modified: Option<SystemTime>) -> bool {
        if !matches!(*self.method(), Method::GET | Method::HEAD) {
            return false;
        }
        if self.head().field(KnownField::IfNoneMatch).is_some() {
            // RFC 9110 §13.1.2: the comparison is weak, and the date does not count beside it.
            let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
            let own = etag.map(|etag| opaque(etag.as_bytes()));
            let mut tags = self.header_all("if-none-match").flat_map(list);
            return tags.any(|tag| tag == b"*" || own.as_deref() == Some(&*opaque(tag)));
        }
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        match (self.header_date("if-modified-since"), last_modified) {
            // A date of HTTP has no fractions.
            (Some(since), Some(modified)) => seconds(modified) <= seconds(since),
            _ => false,
        }
    }

    /// The ranges that the client wants of a content of `len` bytes, in its order, cut to what there is;
    /// `None` where the whole content is due: without the field, for another method than `GET`, or for
    /// another unit than bytes. They may overlap. `if-range` is not looked at.
    ///
    /// # Errors
    /// 416 with `content-range` when the content has no byte of them, or there are more than 16; 400 when
    /// they are malformed. The cause is a [`RangeError`].
    ///
    /// ```
    /// use shikra::{App, IntoResponse, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| {
    ///     let text = "hello world";
    ///     Ok(match req.range(text.len() as u64)?.as_deref() {
    ///         Some([one]) => (206, text[one.start as usize..one.end as usize].to_owned()).into_response(),
    ///         _ => text.into_response(),
    ///     })
    /// });
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").header("range", "bytes=-5").send().text(), "world");
    /// assert_eq!(client.get("/").header("range", "bytes=11-").send().status(), 416);
    /// ```
    pub fn range(&self, len: u64) -> Result<Option<Vec<Range<u64>>>> {
        // RFC 9110 §14.2: for other methods the field is ignored.
        if *self.method() != Method::GET || self.head().field(KnownField::Range).is_none() {
            return Ok(None);
        }
        let refused = |error: RangeError| match error {
            RangeError::Malformed => {
                Error::new(400, "header `range`: malformed range").with_cause(error)
            }
            _ => {
                let message = format!("header `range`: {error}");
                let whole = format!("bytes */{len}");
                Error::new(416, message).with_cause(error).with_header("content-range", whole)
            }
        };
        let value = self.header_joined("range").unwrap_or_default();
        range::decode(value.as_bytes(), len, &RangeLimits::default()).map_err(refused)
    }
}
