//! Error handlers: what turns an [`Error`] into the response that the client sees.

#[cfg(feature = "json")]
mod problem;
#[cfg(not(feature = "json"))]
#[path = "error_handler/no_problem.rs"]
mod problem;

use crate::error::Error;
use crate::error_page::{self, Surroundings};
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::{Response, plain_error};
use shikra_engine::slot::SlotFuture;
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

/// The reply to an error that no handler took: problem details for clients that would rather have JSON
/// (RFC 9457), else the public message as text. In development mode, where it knows what stands around
/// the request, it shows all of that, and browsers get a page.
pub(crate) fn default_reply(
    req: &Request,
    error: &Error,
    development: Option<&Surroundings>,
) -> Response {
    let mut res = match (form(req, development.is_some()), development) {
        (Form::Html, Some(around)) => error_page::page(req, error, around),
        (Form::Problem, around) => problem::reply(req, error, around),
        (_, Some(around)) => error_page::text(req, error, around),
        (_, None) => plain_error(error),
    };
    // RFC 9110 §12.5.5: a cache must not give one client's form to another.
    res.append_header("vary", "accept");
    res
}

enum Form {
    Html,
    Problem,
    Text,
}

/// The form that `accept` weighs most (RFC 9110 §12.5.1). Only names count: `*/*` is what clients send that
/// show errors to people, on a terminal.
fn form(req: &Request, has_html: bool) -> Form {
    let (html, text) = (req.accept_weight("text/html"), req.accept_weight("text/plain"));
    let json = problem::accept_weight(req);
    if has_html && html > 0 && html >= json.max(text) {
        return Form::Html;
    }
    if json > 0 && json >= text { Form::Problem } else { Form::Text }
}
