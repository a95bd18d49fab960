//! The way of a plain request: bytes, head, handler, reply, and on to the next.

use super::{Active, Connection, Stage, Step, body::BodyProgress};
use crate::rt::{Io, tasks};
use crate::service::{Answer, Exchange, Incident, Refusal, Reply, Service, panic_message};
use crate::slot::SlotFuture;
use http::StatusCode;
use shikra_proto::http1::state::{After, Event, State};
use shikra_proto::http1::{BodyFraming, HeadError, HeadStatus, peek_method};
use std::any::Any;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll};

/// Why a run over the bytes at hand ended.
#[derive(Clone, Copy)]
enum Stop {
    /// They are used up, or the rest is a part of a head.
    Starved,
    /// The connection is in another state now.
    State,
    /// Others are to have their turn, or the socket has to take the replies first.
    Turn,
}

/// A handler, unless the service has a reply already; or its panic.
type Called<R> = (std::thread::Result<Option<SlotFuture<R>>>, Option<Reply>);
/// A handler that was polled, whether it panicked, and its response.
type Polled<R> = (SlotFuture<R>, std::thread::Result<()>, Poll<R>);

impl<I: Io, S: Service> Connection<I, S> {
    /// `Idle` and `Head`: answers all requests that are at hand, then reads more.
    pub(super) fn read_heads(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        if self.has_output() {
            // The peer does not take its replies: no more requests until it does.
            return match self.flush(cx, out) {
                Step::Again if !self.has_output() => Step::Again,
                step => step,
            };
        }
        if self.incoming.as_ref().is_some_and(|incoming| !incoming.is_partial) {
            return self.use_input(cx, out);
        }
        // What was answered so far must not wait for what comes next.
        self.write_out(out);
        self.read_and_use(cx, out)
    }

    fn read_and_use(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        let mut scratch = self.base().scratch.take_read();
        let step = loop {
            let step = self.read_once(cx, out, &mut *scratch);
            if matches!(step, Step::Wait) || !self.is_at_rest() {
                break step;
            }
            // All is answered: the replies leave before the read that usually finds nothing.
            self.write_out(out);
            if self.state != State::Idle || self.has_output() {
                break step;
            }
        };
        self.base().scratch.give_read(scratch);
        step
    }

    /// Between requests, and nothing waits.
    fn is_at_rest(&self) -> bool {
        self.state == State::Idle && self.incoming.is_none() && !self.has_output()
    }

