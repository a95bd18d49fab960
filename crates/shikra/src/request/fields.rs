//! Header fields, cookies, and what fields say of the content.

use super::Request;
use crate::error::{Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue};
use shikra_proto::header::{ContentType, KnownField, weighted};
use shikra_proto::{cookie, date};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Request {
    /// The first value of a header field, if it is text. Names are compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.header_bytes(name)?).ok()
    }

    /// The first value of a header field, as it was sent. `referer` and `referrer` are one name.
    #[must_use]
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        let head = self.exchange.head();
        // RFC 9110 §10.1.3 keeps the misspelt name; programs ask for either.
        head.get(name).or_else(|| match name.len() {
            7 if name.eq_ignore_ascii_case("referer") => head.get("referrer"),
            8 if name.eq_ignore_ascii_case("referrer") => head.get("referer"),
            _ => None,
        })
    }

    /// The first value of a header field, parsed; `None` where there is none.
    ///
    /// # Errors
    /// 400 when the value does not parse, with a message that names the field.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| Ok(req.header_parse::<u32>("max-forwards")?.map(|n| n.to_string())));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").header("max-forwards", "7").send().text(), "7");
    /// assert_eq!(client.get("/").header("max-forwards", "x").send().status(), 400);
    /// ```
    pub fn header_parse<T: FromStr>(&self, name: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        let Some(bytes) = self.header_bytes(name) else { return Ok(None) };
        let refused = |why: &dyn fmt::Display| Error::new(400, format!("header `{name}`: {why}"));
        let text = std::str::from_utf8(bytes).map_err(|_| refused(&"not UTF-8 text"))?;
        text.parse().map(Some).map_err(|error| refused(&error))
    }

    /// The first value of a header field, as a date; `None` where there is none, or no date of HTTP in it:
    /// whoever compares dates has to go on without it then (RFC 9110 §13.1.3).
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| {
    ///     let since = req.header_date("if-modified-since");
    ///     (since == Some(UNIX_EPOCH + Duration::from_secs(784_111_777))).to_string()
    /// });
    /// let client = TestClient::new(app);
    /// let reply = client.get("/").header("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT").send();
    /// assert_eq!(reply.text(), "true");
    /// ```
    #[must_use]
    pub fn header_date(&self, name: &str) -> Option<SystemTime> {
        let bytes = self.header_bytes(name)?;
        // Only a year of two digits needs to know the time.
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let unix_s = date::decode(bytes, now_s)?;
        let distance = Duration::from_secs(unix_s.unsigned_abs());
        if unix_s < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
    }

    /// All values of a header field that are text, in one: joined by commas, those of `cookie` by
    /// semicolons (RFC 9110 §5.3, RFC 9113 §8.2.3).
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.header_joined("via").map(|via| via.into_owned()));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").header("via", "1.1 a").header("via", "1.1 b").send().text(), "1.1 a, 1.1 b");
    /// ```
    #[must_use]
    pub fn header_joined<'a>(&'a self, name: &'a str) -> Option<Cow<'a, str>> {
        let mut values = self.header_all(name).filter_map(|value| std::str::from_utf8(value).ok());
        let first = values.next()?;
        let Some(second) = values.next() else { return Some(Cow::Borrowed(first)) };
        let separator = if name.eq_ignore_ascii_case("cookie") { "; " } else { ", " };
        let mut all = [first, separator, second].concat();
        for value in values {
            all.push_str(separator);
            all.push_str(value);
        }
        Some(Cow::Owned(all))
    }

    /// All values of a header field, in the order in which they were sent.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.exchange.head().get_all(name)
    }

    /// All header fields, in the order and spelling in which they were sent.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.exchange.head().fields()
    }

    /// A copy of all header fields, with names in lower case.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| format!("{:?}", req.header_map().get_all("via").iter().collect::<Vec<_>>()));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").header("Via", "a").header("via", "b").send().text(), r#"["a", "b"]"#);
    /// ```
    // `#[inline]`: compiled where it is called, if it is.
    #[must_use]
    #[inline]
    pub fn header_map(&self) -> HeaderMap {
        to_map(self.headers())
    }

    /// The weight with which `accept` names this media type itself; 0 where it does not.
    pub(crate) fn accept_weight(&self, media_type: &str) -> u16 {
        let ranges = self.header_all("accept").flat_map(weighted).filter(|range| {
            let named = range.value.split(';').next().unwrap_or_default().trim_end();
            named.eq_ignore_ascii_case(media_type)
        });
        ranges.map(|range| range.weight).max().unwrap_or(0)
    }

    /// The value of a cookie, percent-decoded; of two with one name the first.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(self.find_cookie(name)?.value())
    }

    /// The value of a cookie as it was sent, if it is text.
    #[must_use]
    pub fn cookie_raw(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.find_cookie(name)?.raw()).ok()
    }

    fn find_cookie(&self, name: &str) -> Option<cookie::Cookie<'_>> {
        // The common request has one field or none, which is found without a search.
        self.exchange.head().field(KnownField::Cookie)?;
        let mut fields = self.exchange.head().get_all("cookie");
        fields.find_map(|field| cookie::find(field, name))
    }

    /// All cookies, as name and percent-decoded value.
    pub fn cookies(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.exchange
            .head()
            .get_all("cookie")
            .flat_map(cookie::cookies)
            .map(|cookie| (String::from_utf8_lossy(cookie.name()), cookie.value()))
    }

    /// Whether a script asked, as far as `x-requested-with: XMLHttpRequest` tells; `fetch` does not set it.
    #[must_use]
    pub fn is_xhr(&self) -> bool {
        let value = self.exchange.head().field(KnownField::XRequestedWith);
        value.is_some_and(|value| value.eq_ignore_ascii_case(b"XMLHttpRequest"))
    }

    /// The media type of the body, with its parameters; `None` where `content-type` is missing or none.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.post("/", async |req| req.content_type()?.charset().map(|charset| charset.into_owned()));
    /// let client = TestClient::new(app);
    /// let reply = client.post("/").header("content-type", "text/plain; charset=latin1").send();
    /// assert_eq!(reply.text(), "latin1");
    /// ```
    #[must_use]
    pub fn content_type(&self) -> Option<ContentType<'_>> {
        ContentType::decode(self.exchange.head().field(KnownField::ContentType)?)
    }

    /// 415 for text in another encoding than UTF-8, as far as `content-type` says so.
    pub(super) fn check_charset(&self) -> Result<()> {
        let field = self.exchange.head().field(KnownField::ContentType);
        // Most types have no parameters, and are not taken apart.
        // A search that stops early would cost five times this, which takes sixteen bytes at a step.
        let has_parameters =
            |value: &[u8]| value.iter().fold(false, |is, &byte| is | (byte == b';'));
        let is_plain = |value| value == b"application/json" || !has_parameters(value);
        if field.is_none_or(is_plain) {
            return Ok(());
        }
        let charset = self
            .content_type()
            .and_then(|content_type| content_type.charset().map(Cow::into_owned));
        match charset {
            Some(charset) if !UTF_8.iter().any(|known| charset.eq_ignore_ascii_case(known)) => {
                let charset = charset.escape_debug();
                Err(Error::new(415, format!("the charset `{charset}` is not known, UTF-8 is")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the body is of a media type: a whole one (`text/html`), a range (`text/*`), a suffix
    /// (`+xml`) or one of the short names `html`, `json`, `text`, `xml`, `css`, `csv`, `js`, `form`,
    /// `multipart` and `bytes`. `json` stands for every type that is JSON, such as
    /// `application/problem+json`.
    ///
    /// ```
    /// use shikra::{App, Result, bail, testing::TestClient};
    ///
    /// async fn create(req: shikra::Request) -> Result<u16> {
    ///     if !req.is("json") {
    ///         bail!(415, "JSON only"); // before a byte of the body is read
    ///     }
    ///     Ok(201)
    /// }
    ///
    /// let client = TestClient::new(App::new().post("/", create));
    /// assert_eq!(client.post("/").json(&1).send().status(), 201);
    /// assert_eq!(client.post("/").form(&[]).send().status(), 415);
    /// ```
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        let Some(content_type) = self.content_type() else { return false };
        if media_type == "json" {
            return content_type.is_json();
        }
        if media_type.starts_with('+') {
            let subtype = content_type.subtype();
            let start = subtype.len().checked_sub(media_type.len());
            let end = start.and_then(|start| subtype.get(start..));
            return end.is_some_and(|end| end.eq_ignore_ascii_case(media_type));
        }
        let media_type = full_name(media_type);
        match media_type.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => content_type.kind().eq_ignore_ascii_case(kind),
            None => content_type.is(media_type),
        }
    }
}

pub(super) fn to_map<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        // What the decoder lets through is valid here too.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    map
}

/// The media type that a short name stands for; other text as it is.
pub(crate) fn full_name(media_type: &str) -> &str {
    match media_type {
        "html" => "text/html",
        "json" => "application/json",
        "text" => "text/plain",
        "xml" => "application/xml",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" => "text/javascript",
        "form" => "application/x-www-form-urlencoded",
        "multipart" => "multipart/form-data",
        "bytes" => "application/octet-stream",
        other => other,
    }
}

/// UTF-8, and what is a part of it.
const UTF_8: [&str; 3] = ["utf-8", "utf8", "us-ascii"];
