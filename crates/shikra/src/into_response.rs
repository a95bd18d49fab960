//! What a handler may return, and how it becomes a [`Response`].

use crate::error::{Error, IntoStatus, NoStatus, phrase};
use crate::response::{BYTES, HTML, Response, TEXT};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shikra_engine::service::ReplyBody;
use shikra_proto::cookie::SetCookie;
use std::borrow::Cow;
use std::panic::Location;

/// A value that can be sent as a response.
///
/// | value | reply |
/// |---|---|
/// | `204`, `StatusCode::NO_CONTENT` | that status, no body |
/// | `&str`, `String` | 200, `text/plain; charset=utf-8` |
/// | `&[u8]`, `Vec<u8>`, `Bytes`, `BytesMut` | 200, `application/octet-stream` |
/// | [`Html`]`(text)` | 200, `text/html; charset=utf-8` |
/// | `Json(value)` | 200, `application/json` |
/// | `[(name, value), …]` | 200 with these header fields, no body |
/// | `(status, reply)` | the reply with that status |
/// | `(status, Reason(text))` | that status with a phrase of one's own |
/// | `(status, headers, reply)` | and with these header fields |
/// | `Option<reply>` | 404 for `None` |
/// | `Result<reply>` | the reply, or the error's |
/// | [`Response`] | itself |
///
/// ```
/// use shikra::{IntoResponse, StatusCode};
///
/// let res = (StatusCode::CREATED, [("location", "/users/7")], "made").into_response();
/// assert_eq!(res.status(), 201);
/// assert_eq!(res.header("location"), Some("/users/7"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "this is what the handler returns",
    note = "return a number, text, bytes, `Json(value)`, `Html(text)`, `(status, reply)`, an \
            `Option` or a `Result` of these, or a `Response`",
    note = "a value that derives `Serialize` is sent as `Json(value)`",
    note = "the error of a `Result` has to be `shikra::Error`, as in `shikra::Result<T>`; `?` makes it \
            of any other error"
)]
pub trait IntoResponse {
    /// The response.
    fn into_response(self) -> Response;

    /// The response with another status.
    #[track_caller]
    fn with_status(self, status: impl IntoStatus) -> Response
    where
        Self: Sized,
    {
        let mut res = self.into_response();
        res.set_status(status);
        res
    }

    /// The response with a header field, which replaces all of its name.
    #[track_caller]
    fn with_header(self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Response
    where
        Self: Sized,
    {
        let mut res = self.into_response();
        res.set_header(name, value);
        res
    }

    /// The response with a content type, by short name or whole; see [`Response::set_content_type`].
    #[track_caller]
    fn with_content_type(self, name: impl AsRef<str>) -> Response
    where
        Self: Sized,
    {
        let mut res = self.into_response();
        res.set_content_type(name);
        res
    }

    /// The response with a reason phrase of one's own; see [`Response::set_reason`].
    #[track_caller]
    fn with_reason(self, reason: impl Into<Box<str>>) -> Response
    where
        Self: Sized,
    {
        let mut res = self.into_response();
        res.set_reason(reason);
        res
    }

    /// The response with a cookie; see [`Response::set_cookie`].
    #[track_caller]
    fn with_cookie(self, cookie: &SetCookie) -> Response
    where
        Self: Sized,
    {
        let mut res = self.into_response();
        res.set_cookie(cookie);
        res
    }
}

/// Text that is HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Html<T>(pub T);

/// A reason phrase for HTTP/1, as the second item of `(status, Reason(text))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason<T>(pub T);

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for u16 {
    fn into_response(self) -> Response {
        match self.into_status() {
            Ok(status) => status.into_response(),
            Err(number) => no_status(number),
        }
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        match self.into_status() {
            Ok(status) => Response::new().with_status(status),
            Err(number) => no_status(number),
        }
    }
}

fn no_status(number: u16) -> Response {
    Response::from_error(Error::from(NoStatus(number)))
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        Response::with_content(TEXT, ReplyBody::Static(self.as_bytes()))
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::with_content(TEXT, ReplyBody::Owned(self.into_bytes()))
    }
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(text) => text.into_response(),
            Cow::Owned(text) => text.into_response(),
        }
    }
}

impl IntoResponse for &'static [u8] {
    fn into_response(self) -> Response {
        Response::with_content(BYTES, ReplyBody::Static(self))
    }
}

impl<const N: usize> IntoResponse for &'static [u8; N] {
    fn into_response(self) -> Response {
        Response::with_content(BYTES, ReplyBody::Static(self))
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::with_content(BYTES, ReplyBody::Owned(self))
    }
}

impl IntoResponse for Bytes {
    fn into_response(self) -> Response {
        Response::with_content(BYTES, ReplyBody::Bytes(self))
    }
}

impl IntoResponse for BytesMut {
    fn into_response(self) -> Response {
        self.freeze().into_response()
    }
}

impl IntoResponse for Box<str> {
    fn into_response(self) -> Response {
        String::from(self).into_response()
    }
}