    fn read_once(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>, scratch: &mut [u8]) -> Step {
        let ends = self.is_draining() && self.state == State::Idle;
        let read = match ends {
            false => self.io.poll_read(cx, scratch),
            // A request that has arrived is answered; the reactor need not have seen it yet.
            true => match self.io.read_now(scratch) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
                result => Poll::Ready(result),
            },
        };
        match read {
            Poll::Pending if ends => {
                self.go(Event::Shutdown);
                Step::Again
            }
            Poll::Pending => Step::Wait,
            Poll::Ready(Err(_)) => {
                self.reset();
                Step::Again
            }
            Poll::Ready(Ok(0)) => {
                self.go(Event::PeerFinished);
                Step::Again
            }
            Poll::Ready(Ok(len)) => {
                let bytes = scratch.get(..len).unwrap_or_default();
                match &mut self.incoming {
                    None => self.use_scratch(cx, out, bytes),
                    Some(incoming) => {
                        incoming.bytes.extend_from_slice(bytes);
                        self.use_input(cx, out)
                    }
                }
            }
        }
    }

    /// Answers what is in the worker's buffer; only the unused rest becomes the connection's own.
    fn use_scratch(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>, bytes: &[u8]) -> Step {
        let (used, stop) = self.answer_all(cx, out, bytes);
        if used < bytes.len() {
            self.keep(bytes.get(used..).unwrap_or_default().to_vec(), stop);
        }
        self.stopped(cx, out, stop)
    }

    fn use_input(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        let bytes = std::mem::take(&mut self.incoming().bytes);
        let (used, stop) = self.answer_all(cx, out, &bytes);
        match bytes.get(used..).unwrap_or_default() {
            [] => self.incoming = None,
            _ if used == 0 => self.keep(bytes, stop),
            // Right-sized: the next head's part.
            rest => self.keep(rest.to_vec(), stop),
        }
        self.stopped(cx, out, stop)
    }

    /// Keeps the bytes behind those that were used.
    fn keep(&mut self, bytes: Vec<u8>, stop: Stop) {
        let incoming = self.incoming();
        incoming.bytes = bytes;
        incoming.is_partial = matches!(stop, Stop::Starved);
    }

    fn stopped(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>, stop: Stop) -> Step {
        match stop {
            Stop::State => Step::Again,
            Stop::Starved => {
                if self.state == State::Idle && self.incoming.is_some() {
                    self.go(Event::Bytes);
                }
                Step::Again
            }
            Stop::Turn => {
                self.write_out(out);
                tasks::wake_after_others(cx);
                Step::Wait
            }
        }
    }

    /// Answers the requests in `bytes`, in order; returns how many bytes are used.
    fn answer_all(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        bytes: &[u8],
    ) -> (usize, Stop) {
        let mut rest = bytes;
        let mut answered = 0;
        let stop = loop {
            let limits = &self.hub.base.limits;
            if rest.is_empty() {
                break Stop::Starved;
            }
            if answered == limits.requests_per_turn_max {
                break Stop::Turn;
            }
            if out.len() >= limits.waiting_reply_bytes_max {
                self.write_out(out);
            }
            if self.state == State::Closed {
                break Stop::State;
            }
            if self.has_output() {
                break Stop::Turn;
            }
            let partial = self.incoming.as_mut().and_then(|incoming| incoming.head.take());
            let mut exchange = partial.unwrap_or_else(|| self.hub.take_exchange(&self.client));
            let Some(unique) = Rc::get_mut(&mut exchange) else { continue };
            match unique.decode(rest, &self.hub.base.limits.head) {
                Ok(HeadStatus::Partial) => {
                    self.incoming().head = Some(exchange);
                    break Stop::Starved;
                }
                Err(error) => {
                    self.refuse(out, rest, exchange.head().target(), &error);
                    self.hub.give_exchange(exchange);
                    return (bytes.len(), Stop::State);
                }
                Ok(HeadStatus::Complete { len }) => {
                    rest = rest.get(len..).unwrap_or_default();
                    unique.set_client(&self.client, self.hub.base.clock.now());
                }
            }
            self.enter_handling();
            let body = self.begin_body(&exchange, &mut rest);
            self.call(cx, out, exchange, body);
            answered += 1;
            if self.state != State::Idle {
                break Stop::State;
            }
        };
        (bytes.len() - rest.len(), stop)
    }

    fn enter_handling(&mut self) {
        self.state = match self.state {
            // Most heads come whole; the table is asked when this is compiled.
            State::Idle => const { State::Idle.next(Event::Bytes).next(Event::HeadDone) },
            state => state.next(Event::HeadDone),
        };
        self.base().load().count_request();
        self.is_first = false;
    }

    /// Takes what has come of a body from the front of `bytes`; returns the rest's progress, if there is a rest.
    #[inline]
    fn begin_body(
        &mut self,
        exchange: &Exchange<S::Extra>,
        bytes: &mut &[u8],
    ) -> Option<Box<BodyProgress>> {
        match exchange.head().body_framing() {
            BodyFraming::None => None,
            framing => self.begin_some_body(exchange, framing, bytes),
        }
    }

    #[inline(never)]
    fn begin_some_body(
        &mut self,
        exchange: &Exchange<S::Extra>,
        framing: BodyFraming,
        bytes: &mut &[u8],
    ) -> Option<Box<BodyProgress>> {
        if let BodyFraming::Length(len @ 1..) = framing
            && let Ok(len) = usize::try_from(len)
            && let Some((whole, behind)) = bytes.split_at_checked(len)
        {
            exchange.body().open_whole(whole);
            *bytes = behind;
            return None;
        }
        let mut progress = BodyProgress::new(framing, exchange.head().expects_continue());
        progress.open(exchange.body());
        let used = progress.take_from(bytes, exchange.body(), &self.base().limits.body);
        *bytes = bytes.get(used..).unwrap_or_default();
        (!progress.is_over()).then(|| Box::new(progress))
    }

    /// Calls the service and polls its handler once; most are done with that.
    fn call(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        mut exchange: Rc<Exchange<S::Extra>>,
        body: Option<Box<BodyProgress>>,
    ) {
        let service = self.hub.service();
        let mut reply = None;
        // A reply is large, and would be moved once more in what this returns.
        let called = catch_unwind(AssertUnwindSafe(|| match service.call(&mut exchange) {
            Answer::Later(future) => Some(future),
            Answer::Now(now) => {
                reply = Some(now);
                None
            }
        }));
        let Ok(Some(mut future)) = called else {
            return self.answered(cx, out, Active { exchange, service, body }, (called, reply));
        };
        let mut response = Poll::Pending;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            exchange.body().attend(|| future.poll_into(cx, &mut response));
        }));
        self.note_peer(&exchange);
        if let (Ok(()), Poll::Ready(answer), None) = (&polled, &mut response, &body)
            && let Some(reply) = service.as_reply(answer)
            && self.reply_usual(out, &exchange, reply)
        {
            if service.is_spent(answer) {
                std::mem::forget(response);
            }
            return self.finish_exchange(exchange);
        }
        self.polled(cx, out, Active { exchange, service, body }, (future, polled, response));
    }

    /// What a client asked for before it closed its half is answered within the same grace.
    #[inline]
    fn note_peer(&self, exchange: &Exchange<S::Extra>) {
        if self.peer_finished_at().is_some() {
            exchange.fate().set_closed();
        }
    }

    /// Goes on with what a service has answered at once.
    #[inline(never)]
    fn answered(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        active: Active<S>,
        (called, reply): Called<S::Response>,
    ) {
        self.note_peer(&active.exchange);
        match (called, reply) {
            (Ok(None), Some(reply)) => self.reply(out, active, reply),
            (Ok(Some(future)), _) => self.begin_handling(cx, future, active),
            (Ok(None), None) => self.recover(cx, out, active, &"no answer"),
            (Err(panic), _) => self.recover(cx, out, active, &*panic),
        }
    }

    /// Goes on with what the first poll of a handler has come to.
    #[inline(never)]
    fn polled(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        active: Active<S>,
        (future, polled, response): Polled<S::Response>,
    ) {
        match (polled, response) {
            (Ok(()), Poll::Ready(response)) => self.complete(cx, out, active, response),
            (Ok(()), Poll::Pending) => self.begin_handling(cx, future, active),
            (Err(panic), _) => {
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
                let panic = dropped.err().unwrap_or(panic);
                self.recover(cx, out, active, &*panic);
            }
        }
    }

    fn begin_handling(
        &mut self,
        cx: &Context<'_>,
        future: SlotFuture<S::Response>,
        active: Active<S>,
    ) {
        active.exchange.body().set_connection(cx.waker());
        self.stage = Stage::Handling { future, active };
    }

    /// A handler has made its response: it becomes a reply, or another handler runs.
    pub(super) fn complete(
        &mut self,
        cx: &Context<'_>,
        out: &mut Vec<u8>,
        active: Active<S>,
        response: S::Response,
    ) {
        let (service, exchange) = (&active.service, &active.exchange);
        match catch_unwind(AssertUnwindSafe(|| service.finish(exchange, response))) {
            Ok(Answer::Now(reply)) => self.reply(out, active, reply),
            Ok(Answer::Later(future)) => self.begin_handling(cx, future, active),
            Err(panic) => self.recover(cx, out, active, &*panic),
        }
    }

    /// A panic that the service did not catch: it answers, and the connection goes on.
    #[inline(never)]
    pub(super) fn recover(
        &mut self,
        cx: &Context<'_>,
        out: &mut Vec<u8>,
        active: Active<S>,
        panic: &(dyn Any + Send),
    ) {
        let message = panic_message(panic);
        let (service, exchange) = (&active.service, &active.exchange);
        match catch_unwind(AssertUnwindSafe(|| service.recover(exchange, message))) {
            Ok(Answer::Now(reply)) => self.reply(out, active, reply),
            Ok(Answer::Later(future)) => self.begin_handling(cx, future, active),
            Err(_) => self.reply(out, active, Reply::new(StatusCode::INTERNAL_SERVER_ERROR)),
        }
    }

    /// A streamed reply failed before any of it had left: another one takes its place.
    pub(super) fn withdraw(
        &mut self,
        cx: &Context<'_>,
        out: &mut Vec<u8>,
        active: Active<S>,
        incident: Incident,
    ) {
        let (service, exchange) = (&active.service, &active.exchange);
        match catch_unwind(AssertUnwindSafe(|| service.withdraw(exchange, incident))) {
            Ok(Answer::Now(reply)) => self.reply(out, active, reply),
            Ok(Answer::Later(future)) => self.begin_handling(cx, future, active),
            Err(panic) => self.recover(cx, out, active, &*panic),
        }
    }

    /// Answers a malformed head. Whatever follows it cannot be trusted either.
    #[cold]
    fn refuse(&mut self, out: &mut Vec<u8>, head: &[u8], target: &str, error: &HeadError) {
        self.refuse_with(out, head, target, error.status(), &error.to_string());
    }

    /// Answers what is no request: the bytes of a head, and the target if it was read that far.
    pub(super) fn refuse_with(
        &mut self,
        out: &mut Vec<u8>,
        head: &[u8],
        target: &str,
        status: StatusCode,
        why: &str,
    ) {
        let method = peek_method(head);
        let since = if self.state == State::Head { self.since } else { self.now() };
        let service = self.hub.service();
        let reply = service.refuse(status, why);
        let refusal = Refusal {
            client: &self.client,
            method: method.as_ref(),
            target,
            why,
            waited: self.now().since(since),
        };
        service.note_refusal(&refusal, &reply);
        self.encode_refusal(out, &method.unwrap_or_default(), reply);
        if self.state == State::Idle {
            self.go(Event::Bytes);
        }
        self.go(Event::HeadRefused);
        self.begin_linger();
    }

    /// What the reply to `exchange` means for the connection.
    pub(super) fn after_reply(&self, active: &Active<S>, reply_closes: bool) -> After {
        let unread = active.body.as_deref().filter(|body| !body.is_over());
        let keeps = self.keeps(active, reply_closes);
        match unread {
            None if keeps => After::Keep,
            None if self.input_len() == 0 => After::Close,
            None => After::Linger,
            Some(body) if keeps && body.is_drainable(self.base().limits.drain_bytes_max) => {
                After::Drain
            }
            Some(_) => After::Linger,
        }
    }

    /// Whether another request may be answered after the reply to this one, bodies aside.
    pub(super) fn keeps(&self, active: &Active<S>, reply_closes: bool) -> bool {
        // A peer that has closed its half may have asked for more before; if not, the next read says so.
        active.exchange.head().keep_alive() && !reply_closes && !self.is_draining()
    }
}
