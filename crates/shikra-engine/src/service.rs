//! The border between the engine and an application: an [`Exchange`] goes up, a [`Reply`] comes
//! down.
//!
//! A [`Service`] cannot tell which protocol, which kind of stream or which listener an exchange
//! came from. One service lives on each worker and is neither `Send` nor `Sync`; a
//! [`ServiceFactory`], shared by all workers, makes them.

use crate::body::BodyCell;
use crate::clock::{self, Millis};
pub use crate::renew::Lease;
use crate::rt::Instant;
use crate::slot::SlotFuture;
use bytes::Bytes;
use http::{Method, StatusCode};
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{HeadDecoder, HeadError, HeadLimits, HeadStatus, RequestHead};
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What answers the exchanges of one worker.
pub trait Service: 'static {
    /// What the service keeps for each exchange, beside the head.
    type Extra: Extra;

    /// What its handlers make, before it becomes a [`Reply`].
    type Response: 'static;

    /// Answers an exchange.
    ///
    /// `exchange` is not shared yet, so `Rc::get_mut` gives the service its extra part to fill.
    fn call(&self, exchange: &mut Rc<Exchange<Self::Extra>>) -> Answer<Self::Response>;

    /// Makes the reply of a response; a service may have to run another handler first, as for
    /// an error.
    fn finish(
        &self,
        exchange: &Rc<Exchange<Self::Extra>>,
        response: Self::Response,
    ) -> Answer<Self::Response>;

    /// The reply of a response that is one already, so that [`finish`](Self::finish) would only move it; `None` for
    /// all others. Most replies are encoded from where they are then.
    fn as_reply<'a>(&self, response: &'a mut Self::Response) -> Option<&'a mut Reply> {
        let _ = response;
        None
    }

    /// Whether a response whose reply has been encoded needs no dropping any more, which a service may see at a glance.
    fn is_spent(&self, response: &Self::Response) -> bool {
        let _ = response;
        false
    }

    /// Answers after a panic that the service did not catch itself.
    fn recover(
        &self,
        exchange: &Rc<Exchange<Self::Extra>>,
        panic: String,
    ) -> Answer<Self::Response>;

    /// Answers in place of a streamed reply that failed before any of it had left.
    fn withdraw(
        &self,
        exchange: &Rc<Exchange<Self::Extra>>,
        incident: Incident,
    ) -> Answer<Self::Response> {
        self.report(exchange, incident);
        Answer::Now(Reply::new(StatusCode::INTERNAL_SERVER_ERROR))
    }

    /// Hears of a head that never became an exchange, and what it is answered with.
    fn note_refusal(&self, refusal: &Refusal<'_>, reply: &Reply) {
        let _ = (refusal, reply);
    }

    /// The reply to what never became an exchange: a malformed head, a head that came too slowly.
    fn refuse(&self, status: StatusCode, why: &str) -> Reply {
        let mut reply = Reply::new(status);
        reply.content_type = Some("text/plain; charset=utf-8");
        reply.body = ReplyBody::Bytes(Bytes::from(why.to_owned()));
        reply
    }

    /// Hears of what no client can be told any more.
    fn report(&self, exchange: &Rc<Exchange<Self::Extra>>, incident: Incident) {
        let (method, target) = (exchange.head().method(), exchange.head().target());
        match incident {
            Incident::StreamFailed(error) => {
                let error = with_sources(&*error);
                tracing::error!(%method, target, error, "the stream of a reply failed");
            }
            Incident::StreamPanicked(panic) => {
                tracing::error!(%method, target, panic, "the stream of a reply panicked");
            }
        }
    }
}

/// A head that was refused, as far as it could be read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// The addresses of the client.
    pub client: &'a Client,
    /// The method, if that much could be read.
    pub method: Option<&'a Method>,
    /// The target as it was sent; empty if the request line is what was refused.
    pub target: &'a str,
    /// Why, in the words that the client is told.
    pub why: &'a str,
    /// How long the head was waited for, from its first byte.
    pub waited: Duration,
}

/// Makes the service of each worker.
pub trait ServiceFactory: Send + Sync + 'static {
    /// The service it makes.
    type Service: Service;

    /// Runs once, on the first worker, before any service is made.
    fn start(&self) -> impl Future<Output = io::Result<()>> {
        std::future::ready(Ok(()))
    }

    /// Makes the service of one worker, on that worker. Whatever outlives the service and still
    /// needs what [`ServiceFactory::stop`] ends holds a copy of the lease.
    fn make(&self, lease: Lease) -> impl Future<Output = io::Result<Self::Service>>;

    /// Runs once, on the first worker, after the last exchange of all workers; or, when another
    /// factory has replaced this one, after the last of its own and the end of the last lease.
    fn stop(&self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// A service's part of an [`Exchange`], reused from exchange to exchange.
pub trait Extra: Default + 'static {
    /// Forgets the exchange that is over, keeping memory for the next.
    fn reset(&mut self);
}

