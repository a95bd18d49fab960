//! An HTTP/1 connection: one task, one state, no channel and no spawn.
//!
//! The states and what leads from one to another are the table of
//! [`shikra_proto::http1::state`]. `turn` is the way of a plain request, from the bytes to the
//! encoded reply; `handling` is where a connection waits for its handler, `sending` streams a
//! reply, `closing` ends a connection politely. Output is common to all: replies are encoded into
//! the worker's buffer and leave in one write at the end of a turn.

mod body;
mod closing;
mod handling;
mod reply;
mod sending;
mod turn;
mod watch;

use crate::buffer::Output;
use crate::clock::Millis;
use crate::hub::{CountsOut, Hub, Phase, ServiceHub};
use crate::rt::Io;
use crate::service::{Client, End, Exchange, ReplyStream, Service};
use crate::slot::SlotFuture;
use crate::timer::Timer;
use body::BodyProgress;
use bytes::Bytes;
use shikra_proto::http1::HeadDecoder;
use shikra_proto::http1::state::{Event, State};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A connection, as the future that serves it.
pub struct Connection<I, S: Service> {
    io: I,
    hub: Rc<ServiceHub<S>>,
    client: Client,
    state: State,
    stage: Stage<S>,
    decoder: HeadDecoder,
    /// The block of a head that has come in part: the decoder goes on where it stopped.
    partial: Option<Rc<Exchange<S::Extra>>>,
    /// Bytes that have come and are not used yet: a part of a head, or requests read ahead.
    input: Vec<u8>,
    /// Whether `input` is known to be a part of a head, so that only more bytes can help.
    input_is_partial: bool,
    output: Output,
    /// Exchanges whose end somebody wants to know, until their replies have left.
    unflushed: Vec<Rc<Exchange<S::Extra>>>,
    timer: Option<Timer>,
    /// When the state was entered, or for `Idle` when the last reply was made.
    since: Millis,
    /// Since when output has waited without any of it leaving.
    stalled_since: Millis,
    /// When the peer closed its half; one grace runs from then, for all that it asked for before.
    peer_finished_at: Option<Millis>,
    write_is_shut: bool,
    is_first: bool,
    /// Dropped last, so that the connection is counted while any part of it exists.
    _counted: CountsOut,
}

/// What a state carries.
enum Stage<S: Service> {
    /// `Idle`, `Head`, `Closing`, `Closed`: nothing.
    Empty,
    /// `Handling`.
    Handling { future: SlotFuture<S::Response>, active: Active<S> },
    /// `Sending`. The stream is gone once it has ended and only its tail waits.
    Sending { stream: Box<dyn ReplyStream>, framing: sending::Framing, active: Active<S> },
    /// `Draining`, `Lingering`: the body, if it is to be followed, and how much may still come.
    Draining { body: Option<Box<BodyProgress>>, left: u64 },
}

/// An exchange that is not over within its first poll.
struct Active<S: Service> {
    exchange: Rc<Exchange<S::Extra>>,
    /// The service that it began with; a running server may get another one.
    service: Rc<S>,
    body: Option<Box<BodyProgress>>,
}

/// What a step of a state says to the loop.
enum Step {
    /// Something changed: look again.
    Again,
    /// Everything possible is done; the wakers are set.
    Wait,
}

impl<I: fmt::Debug, S: Service> fmt::Debug for Connection<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("io", &self.io)
            .field("client", &self.client)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

// Nothing here is pinned in place: futures and streams have blocks of their own.
impl<I, S: Service> Unpin for Connection<I, S> {}

impl<I: Io, S: Service> Connection<I, S> {
    /// A connection over `io` that has not read anything.
    pub(crate) fn new(hub: Rc<ServiceHub<S>>, io: I, client: Client, counted: CountsOut) -> Self {
        let now = hub.base.clock.now();
        Self {
            io,
            hub,
            client,
            state: State::Idle,
            stage: Stage::Empty,
            decoder: HeadDecoder::default(),
            partial: None,
            input: Vec::new(),
            input_is_partial: true,
            output: Output::default(),
            unflushed: Vec::new(),
            timer: None,
            since: now,
            stalled_since: now,
            peer_finished_at: None,
            write_is_shut: false,
            is_first: true,
            _counted: counted,
        }
    }

    fn base(&self) -> &Hub {
        &self.hub.base
    }

    fn now(&self) -> Millis {
        self.hub.base.clock.now()
    }

    fn is_draining(&self) -> bool {
        self.hub.base.phase() != Phase::Serving
    }

    /// Changes the state as the table says.
    fn go(&mut self, event: Event) {
        self.state = self.state.next(event);
        self.since = self.hub.base.clock.now();
    }

