//! Is the client still there, and has a deadline passed?

use super::handling::Watched;
use super::{Active, Connection, Stage};
use crate::body::BodyError;
use crate::clock::Millis;
use crate::rt::Io;
use crate::service::Service;
use crate::timer::Timer;
use http::StatusCode;
use shikra_proto::http1::state::{Event, State};
use std::task::{Context, Poll};

impl<I: Io, S: Service> Connection<I, S> {
    /// Reads ahead, within limits: later requests wait, and the end of the stream shows.
    pub(super) fn watch(
        &mut self,
        cx: &mut Context<'_>,
        active: &mut Active<S>,
        now: Millis,
    ) -> Watched {
        let mut scratch = self.base().scratch.take_read();
        let max = self.base().limits.pipelined_bytes_max;
        let watched = loop {
            let room = max.saturating_sub(self.input_len()).min(scratch.len());
            if self.peer_finished_at().is_some() || room == 0 {
                break self.watch_reset(cx);
            }
            let Some(buf) = scratch.get_mut(..room) else { break Watched::Present };
            match self.io.poll_read(cx, buf) {
                Poll::Pending => break Watched::Present,
                Poll::Ready(Ok(0)) => self.finish_peer(active, now),
                Poll::Ready(Ok(len)) => self.read_ahead(buf.get(..len).unwrap_or_default()),
                Poll::Ready(Err(_)) => break Watched::Gone,
            }
        };
        self.base().scratch.give_read(scratch);
        watched
    }

    /// While reading is paused only a reset can be seen.
    pub(super) fn watch_reset(&mut self, cx: &mut Context<'_>) -> Watched {
        match self.io.poll_reset(cx) {
            Poll::Ready(()) => Watched::Gone,
            Poll::Pending => Watched::Present,
        }
    }

    /// The client has closed its half: whoever waits for that hears of it, and a grace begins.
    pub(super) fn finish_peer(&mut self, active: &mut Active<S>, now: Millis) {
        self.late().peer_finished_at.get_or_insert(now);
        active.exchange.fate().set_closed();
        self.go(Event::PeerFinished);
    }

    /// Acts on a deadline that has passed, if one has.
    pub(super) fn check_deadline(&mut self, cx: &Context<'_>, out: &mut Vec<u8>) {
        let now = self.now();
        if !self.timer.as_ref().is_some_and(|timer| timer.is_due(now)) {
            return;
        }
        if self.write_deadline().is_some_and(|deadline| deadline <= now) {
            return self.reset();
        }
        if let Some(active) = self.stage.active_mut()
            && let Some(body) = active.body.as_deref_mut()
            && body.deadline(&self.hub.base.limits).is_some_and(|deadline| deadline <= now)
        {
            body.set_fault();
            body.rests();
            active.exchange.body().fail(BodyError::TooSlow);
            active.exchange.body().wake_reader(cx.waker());
        }
        if self.state_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.state == State::Head {
            let (status, why) = (StatusCode::REQUEST_TIMEOUT, "the request head came too slowly");
            let incoming = self.incoming.take();
            let bytes = incoming.as_ref().map_or(&[][..], |incoming| &incoming.bytes);
            let head = incoming.as_ref().and_then(|incoming| incoming.head.as_ref());
            let target = head.map_or("", |exchange| exchange.head().target());
            self.refuse_with(out, bytes, target, status, why);
        } else {
            self.go(Event::Timeout);
        }
    }

    /// Whether all is answered and has left, so that only the next request is waited for. Then the timer is armed
    /// for the one deadline that there is, as `state_deadline` has it.
    pub(super) fn rests_between_requests(&self) -> bool {
        if let (State::Idle, false, None, Some(timer)) =
            (self.state, self.is_first, &self.late, &self.timer)
        {
            timer.arm(Millis(self.since.0.saturating_add(self.base().keep_alive.0)));
            return true;
        }
        false
    }

    /// Arms the one timer for the nearest deadline.
    #[inline(never)]
    pub(super) fn arm_timer(&mut self, cx: &Context<'_>) {
        let nearest = match self.stage {
            // Between requests only the state has a deadline.
            Stage::Empty if !self.has_output() => self.state_deadline(),
            _ => {
                let deadlines =
                    [self.write_deadline(), self.body_deadline(), self.state_deadline()];
                deadlines.into_iter().flatten().min()
            }
        };
        let timer = self.timer.get_or_insert_with(|| Timer::new(&self.hub.base.timers, cx.waker()));
        match nearest {
            Some(deadline) => timer.arm(deadline),
            None => timer.disarm(),
        }
    }

    /// A peer that takes nothing for too long is given up.
    fn write_deadline(&self) -> Option<Millis> {
        let timeout = self.base().limits.write_stall_timeout;
        let late = self.late.as_deref().filter(|late| !late.output.is_empty())?;
        Some(late.stalled_since.plus(timeout))
    }

    fn body_deadline(&self) -> Option<Millis> {
        self.stage.active()?.body.as_deref()?.deadline(&self.base().limits)
    }

    fn state_deadline(&self) -> Option<Millis> {
        let limits = &self.base().limits;
        match self.state {
            State::Idle if self.has_output() => None,
            State::Idle if self.is_first => Some(self.since.plus(limits.first_byte_timeout)),
            State::Idle => Some(self.since.plus(limits.keep_alive_timeout)),
            State::Head => Some(self.since.plus(limits.head_timeout)),
            State::Handling => self.peer_finished_at().map(|at| at.plus(limits.half_close_grace)),
            State::Draining => Some(self.since.plus(limits.drain_timeout)),
            State::Lingering if !self.has_output() => Some(self.since.plus(limits.drain_timeout)),
            State::Sending | State::Lingering | State::Closing | State::Closed => None,
        }
    }
}
