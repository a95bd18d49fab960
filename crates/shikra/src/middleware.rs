//! Middleware: what stands around a handler, and how one step runs the next.

mod stack;

pub use stack::{IntoStack, Stack};

use crate::error::Error;
use crate::handler::LocalHandler;
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::Response;
use shikra_engine::service::panic_message;
use shikra_engine::slot::SlotFuture;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a middleware stands around: the middleware after it, and at the end the handler.
///
/// It is used up by [`Next::run`]; a middleware that does not call that answers by itself.
#[must_use = "a middleware that does not run the next step ends the chain"]
pub struct Next {
    chain: Rc<Chain>,
    at: usize,
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("at", &self.at).field("of", &self.chain.steps.len()).finish()
    }
}

impl Next {
    /// Runs the rest of the chain. The result is a response in every case: an error or a panic
    /// has become one, through the application's error handlers.
    pub fn run(self, req: Request) -> impl Future<Output = Response> {
        Run::Start(Some((self, req)))
    }
}

/// The future of [`Next::run`]. An `async fn` would keep room for two responses in it, and all of that would
/// be copied with every move of the middleware around it.
enum Run {
    /// Nothing has begun.
    Start(Option<(Next, Request)>),
    Step(Guarded, Request),
    Rendering(SlotFuture<Response>),
}

impl Future for Run {
    type Output = Response;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        if let Self::Start(start) = &mut *self {
            let Some((next, req)) = start.take() else { panic!("`Next::run` is over") };
            let step = guarded(next.chain.start(next.at, req.clone()));
            *self = Self::Step(step, req);
        }
        if let Self::Step(step, req) = &mut *self {
            // A response is large enough that it pays to leave it where it was written.
            let poll = Pin::new(step).poll(cx);
            let is_error = match &poll {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(res) => res.unrendered().is_some(),
            };
            if !is_error {
                return poll;
            }
            let Poll::Ready(res) = poll else { return Poll::Pending };
            let rendering = req.render_error(res);
            *self = Self::Rendering(rendering);
        }
        match &mut *self {
            Self::Rendering(rendering) => Pin::new(rendering).poll(cx),
            _ => Poll::Pending,
        }
    }
}

/// The steps around one route, and its handler.
pub(crate) struct Chain {
    pub(crate) steps: Box<[Rc<dyn LocalMiddleware>]>,
    pub(crate) handler: Rc<dyn LocalHandler>,
}

impl Chain {
    /// Calls the step `at`, or the handler after the last one.
    #[inline]
    pub(crate) fn start(self: &Rc<Self>, at: usize, req: Request) -> SlotFuture<Response> {
        match self.steps.get(at) {
            Some(step) => {
                let next = Next { chain: Rc::clone(self), at: at + 1 };
                Rc::clone(step).call(req, next)
            }
            None => Rc::clone(&self.handler).call(req),
        }
    }
}

/// Runs a user's future to its response; a panic in it has become an error.
pub(crate) fn guarded(step: SlotFuture<Response>) -> Guarded {
    Guarded { step }
}

/// A step whose panic is a response.
pub(crate) struct Guarded {
    step: SlotFuture<Response>,
}

impl Future for Guarded {
    type Output = Response;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let step = &mut self.step;
        match catch_unwind(AssertUnwindSafe(|| Pin::new(step).poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(panicked(&*panic)),
        }
    }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Response {
    Response::from_error(Error::panicked(panic_message(panic)))
}

/// A middleware of the frozen application, shared by all workers.
pub(crate) trait Middleware: Send + Sync {
    /// The name of its type, which is the path of a function.
    fn name(&self) -> &'static str;
    /// The line that registered it.
    fn place(&self) -> &'static Location<'static>;
    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalMiddleware>;
}

/// A middleware on its worker.
pub(crate) trait LocalMiddleware {
    fn call(self: Rc<Self>, req: Request, next: Next) -> SlotFuture<Response>;
}

pub(crate) struct MiddlewareFn<F, R> {
    function: F,
    returns: PhantomData<fn() -> R>,
    place: &'static Location<'static>,
}

struct LocalMiddlewareFn<F, R>(Arc<MiddlewareFn<F, R>>);

#[track_caller]
pub(crate) fn erase<F, R>(function: F) -> Arc<dyn Middleware>
where
    F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    Arc::new(MiddlewareFn { function, returns: PhantomData, place: Location::caller() })
}

impl<F, R> Middleware for MiddlewareFn<F, R>
where
    F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn name(&self) -> &'static str {
        std::any::type_name::<F>()
    }

    fn place(&self) -> &'static Location<'static> {
        self.place
    }

    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalMiddleware> {
        Rc::new(LocalMiddlewareFn(self))
    }
}

