//! `Sending`: a reply is made while it leaves, no faster than the client takes it.

use super::handling::Watched;
use super::{Active, Connection, Stage, Step};
use crate::rt::Io;
use crate::service::{Incident, ReplyStream, Service};
use bytes::Bytes;
use shikra_proto::http1::{
    ReplyFraming, encode_chunk_prefix, encode_chunk_suffix, encode_last_chunk,
};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

/// How a streamed body is delimited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    kind: ReplyFraming,
    /// Whether the head has said that the connection closes.
    closes: bool,
}

impl Framing {
    pub(super) fn new(kind: ReplyFraming, closes: bool) -> Self {
        Self { kind, closes }
    }
}

/// What the stream came to in one go.
enum Progress {
    /// It waits, or the socket is full.
    Waits,
    /// It could go on and on, and so could the socket: others are to have their turn.
    Yields,
    /// It has ended, and what it sent is what its head promised.
    Ended,
    /// It failed, or lied about its length: the client must not take the part for the whole.
    Failed(Box<dyn Error>),
}

impl<I: Io, S: Service> Connection<I, S> {
    pub(super) fn poll_sending(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        let Stage::Sending { mut stream, mut framing, mut active } =
            std::mem::replace(&mut self.stage, Stage::Empty)
        else {
            self.reset();
            return Step::Again;
        };
        loop {
            let gone = self.attend_socket(cx, out, &mut active) == Watched::Gone;
            // A stream has no grace: a client that closes its half has seen enough of it.
            if gone || self.peer_finished {
                self.stage = Stage::Sending { stream, framing, active };
                self.reset();
                return Step::Again;
            }
            match self.pump(cx, out, &mut *stream, &mut framing, &active) {
                Progress::Waits if self.can_feed(&active) => {}
                Progress::Yields => {
                    self.stage = Stage::Sending { stream, framing, active };
                    cx.waker().wake_by_ref();
                    return Step::Wait;
                }
                Progress::Waits => {
                    self.stage = Stage::Sending { stream, framing, active };
                    // If the socket took everything there is room for more, unless the stream
                    // itself waits; then its waker is set.
                    let is_full = !self.output.is_empty();
                    return match self.flush(cx, out) {
                        Step::Again if is_full => Step::Again,
                        _ => Step::Wait,
                    };
                }
                Progress::Ended => {
                    super::drop_quietly(stream);
                    let after = self.after_reply(&active, framing.closes);
                    self.finish_reply(active, after);
                    return Step::Again;
                }
                Progress::Failed(error) => {
                    self.hub.service.report(&active.exchange, Incident::StreamFailed(error));
                    self.stage = Stage::Sending { stream, framing, active };
                    self.write_out(out, Bytes::new());
                    self.io.abort();
                    self.reset();
                    return Step::Again;
                }
            }
        }
    }

    /// Polls the stream as long as there is room for what it yields.
    fn pump(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        stream: &mut dyn ReplyStream,
        framing: &mut Framing,
        active: &Active<S>,
    ) -> Progress {
        let max = self.base().limits.waiting_reply_bytes_max;
        let mut turn = TURN_BYTES;
        loop {
            if turn == 0 {
                return Progress::Yields;
            }
            if out.len() >= max {
                self.write_out(out, Bytes::new());
            }
            if !self.output.is_empty() {
                return Progress::Waits;
            }
            let body = active.exchange.body();
            let poll = catch_unwind(AssertUnwindSafe(|| body.attend(|| stream.poll_chunk(cx))));
            match poll {
                Ok(Poll::Pending) => return Progress::Waits,
                Ok(Poll::Ready(Some(Ok(chunk)))) => {
                    turn = turn.saturating_sub(chunk.len().max(CHUNK_COST_MIN));
                    if let Err(error) = self.send_chunk(out, framing, chunk) {
                        return Progress::Failed(error);
                    }
                }
                Ok(Poll::Ready(Some(Err(error)))) => return Progress::Failed(error),
                Ok(Poll::Ready(None)) => return end_stream(out, framing, stream),
                Err(_) => return Progress::Failed("the stream panicked".into()),
            }
        }
    }

    fn send_chunk(
        &mut self,
        out: &mut Vec<u8>,
        framing: &mut Framing,
        chunk: Bytes,
    ) -> Result<(), Box<dyn Error>> {
        if chunk.is_empty() {
            return Ok(()); // an empty chunk would end the body
        }
        match &mut framing.kind {
            ReplyFraming::Chunked => {
                let len = chunk.len();
                encode_chunk_prefix(out, len);
                self.send_data(out, chunk);
                encode_chunk_suffix(out, len);
            }
            ReplyFraming::Length(left) => match left.checked_sub(chunk.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    self.send_data(out, chunk);
                }
                None => return Err("the stream is longer than the length it announced".into()),
            },
            ReplyFraming::UntilClose | ReplyFraming::None => self.send_data(out, chunk),
        }
        Ok(())
    }

    fn send_data(&mut self, out: &mut Vec<u8>, chunk: Bytes) {
        if chunk.len() <= COPIED_BYTES_MAX {
            out.extend_from_slice(&chunk);
        } else {
            self.write_out(out, chunk);
        }
    }
}

fn end_stream(out: &mut Vec<u8>, framing: &Framing, stream: &mut dyn ReplyStream) -> Progress {
    match framing.kind {
        ReplyFraming::Chunked => encode_last_chunk(out, &stream.trailers()),
        ReplyFraming::Length(left) if left > 0 => {
            return Progress::Failed("the stream is shorter than the length it announced".into());
        }
        _ => {}
    }
    Progress::Ended
}

const COPIED_BYTES_MAX: usize = 16 * 1024;
/// What one stream may send before other connections have their turn.
const TURN_BYTES: usize = 256 * 1024;
/// Even an empty chunk takes time.
const CHUNK_COST_MIN: usize = 512;
