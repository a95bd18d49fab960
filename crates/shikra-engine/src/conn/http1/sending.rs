//! `Sending`: a reply is made while it leaves, no faster than the client takes it.

use super::handling::Watched;
use super::{Active, Connection, Stage, Step};
use crate::buffer::{Piece, Pieces};
use crate::rt::{Io, tasks};
use crate::service::{Incident, ReplyStream, Service, panic_message};
use bytes::Bytes;
use shikra_proto::header::FieldLines;
use shikra_proto::http1::state::Event;
use shikra_proto::http1::{
    ReplyFraming, Trailers, encode_chunk_prefix, encode_chunk_suffix, encode_last_chunk,
};
use std::cell::Cell;
use std::error::Error;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

/// A reply that is made while it leaves, in a block of its own: an idle connection has no room for it.
pub(super) struct Sending<S: Service> {
    /// Gone once it has ended and only its tail waits.
    pub(super) stream: Box<dyn ReplyStream>,
    pub(super) framing: Framing,
    /// Chunks that are not copied; a poll leaves none behind.
    pub(super) pieces: Pieces,
    pub(super) active: Active<S>,
}

/// How a streamed body is delimited.
#[derive(Debug)]
pub(super) struct Framing {
    kind: ReplyFraming,
    trailers: Trailers,
    /// Whether the head has said that the connection closes.
    closes: bool,
    /// Where the reply begins in the output, as long as none of it has left.
    start: Option<usize>,
    /// The length of the output when it was looked at last: it grows, or it leaves as a whole.
    out_len: usize,
    /// Set once the stream is a long one.
    long: Option<Long>,
}

/// A stream that has used up a turn, or filled its socket. Such streams share a worker's time; those that
/// send an event now and then are not among them.
#[derive(Debug)]
struct Long(());

impl Long {
    fn new() -> Self {
        LONG_STREAMS.set(LONG_STREAMS.get() + 1);
        Self(())
    }
}

impl Drop for Long {
    fn drop(&mut self) {
        // Where the thread has ended, nobody counts any more.
        let _ = LONG_STREAMS.try_with(|count| count.set(count.get() - 1));
    }
}

thread_local! {
    /// Those of this thread, which is one worker's.
    static LONG_STREAMS: Cell<usize> = const { Cell::new(0) };
}

/// What a stream may send before the others have their turn.
fn turn_bytes() -> usize {
    (TURN_BYTES / LONG_STREAMS.get().max(1)).max(TURN_BYTES_MIN)
}

impl Framing {
    /// The framing of a body whose head is what `head` says of the output.
    pub(super) fn new(
        kind: ReplyFraming,
        trailers: Trailers,
        closes: bool,
        head: Range<usize>,
    ) -> Self {
        Self { kind, trailers, closes, start: Some(head.start), out_len: head.end, long: None }
    }

    /// Looks whether the output has left.
    fn note(&mut self, out: &[u8]) {
        if out.len() < self.out_len {
            self.start = None;
        }
        self.out_len = out.len();
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
    Failed(Incident),
}

impl<I: Io, S: Service> Connection<I, S> {
    pub(super) fn poll_sending(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Step {
        let Stage::Sending(mut sending) = std::mem::replace(&mut self.stage, Stage::Empty) else {
            self.reset();
            return Step::Again;
        };
        loop {
            let gone = self.attend_socket(cx, out, &mut sending.active) == Watched::Gone;
            sending.framing.note(out);
            // A stream has no grace: a client that closes its half has seen enough of it.
            if gone || self.peer_finished_at().is_some() {
                self.stage = Stage::Sending(sending);
                self.reset();
                return Step::Again;
            }
            match self.pump(cx, out, &mut sending) {
                Progress::Waits if self.can_feed(&sending.active) => {}
                Progress::Yields => {
                    sending.framing.start = None;
                    self.stage = Stage::Sending(sending);
                    tasks::wake_after_others(cx);
                    return Step::Wait;
                }
                Progress::Waits => {
                    sending.framing.start = None;
                    self.stage = Stage::Sending(sending);
                    // If the socket took everything there is room for more, unless the stream
                    // itself waits; then its waker is set.
                    let is_full = self.has_output();
                    return match self.flush(cx, out) {
                        Step::Again if is_full => Step::Again,
                        _ => Step::Wait,
                    };
                }
                Progress::Ended => {
                    let Sending { stream, framing, active, .. } = *sending;
                    super::drop_quietly(stream);
                    let after = self.after_reply(&active, framing.closes);
                    self.finish_reply(active, after);
                    return Step::Again;
                }
                Progress::Failed(incident) if sending.framing.start.is_some() => {
                    let Sending { stream, framing, active, .. } = *sending;
                    // Nobody has seen any of it: the client gets the answer to the error instead.
                    out.truncate(framing.start.unwrap_or_default());
                    super::drop_quietly(stream);
                    self.go(Event::StreamWithdrawn);
                    self.withdraw(cx, out, active, incident);
                    return Step::Again;
                }
                Progress::Failed(incident) => {
                    Self::report(&sending.active, incident);
                    self.stage = Stage::Sending(sending);
                    self.write_out(out);
                    self.io.abort();
                    self.reset();
                    return Step::Again;
                }
            }
        }
    }

    /// Tells the service; what it does with that is a user's code, whose panic stays here.
    fn report(active: &Active<S>, incident: Incident) {
        let report = || active.service.report(&active.exchange, incident);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(report)) {
            let panic = panic_message(&*panic);
            tracing::error!(panic, "the report of a failed stream panicked");
        }
    }

