//! What an application notes of its exchanges: their ids, the access log, and in development mode who
//! holds the worker. Nothing of this exists where nothing of it is on.

use super::watchdog::Watchdog;
use crate::access_log::AccessLog;
use crate::error_handler::Mode;
use crate::place;
use crate::request::{Observed, Request, RequestExtra};
use crate::request_id::{FIELD, IdMaker, RequestIds};
use crate::response::Response;
use bytes::Bytes;
use shikra_engine::service::{Answer, End, Exchange, Refusal, Reply, ReplyBody, ReplyStream};
use shikra_engine::slot::SlotFuture;
use shikra_proto::header::FieldLines;
use shikra_proto::http1::reply_framing;
use std::cell::Cell;
use std::error::Error as StdError;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// What an application wants to know of its exchanges, development mode aside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observe {
    /// And who has set them.
    pub(crate) request_ids: Option<(RequestIds, &'static Location<'static>)>,
    pub(crate) access_log: Option<AccessLog>,
}

/// What notes it, on one worker.
pub(crate) struct Observer {
    observe: Observe,
    ids: IdMaker,
    /// In development mode.
    watchdog: Option<Rc<Watchdog>>,
}

impl Observer {
    /// The observer of a worker, if there is anything to note.
    pub(crate) fn new(observe: &Observe, mode: Mode) -> Option<Self> {
        let is_development = mode == Mode::Development;
        if is_development {
            place::watch_panics();
        }
        let is_on = is_development || observe.request_ids.is_some() || observe.access_log.is_some();
        is_on.then(|| Self {
            observe: observe.clone(),
            ids: IdMaker::default(),
            watchdog: is_development.then(|| Rc::new(Watchdog::new())),
        })
    }

    /// An exchange begins, and nobody else holds it yet.
    pub(super) fn begin(&self, exchange: &mut Rc<Exchange<RequestExtra>>) {
        let Some(unique) = Rc::get_mut(exchange) else { return };
        let peer = unique.client().peer.map(|peer| peer.ip().to_canonical());
        let (head, extra) = unique.parts_mut();
        let id = self.observe.request_ids.as_ref().map(|(settings, _)| {
            let given = settings.accept(peer, head.get_all(FIELD));
            given.unwrap_or_else(|| self.ids.make())
        });
        extra.observe(Observed::new(id));
    }

    /// An exchange has its first answer.
    pub(super) fn attend(
        &self,
        exchange: &Rc<Exchange<RequestExtra>>,
        answer: Answer<Response>,
    ) -> Answer<Response> {
        if let Some(access_log) = self.observe.access_log {
            let ending = Rc::downgrade(exchange);
            exchange.fate().on_end(move |end| {
                if let Some(exchange) = ending.upgrade() {
                    access_log.log(&Request::new(exchange), end == End::Aborted);
                }
            });
        }
        match (answer, self.watched(exchange)) {
            (Answer::Later(future), Some(by)) => {
                Answer::Later(SlotFuture::new(Watched { future, by }))
            }
            (answer, _) => answer,
        }
    }

    fn watched(&self, exchange: &Rc<Exchange<RequestExtra>>) -> Option<WatchedBy> {
        let watchdog = Rc::clone(self.watchdog.as_ref()?);
        Some(WatchedBy { watchdog, req: Request::new(Rc::clone(exchange)) })
    }

    /// A head was refused, and never became an exchange.
    pub(super) fn note_refusal(&self, refusal: &Refusal<'_>, reply: &Reply) {
        if let Some(access_log) = self.observe.access_log {
            access_log.log_refusal(refusal, reply);
        }
    }

    /// An exchange has its reply, which is about to be sent.
    pub(super) fn reply(&self, exchange: &Rc<Exchange<RequestExtra>>, reply: &mut Reply) {
        let Some(observed) = exchange.extra().observed() else { return };
        let echoed = observed
            .id
            .as_deref()
            .filter(|_| self.observe.request_ids.as_ref().is_some_and(|(ids, _)| ids.is_echoed()));
        if let Some(id) = echoed {
            // Valid: an id has letters, digits and a few signs.
            let _ = reply.fields.try_set(FIELD, id.as_bytes());
        }
        observed.status.set(Some(reply.status));
        let (head, len) = (exchange.head(), reply.body.len());
        if !reply_framing(head.method(), head.version(), reply.status, len).writes_body {
            return;
        }
        reply.body = match std::mem::replace(&mut reply.body, ReplyBody::Empty) {
            ReplyBody::Stream(stream) => {
                let (body_bytes, by) = (Rc::clone(&observed.body_bytes), self.watched(exchange));
                ReplyBody::Stream(Box::new(Noted { stream, body_bytes, by }))
            }
            body => {
                observed.body_bytes.set(len.unwrap_or(0));
                body
            }
        };
    }
}

/// Who times the polls of which request.
struct WatchedBy {
    watchdog: Rc<Watchdog>,
    req: Request,
}

/// A handler whose polls are timed.
struct Watched {
    future: SlotFuture<Response>,
    by: WatchedBy,
}

impl Future for Watched {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let Self { future, by } = &mut *self;
        by.watchdog.watch(&by.req, || Pin::new(future).poll(cx))
    }
}

/// A stream whose bytes are counted, and whose polls are timed in development mode.
struct Noted {
    stream: Box<dyn ReplyStream>,
    body_bytes: Rc<Cell<u64>>,
    by: Option<WatchedBy>,
}

impl ReplyStream for Noted {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        let stream = &mut self.stream;
        let poll = match &self.by {
            Some(by) => by.watchdog.watch(&by.req, || stream.poll_chunk(cx)),
            None => stream.poll_chunk(cx),
        };
        if let Poll::Ready(Some(Ok(chunk))) = &poll {
            self.body_bytes.set(self.body_bytes.get() + chunk.len() as u64);
        }
        poll
    }

    fn len(&self) -> Option<u64> {
        self.stream.len()
    }

    fn has_trailers(&self) -> bool {
        self.stream.has_trailers()
    }

    fn trailers(&mut self) -> FieldLines {
        self.stream.trailers()
    }
}