impl Extra for () {
    fn reset(&mut self) {}
}

/// A reply now, or a future of one.
#[derive(Debug)]
pub enum Answer<R: 'static> {
    /// The reply is known without running a handler.
    Now(Reply),
    /// A handler runs; the connection polls it in its own task.
    Later(SlotFuture<R>),
}

/// Something that went wrong after the client could be told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incident {
    /// The stream of a reply failed.
    StreamFailed(Box<dyn Error>),
    /// The stream of a reply panicked, with this message.
    StreamPanicked(String),
}

/// One request on its way to an answer: its head, its body and its client.
pub struct Exchange<X> {
    head: RequestHead,
    decoder: HeadDecoder,
    extra: X,
    client: Rc<Client>,
    received_at: Millis,
    body: BodyCell,
    fate: Fate,
}

impl<X> fmt::Debug for Exchange<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("method", self.head.method())
            .field("target", &self.head.target())
            .finish_non_exhaustive()
    }
}

/// What is known of the connection of an exchange.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Client {
    /// The address of the client; `None` where streams have none.
    pub peer: Option<SocketAddr>,
    /// The address that the client connected to.
    pub local: Option<SocketAddr>,
    /// Whether the bytes are encrypted.
    pub is_secure: bool,
    /// The number of the connection, unique within its worker.
    pub connection_id: u64,
}

impl Client {
    /// A client of which nothing is known but the number of its connection.
    #[must_use]
    pub fn anonymous(connection_id: u64) -> Self {
        Self { peer: None, local: None, is_secure: false, connection_id }
    }
}

impl<X: Extra> Exchange<X> {
    /// An exchange that no connection has brought. Whoever makes it feeds the body, and says what becomes of
    /// the client.
    #[must_use]
    pub fn detached(head: RequestHead, client: Client) -> Self {
        Self { head, ..Self::new(Rc::new(client)) }
    }

    pub(crate) fn new(client: Rc<Client>) -> Self {
        Self {
            head: RequestHead::new(),
            decoder: HeadDecoder::default(),
            extra: X::default(),
            client,
            received_at: Millis(0),
            body: BodyCell::default(),
            fate: Fate::default(),
        }
    }

    #[inline(always)]
    pub(crate) fn reset(&mut self) {
        self.head.shrink();
        self.extra.reset();
        self.body.reset();
        self.fate.reset();
    }

    /// Decodes the head at the front of `bytes`, which begin where they did the time before if that was not all of it.
    #[inline]
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<HeadStatus, HeadError> {
        let result = self.decoder.decode(bytes, limits, &mut self.head);
        if result.is_err() {
            self.decoder = HeadDecoder::default();
        }
        result
    }

    /// Notes whose request it is, and when its head was whole.
    #[inline]
    pub(crate) fn set_client(&mut self, client: &Rc<Client>, received_at: Millis) {
        // A pooled block usually goes back to the connection that it came from.
        if !Rc::ptr_eq(&self.client, client) {
            self.client = Rc::clone(client);
        }
        self.received_at = received_at;
    }
}

impl<X> Exchange<X> {
    /// The head, frozen.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The service's part.
    #[must_use]
    pub fn extra(&self) -> &X {
        &self.extra
    }

    /// The service's part and the head, while nobody else holds the exchange.
    #[must_use]
    pub fn parts_mut(&mut self) -> (&RequestHead, &mut X) {
        (&self.head, &mut self.extra)
    }

    /// The client's addresses and the like.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// When the head was whole, by the clock of the worker, which reads the system's once a loop turn.
    #[must_use]
    pub fn received_at(&self) -> Instant {
        clock::current_instant(self.received_at)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &BodyCell {
        &self.body
    }

    /// What became of the client.
    #[must_use]
    pub fn fate(&self) -> &Fate {
        &self.fate
    }
}

/// What becomes of an exchange: whether its client is still there, and who wants to know its end.
#[derive(Default)]
pub struct Fate {
    /// Whether anything of what follows has been set: of most requests nobody asks, and theirs need no cleaning up.
    is_used: Cell<bool>,
    is_closed: Cell<bool>,
    is_cut_off: Cell<bool>,
    end: Cell<Option<End>>,
    waiting: RefCell<Vec<Waker>>,
    hooks: RefCell<Vec<(Phase, Hook)>>,
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fate").field("is_closed", &self.is_closed.get()).finish_non_exhaustive()
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its reply was written, down to the last byte.
    Finished,
    /// The client left, or the reply could not be completed.
    Aborted,
}

type Hook = Box<dyn FnOnce(End)>;

/// When a hook runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// When the end is known.
    End,
    /// After all of those.
    Close,
}

impl Fate {
    /// Whether the client has closed its half of the connection, or all of it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Waits for the client to leave.
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_closed.get() {
            return Poll::Ready(());
        }
        self.is_used.set(true);
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Runs `hook` once, synchronously, when the exchange ends, whichever way.
    pub fn on_end(&self, hook: impl FnOnce(End) + 'static) {
        self.add_hook(Phase::End, Box::new(hook));
    }

