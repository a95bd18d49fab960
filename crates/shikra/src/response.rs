//! The answer of a handler, as a value that middleware may change on its way out.

use crate::error::{Error, IntoStatus, NoStatus, phrase};
use bytes::Bytes;
use http::StatusCode;
use shikra_engine::service::{Reply, ReplyBody, ReplyStream};
use shikra_proto::cookie::SetCookie;
use shikra_proto::header::FieldLines;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// A response: status, header fields and body.
///
/// Framing fields (`content-length`, `transfer-encoding`, `connection` and the like) are the engine's
/// alone; setting them has no effect.
///
/// ```
/// use shikra::Response;
///
/// let res = Response::new().with_status(403).with_header("x-reason", "too late").with_body("no");
/// assert_eq!(res.status(), 403);
/// assert_eq!(res.header("x-reason"), Some("too late"));
/// ```
#[must_use = "a response does nothing unless it is returned"]
pub struct Response {
    reply: Reply,
    error: Option<Box<ErrorPart>>,
}

/// The uncommon part: an error on its way, or a mistake that makes the reply a 500.
struct ErrorPart {
    error: Rc<Error>,
    is_rendered: bool,
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.reply.status)
            .field("body", &self.reply.body)
            .field("error", &self.error())
            .finish_non_exhaustive()
    }
}

impl Response {
    /// An empty 200.
    pub fn new() -> Self {
        Self { reply: Reply::new(StatusCode::OK), error: None }
    }

    pub(crate) fn with_content(content_type: &'static str, body: ReplyBody) -> Self {
        let mut res = Self::new();
        res.reply.content_type = Some(content_type);
        res.reply.body = body;
        res
    }

    pub(crate) fn from_stream(stream: impl ReplyStream + 'static) -> Self {
        Self::with_content("application/octet-stream", ReplyBody::Stream(Box::new(stream)))
    }

