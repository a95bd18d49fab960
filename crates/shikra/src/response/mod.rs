//! The answer of a handler, as a value that middleware may change on its way out.

#[cfg(feature = "tower")]
mod apart;
mod content;
mod cookies;
mod fields;
#[cfg(test)]
mod tests;

#[cfg(feature = "tower")]
pub(crate) use apart::{ApartBody, ApartStream, Rest, to_lines};
pub(crate) use content::append_trailer;

use crate::error::{Error, IntoStatus, NoStatus, phrase};
use crate::meta::Meta;
use bytes::Bytes;
use content::Value;
use http::StatusCode;
use shikra_engine::service::{Reply, ReplyBody, ReplyStream};
use shikra_proto::header::{FieldLines, is_field_value};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// A response: status, header fields and body.
///
/// Framing fields (`content-length`, `transfer-encoding`, `connection` and the like) are the engine's
/// alone: a value that they cannot have is refused as any bad header is, and any other has no effect. The one exception is
/// a `content-length` for a body that is not sent, in the answer to `HEAD` and in a 304. A `date` replaces the engine's.
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
    /// Somebody has chosen the status.
    has_status: bool,
    aside: Option<Box<Aside>>,
}

/// What few responses have.
#[derive(Default)]
struct Aside {
    /// The error that is answered.
    error: Option<Rc<Error>>,
    /// Somebody has made a body for the error.
    is_rendered: bool,
    value: Option<Value>,
    meta: Meta,
    trailers: FieldLines,
    /// The names of the cookies that are as secure as their connection.
    cookies: Vec<Box<str>>,
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
        Self { reply: Reply::new(StatusCode::OK), has_status: false, aside: None }
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

