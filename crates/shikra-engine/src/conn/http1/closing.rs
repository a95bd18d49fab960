//! `Draining`, `Closing`, `Lingering`: what happens to a body nobody wanted, and the polite end.

use super::body::BodyProgress;
use super::{Connection, Stage, Step};
use crate::rt::{Io, tasks};
use crate::service::Service;
use shikra_proto::http1::state::{Event, State};
use std::task::{Context, Poll};

impl<I: Io, S: Service> Connection<I, S> {
    pub(super) fn begin_drain(&mut self, body: Option<Box<BodyProgress>>) {
        self.stage = Stage::Draining { body, left: self.base().limits.drain_bytes_max };
    }

    pub(super) fn begin_linger(&mut self) {
        self.incoming = None;
        self.stage = Stage::Draining { body: None, left: 0 };
    }

    /// Reads over the rest of a body; the connection is kept if that ends soon.
    pub(super) fn poll_draining(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        self.write_out(out);
        let Stage::Draining { body: Some(mut body), mut left } =
            std::mem::replace(&mut self.stage, Stage::Empty)
        else {
            self.reset();
            return Step::Again;
        };
        let mut scratch = self.base().scratch.take_read();
        let event = loop {
            match self.io.poll_read(cx, &mut *scratch) {
                Poll::Pending => break None,
                Poll::Ready(Err(_)) => break Some(Event::Reset),
                Poll::Ready(Ok(0)) => break Some(Event::PeerFinished),
                Poll::Ready(Ok(len)) => {
                    let bytes = scratch.get(..len).unwrap_or_default();
                    let Some(used) = body.skip(bytes, &self.hub.base.limits.body) else {
                        break Some(Event::BodyRefused);
                    };
                    if body.is_over() {
                        self.read_ahead(bytes.get(used..).unwrap_or_default());
                        break Some(Event::BodyDone);
                    }
                    left = left.saturating_sub(used as u64);
                    if left == 0 {
                        break Some(Event::BodyRefused);
                    }
                }
            }
        };
        self.base().scratch.give_read(scratch);
        let Some(event) = event else {
            self.stage = Stage::Draining { body: Some(body), left };
            return Step::Wait;
        };
        self.go(event);
        Step::Again
    }

    /// Lets the last reply leave; after it, forgets what still comes, until the peer is done.
    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        if let Step::Wait = self.flush(cx, out) {
            return Step::Wait;
        }
        match self.state {
            State::Closing => self.go(Event::Flushed),
            State::Lingering => return self.linger(cx),
            _ => {}
        }
        Step::Again
    }

    fn linger(&mut self, cx: &mut Context<'_>) -> Step {
        if self.peer_finished_at().is_none() && !self.write_is_shut {
            // RFC 9112 §9.6: closing with unread bytes would reset the connection, and the
            // reset can overtake the reply.
            self.write_is_shut = true;
            self.io.shutdown_write();
            self.since = self.now();
        }
        if self.peer_finished_at().is_some() {
            self.go(Event::PeerFinished);
            return Step::Again;
        }
        let mut scratch = self.base().scratch.take_read();
        let read = self.io.poll_read(cx, &mut *scratch);
        self.base().scratch.give_read(scratch);
        match read {
            Poll::Pending => return Step::Wait,
            Poll::Ready(Ok(0)) => self.go(Event::PeerFinished),
            Poll::Ready(Err(_)) => self.go(Event::Reset),
            Poll::Ready(Ok(_)) => {
                // A peer that sends as fast as it is read must not keep others from their turn.
                tasks::wake_after_others(cx);
                return Step::Wait;
            }
        }
        Step::Again
    }
}
