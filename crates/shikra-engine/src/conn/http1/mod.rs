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

use crate::buffer::{Output, Piece, write_now};
use crate::clock::Millis;
use crate::hub::{CountedIn, Hub, Phase};
use crate::rt::Io;
use crate::service::{Client, End, Exchange, Service};
use crate::slot::SlotFuture;
use crate::timer::Timer;
use body::BodyProgress;
use sending::Sending;
use shikra_proto::http1::state::{Event, State};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A connection, as the future that serves it.
pub struct Connection<I, S: Service> {
    io: I,
    client: Rc<Client>,
    state: State,
    stage: Stage<S>,
    incoming: Option<Box<Incoming<S::Extra>>>,
    late: Option<Box<Late<S::Extra>>>,
    timer: Option<Timer>,
    /// When the state was entered, or for `Idle` when the last reply was made. `Handling` has no use for it.
    since: Millis,
    write_is_shut: bool,
    is_first: bool,
    /// Whether the system was told how much of a long reply to keep.
    unsent_is_limited: bool,
    /// Dropped last, so that the connection is counted while any part of it exists.
    hub: CountedIn<S>,
}

/// What a connection has only while bytes that have come are not used yet: a part of a head, or requests
/// read ahead.
struct Incoming<X> {
    bytes: Vec<u8>,
    /// Whether the bytes are known to be a part of a head, so that only more of them can help.
    is_partial: bool,
    /// The block of a head that has come in part, whose decoding goes on where it stopped.
    head: Option<Rc<Exchange<X>>>,
}

/// What a connection has only while its peer is behind with its replies, or has closed its half.
struct Late<X> {
    output: Output,
    /// Since when output has waited without any of it leaving.
    stalled_since: Millis,
    /// Exchanges whose end somebody wants to know, until their replies have left.
    unflushed: Vec<Rc<Exchange<X>>>,
    /// When the peer closed its half; one grace runs from then, for all that it asked for before.
    peer_finished_at: Option<Millis>,
}

/// What a state carries.
enum Stage<S: Service> {
    /// `Idle`, `Head`, `Closing`, `Closed`: nothing.
    Empty,
    /// `Handling`.
    Handling { future: SlotFuture<S::Response>, active: Active<S> },
    /// `Sending`.
    Sending(Box<Sending<S>>),
    /// `Draining`, `Lingering`: the body, if it is to be followed, and how much may still come.
    Draining { body: Option<Box<BodyProgress>>, left: u64 },
}

impl<S: Service> Stage<S> {
    fn active(&self) -> Option<&Active<S>> {
        match self {
            Self::Handling { active, .. } => Some(active),
            Self::Sending(sending) => Some(&sending.active),
            Self::Empty | Self::Draining { .. } => None,
        }
    }

    fn active_mut(&mut self) -> Option<&mut Active<S>> {
        match self {
            Self::Handling { active, .. } => Some(active),
            Self::Sending(sending) => Some(&mut sending.active),
            Self::Empty | Self::Draining { .. } => None,
        }
    }
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
    pub(crate) fn new(hub: CountedIn<S>, io: I, client: Client) -> Self {
        Self {
            io,
            client: Rc::new(client),
            state: State::Idle,
            stage: Stage::Empty,
            incoming: None,
            late: None,
            timer: None,
            since: hub.base.clock.now(),
            write_is_shut: false,
            is_first: true,
            unsent_is_limited: false,
            hub,
        }
    }

    /// The stream, for a caller that polls the connection and is the other end of it.
    pub fn io(&self) -> &I {
        &self.io
    }

    /// The same, to be fed.
    pub fn io_mut(&mut self) -> &mut I {
        &mut self.io
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

    /// How many bytes have come and are not used yet.
    fn input_len(&self) -> usize {
        self.incoming.as_ref().map_or(0, |incoming| incoming.bytes.len())
    }

    fn incoming(&mut self) -> &mut Incoming<S::Extra> {
        self.incoming.get_or_insert_with(|| {
            Box::new(Incoming { bytes: Vec::new(), is_partial: false, head: None })
        })
    }

    /// Keeps bytes behind those that are there; nobody has looked at them.
    fn read_ahead(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let incoming = self.incoming();
            incoming.bytes.extend_from_slice(bytes);
            incoming.is_partial = false;
        }
    }