    /// Runs `hook` once, synchronously, after all that [`Fate::on_end`] was given.
    pub fn on_close(&self, hook: impl FnOnce() + 'static) {
        self.add_hook(Phase::Close, Box::new(|_| hook()));
    }

    fn add_hook(&self, phase: Phase, hook: Hook) {
        self.is_used.set(true);
        self.hooks.borrow_mut().push((phase, hook));
    }

    /// How the exchange ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end.get()
    }

    /// The client has broken off its own request: whatever it may still be told, the exchange is aborted.
    pub(crate) fn set_cut_off(&self) {
        self.is_used.set(true);
        self.is_cut_off.set(true);
    }

    /// The exchange has ended, and somebody still holds it.
    pub(crate) fn set_end(&self, end: End) {
        self.is_used.set(true);
        if self.end.get().is_none() {
            let end = if self.is_cut_off.get() { End::Aborted } else { end };
            self.end.set(Some(end));
        }
    }

    #[inline]
    fn reset(&mut self) {
        if self.is_used.get() {
            self.reset_used();
        }
    }

    #[inline(never)]
    fn reset_used(&mut self) {
        self.is_used.set(false);
        self.is_closed.set(false);
        self.is_cut_off.set(false);
        self.end.set(None);
        self.waiting.get_mut().clear();
        self.hooks.get_mut().clear();
    }

    #[inline]
    pub(crate) fn has_hooks(&self) -> bool {
        self.is_used.get() && !self.hooks.borrow().is_empty()
    }

    /// The client has left, or at least closed its half.
    pub fn set_closed(&self) {
        self.is_used.set(true);
        if !self.is_closed.replace(true) {
            let waiting = self.waiting.take();
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Runs the hooks. One that panics does not keep the others from running.
    pub fn finish(&self, end: End) {
        self.set_end(end);
        let end = self.end.get().unwrap_or(end);
        let (first, last): (Vec<_>, Vec<_>) =
            self.hooks.take().into_iter().partition(|(phase, _)| *phase == Phase::End);
        for (_, hook) in first.into_iter().chain(last) {
            let run = std::panic::AssertUnwindSafe(|| hook(end));
            if std::panic::catch_unwind(run).is_err() {
                tracing::error!("a hook at the end of an exchange panicked");
            }
        }
    }
}

/// The answer to an exchange, ready for any protocol's encoder.
#[derive(Debug)]
pub struct Reply {
    /// The status, 200 to 999.
    pub status: StatusCode,
    /// The reason phrase, where the usual one will not do; HTTP/1 only.
    pub reason: Option<Box<str>>,
    /// The `content-type` that goes out if `fields` has none.
    pub content_type: Option<&'static str>,
    /// The fields, framing ones excepted: those are the encoder's.
    pub fields: FieldLines,
    /// The body.
    pub body: ReplyBody,
    /// Whether the connection ends with this reply.
    pub closes: bool,
}

impl Reply {
    /// An empty reply.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: None,
            content_type: None,
            fields: FieldLines::new(),
            body: ReplyBody::Empty,
            closes: false,
        }
    }
}

/// The body of a [`Reply`].
pub enum ReplyBody {
    /// No bytes.
    Empty,
    /// Bytes of the program itself.
    Static(&'static [u8]),
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes in memory, not shared.
    Owned(Vec<u8>),
    /// Bytes that are yet to be made; polled while the socket has room.
    Stream(Box<dyn ReplyStream>),
    /// No reply at all: what came before it leaves, then the connection is closed.
    Abort,
}

impl ReplyBody {
    /// The number of bytes, where it is known.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Abort => Some(0),
            Self::Static(bytes) => Some(bytes.len() as u64),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Owned(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.len(),
        }
    }

    /// Whether the body is known to have no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            Some(len) => write!(f, "ReplyBody({len} bytes)"),
            None => f.write_str("ReplyBody(stream)"),
        }
    }
}

/// A body that is made while it is sent.
pub trait ReplyStream {
    /// The next bytes; `None` at the end. An error resets the connection, so that the client
    /// cannot take the part for the whole.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Box<dyn Error>>>>;

    /// The exact length, where it is known beforehand.
    fn len(&self) -> Option<u64> {
        None
    }

    /// Whether the stream is known to have no bytes.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Whether fields may follow the last chunk. The body is then chunked where the client takes them, even
    /// if its length is known.
    fn has_trailers(&self) -> bool {
        false
    }

    /// The fields that follow the last chunk; asked for once, after the end, if the client takes them.
    fn trailers(&mut self) -> FieldLines {
        FieldLines::new()
    }
}

/// What an error and its sources say, in one line.
#[must_use]
pub fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// The text of a panic, for the log.
#[must_use]
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic with a value that is no text".to_owned())
}