    fn reset(&mut self) {
        self.go(Event::Reset);
    }

    /// One poll: as many steps as change something, then one write for all replies.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut out = self.base().scratch.take_write();
        if self.base().phase() == Phase::Cut {
            self.io.abort();
            self.reset();
        }
        while self.state != State::Closed {
            self.check_deadline(cx, &mut out);
            let step = match self.state {
                State::Idle | State::Head => self.read_heads(cx, &mut out),
                State::Handling => self.poll_handling(cx, &mut out),
                State::Sending => self.poll_sending(cx, &mut out),
                State::Draining => self.poll_draining(cx, &mut out),
                State::Closing | State::Lingering => self.poll_closing(cx, &mut out),
                State::Closed => break,
            };
            if let Step::Wait = step {
                break;
            }
        }
        self.write_out(&mut out);
        self.base().scratch.give_write(out);
        if self.state == State::Closed {
            self.end();
            return Poll::Ready(());
        }
        self.wait_for_output(cx);
        self.arm_timer(cx);
        Poll::Pending
    }

    /// Sends `out`, and clears it.
    #[inline]
    fn write_out(&mut self, out: &mut Vec<u8>) {
        if !out.is_empty() {
            self.write_all(out, None);
        }
    }

    /// Sends `out` and `tail`, and clears `out`.
    fn write_all(&mut self, out: &mut Vec<u8>, tail: Option<Bytes>) {
        let was_empty = self.output.is_empty();
        let sent = match tail {
            None => self.output.send(&mut self.io, out),
            Some(tail) => self.output.send_both(&mut self.io, out, tail),
        };
        if sent.is_err() {
            self.reset();
        }
        out.clear();
        self.after_write(was_empty);
    }

    /// Lets out what waits. Again, if all of it left.
    fn flush(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        self.write_out(out);
        while !self.output.is_empty() {
            if self.io.poll_writable(cx).is_pending() {
                return Step::Wait;
            }
            match self.output.flush(&mut self.io) {
                Ok(written) => self.after_write(written > 0),
                Err(_) => {
                    self.reset();
                    return Step::Again;
                }
            }
        }
        Step::Again
    }

    fn after_write(&mut self, progressed: bool) {
        if progressed {
            self.stalled_since = self.now();
        }
        if self.output.is_empty() && !self.unflushed.is_empty() && self.state != State::Closed {
            for exchange in std::mem::take(&mut self.unflushed) {
                exchange.fate().finish(End::Finished);
                self.hub.give_exchange(exchange);
            }
        }
    }

    /// A connection with waiting output wakes when the socket has room, whatever its state.
    fn wait_for_output(&mut self, cx: &mut Context<'_>) {
        if !self.output.is_empty() && self.io.poll_writable(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// An exchange is over: its body ends, its hooks run when the reply has left.
    fn finish_exchange(&mut self, exchange: Rc<Exchange<S::Extra>>) {
        exchange.body().end();
        if exchange.fate().has_hooks() {
            self.unflushed.push(exchange);
        } else {
            self.hub.give_exchange(exchange);
        }
    }

    /// Drops everything, running destructors before hooks.
    fn end(&mut self) {
        let exchange = match std::mem::replace(&mut self.stage, Stage::Empty) {
            Stage::Handling { future, active } => {
                drop_quietly(future);
                Some(active.exchange)
            }
            Stage::Sending { stream, active, .. } => {
                drop_quietly(stream);
                Some(active.exchange)
            }
            Stage::Empty | Stage::Draining { .. } => None,
        };
        for exchange in std::mem::take(&mut self.unflushed).into_iter().chain(exchange) {
            exchange.fate().set_closed();
            exchange.body().end();
            exchange.fate().finish(End::Aborted);
            self.hub.give_exchange(exchange);
        }
    }
}

impl<I: Io, S: Service> Future for Connection<I, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.base().clock.tick();
        this.run(cx)
    }
}

impl<I, S: Service> Drop for Connection<I, S> {
    fn drop(&mut self) {
        // Ended by the runtime's end rather than by itself: whoever waits still hears of it.
        if let Stage::Handling { active, .. } | Stage::Sending { active, .. } = &self.stage {
            active.exchange.body().end();
            active.exchange.fate().finish(End::Aborted);
        }
        for exchange in &self.unflushed {
            exchange.fate().finish(End::Aborted);
        }
    }
}

/// Drops a user's value; a panic in its destructor stays here.
fn drop_quietly<T>(value: T) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value))).is_err() {
        tracing::error!("a handler's destructor panicked");
    }
}
