//! What went wrong at a request and no client may see: who hears of it.

use crate::error::Error;
use crate::request::Request;
use http::Method;
use shikra_engine::service::panic_message;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Hears of failures in place of the log.
pub(crate) type Logger = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

/// An unexpected or unrecoverable error at a request, as a logger is told of it
/// ([`App::logger`](crate::App::logger)).
///
/// Its `Display` is one line for people: what happened, at which request, and the whole chain of causes.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    kind: FailureKind,
    req: &'a Request,
    error: &'a Error,
}

/// What kind of [`Failure`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// A handler or middleware returned an error that the program did not mean as a reply: a 500.
    Unexpected,
    /// A handler or middleware panicked: a 500.
    Panic,
    /// The reply failed after its head was sent: the connection was reset.
    AfterHead,
    /// Something beside the reply failed: a future that was detached, or a hook at the end.
    Aside,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unexpected => "an unexpected error",
            Self::Panic => "a handler panicked",
            Self::AfterHead => "a reply failed after its head was sent",
            Self::Aside => "detached work or a hook failed",
        })
    }
}

impl<'a> Failure<'a> {
    pub(crate) fn new(kind: FailureKind, req: &'a Request, error: &'a Error) -> Self {
        Self { kind, req, error }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The error, with its cause. Its `Display` is the whole chain.
    #[must_use]
    pub fn error(&self) -> &'a Error {
        self.error
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &'a Request {
        self.req
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.req.method()
    }

    /// The path of the request, without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.req.path()
    }

    /// The pattern of the route; `None` where none matched.
    #[must_use]
    pub fn route(&self) -> Option<&'a str> {
        self.req.pattern()
    }

    /// The id of the request, if requests have some.
    #[must_use]
    pub fn request_id(&self) -> Option<&'a str> {
        self.req.id()
    }

    /// Tells `logger`, or the log where there is none. A logger that panics does no harm: the log hears
    /// of both.
    pub(crate) fn tell(&self, logger: Option<&Logger>) {
        let Some(logger) = logger else { return self.log() };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| logger(self))) {
            let panic = panic_message(&*panic);
            tracing::error!(panic, "the application's logger panicked");
            self.log();
        }
    }

    /// CF-49: one line with route and request id.
    fn log(&self) {
        if !tracing::enabled!(tracing::Level::ERROR) {
            // Nobody listens to the log, and an error must not vanish.
            return eprintln!("shikra: {}", one_line(&self.to_string()));
        }
        let Self { kind, error, .. } = self;
        let (method, path, route) = (self.method(), self.path(), self.route());
        let (request_id, place) = (self.request_id(), error.place());
        tracing::error!(%method, path, route, request_id, place, %error, "{kind}");
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} {}", self.kind, self.method(), self.path())?;
        if let Some(route) = self.route() {
            write!(f, ", route {route}")?;
        }
        if let Some(id) = self.request_id() {
            write!(f, ", request {id}")?;
        }
        write!(f, ": {}", self.error)?;
        match self.error.place() {
            Some(place) => write!(f, ", from {place}"),
            None => Ok(()),
        }
    }
}

/// Text from a request that stands in an error must not begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
