//! How far a request's body has come, and the bytes on their way from the socket to its reader.

use crate::body::{BodyCell, BodyError};
use crate::clock::Millis;
use crate::limits::Limits;
use bytes::{Buf, Bytes, BytesMut};
use shikra_proto::http1::{BodyDecoder, BodyFraming, BodyLimits, BodyStep};

/// The progress of a body that did not come whole with its head.
#[derive(Debug)]
pub(super) struct BodyProgress {
    decoder: BodyDecoder,
    framing: BodyFraming,
    /// Where the next window is read to. Its memory is used again once the reader has let go, as long as
    /// the socket has more.
    pub(super) window: BytesMut,
    /// The client waits for a `100 Continue` that has not been sent.
    pub(super) continue_due: bool,
    fault: bool,
    /// Whether the socket has been asked for bytes and had none.
    is_asked: bool,
    wait: Option<Wait>,
}

/// A read that waits on the socket, for the limits on slow bodies.
#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Millis,
    last_byte: Millis,
    bytes: u64,
}

impl BodyProgress {
    pub(super) fn new(framing: BodyFraming, expects_continue: bool) -> Self {
        Self {
            decoder: BodyDecoder::new(framing),
            framing,
            window: BytesMut::new(),
            continue_due: expects_continue,
            fault: false,
            is_asked: false,
            wait: None,
        }
    }

    pub(super) fn open(&self, cell: &BodyCell) {
        cell.open(match self.framing {
            BodyFraming::Length(len) => Some(len),
            _ => None,
        });
    }

    /// Whether the body has come to its end.
    pub(super) fn is_over(&self) -> bool {
        self.decoder.is_done()
    }

    /// The body cannot be followed to its end: broken, too long, too slow, or cut off.
    pub(super) fn set_fault(&mut self) {
        self.fault = true;
    }

    pub(super) fn is_asked(&self) -> bool {
        self.is_asked
    }

    pub(super) fn set_asked(&mut self, is_asked: bool) {
        self.is_asked = is_asked;
    }

    /// How much the next read may take: the rest of the body, but no more than `max`.
    pub(super) fn window_len(&self, max: usize) -> usize {
        let rest = self.decoder.remaining().and_then(|rest| usize::try_from(rest).ok());
        rest.unwrap_or(max).clamp(1, max)
    }

    /// Gives the window's memory back, if nothing in it waits.
    pub(super) fn release_window(&mut self) {
        if self.window.is_empty() {
            self.window = BytesMut::new();
        }
    }

    /// Whether reading the rest, to keep the connection, is worth it.
    pub(super) fn is_drainable(&self, max: u64) -> bool {
        // A client that was not told to continue may send the body or leave it out: nobody can
        // know where the next request begins (RFC 9110 §10.1.1).
        !self.fault
            && !self.continue_due
            && self.decoder.remaining().is_none_or(|remaining| remaining <= max)
    }

    /// Hands the bytes of a body that came with its head to `cell`, copied once; returns how many
    /// bytes of `bytes` were the body's.
    pub(super) fn take_from(
        &mut self,
        bytes: &[u8],
        cell: &BodyCell,
        limits: &BodyLimits,
    ) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        // A body that has begun to come needs no invitation (RFC 9110 §10.1.1).
        self.continue_due = false;
        let mut data = BytesMut::new();
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            match self.decoder.decode(rest, limits) {
                Ok(BodyStep::Data { start, end }) => {
                    let piece = rest.get(start..end).unwrap_or_default();
                    if data.is_empty() {
                        data.reserve(piece.len());
                    }
                    data.extend_from_slice(piece);
                    used += end;
                }
                Ok(BodyStep::NeedMore { consumed }) => {
                    used += consumed;
                    self.push(data.freeze(), cell);
                    return used;
                }
                Ok(BodyStep::End { consumed }) => {
                    used += consumed;
                    self.push(data.freeze(), cell);
                    cell.complete(self.decoder.take_trailers());
                    return used;
                }
                Err(error) => {
                    self.fault = true;
                    self.push(data.freeze(), cell);
                    cell.fail(BodyError::Malformed(error.status(), error.to_string()));
                    return bytes.len();
                }
            }
        }
    }

    /// Hands what has been read into the window to `cell`, without a copy. What is left in the
    /// window afterwards belongs to the next request.
    ///
    /// Small chunks are gathered into one piece, so that a window of one-byte chunks does not become
    /// a queue of ten thousand.
    pub(super) fn take_window(&mut self, cell: &BodyCell, limits: &BodyLimits) {
        let mut gathered = BytesMut::new();
        loop {
            let step = self.decoder.decode(&self.window, limits);
            if let Ok(BodyStep::Data { start, end }) = step {
                let mut piece = self.window.split_to(end);
                piece.advance(start);
                if piece.len() < GATHERED_BYTES_MAX {
                    gathered.extend_from_slice(&piece);
                } else {
                    self.push(gathered.split().freeze(), cell);
                    self.push(piece.freeze(), cell);
                }
                if self.fault {
                    return;
                }
                continue;
            }
            self.push(gathered.freeze(), cell);
            return match step {
                Ok(BodyStep::End { consumed }) => {
                    self.window.advance(consumed);
                    cell.complete(self.decoder.take_trailers());
                }
                Ok(BodyStep::NeedMore { consumed }) => self.window.advance(consumed),
                Ok(BodyStep::Data { .. }) => {}
                Err(error) => {
                    self.fault = true;
                    cell.fail(BodyError::Malformed(error.status(), error.to_string()));
                }
            };
        }
    }

    /// Reads over `bytes` of a body that nobody wants; `None` if it is broken.
    pub(super) fn skip(&mut self, bytes: &[u8], limits: &BodyLimits) -> Option<usize> {
        let mut used = 0;
        loop {
            match self.decoder.decode(bytes.get(used..)?, limits) {
                Ok(BodyStep::Data { end, .. }) => used += end,
                Ok(BodyStep::NeedMore { consumed } | BodyStep::End { consumed }) => {
                    return Some(used + consumed);
                }
                Err(_) => return None,
            }
        }
    }

    fn push(&mut self, chunk: Bytes, cell: &BodyCell) {
        if !chunk.is_empty() && !cell.push(chunk) {
            self.fault = true;
        }
    }

    // Slow bodies. The clock runs only while a reader waits on the socket.

    pub(super) fn waits(&mut self, now: Millis) {
        self.wait.get_or_insert(Wait { since: now, last_byte: now, bytes: 0 });
    }

    pub(super) fn arrived(&mut self, bytes: usize, now: Millis) {
        self.is_asked = false;
        if let Some(wait) = &mut self.wait {
            wait.bytes = wait.bytes.saturating_add(bytes as u64);
            wait.last_byte = now;
        }
    }

    /// The reader wants nothing right now; the speed is measured anew when it does.
    pub(super) fn rests(&mut self) {
        self.wait = None;
    }

    /// When the body will have been too slow, if nothing comes until then.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Millis> {
        let wait = self.wait?;
        let idle = wait.last_byte.plus(limits.body_idle_timeout);
        if limits.body_bytes_per_second_min == 0 {
            return Some(idle);
        }
        let earned_ms = wait.bytes.saturating_mul(1000) / limits.body_bytes_per_second_min;
        let slow = wait.since.plus(limits.body_speed_grace);
        Some(idle.min(Millis(slow.0.saturating_add(earned_ms))))
    }
}

/// Chunks shorter than this are copied together; longer ones are handed on as they are.
const GATHERED_BYTES_MAX: usize = 1024;
