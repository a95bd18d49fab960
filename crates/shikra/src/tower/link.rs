//! Between a service of tower's world and the worker that answers it: one request one way, one response back.

use super::body::Body;
use super::pipe::set_waker;
use bytes::{Buf, Bytes};
use http::{Request, Response, StatusCode, request};
use http_body::Body as _;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use std::any::Any;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// A request on its way to the worker.
pub(super) struct Job {
    pub(super) parts: request::Parts,
    pub(super) body: JobBody,
}

pub(super) enum JobBody {
    /// Our own, as far as one can see untouched.
    Own(Body),
    Other(UnsyncBoxBody<Bytes, BoxError>),
}

impl Job {
    pub(super) fn new<B>(request: Request<B>) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let mut body = Some(body);
        let own = (&mut body as &mut dyn Any).downcast_mut::<Option<Body>>();
        let body = match own.and_then(Option::take) {
            Some(own) => JobBody::Own(own),
            None => JobBody::Other(boxed(body)),
        };
        Self { parts, body }
    }
}

impl JobBody {
    pub(super) fn len(&self) -> Option<u64> {
        match self {
            Self::Own(body) => body.size_hint().exact(),
            Self::Other(body) => body.size_hint().exact(),
        }
    }

    pub(super) fn into_boxed(self) -> UnsyncBoxBody<Bytes, BoxError> {
        match self {
            Self::Own(body) => boxed(Some(body)),
            Self::Other(body) => body,
        }
    }
}

fn boxed<B>(body: Option<B>) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Some(body) = body else { return UnsyncBoxBody::default() };
    let body = body.map_frame(|frame| {
        frame.map_data(|mut data| {
            let len = data.remaining();
            data.copy_to_bytes(len) // no copy where it is `Bytes` already
        })
    });
    body.map_err(Into::into).boxed_unsync()
}

#[derive(Default)]
struct State {
    job: Option<Job>,
    response: Option<Response<Body>>,
    /// Nobody will answer any more.
    is_over: bool,
    /// Nobody waits for the answer any more.
    is_cancelled: bool,
    /// The host looks at all this by itself in a moment.
    is_attended: bool,
    caller: Option<Waker>,
    host: Option<Waker>,
}

/// The caller's end; it travels in the extensions of the request.
#[derive(Clone, Default)]
pub(super) struct Link(Arc<Mutex<State>>);

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request; the future is that of its response.
    pub(super) fn send(&self, job: Job) -> ResponseFuture {
        let mut state = self.lock();
        if state.is_over {
            return ResponseFuture::failed(OVER);
        }
        state.job = Some(job);
        let host = if state.is_attended { None } else { state.host.take() };
        drop(state);
        host.into_iter().for_each(Waker::wake);
        ResponseFuture(Waiting::For(self.clone()))
    }

    /// The worker's end, of which there is one.
    pub(super) fn host_end(&self) -> HostEnd {
        HostEnd(self.clone())
    }
}

/// What the caller has done.
pub(super) struct Looked {
    pub(super) job: Option<Job>,
    pub(super) is_cancelled: bool,
}

/// The worker's end. When it is gone, the caller gets an error.
pub(super) struct HostEnd(Link);

impl HostEnd {
    pub(super) fn attend(&self) {
        self.0.lock().is_attended = true;
    }

    pub(super) fn look(&self, cx: &Context<'_>) -> Looked {
        let mut state = self.0.lock();
        state.is_attended = false;
        set_waker(&mut state.host, cx);
        Looked { job: state.job.take(), is_cancelled: std::mem::take(&mut state.is_cancelled) }
    }

    pub(super) fn answer(&self, response: Response<Body>, own: &Waker) {
        let mut state = self.0.lock();
        state.response = Some(response);
        let caller = state.caller.take();
        drop(state);
        if let Some(caller) = caller.filter(|caller| !caller.will_wake(own)) {
            caller.wake();
        }
    }
}

impl Drop for HostEnd {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_over = true;
        let (job, caller) = (state.job.take(), state.caller.take());
        drop(state);
        drop(job); // it may hold this very link
        caller.into_iter().for_each(Waker::wake);
    }
}

/// The response of [`NextService`](super::NextService) or [`AppService`](super::AppService) on its way.
///
/// Dropping it drops the handler.
#[must_use = "futures do nothing unless they are awaited"]
pub struct ResponseFuture(Waiting);

enum Waiting {
    For(Link),
    Failed(&'static str),
    Refused(StatusCode),
    Done,
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl ResponseFuture {
    pub(super) fn failed(why: &'static str) -> Self {
        Self(Waiting::Failed(why))
    }

    pub(super) fn refused(status: StatusCode) -> Self {
        Self(Waiting::Refused(status))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &self.0 {
            Waiting::For(link) => {
                let mut state = link.lock();
                match state.response.take() {
                    Some(response) => response,
                    None if state.is_over => failure(OVER),
                    None => {
                        set_waker(&mut state.caller, cx);
                        return Poll::Pending;
                    }
                }
            }
            Waiting::Failed(why) => failure(why),
            Waiting::Refused(status) => {
                let mut response = Response::new(Body::default());
                *response.status_mut() = *status;
                response
            }
            Waiting::Done => return Poll::Pending,
        };
        self.0 = Waiting::Done;
        Poll::Ready(Ok(response))
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        let Waiting::For(link) = &self.0 else { return };
        let mut state = link.lock();
        state.is_cancelled = true;
        let host = if state.is_attended { None } else { state.host.take() };
        drop(state);
        host.into_iter().for_each(Waker::wake);
    }
}

fn failure(why: &'static str) -> Response<Body> {
    tracing::error!("{why}");
    let mut response = Response::new(Body::from("Internal Server Error"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

const OVER: &str = "a service was asked for the response of an exchange that has ended";
