//! What lives on the worker while a service of tower's world has the request: it runs what the service asks for,
//! and carries bodies both ways.
//!
//! Shikra's requests stay on their worker, services and bodies of tower's world mostly have to be `Send`. So the
//! service gets ends of pipes, and the host, polled in the same task, is at the other ends. All
//! of it is dropped together.

use super::body::{Body, BodyFailure};
use super::convert::{self, Head};
use super::link::{BoxError, HostEnd, Job, JobBody, Link};
use super::pipe::{Demand, Feeder, Part, pipe};
use crate::error::{Error, Result};
use crate::middleware::Next;
use crate::request::{self, BodyError, Fed, Request};
use crate::response::{ApartBody, ApartStream, Response, Rest};
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::LengthLimitError;
use http_body_util::combinators::UnsyncBoxBody;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The worker's side of one request in tower's world.
#[derive(Default)]
pub(super) struct Host {
    next: Option<Around>,
    link: Option<HostEnd>,
    answer: Option<Pin<Box<dyn Future<Output = Response>>>>,
    feed: Option<Feed>,
    upload: Option<Upload>,
    download: Option<Download>,
    rest: Rest,
    is_abandoned: bool,
}

/// What is left to run inside a layer.
struct Around {
    next: Next,
    req: Request,
    head: Head,
}

/// That a response has come through [`Host::deliver`], and which words it had there.
#[derive(Clone)]
pub(super) struct Carried;

impl Host {
    /// A host for a service that answers by itself.
    pub(super) fn for_handler(upload: Option<Upload>) -> Self {
        Self { upload, ..Self::default() }
    }

    /// A host for a service that asks for the rest of the chain.
    pub(super) fn for_layer(
        upload: Option<Upload>,
        link: &Link,
        (next, req, head): (Next, Request, Head),
    ) -> Self {
        let next = Some(Around { next, req, head });
        Self { upload, link: Some(link.host_end()), next, ..Self::default() }
    }

    /// A host for an application that is a service itself.
    pub(super) fn for_app(link: HostEnd) -> Self {
        Self { link: Some(link), ..Self::default() }
    }

