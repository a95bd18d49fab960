//! An application as a service of tower.

use super::body::Body;
use super::convert::{keep_extensions, unbound_head};
use super::host::Host;
use super::link::{BoxError, HostEnd, Job, Link, Looked, ResponseFuture};
use crate::app::{AppWorker, InProcess, IntoApp};
use http::StatusCode;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// An application as a service of tower, for calls from the same process, below hyper, or inside an axum router.
///
/// It runs on workers of its own, since Shikra's requests stay on their thread; so a call costs two hops between
/// threads, and can be made from any runtime. Cloning is cheap. When the last clone is gone the workers finish what they
/// have, run the stop hooks and end. It answers 503 when a worker has 10,000 requests; put a limit of
/// tower around it for less. Addresses of the client are not known to it.
///
/// ```
/// use http_body_util::BodyExt;
/// use shikra::{App, tower::{AppService, Body}};
/// use tower::ServiceExt;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let app = AppService::start(App::new().workers(1).get("/", async |_| "hello"))?;
/// let request = http::Request::get("/").body(Body::default()).unwrap();
/// let response = app.oneshot(request).await.unwrap();
/// let body = response.into_body().collect().await.unwrap().to_bytes();
/// assert_eq!(body, "hello");
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct AppService {
    workers: Arc<InProcess>,
}

impl AppService {
    /// Starts the workers of an application, and returns when they can answer.
    ///
    /// # Errors
    /// When the application has mistakes, a start hook fails, or a thread cannot be started.
    pub fn start(app: impl IntoApp) -> io::Result<Self> {
        Ok(Self { workers: Arc::new(InProcess::start(app.into_app())?) })
    }
}

impl<B> Service<http::Request<B>> for AppService
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> ResponseFuture {
        let link = Link::default();
        let response = link.send(Job::new(request));
        // Wherever the worker's end is lost, the caller hears of it.
        let end = link.host_end();
        if self.workers.post(move |worker| answer(worker, end)) {
            return response;
        }
        ResponseFuture::refused(StatusCode::SERVICE_UNAVAILABLE)
    }
}

async fn answer(worker: AppWorker, link: HostEnd) {
    let looked = poll_fn(|cx| Poll::Ready(link.look(cx))).await;
    let Looked { job: Some(Job { mut parts, body }), is_cancelled: false } = looked else { return };
    let mut host = Host::for_app(link);
    let head = unbound_head(&parts, body.len());
    let own = match worker.call(head) {
        Ok((own, answer)) => {
            let req = own.handle();
            keep_extensions(&req, std::mem::take(&mut parts.extensions));
            host.feed(req, body);
            host.run(answer);
            Some(own)
        }
        Err(res) => {
            host.run(async { *res });
            None
        }
    };
    poll_fn(|cx| {
        loop {
            host.attend();
            if !host.advance(cx) {
                return if host.is_done() { Poll::Ready(()) } else { Poll::Pending };
            }
        }
    })
    .await;
    if let Some(mut own) = own.filter(|_| !host.is_abandoned()) {
        own.set_finished();
    }
}
