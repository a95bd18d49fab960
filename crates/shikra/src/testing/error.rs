//! What can go wrong between a test and the application.

use std::error::Error;
use std::fmt;

/// Why there is no reply: which request it was, what went wrong, and what was waited for.
///
/// ```
/// use shikra::{App, Error, stream, testing::{TestClient, TestErrorKind}};
///
/// let mut app = App::new();
/// app.get("/half", async |_| {
///     stream(async |out| {
///         out.write("half of it").await?;
///         out.flush().await?;
///         Err(Error::new(500, "the rest is lost"))
///     })
/// });
/// let error = TestClient::new(app).get("/half").try_send().unwrap_err();
/// assert_eq!(error.kind(), TestErrorKind::Reset);
/// assert!(error.to_string().starts_with("GET /half: "), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestError {
    kind: TestErrorKind,
    request: String,
    message: String,
}

/// The kinds of [`TestError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TestErrorKind {
    /// The application broke the connection off.
    Reset,
    /// The application closed the connection in order, but too early, or cannot be reached.
    Closed,
    /// Nothing came in time. The message names what was waited for.
    Timeout,
    /// What came is not HTTP.
    Protocol,
    /// More redirects than allowed, or one that cannot be followed.
    Redirect,
    /// The test asks for a request that cannot be made; nothing was sent.
    Request,
}

impl TestError {
    pub(super) fn new(request: &str, failure: Failure) -> Self {
        let Failure { kind, message } = failure;
        Self { kind, request: request.to_owned(), message }
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> TestErrorKind {
        self.kind
    }
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.request, self.message)
    }
}

impl Error for TestError {}

/// A [`TestError`] that does not know its request yet.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    kind: TestErrorKind,
    message: String,
}

impl Failure {
    pub(super) fn new(kind: TestErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn io(error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::ConnectionReset => TestErrorKind::Reset,
            _ => TestErrorKind::Closed,
        };
        Self::new(kind, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