    fn has_output(&self) -> bool {
        self.late.as_ref().is_some_and(|late| !late.output.is_empty())
    }

    fn peer_finished_at(&self) -> Option<Millis> {
        self.late.as_ref().and_then(|late| late.peer_finished_at)
    }

    fn late(&mut self) -> &mut Late<S::Extra> {
        self.late.get_or_insert_with(|| Box::new(Late::new(Output::default(), Millis(0))))
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
        if !self.rests_between_requests() {
            self.wait_for_output(cx);
            self.arm_timer(cx);
        }
        Poll::Pending
    }

    /// Sends `out`, and clears it.
    #[inline]
    fn write_out(&mut self, out: &mut Vec<u8>) {
        if !out.is_empty() {
            self.write_some(out);
        }
    }

    #[inline(never)]
    fn write_some(&mut self, out: &mut Vec<u8>) {
        if self.late.is_none() {
            match write_now(&mut self.io, out) {
                Ok(written) if written == out.len() => return out.clear(),
                Ok(written) => drop(out.drain(..written)),
                Err(_) => {
                    out.clear();
                    return self.reset();
                }
            }
        }
        self.write_all(out, &[]);
    }

    /// Sends `out` with `pieces` in it, and clears `out`.
    fn write_all(&mut self, out: &mut Vec<u8>, pieces: &[Piece]) {
        let mut fresh = Output::default();
        let output = self.late.as_mut().map_or(&mut fresh, |late| &mut late.output);
        let was_empty = output.is_empty();
        if output.send(&mut self.io, out, pieces).is_err() {
            self.reset();
        }
        out.clear();
        if !fresh.is_empty() {
            self.late = Some(Box::new(Late::new(fresh, self.now())));
        } else if self.late.is_some() {
            self.after_write(was_empty);
        }
    }

    /// Lets out what waits. Again, if all of it left.
    fn flush(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        self.write_out(out);
        while let Some(late) = &mut self.late
            && !late.output.is_empty()
        {
            if self.io.poll_writable(cx).is_pending() {
                return Step::Wait;
            }
            match late.output.flush(&mut self.io) {
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
        let now = self.now();
        let Some(late) = &mut self.late else { return };
        if progressed {
            late.stalled_since = now;
        }
        if late.output.is_empty() && self.state != State::Closed {
            let unflushed = std::mem::take(&mut late.unflushed);
            // A connection that has caught up owns nothing again.
            self.late.take_if(|late| late.peer_finished_at.is_none());
            for exchange in unflushed {
                exchange.fate().finish(End::Finished);
                self.hub.give_exchange(exchange);
            }
        }
    }

    /// A connection with waiting output wakes when the socket has room, whatever its state.
    fn wait_for_output(&mut self, cx: &mut Context<'_>) {
        if self.has_output() && self.io.poll_writable(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// An exchange is over: its body ends, its hooks run when the reply has left.
    #[inline(always)]
    fn finish_exchange(&mut self, exchange: Rc<Exchange<S::Extra>>) {
        exchange.body().end();
        if exchange.fate().has_hooks() {
            self.late().unflushed.push(exchange);
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
            Stage::Sending(sending) => {
                drop_quietly(sending.stream);
                Some(sending.active.exchange)
            }
            Stage::Empty | Stage::Draining { .. } => None,
        };
        let unflushed = self.late.take().map(|late| late.unflushed).unwrap_or_default();
        for exchange in unflushed.into_iter().chain(exchange) {
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
        if let Some(active) = self.stage.active() {
            active.exchange.body().end();
            active.exchange.fate().finish(End::Aborted);
        }
        for exchange in self.late.iter().flat_map(|late| &late.unflushed) {
            exchange.fate().finish(End::Aborted);
        }
    }
}

impl<X> Late<X> {
    fn new(output: Output, now: Millis) -> Self {
        Self { output, stalled_since: now, unflushed: Vec::new(), peer_finished_at: None }
    }
}

/// Drops a user's value; a panic in its destructor stays here.
fn drop_quietly<T>(value: T) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value))).is_err() {
        tracing::error!("a handler's destructor panicked");
    }
}

#[cfg(test)]
mod tests;