impl IntoResponse for Cow<'static, [u8]> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(bytes) => bytes.into_response(),
            Cow::Owned(bytes) => bytes.into_response(),
        }
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>, const N: usize> IntoResponse for [(K, V); N] {
    #[track_caller]
    fn into_response(self) -> Response {
        let mut res = Response::new();
        self.add_to(&mut res);
        res
    }
}

impl<T: IntoResponse> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        let mut res = self.0.into_response();
        res.reply_mut().content_type = Some(HTML);
        res
    }
}

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        match self {
            Some(reply) => reply.into_response(),
            None => Response::from_error(Error::from_status(StatusCode::NOT_FOUND)),
        }
    }
}

// The only impl for `Result`: a second one would break the inference of `?` in closures.
impl<T: IntoResponse> IntoResponse for Result<T, Error> {
    fn into_response(self) -> Response {
        match self {
            Ok(reply) => reply.into_response(),
            Err(error) => Response::from_error(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Response::from_error(self)
    }
}

impl<S: IntoStatus, T: IntoResponse> IntoResponse for (S, T) {
    #[track_caller]
    fn into_response(self) -> Response {
        let mut res = self.1.into_response();
        res.set_status(self.0);
        res
    }
}

impl<S: IntoStatus, H: IntoFields, T: IntoResponse> IntoResponse for (S, H, T) {
    #[track_caller]
    fn into_response(self) -> Response {
        let mut res = (self.0, self.2).into_response();
        self.1.add_to(&mut res);
        res
    }
}

impl<T: Into<Box<str>>> IntoResponse for Reason<T> {
    #[track_caller]
    fn into_response(self) -> Response {
        let mut res = Response::new();
        res.set_reason(self.0);
        res
    }
}

/// Header fields, as the second item of `(status, headers, reply)`. Each replaces what the reply
/// itself brings of its name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of header fields",
    note = "header fields are pairs in an array or a vector, such as `[(\"location\", \"/x\")]`, or a `HeaderMap`"
)]
pub trait IntoFields {
    /// Sets the fields.
    #[track_caller]
    fn add_to(self, res: &mut Response);
}

impl<K: AsRef<str>, V: AsRef<[u8]>, const N: usize> IntoFields for [(K, V); N] {
    #[track_caller]
    fn add_to(self, res: &mut Response) {
        for (name, value) in self {
            res.set_header(name, value);
        }
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> IntoFields for Vec<(K, V)> {
    #[track_caller]
    fn add_to(self, res: &mut Response) {
        for (name, value) in self {
            res.set_header(name, value);
        }
    }
}

impl IntoFields for (HeaderName, HeaderValue) {
    #[track_caller]
    fn add_to(self, res: &mut Response) {
        res.fields_mut().remove(self.0.as_str());
        res.append_checked(&self.0, &self.1, Location::caller());
    }
}

impl IntoFields for HeaderMap {
    #[track_caller]
    fn add_to(self, res: &mut Response) {
        for name in self.keys() {
            res.fields_mut().remove(name.as_str());
        }
        for (name, value) in &self {
            res.append_checked(name, value, Location::caller());
        }
    }
}

/// A redirect with status 302 Found and an empty body.
///
/// What an address cannot have, such as blanks and non-ASCII text, is percent-encoded; control bytes make the reply a
/// logged 500. An address that a client has chosen belongs in [`redirect_local`].
///
/// ```
/// let res = shikra::redirect("/login");
/// assert_eq!((res.status().as_u16(), res.header("location")), (302, Some("/login")));
/// ```
#[track_caller]
pub fn redirect(location: impl AsRef<str>) -> Response {
    redirect_with(StatusCode::FOUND, location)
}

/// A redirect with another 3xx status.
///
/// A status that is no redirect makes the reply a logged 500.
#[track_caller]
pub fn redirect_with(status: impl IntoStatus, location: impl AsRef<str>) -> Response {
    let mut res = Response::new().with_status(status);
    res.set_location(location);
    if res.error().is_some() || res.status().is_redirection() {
        return res;
    }
    let why = format!("{} {} is no redirect", res.status().as_u16(), phrase(res.status()));
    Response::from_error(Error::from(std::io::Error::other(why)))
}

/// A redirect with status 302 Found to an address that may come from the client, such as the page to go back to after a
/// login: an address that leaves this site is answered with 400.
///
/// Only an absolute path stays on the site for sure, with a query and fragment if it has them.
///
/// ```
/// use shikra::redirect_local;
///
/// assert_eq!(redirect_local("/cart?page=2").header("location"), Some("/cart?page=2"));
/// assert_eq!(redirect_local("//evil.example/cart").status(), 400);
/// assert_eq!(redirect_local("https://evil.example/").status(), 400);
/// ```
#[track_caller]
pub fn redirect_local(location: impl AsRef<str>) -> Response {
    let location = location.as_ref();
    let has_control = location.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
    // Browsers read a backslash as a slash, and two of them begin a host.
    let stays = match location.as_bytes() {
        [b'/', b'/' | b'\\', ..] => false,
        [b'/', ..] => !has_control,
        _ => false,
    };
    match stays {
        true => redirect(location),
        false => Response::from_error(Error::new(400, "the redirect leaves this site")),
    }
}