    // Reading.

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.reply.status
    }

    /// The first value of a header field, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.reply.fields.get(name) {
            Some(value) => std::str::from_utf8(value).ok(),
            None if name.eq_ignore_ascii_case("content-type") => self.reply.content_type,
            None => None,
        }
    }

    /// All values of a header field, in order.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let implied = self.reply.content_type.filter(|_| {
            name.eq_ignore_ascii_case("content-type") && self.reply.fields.get(name).is_none()
        });
        self.reply.fields.get_all(name).chain(implied.map(str::as_bytes))
    }

    /// The body, if it is in memory; `None` for a stream.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        match &self.reply.body {
            ReplyBody::Empty => Some(&[]),
            ReplyBody::Static(bytes) => Some(bytes),
            ReplyBody::Bytes(bytes) => Some(bytes),
            ReplyBody::Owned(bytes) => Some(bytes),
            ReplyBody::Stream(_) => None,
        }
    }

    /// The error that this response answers; it stays when an error handler has replaced the rest.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_deref().map(|part| &*part.error)
    }

    // Changing.

    /// Sets the status. A number outside 200 to 999 makes the reply a logged 500.
    #[track_caller]
    pub fn set_status(&mut self, status: impl IntoStatus) {
        match status.into_status() {
            Ok(status) => self.reply.status = status,
            Err(number) => self.set_fault(&NoStatus(number).to_string(), Location::caller()),
        }
    }

    /// [`Response::set_status`], by value.
    #[track_caller]
    pub fn with_status(mut self, status: impl IntoStatus) -> Self {
        self.set_status(status);
        self
    }

    /// Sets the reason phrase of HTTP/1.
    pub fn set_reason(&mut self, reason: impl Into<Box<str>>) {
        self.reply.reason = Some(reason.into());
    }

    /// Sets a header field, replacing all of that name.
    ///
    /// Never panics: a name or value that HTTP does not allow makes the reply a 500, and a line in the
    /// log that names the field and the caller. [`Response::try_set_header`] says so at once.
    #[track_caller]
    pub fn set_header(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        if let Err(error) = self.try_set_header(name.as_ref(), value) {
            self.set_fault(&error.to_string(), Location::caller());
        }
    }

    /// [`Response::set_header`], by value.
    #[track_caller]
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.set_header(name, value);
        self
    }

    /// Adds a header field beside those of the same name.
    ///
    /// Bad names and values are treated as in [`Response::set_header`].
    #[track_caller]
    pub fn append_header(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        if let Err(error) = self.reply.fields.try_append(name, value) {
            let caller = Location::caller();
            self.set_fault(&format!("header `{}`: {error}", name.escape_debug()), caller);
        }
    }

    /// Sets a header field, or says why it cannot be.
    ///
    /// # Errors
    /// When the name is no token, or the value has bytes that would end the line.
    pub fn try_set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.reply.fields.try_set(name, value.as_ref()).map_err(|error| {
            let text = format!("header `{}`: {error}", name.escape_debug());
            Error::from_status(StatusCode::INTERNAL_SERVER_ERROR).with_cause(text)
        })
    }

    /// Removes a header field; says whether there was one.
    pub fn remove_header(&mut self, name: &str) -> bool {
        let implied =
            name.eq_ignore_ascii_case("content-type") && self.reply.content_type.take().is_some();
        self.reply.fields.remove(name) || implied
    }

    /// Sends a cookie along.
    #[track_caller]
    pub fn set_cookie(&mut self, cookie: &SetCookie) {
        let mut value = Vec::new();
        cookie.encode(&mut value);
        self.append_header("set-cookie", value);
    }

    /// [`Response::set_cookie`], by value.
    #[track_caller]
    pub fn with_cookie(mut self, cookie: &SetCookie) -> Self {
        self.set_cookie(cookie);
        self
    }

    /// Replaces the body with bytes; the content type stays.
    pub fn set_body(&mut self, body: impl Into<Bytes>) {
        self.reply.body = ReplyBody::Bytes(body.into());
    }

    /// [`Response::set_body`], by value.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.set_body(body);
        self
    }

    /// Closes the connection after this reply.
    pub fn set_close(&mut self) {
        self.reply.closes = true;
    }

    // Errors, for the rooms that carry responses around.

    /// A response that stands for an error until somebody renders it.
    pub(crate) fn from_error(error: Error) -> Self {
        let mut res = Self::new();
        res.reply.status = error.status();
        res.error = Some(Box::new(ErrorPart { error: Rc::new(error), is_rendered: false }));
        res
    }

    /// The error that nobody has made a body for yet.
    pub(crate) fn unrendered(&self) -> Option<&Error> {
        self.error.as_deref().filter(|part| !part.is_rendered).map(|part| &*part.error)
    }

    pub(crate) fn take_unrendered(&mut self) -> Option<Rc<Error>> {
        if self.error.as_deref().is_some_and(|part| !part.is_rendered) {
            return self.error.take().map(|part| part.error);
        }
        None
    }

    /// This response answers `error` from now on.
    pub(crate) fn answering(mut self, error: Rc<Error>) -> Self {
        for (name, value) in error.fields().iter() {
            if self.reply.fields.get(name).is_none() && self.reply.status == error.status() {
                // Valid: it comes from a checked list.
                let _ = self.reply.fields.try_append(name, value);
            }
        }
        self.error = Some(Box::new(ErrorPart { error, is_rendered: true }));
        self
    }

    /// This response closes the connection if `other` would have.
    pub(crate) fn closing_as(mut self, other: &Self) -> Self {
        self.reply.closes |= other.reply.closes;
        self
    }

    fn set_fault(&mut self, what: &str, caller: &Location<'_>) {
        let error = Error::from_status(StatusCode::INTERNAL_SERVER_ERROR)
            .with_cause(format!("{what}, set at {caller}"))
            .into_unexpected();
        *self = Self::from_error(error);
    }

    pub(crate) fn into_reply(self) -> Reply {
        self.reply
    }

    pub(crate) fn reply_mut(&mut self) -> &mut Reply {
        &mut self.reply
    }

    pub(crate) fn fields_mut(&mut self) -> &mut FieldLines {
        &mut self.reply.fields
    }
}

/// The plain text of an error: its public message.
pub(crate) fn plain_error(error: &Error) -> Response {
    let text = if error.message().is_empty() { phrase(error.status()) } else { error.message() };
    Response::with_content(TEXT, ReplyBody::Bytes(Bytes::from(text.to_owned())))
        .with_status(error.status())
}

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
#[cfg(feature = "json")]
pub(crate) const JSON: &str = "application/json";
pub(crate) const BYTES: &str = "application/octet-stream";
