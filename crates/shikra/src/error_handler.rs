//! Error handlers: what turns an [`Error`] into the response that the client sees.

use crate::error::Error;
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::{Response, plain_error};
use shikra_engine::slot::SlotFuture;
#[cfg(feature = "json")]
use shikra_proto::header::weighted;
use std::error::Error as StdError;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// An error handler of the frozen application.
pub(crate) trait ErrorHandler: Send + Sync {
    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalErrorHandler>;
}

/// An error handler on its worker.
pub(crate) trait LocalErrorHandler {
    /// The response to `error`, if this handler is for errors of its kind.
    fn call(self: Rc<Self>, req: &Request, error: &Rc<Error>) -> Option<SlotFuture<Response>>;
}

struct AnyError<F, R>(F, PhantomData<fn() -> R>);
struct LocalAnyError<F, R>(Arc<AnyError<F, R>>);

/// A handler for every error.
pub(crate) fn erase<F, R>(function: F) -> Arc<dyn ErrorHandler>
where
    F: AsyncFn(Request, &Error) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    Arc::new(AnyError(function, PhantomData))
}

impl<F, R> ErrorHandler for AnyError<F, R>
where
    F: AsyncFn(Request, &Error) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalErrorHandler> {
        Rc::new(LocalAnyError(self))
    }
}

impl<F, R> LocalErrorHandler for LocalAnyError<F, R>
where
    F: AsyncFn(Request, &Error) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(self: Rc<Self>, req: &Request, error: &Rc<Error>) -> Option<SlotFuture<Response>> {
        let (req, error) = (req.clone(), Rc::clone(error));
        Some(SlotFuture::new(async move { (self.0.0)(req, &error).await.into_response() }))
    }
}

struct OneError<E, F, R>(F, PhantomData<fn(E) -> R>);
struct LocalOneError<E, F, R>(Arc<OneError<E, F, R>>);

/// A handler for errors whose cause is an `E`.
pub(crate) fn erase_catch<E, F, R>(function: F) -> Arc<dyn ErrorHandler>
where
    E: StdError + 'static,
    F: AsyncFn(Request, &E) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    Arc::new(OneError(function, PhantomData::<fn(E) -> R>))
}

impl<E, F, R> ErrorHandler for OneError<E, F, R>
where
    E: StdError + 'static,
    F: AsyncFn(Request, &E) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalErrorHandler> {
        Rc::new(LocalOneError(self))
    }
}

impl<E, F, R> LocalErrorHandler for LocalOneError<E, F, R>
where
    E: StdError + 'static,
    F: AsyncFn(Request, &E) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(self: Rc<Self>, req: &Request, error: &Rc<Error>) -> Option<SlotFuture<Response>> {
        error.downcast_ref::<E>()?;
        let (req, error) = (req.clone(), Rc::clone(error));
        Some(SlotFuture::new(async move {
            match error.downcast_ref::<E>() {
                Some(cause) => (self.0.0)(req, cause).await.into_response(),
                None => plain_error(&error),
            }
        }))
    }
}

/// Whether internals may be shown to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Production,
    Development,
}

/// The reply to an error that no handler took: problem details for clients that accept JSON
/// (RFC 9457), else the public message as text.
pub(crate) fn default_reply(req: &Request, error: &Error, mode: Mode) -> Response {
    let text = match mode {
        Mode::Production => error.message().to_owned(),
        Mode::Development => error.to_string(),
    };
    #[cfg(feature = "json")]
    if accepts_problem(req) {
        return problem(error, &text);
    }
    let _ = req;
    let mut res = plain_error(error);
    if mode == Mode::Development {
        res.set_body(text);
    }
    res
}

#[cfg(feature = "json")]
fn accepts_problem(req: &Request) -> bool {
    // Only who names it: `*/*` is what clients send that show errors to people.
    req.header_all("accept").flat_map(weighted).any(|range| {
        let media_type = range.value.split(';').next().unwrap_or_default().trim_end();
        let names = ["application/json", "application/problem+json"];
        range.weight > 0 && names.iter().any(|name| media_type.eq_ignore_ascii_case(name))
    })
}

#[cfg(feature = "json")]
fn problem(error: &Error, detail: &str) -> Response {
    use crate::into_response::IntoResponse;
    let status = error.status();
    let body = serde_json::json!({
        "title": crate::error::phrase(status),
        "status": status.as_u16(),
        "detail": detail,
    });
    let text = body.to_string();
    text.with_status(status).with_header("content-type", "application/problem+json")
}
