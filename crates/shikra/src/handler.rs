//! Handlers: asynchronous functions of a request, and their erased form.

use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::Response;
use shikra_engine::slot::SlotFuture;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// A handler of the frozen application, shared by all workers.
pub(crate) trait Handler: Send + Sync {
    /// The same handler as one worker holds it: behind a count without atomics.
    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalHandler>;
}

/// A handler on its worker.
pub(crate) trait LocalHandler {
    fn call(self: Rc<Self>, req: Request) -> SlotFuture<Response>;
}

pub(crate) struct HandlerFn<F, R> {
    function: F,
    returns: PhantomData<fn() -> R>,
}

struct LocalHandlerFn<F, R>(Arc<HandlerFn<F, R>>);

pub(crate) fn erase<F, R>(function: F) -> Arc<dyn Handler>
where
    F: AsyncFn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    Arc::new(HandlerFn { function, returns: PhantomData })
}

impl<F, R> Handler for HandlerFn<F, R>
where
    F: AsyncFn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn for_worker(self: Arc<Self>) -> Rc<dyn LocalHandler> {
        Rc::new(LocalHandlerFn(self))
    }
}

impl<F, R> LocalHandler for LocalHandlerFn<F, R>
where
    F: AsyncFn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(self: Rc<Self>, req: Request) -> SlotFuture<Response> {
        SlotFuture::with(|| async move { (self.0.function)(req).await.into_response() })
    }
}
