//! `Handling`: a handler waits, and the connection with it.

use super::{Active, Connection, Stage, Step};
use crate::body::{BodyError, Demand};
use crate::buffer::READ_BYTES;
use crate::rt::Io;
use crate::service::Service;
use shikra_proto::http1::encode_continue;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

impl<I: Io, S: Service> Connection<I, S> {
    /// Polls the handler until it is done or waits for something that is not here.
    #[inline(never)]
    pub(super) fn poll_handling(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        let Stage::Handling { mut future, mut active } =
            std::mem::replace(&mut self.stage, Stage::Empty)
        else {
            self.reset();
            return Step::Again;
        };
        loop {
            if let Watched::Gone = self.attend_socket(cx, out, &mut active) {
                self.stage = Stage::Handling { future, active };
                self.reset();
                return Step::Again;
            }
            let exchange = &active.exchange;
            let poll = catch_unwind(AssertUnwindSafe(|| {
                exchange.body().attend(|| Pin::new(&mut future).poll(cx))
            }));
            match poll {
                Ok(Poll::Pending) if self.can_feed(&active) => {}
                Ok(Poll::Pending) => {
                    self.stage = Stage::Handling { future, active };
                    return Step::Wait;
                }
                Ok(Poll::Ready(response)) => {
                    super::drop_quietly(future);
                    self.complete(cx, out, active, response);
                    return Step::Again;
                }
                Err(panic) => {
                    super::drop_quietly(future);
                    self.recover(cx, out, active, &*panic);
                    return Step::Again;
                }
            }
        }
    }

    /// Whether the reader has just asked for bytes that the socket has not been asked for yet.
    pub(super) fn can_feed(&self, active: &Active<S>) -> bool {
        active.exchange.body().demand() == Demand::Bytes
            && active.body.as_deref().is_some_and(|body| !body.is_asked())
    }

    /// Reads a window of the body if it is wanted, and sees whether the client is still there.
    pub(super) fn attend_socket(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        active: &mut Active<S>,
    ) -> Watched {
        let now = self.now();
        if active.exchange.body().demand() == Demand::Bytes {
            if active.body.is_some() {
                return self.feed(cx, out, active);
            }
            return Watched::Present;
        }
        if let Some(body) = active.body.as_deref_mut() {
            body.rests();
            if !body.is_over() {
                // The next bytes are the body's, and nobody wants them yet.
                return self.watch_reset(cx);
            }
        }
        self.watch(cx, active, now)
    }

    fn feed(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>, active: &mut Active<S>) -> Watched {
        let now = self.now();
        let Some(body) = active.body.as_deref_mut() else { return Watched::Present };
        let cell = active.exchange.body();
        if std::mem::take(&mut body.continue_due) {
            // RFC 9110 §10.1.1: the reader wants the body, so the client may send it. HTTP/1.0
            // clients never get here: the head's `expects_continue` is about 1.1 alone.
            encode_continue(out);
            self.write_out(out);
        }
        body.window.reserve(body.window_len(READ_BYTES));
        match self.io.poll_read_buf(cx, &mut body.window) {
            Poll::Pending => {
                // A client that lets others wait holds no memory meanwhile.
                body.release_window();
                body.set_asked(true);
                body.waits(now);
                return Watched::Present;
            }
            Poll::Ready(Ok(0)) => {
                // RFC 9112 §8: the request is incomplete. Who has only closed its half can still read why.
                cell.fail(BodyError::Closed);
                body.set_fault();
                active.exchange.fate().set_cut_off();
                self.finish_peer(active, now);
            }
            Poll::Ready(Ok(len)) => {
                body.arrived(len, now);
                body.take_window(cell, &self.hub.base.limits.body);
                if cell.is_aborted() {
                    return Watched::Gone;
                }
                if body.is_over() {
                    let window = std::mem::take(&mut body.window);
                    self.read_ahead(&window);
                }
            }
            Poll::Ready(Err(_)) => {
                cell.fail(BodyError::Closed);
                return Watched::Gone;
            }
        }
        active.exchange.body().wake_reader(cx.waker());
        Watched::Present
    }
}

/// What looking at the socket has shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// The client is there, as far as one can see.
    Present,
    /// The client has reset the connection.
    Gone,
}