    /// The reason phrase that HTTP/1 sends: the one that was set, else the usual one, which may be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        match &self.reply.reason {
            Some(reason) => reason,
            None => self.reply.status.canonical_reason().unwrap_or_default(),
        }
    }

    /// The body, if it is in memory; `None` for a stream.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        match &self.reply.body {
            ReplyBody::Empty | ReplyBody::Abort => Some(&[]),
            ReplyBody::Static(bytes) => Some(bytes),
            ReplyBody::Bytes(bytes) => Some(bytes),
            ReplyBody::Owned(bytes) => Some(bytes),
            ReplyBody::Stream(_) => None,
        }
    }

    /// The body, if it is in memory and text.
    ///
    /// ```
    /// use shikra::IntoResponse;
    ///
    /// assert_eq!("text".into_response().body_text(), Some("text"));
    /// ```
    #[must_use]
    pub fn body_text(&self) -> Option<&str> {
        std::str::from_utf8(self.body()?).ok()
    }

    /// Whether the body is a stream, whose bytes are made while they are sent.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.reply.body, ReplyBody::Stream(_))
    }

    /// The error that this response answers; it stays when an error handler has replaced the rest.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.aside.as_deref()?.error.as_deref()
    }

    // Changing.

    /// Sets the status. A number outside 200 to 999 makes the reply a logged 500.
    #[track_caller]
    pub fn set_status(&mut self, status: impl IntoStatus) {
        match status.into_status() {
            Ok(status) => {
                self.reply.status = status;
                self.has_status = true;
            }
            Err(number) => self.set_fault(&NoStatus(number).to_string(), Location::caller()),
        }
    }

    /// [`Response::set_status`], by value.
    #[track_caller]
    pub fn with_status(mut self, status: impl IntoStatus) -> Self {
        self.set_status(status);
        self
    }

    /// Sets the reason phrase of HTTP/1, which may be empty. It stays when the status changes.
    ///
    /// Control bytes in it make the reply a logged 500.
    #[track_caller]
    pub fn set_reason(&mut self, reason: impl Into<Box<str>>) {
        let reason = reason.into();
        match is_field_value(reason.as_bytes()) {
            true => self.reply.reason = Some(reason),
            false => self.set_fault("control byte in the reason phrase", Location::caller()),
        }
    }

    /// [`Response::set_reason`], by value.
    #[track_caller]
    pub fn with_reason(mut self, reason: impl Into<Box<str>>) -> Self {
        self.set_reason(reason);
        self
    }

    /// Goes back to the usual reason phrase of the status.
    pub fn remove_reason(&mut self) {
        self.reply.reason = None;
    }

    /// Replaces the body with bytes; the content type stays.
    pub fn set_body(&mut self, body: impl Into<Bytes>) {
        self.reply.body = ReplyBody::Bytes(body.into());
        if let Some(aside) = &mut self.aside {
            aside.value = None;
        }
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

    /// [`Response::set_close`], by value.
    pub fn with_close(mut self) -> Self {
        self.set_close();
        self
    }

    /// A reply that is none: the connection is closed without a byte, after the replies to earlier requests. To
    /// middleware it looks like an empty 500.
    ///
    /// For clients that deserve no answer. The hooks of [`Request::on_abort`](crate::Request::on_abort) and
    /// [`Request::on_close`](crate::Request::on_close) run.
    ///
    /// ```
    /// use shikra::{App, Response, testing::TestClient};
    ///
    /// let client = TestClient::new(App::new().get("/", async |_| Response::abort()));
    /// assert!(client.get("/").try_send().is_err());
    /// ```
    pub fn abort() -> Self {
        let mut res = Self::new().with_status(StatusCode::INTERNAL_SERVER_ERROR);
        res.reply.body = ReplyBody::Abort;
        res
    }

    // Errors, for the rooms that carry responses around.

    /// A response that stands for an error until somebody renders it.
    pub(crate) fn from_error(mut error: Error) -> Self {
        if let Some(res) = error.take_reply() {
            return *res;
        }
        let mut res = Self::new();
        res.reply.status = error.status();
        res.has_status = true;
        res.aside_mut().error = Some(Rc::new(error));
        res
    }

    /// The error that nobody has made a body for yet.
    pub(crate) fn unrendered(&self) -> Option<&Error> {
        self.aside.as_deref().filter(|aside| !aside.is_rendered)?.error.as_deref()
    }

    pub(crate) fn take_unrendered(&mut self) -> Option<Rc<Error>> {
        self.aside.as_deref_mut().filter(|aside| !aside.is_rendered)?.error.take()
    }

    /// This response answers `error` from now on.
    pub(crate) fn answering(mut self, error: Rc<Error>) -> Self {
        for (name, value) in error.fields().iter() {
            if self.reply.fields.get(name).is_none() && self.reply.status == error.status() {
                // Valid: it comes from a checked list.
                let _ = self.reply.fields.try_append(name, value);
            }
        }
        let aside = self.aside_mut();
        (aside.error, aside.is_rendered) = (Some(error), true);
        self
    }

    /// This response closes the connection if `other` would have.
    pub(crate) fn closing_as(mut self, other: &Self) -> Self {
        self.reply.closes |= other.reply.closes;
        self
    }

    /// This response has `status` unless somebody has chosen one, and a 405 has the field `allow`.
    pub(crate) fn with_defaults(mut self, status: StatusCode, allow: Option<&str>) -> Self {
        if !self.has_status {
            self.set_status(status);
        }
        let Some(allow) = allow.filter(|_| self.reply.status == StatusCode::METHOD_NOT_ALLOWED)
        else {
            return self;
        };
        let unrendered = self.aside.as_deref_mut().filter(|aside| !aside.is_rendered);
        let fields = match unrendered.and_then(|aside| aside.error.as_mut()) {
            Some(error) => Rc::get_mut(error).map(Error::fields_mut),
            None => Some(&mut self.reply.fields),
        };
        if let Some(fields) = fields.filter(|fields| fields.get("allow").is_none()) {
            // Valid: methods are tokens.
            let _ = fields.try_append("allow", allow.as_bytes());
        }
        self
    }

    fn set_fault(&mut self, what: &str, caller: &Location<'_>) {
        let error = Error::from_status(StatusCode::INTERNAL_SERVER_ERROR)
            .with_cause(format!("{what}, set at {caller}"))
            .into_unexpected();
        *self = Self::from_error(error).closing_as(self);
    }

    /// Whether there is nothing but a reply.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.aside.is_none()
    }

    /// Whether dropping it would do nothing, which takes longer to find out by doing so.
    #[inline]
    pub(crate) fn owns_nothing(&self) -> bool {
        let Reply { reason, fields, body, .. } = &self.reply;
        let has_body = match body {
            ReplyBody::Empty | ReplyBody::Static(_) => false,
            ReplyBody::Owned(bytes) => bytes.capacity() > 0,
            ReplyBody::Bytes(_) | ReplyBody::Stream(_) | ReplyBody::Abort => true,
        };
        !has_body && !fields.owns_memory() && reason.is_none() && self.aside.is_none()
    }

    pub(crate) fn into_reply(self) -> Reply {
        self.reply
    }

    /// The reply to a request that came over this kind of connection.
    pub(crate) fn into_reply_over(mut self, connection: Security) -> Reply {
        if connection == Security::Encrypted {
            self.secure_cookies();
        }
        self.attach_trailers();
        self.reply
    }

    fn aside_mut(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    #[cfg(feature = "tower")]
    pub(crate) fn from_reply(reply: Reply) -> Self {
        Self { reply, has_status: true, aside: None }
    }

    pub(crate) fn reply_mut(&mut self) -> &mut Reply {
        &mut self.reply
    }

    pub(crate) fn fields_mut(&mut self) -> &mut FieldLines {
        &mut self.reply.fields
    }
}

/// Whether others can read what a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Plain,
    Encrypted,
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
