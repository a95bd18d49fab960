//! The one error type of handlers: a status, a message for the client and a cause for the log.

use crate::place::Place;
use crate::response::Response;
use http::StatusCode;
use shikra_engine::body::BodyError;
#[cfg(feature = "tower")]
pub(crate) use shikra_engine::service::with_sources;
use shikra_proto::header::{FieldLines, check_form};
use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::panic::Location;

/// What handlers and middleware return: by default a [`Response`], otherwise an [`Error`].
pub type Result<T = Response, E = Error> = std::result::Result<T, E>;

/// An error that knows how to answer: with its status and its public message. Its cause, if it has
/// one, is for the log alone.
///
/// Every `std::error::Error` becomes one through `?`, with status 500 and no public message, so that
/// nothing internal leaves the process by accident.
///
/// ```
/// use shikra::Error;
///
/// let error = Error::new(402, "3 credits short");
/// assert_eq!(error.status(), 402);
/// assert_eq!(error.message(), "3 credits short");
///
/// let unexpected = Error::from(std::io::Error::other("disk on fire"));
/// assert_eq!(unexpected.status(), 500);
/// assert_eq!(unexpected.message(), "Internal Server Error");
/// ```
///
/// A whole reply may be one too, to leave a handler early with just that; no error handler sees it.
///
/// ```
/// use shikra::{App, IntoResponse, Request, Result, testing::TestClient};
///
/// fn log_in(req: &Request) -> Result<&str> {
///     let user = req.header("x-user").ok_or_else(|| 303.with_header("location", "/login"))?;
///     Ok(user)
/// }
///
/// let mut app = App::new();
/// app.get("/", async |req| Ok(format!("hello {}", log_in(&req)?)));
/// let reply = TestClient::new(app).get("/").send();
/// assert_eq!((reply.status().as_u16(), reply.header("location")), (303, Some("/login")));
/// ```
pub struct Error {
    status: StatusCode,
    message: Cow<'static, str>,
    cause: Option<Box<dyn StdError>>,
    /// Fields of the reply, whoever makes its body.
    fields: FieldLines,
    kind: Kind,
    place: Place,
    /// What is sent as it is.
    reply: Option<Box<Response>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Made with a status and a message: the program meant it.
    Deliberate,
    /// Anything else that came through `?`.
    Unexpected,
    /// A panic.
    Panic,
}

impl Error {
    /// An error with a status and a message that the client may read.
    ///
    /// A number that is no error status (400 to 599) makes a 500 whose cause says so.
    #[must_use]
    #[track_caller]
    pub fn new(status: impl IntoStatus, message: impl Into<Cow<'static, str>>) -> Self {
        match error_status(status) {
            Ok(status) => Self::deliberate(status, message.into()),
            Err(number) => Self::unexpected(Box::new(NoErrorStatus(number))),
        }
    }

    /// An error with a status and its usual phrase as the message.
    #[must_use]
    #[track_caller]
    pub fn from_status(status: impl IntoStatus) -> Self {
        match error_status(status) {
            Ok(status) => Self::deliberate(status, Cow::Borrowed(phrase(status))),
            Err(number) => Self::unexpected(Box::new(NoErrorStatus(number))),
        }
    }

    /// The same error with a cause for the log.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same error with a header field for its reply, whoever makes that: `allow`,
    /// `www-authenticate`, `retry-after`.
    ///
    /// A name or value that HTTP does not allow, or one that [`Response::set_header`] refuses, is left out
    /// and becomes the cause.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        match check_form(name, value).and_then(|()| self.fields.try_set(name, value)) {
            Ok(()) => self,
            Err(error) => self.with_cause(format!("header `{}`: {error}", name.escape_debug())),
        }
    }

    pub(crate) fn fields(&self) -> &FieldLines {
        &self.fields
    }

    pub(crate) fn fields_mut(&mut self) -> &mut FieldLines {
        &mut self.fields
    }

    pub(crate) fn panicked(message: String) -> Self {
        let place = Place::of_panic(&message);
        Self { kind: Kind::Panic, place, ..Self::unexpected(message.into()) }
    }

    /// The error behind a cause of any type, which may be one of these itself.
    pub(crate) fn from_cause(cause: Box<dyn StdError>) -> Self {
        let cause = match cause.downcast::<Cause>() {
            Ok(cause) => return cause.0,
            Err(cause) => cause,
        };
        match cause.downcast::<BodyError>() {
            Ok(cause) => Self { place: Place::Unknown, ..Self::from(*cause) },
            Err(cause) => Self { place: Place::Unknown, ..Self::unexpected(cause) },
        }
    }

    pub(crate) fn take_reply(&mut self) -> Option<Box<Response>> {
        self.reply.take()
    }

    pub(crate) fn into_unexpected(self) -> Self {
        Self { kind: Kind::Unexpected, ..self }
    }

    #[track_caller]
    fn deliberate(status: StatusCode, message: Cow<'static, str>) -> Self {
        let place = Place::Line(Location::caller());
        let (kind, fields) = (Kind::Deliberate, FieldLines::new());
        Self { status, message, cause: None, fields, kind, place, reply: None }
    }

    #[track_caller]
    fn unexpected(cause: Box<dyn StdError>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let message = Cow::Borrowed(phrase(status));
        let place = Place::Line(Location::caller());
        let (kind, fields) = (Kind::Unexpected, FieldLines::new());
        Self { status, message, cause: Some(cause), fields, kind, place, reply: None }
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The message that the client may read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The cause, which no client sees.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref()
    }

    /// The line that made this error, as file, line and column: that of `?` or of `bail!`, as a rule. For
    /// the log, as the cause is. Of a panic it is known in development mode only.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        self.place.text()
    }

    /// The nearest cause of type `E`.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let mut next = self.cause();
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// Whether the program did not mean it: an error of some library, or a panic.
    #[must_use]
    pub fn is_unexpected(&self) -> bool {
        self.kind != Kind::Deliberate
    }

    /// Whether a handler panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.kind == Kind::Panic
    }
}