    /// Polls `main`, and as long as it waits all that it may wait for.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut main: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        loop {
            self.attend();
            if let Poll::Ready(result) = main(cx) {
                return Poll::Ready(result);
            }
            if !self.advance(cx) {
                return Poll::Pending;
            }
        }
    }

    /// What is asked for from now on is looked at by [`Host::advance`].
    pub(super) fn attend(&self) {
        self.link.iter().for_each(HostEnd::attend);
        self.upload.iter().for_each(|upload| upload.feeder.attend());
        self.download.iter().for_each(|download| download.feeder.attend());
    }

    /// Does what can be done now; says whether that was anything.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        let looked = self.look(cx);
        let answered = self.poll_answer(cx);
        let sent = self.poll_download(cx);
        let fed = self.feed.as_mut().is_some_and(|feed| feed.advance(cx));
        looked | answered | sent | fed | self.poll_upload(cx)
    }

    /// The service has made its response, so nobody waits for the rest of the chain any more.
    pub(super) fn release(&mut self) -> Rest {
        (self.next, self.link, self.answer) = (None, None, None);
        std::mem::take(&mut self.rest)
    }

    /// Whether everything that was asked for has been delivered.
    pub(super) fn is_done(&self) -> bool {
        self.answer.is_none() && self.download.is_none()
    }

    /// Whether what was asked for was not waited for.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    pub(super) fn run(&mut self, answer: impl Future<Output = Response> + 'static) {
        self.answer = Some(Box::pin(answer));
    }

    /// Feeds the body of a request that is being answered.
    pub(super) fn feed(&mut self, req: Request, body: JobBody) {
        let trailers = HeaderMap::new();
        self.feed = Some(Feed { req, body: body.into_boxed(), trailers });
    }

    fn look(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(link) = &self.link else { return false };
        let looked = link.look(cx);
        if looked.is_cancelled {
            self.answer = None;
            self.is_abandoned = true;
        }
        let Some(job) = looked.job else { return false };
        match self.next.take() {
            Some(around) => {
                if let Err(error) = self.start(around, job) {
                    self.deliver(cx, Response::from_error(error));
                }
            }
            None => {
                // CF-27: `Next` is used up by the call.
                let text = "a layer has called the inner service twice for one request";
                let error = Error::from(std::io::Error::other(text));
                self.deliver(cx, Response::from_error(error));
            }
        }
        true
    }

    /// Runs the rest of the chain, with the request as the layer has left it.
    fn start(&mut self, around: Around, job: Job) -> Result<()> {
        let Around { next, req, head } = around;
        let Job { mut parts, body } = job;
        let is_same_body = match (&body, &self.upload) {
            (JobBody::Own(body), None) => body.is_empty(),
            (JobBody::Own(body), Some(upload)) => {
                body.as_reader().is_some_and(|reader| reader.is_fresh(&upload.feeder))
            }
            (JobBody::Other(_), _) => false,
        };
        convert::keep_extensions(&req, std::mem::take(&mut parts.extensions));
        if is_same_body && head.is_same(&req, &parts) {
            self.upload = None;
            self.run(async move { next.run(req).await });
            return Ok(());
        }
        let body = body.into_boxed();
        let own = convert::own_head(&parts, body.size_hint().exact(), &head, &req);
        let derived = req.derive(own?)?;
        self.feed(derived.clone(), JobBody::Other(body));
        self.run(async move { next.run(derived).await });
        Ok(())
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(answer) = &mut self.answer else { return false };
        let poll = match &self.feed {
            Some(feed) => feed.req.attend_body(cx.waker(), || answer.as_mut().poll(cx)),
            None => answer.as_mut().poll(cx),
        };
        let Poll::Ready(res) = poll else { return false };
        self.answer = None;
        self.deliver(cx, res);
        true
    }

    /// Gives the service the response that it has asked for.
    pub(super) fn deliver(&mut self, cx: &Context<'_>, res: Response) {
        let apart = res.into_apart();
        let body = match apart.body {
            ApartBody::Whole(bytes) => Body::from(bytes),
            ApartBody::Stream(body) => {
                let (feeder, reader) = pipe(body.len());
                self.download = Some(Download { body, feeder });
                Body::piped(reader)
            }
        };
        self.rest = apart.rest;
        let mut response = http::Response::new(body);
        *response.status_mut() = apart.status;
        *response.headers_mut() = apart.headers;
        response.extensions_mut().insert(Carried);
        if let Some(link) = &self.link {
            link.answer(response, cx.waker());
        }
    }

    fn poll_download(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(Download { body, feeder }) = &mut self.download else { return false };
        match feeder.demand(cx) {
            Demand::None => return false,
            Demand::Abandoned => {
                self.is_abandoned = true;
                self.download = None;
                return false;
            }
            Demand::Part => {}
        }
        match body.poll_chunk(cx) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(chunk))) => feeder.put(Part::Data(chunk), cx),
            Poll::Ready(end) => {
                let result = match end {
                    Some(Err(error)) => Err(BodyFailure::response(&*error)),
                    _ => Ok(()),
                };
                let trailers = body.trailers();
                if result.is_ok() && !trailers.is_empty() {
                    feeder.put(Part::Trailers(trailers), cx);
                }
                feeder.end(result, cx);
                self.download = None;
            }
        }
        true
    }

    fn poll_upload(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(Upload { req, body, feeder }) = &mut self.upload else { return false };
        match feeder.demand(cx) {
            Demand::None => return false,
            Demand::Abandoned => {
                self.upload = None;
                return false;
            }
            Demand::Part => {}
        }
        match Pin::new(body).poll_next(cx) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(chunk))) => feeder.put(Part::Data(chunk), cx),
            Poll::Ready(Some(Err(error))) => feeder.end(Err(error.into()), cx),
            Poll::Ready(None) => {
                let trailers = req.trailers_so_far();
                if !trailers.is_empty() {
                    feeder.put(Part::Trailers(trailers), cx);
                }
                feeder.end(Ok(()), cx);
            }
        }
        true
    }
}

/// The body of a Shikra request on its way to a service.
pub(super) struct Upload {
    req: Request,
    body: request::Body,
    feeder: Feeder,
}

impl Upload {
    /// The body of `req` for a service; there is nothing to carry where it has none.
    pub(super) fn new(req: &Request) -> (Body, Option<Self>) {
        let len = req.content_length();
        if len == Some(0) {
            return (Body::default(), None);
        }
        let (feeder, reader) = pipe(len);
        (Body::piped(reader), Some(Self { req: req.clone(), body: req.body(), feeder }))
    }
}

/// The body of a Shikra response on its way to a service.
struct Download {
    body: ApartStream,
    feeder: Feeder,
}

/// The body that a service gives to a Shikra request.
struct Feed {
    req: Request,
    body: UnsyncBoxBody<Bytes, BoxError>,
    trailers: HeaderMap,
}

impl Feed {
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.req.wants_body() {
            return false;
        }
        let fed = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => return false,
            Poll::Ready(None) => Fed::End(std::mem::take(&mut self.trailers)),
            Poll::Ready(Some(Err(error))) => Fed::Failed(body_error(&*error)),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if data.is_empty() => return true,
                Ok(data) => Fed::Chunk(data),
                Err(frame) => {
                    self.trailers = frame.into_trailers().unwrap_or_default();
                    return true;
                }
            },
        };
        self.req.feed(fed, cx.waker());
        true
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.req.end_body();
    }
}

/// What a body's failure means to those who read it as a request's.
fn body_error(error: &(dyn StdError + 'static)) -> BodyError {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            let text = "longer than its limit".to_owned();
            return BodyError::Malformed(StatusCode::PAYLOAD_TOO_LARGE, text);
        }
        if let Some(known) = error.downcast_ref::<BodyError>() {
            return known.clone();
        }
        next = error.source();
    }
    BodyError::Malformed(StatusCode::BAD_REQUEST, error.to_string())
}