impl<F, R> LocalMiddleware for LocalMiddlewareFn<F, R>
where
    F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(self: Rc<Self>, req: Request, next: Next) -> SlotFuture<Response> {
        SlotFuture::with(|| async move { (self.0.function)(req, next).await.into_response() })
    }
}

/// A middleware that acts on the way in: it returns nothing to go on, or a reply to stop.
///
/// It may return `()`, an `Option` of a reply, or a `Result` of either.
///
/// ```
/// use shikra::{App, before, testing::TestClient};
///
/// let mut app = App::new();
/// app.use_(before(async |req| (!req.path().starts_with("/open")).then_some((403, "closed"))));
/// app.get("/open", async |_| "come in").get("/shut", async |_| "never seen");
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/open").send().text(), "come in");
/// assert_eq!(client.get("/shut").send().status(), 403);
/// ```
pub fn before<F, R>(step: F) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static
where
    F: AsyncFn(Request) -> R + Send + Sync + 'static,
    R: IntoBefore + 'static,
{
    async move |req: Request, next: Next| match step(req.clone()).await.into_reply() {
        Some(res) => res,
        None => next.run(req).await,
    }
}

/// What a [`before`] step may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell a `before` step whether to go on",
    note = "return `()` to go on, `Some(reply)` to answer, `None` to go on, or a `Result` of these"
)]
pub trait IntoBefore {
    /// The reply that ends the chain, if there is one.
    fn into_reply(self) -> Option<Response>;
}

impl IntoBefore for () {
    fn into_reply(self) -> Option<Response> {
        None
    }
}

impl<R: IntoResponse> IntoBefore for Option<R> {
    fn into_reply(self) -> Option<Response> {
        self.map(IntoResponse::into_response)
    }
}

impl<B: IntoBefore> IntoBefore for Result<B, Error> {
    fn into_reply(self) -> Option<Response> {
        match self {
            Ok(value) => value.into_reply(),
            Err(error) => Some(Response::from_error(error)),
        }
    }
}

/// A middleware that acts on the way back: `first` runs before the handler and returns what runs
/// after it, in reverse order of registration, whether the handler succeeded or failed.
///
/// The second half is synchronous and may change or replace the response; what has to wait uses
/// [`Next`] instead.
///
/// ```
/// use shikra::{App, late, testing::TestClient};
///
/// let mut app = App::new();
/// app.use_(late(|req| {
///     let path = req.path().to_owned();
///     move |res| res.set_header("x-path", path)
/// }));
/// app.get("/here", async |_| 204);
/// assert_eq!(TestClient::new(app).get("/here").send().header("x-path"), Some("/here"));
/// ```
pub fn late<F, L>(first: F) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static
where
    F: Fn(Request) -> L + Send + Sync + 'static,
    L: FnOnce(&mut Response) + 'static,
{
    async move |req: Request, next: Next| {
        let second = first(req.clone());
        let mut res = next.run(req).await;
        second(&mut res);
        res
    }
}

/// [`late`] for responses that are no errors: its second half runs where the status is below 400.
///
/// ```
/// use shikra::{App, late_success, testing::TestClient};
///
/// let mut app = App::new();
/// app.use_(late_success(|_| |res| res.set_header("cache-control", "max-age=60")));
/// app.get("/", async |_| "there");
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/").send().header("cache-control"), Some("max-age=60"));
/// assert_eq!(client.get("/none").send().header("cache-control"), None);
/// ```
pub fn late_success<F, L>(
    first: F,
) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static
where
    F: Fn(Request) -> L + Send + Sync + 'static,
    L: FnOnce(&mut Response) + 'static,
{
    late(move |req| when(first(req), is_success))
}

/// [`late`] for errors: its second half runs where the status is 400 or more.
///
/// ```
/// use shikra::{App, late_failure, testing::TestClient};
///
/// let mut app = App::new();
/// app.use_(late_failure(|req| {
///     let path = req.path().to_owned();
///     move |res| eprintln!("{path}: {}", res.status())
/// }));
/// assert_eq!(TestClient::new(app).get("/none").send().status(), 404);
/// ```
pub fn late_failure<F, L>(
    first: F,
) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static
where
    F: Fn(Request) -> L + Send + Sync + 'static,
    L: FnOnce(&mut Response) + 'static,
{
    late(move |req| when(first(req), |res| !is_success(res)))
}

fn when(
    second: impl FnOnce(&mut Response) + 'static,
    is_meant: fn(&Response) -> bool,
) -> impl FnOnce(&mut Response) + 'static {
    move |res: &mut Response| {
        if is_meant(res) {
            second(res);
        }
    }
}

fn is_success(res: &Response) -> bool {
    res.status().as_u16() < 400
}