/// For the log: the message, then the whole chain of causes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut next = self.cause();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("status", &self.status)
            .field("message", &self.message)
            .field("cause", &self.cause)
            .finish()
    }
}

impl<E: StdError + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        // The body's own errors know whose fault they are, inside errors of a reader too.
        let any = &error as &dyn Any;
        let read = || any.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref();
        if let Some(body) = any.downcast_ref::<BodyError>().or_else(read) {
            let status = body.status();
            if status.is_client_error() {
                return Self::deliberate(status, body.to_string().into()).with_cause(error);
            }
        }
        Self::unexpected(Box::new(error))
    }
}

/// CF-29: a deliberate reply may leave a handler as an error does.
impl From<Response> for Error {
    #[track_caller]
    fn from(res: Response) -> Self {
        let (status, message) = (res.status(), Cow::Borrowed(phrase(res.status())));
        Self { reply: Some(Box::new(res)), ..Self::deliberate(status, message) }
    }
}

/// An [`Error`] as the cause of another.
struct Cause(Error);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause()
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Cause(error))
    }
}

/// A status as a number or as the type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no status",
    note = "a status is a number such as `404`, or a `StatusCode`; in a tuple it comes first",
    note = "a number that has a type needs this one: `let status: u16 = 404`"
)]
pub trait IntoStatus {
    /// The status; the number itself if it is none that a final reply can have.
    ///
    /// # Errors
    /// For numbers outside 200 to 999.
    fn into_status(self) -> std::result::Result<StatusCode, u16>;
}

impl IntoStatus for StatusCode {
    fn into_status(self) -> std::result::Result<StatusCode, u16> {
        if self.as_u16() < 200 { Err(self.as_u16()) } else { Ok(self) }
    }
}

impl IntoStatus for u16 {
    fn into_status(self) -> std::result::Result<StatusCode, u16> {
        StatusCode::from_u16(self).map_err(|_| self)?.into_status()
    }
}

/// A number that was meant to be a status and is none.
#[derive(Debug)]
pub(crate) struct NoStatus(pub(crate) u16);

impl fmt::Display for NoStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no status that a reply can have: 200 to 999", self.0)
    }
}

impl StdError for NoStatus {}

fn error_status(status: impl IntoStatus) -> std::result::Result<StatusCode, u16> {
    let status = status.into_status()?;
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error { Ok(status) } else { Err(status.as_u16()) }
}

/// A number that was meant to be the status of an error and is none.
#[derive(Debug)]
struct NoErrorStatus(u16);

impl fmt::Display for NoErrorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no status that an error can have: 400 to 599", self.0)
    }
}

impl StdError for NoErrorStatus {}

/// `or_status`: what is missing or failed becomes an error with a status.
pub trait OrStatus<T> {
    /// The value, or an error with this status and its usual phrase.
    ///
    /// ```
    /// use shikra::OrStatus;
    ///
    /// let found: Option<u32> = None;
    /// assert_eq!(found.or_status(404).unwrap_err().status(), 404);
    /// ```
    ///
    /// # Errors
    /// When there is no value.
    #[track_caller]
    fn or_status(self, status: impl IntoStatus) -> Result<T>;
}

impl<T> OrStatus<T> for Option<T> {
    #[track_caller]
    fn or_status(self, status: impl IntoStatus) -> Result<T> {
        // Not `ok_or_else`: its closure would be the place of the error.
        match self {
            Some(value) => Ok(value),
            None => Err(Error::from_status(status)),
        }
    }
}

impl<T, E: Into<Box<dyn StdError>>> OrStatus<T> for std::result::Result<T, E> {
    #[track_caller]
    fn or_status(self, status: impl IntoStatus) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(cause) => Err(Error::from_status(status).with_cause(cause)),
        }
    }
}

pub(crate) fn phrase(status: StatusCode) -> &'static str {
    match status {
        // CF-16: the words of the default reply to an unknown path.
        StatusCode::NOT_FOUND => "Not found",
        status => status.canonical_reason().unwrap_or("Error"),
    }
}

/// Returns an error with a status and a message that the client may read.
///
/// ```
/// use shikra::{Result, bail};
///
/// fn check(age: u32) -> Result<()> {
///     if age < 18 {
///         bail!(403, "come back in {} years", 18 - age);
///     }
///     Ok(())
/// }
///
/// assert_eq!(check(11).unwrap_err().message(), "come back in 7 years");
/// ```
#[macro_export]
macro_rules! bail {
    ($status:expr) => {
        return ::core::result::Result::Err($crate::Error::from_status($status))
    };
    ($status:expr, $($message:tt)+) => {
        return ::core::result::Result::Err($crate::Error::new($status, ::std::format!($($message)+)))
    };
}