    /// Polls the stream as long as there is room for what it yields, and sends that.
    fn pump(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        sending: &mut Sending<S>,
    ) -> Progress {
        let progress = self.take_chunks(cx, out, sending);
        let is_withdrawn =
            matches!(progress, Progress::Failed(_)) && sending.framing.start.is_some();
        if !is_withdrawn && !sending.pieces.is_empty() {
            self.send_pieces(out, &mut sending.pieces);
            sending.framing.note(out);
        }
        progress
    }

    fn send_pieces(&mut self, out: &mut Vec<u8>, pieces: &mut Pieces) {
        self.write_all(out, pieces.as_slice());
        pieces.clear();
    }

    fn take_chunks(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        sending: &mut Sending<S>,
    ) -> Progress {
        let Sending { stream, framing, pieces, active } = sending;
        let max = self.base().limits.waiting_reply_bytes_max;
        let mut turn = turn_bytes();
        loop {
            if turn == 0 {
                return Progress::Yields;
            }
            if out.len() + pieces.len() >= max || pieces.is_full() {
                self.send_pieces(out, pieces);
                framing.note(out);
            }
            if self.has_output() {
                self.note_long(framing);
                return Progress::Waits;
            }
            let body = active.exchange.body();
            let poll = catch_unwind(AssertUnwindSafe(|| body.attend(|| stream.poll_chunk(cx))));
            match poll {
                Ok(Poll::Pending) => return Progress::Waits,
                Ok(Poll::Ready(Some(Ok(chunk)))) => {
                    turn = turn.saturating_sub(chunk.len().max(CHUNK_COST_MIN));
                    if turn == 0 {
                        self.note_long(framing);
                    }
                    let sent = add_chunk(out, pieces, framing, chunk);
                    framing.note(out);
                    if let Err(error) = sent {
                        return Progress::Failed(Incident::StreamFailed(error));
                    }
                }
                Ok(Poll::Ready(Some(Err(error)))) => {
                    return Progress::Failed(Incident::StreamFailed(error));
                }
                Ok(Poll::Ready(None)) => return end_stream(out, framing, &mut **stream),
                Err(panic) => {
                    let message = panic_message(&*panic);
                    return Progress::Failed(Incident::StreamPanicked(message));
                }
            }
        }
    }

    /// Counts a long stream, and keeps the system from buffering megabytes of it for a slow client: they
    /// cost everybody's time to fill, and bytes that go into a growing buffer look as if the client had taken them.
    fn note_long(&mut self, framing: &mut Framing) {
        if framing.long.is_none() {
            framing.long = Some(Long::new());
            if !std::mem::replace(&mut self.unsent_is_limited, true) {
                self.io.limit_unsent(UNSENT_BYTES_MAX);
            }
        }
    }
}

fn add_chunk(
    out: &mut Vec<u8>,
    pieces: &mut Pieces,
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
            add_data(out, pieces, chunk);
            encode_chunk_suffix(out, len);
        }
        ReplyFraming::Length(left) => match left.checked_sub(chunk.len() as u64) {
            Some(rest) => {
                *left = rest;
                add_data(out, pieces, chunk);
            }
            None => return Err("the stream is longer than the length it announced".into()),
        },
        ReplyFraming::UntilClose | ReplyFraming::None => add_data(out, pieces, chunk),
    }
    Ok(())
}

/// Appends bytes to `out`, or keeps many of them where they are.
fn add_data(out: &mut Vec<u8>, pieces: &mut Pieces, bytes: Bytes) {
    if bytes.len() < PIECE_BYTES_MIN {
        out.extend_from_slice(&bytes);
    } else {
        pieces.push(Piece { at: out.len(), bytes });
    }
}

fn end_stream(out: &mut Vec<u8>, framing: &Framing, stream: &mut dyn ReplyStream) -> Progress {
    match framing.kind {
        ReplyFraming::Chunked if framing.trailers == Trailers::Follow => {
            encode_last_chunk(out, &stream.trailers());
        }
        ReplyFraming::Chunked => encode_last_chunk(out, &FieldLines::new()),
        ReplyFraming::Length(left) if left > 0 => {
            let why = "the stream is shorter than the length it announced";
            return Progress::Failed(Incident::StreamFailed(why.into()));
        }
        _ => {}
    }
    Progress::Ended
}

/// What all long streams of a worker may send in a round, after which the reactor is asked again who else
/// has something to do.
const TURN_BYTES: usize = 1024 * 1024;
/// Smaller chunks are copied behind one another: that costs less than one more part of a write.
const PIECE_BYTES_MIN: usize = 4 * 1024;
/// With less in a turn the system calls cost more than the bytes.
const TURN_BYTES_MIN: usize = 16 * 1024;
/// Even an empty chunk takes time.
const CHUNK_COST_MIN: usize = 512;
/// What the system keeps of a long reply beyond what the client's window takes. What that
/// costs a single fast client has not been measured on a quiet machine.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

#[cfg(test)]
mod tests;
