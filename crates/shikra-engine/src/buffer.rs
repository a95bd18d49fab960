//! The buffers of a worker, and what a slow peer makes a connection own.
//!
//! Bytes are read into one scratch buffer of the worker and replies are encoded into another, so
//! an idle connection owns none. What the socket does not take at once moves to the connection's
//! [`Output`], in blocks of just the right size.

use bytes::{Buf, Bytes};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};

use crate::rt::Io;

/// The two buffers that all connections of a worker share.
pub struct Scratch {
    read: Cell<Option<Box<[u8; READ_BYTES]>>>,
    write: Cell<Vec<u8>>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

impl Default for Scratch {
    /// Both buffers exist from the start, so that the first requests find a worker as it will be.
    fn default() -> Self {
        Self {
            read: Cell::new(Some(read_buffer())),
            write: Cell::new(Vec::with_capacity(WRITE_BYTES)),
        }
    }
}

impl Scratch {
    /// Lends the read buffer, [`READ_BYTES`] long.
    #[must_use]
    #[inline]
    pub fn take_read(&self) -> Box<[u8; READ_BYTES]> {
        self.read.take().unwrap_or_else(read_buffer)
    }

    /// Takes the read buffer back.
    #[inline]
    pub fn give_read(&self, buf: Box<[u8; READ_BYTES]>) {
        self.read.set(Some(buf));
    }

    /// Lends the write buffer, empty.
    #[must_use]
    #[inline]
    pub fn take_write(&self) -> Vec<u8> {
        self.write.take()
    }

    /// Takes the write buffer back; one that has grown far is given to the system.
    #[inline]
    pub fn give_write(&self, mut buf: Vec<u8>) {
        if buf.capacity() <= WRITE_BYTES_KEPT_MAX {
            buf.clear();
            self.write.set(buf);
        }
    }
}

#[cold]
fn read_buffer() -> Box<[u8; READ_BYTES]> {
    // Made where it stays: the stack need not have room for it.
    let zeros: Box<[u8]> = vec![0; READ_BYTES].into();
    zeros.try_into().unwrap_or_else(|_| Box::new([0; READ_BYTES]))
}

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An empty buffer with room for `capacity` bytes, to make a [`ReplyBody::Owned`](crate::service::ReplyBody::Owned)
/// in: the memory of a reply of this thread that has been copied into the write buffer, where there is one.
///
/// It saves a reply of JSON an allocation.
#[must_use]
pub fn take_spare(capacity: usize) -> Vec<u8> {
    // The cell is gone while the thread's other locals are dropped.
    let mut buf = SPARE.try_with(Cell::take).unwrap_or_default();
    buf.reserve(capacity);
    buf
}

/// Keeps the memory of a reply for the next one, unless it is large.
#[inline]
pub(crate) fn give_spare(mut buf: Vec<u8>) {
    if buf.capacity() <= SPARE_BYTES_MAX {
        buf.clear();
        // Dropped where the cell is gone.
        let _ = SPARE.try_with(|spare| spare.set(buf));
    }
}

/// A part of a reply that is sent from where it is instead of being copied into the write buffer.
#[derive(Debug)]
pub struct Piece {
    /// The place in the write buffer that it belongs at, which is not before that of the piece before.
    pub at: usize,
    /// The bytes.
    pub bytes: Bytes,
}

/// The pieces that go with a write buffer, in order.
#[derive(Debug, Default)]
pub struct Pieces {
    list: Vec<Piece>,
    len: usize,
}

impl Pieces {
    /// Adds a piece.
    pub fn push(&mut self, piece: Piece) {
        self.len += piece.bytes.len();
        self.list.push(piece);
    }

    /// The number of bytes of all pieces.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one write takes no more of them.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.len() >= PIECES_MAX
    }

    /// The pieces.
    #[must_use]
    pub fn as_slice(&self) -> &[Piece] {
        &self.list
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.list.clear();
        self.len = 0;
    }
}

/// One part of what is sent together.
enum Part<'a> {
    Fresh(&'a [u8]),
    Piece(&'a Bytes),
}

impl<'a> Part<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Fresh(bytes) => bytes,
            Self::Piece(bytes) => bytes,
        }
    }

    /// What is left of it behind `start`, to be kept.
    fn after(&self, start: usize) -> Bytes {
        match self {
            Self::Fresh(bytes) => Bytes::copy_from_slice(bytes.get(start..).unwrap_or_default()),
            Self::Piece(bytes) => bytes.slice(start.min(bytes.len())..),
        }
    }
}

/// `fresh`, cut at the places of `pieces`, with these in between; empty parts are left out.
fn parts<'a>(fresh: &'a [u8], pieces: &'a [Piece]) -> impl Iterator<Item = Part<'a>> {
    let mut start = 0;
    let cut = pieces.iter().flat_map(move |piece| {
        let before = fresh.get(start..piece.at).unwrap_or_default();
        start = piece.at;
        [Part::Fresh(before), Part::Piece(&piece.bytes)]
    });
    let rest = fresh.get(pieces.last().map_or(0, |last| last.at)..).unwrap_or_default();
    cut.chain([Part::Fresh(rest)]).filter(|part| !part.bytes().is_empty())
}

/// Bytes that wait for a socket, in order.
#[derive(Debug, Default)]
pub struct Output {
    parts: VecDeque<Bytes>,
    len: usize,
}

impl Output {
    /// The number of bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sends `fresh`, with `pieces` at their places in it, after all that waits already; what does not fit waits.
    ///
    /// # Errors
    /// When the stream is broken.
    pub fn send(&mut self, io: &mut impl Io, fresh: &[u8], pieces: &[Piece]) -> io::Result<()> {
        let mut written = 0;
        if self.is_empty() {
            let mut slices = [IoSlice::new(&[]); 2 * PIECES_MAX + 1];
            let mut used = 0;
            for (slot, part) in slices.iter_mut().zip(parts(fresh, pieces)) {
                *slot = IoSlice::new(part.bytes());
                used += 1;
            }
            written = match write(io, slices.get(..used).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                result => result?,
            };
        }
        for part in parts(fresh, pieces) {
            let skipped = written.min(part.bytes().len());
            written -= skipped;
            self.push(part.after(skipped));
        }
        self.flush(io).map(|_| ())
    }

    /// Writes what waits, until nothing does or the socket is full; returns how much went out.
    ///
    /// # Errors
    /// When the stream is broken.
    pub fn flush(&mut self, io: &mut impl Io) -> io::Result<usize> {
        let before = self.len;
        while !self.is_empty() {
            let mut parts = [IoSlice::new(&[]); PARTS_PER_WRITE];
            for (slot, part) in parts.iter_mut().zip(&self.parts) {
                *slot = IoSlice::new(part);
            }
            let used = self.parts.len().min(PARTS_PER_WRITE);
            match write(io, parts.get(..used).unwrap_or_default()) {
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(before - self.len)
    }

    fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.len += part.len();
            self.parts.push_back(part);
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.len -= written;
        while let Some(part) = self.parts.front_mut() {
            if written < part.len() {
                part.advance(written);
                return;
            }
            written -= part.len();
            self.parts.pop_front();
        }
        // A connection that has caught up owns nothing again.
        self.parts = VecDeque::new();
    }
}

/// Writes what fits at once, which may be nothing.
///
/// # Errors
/// When the stream is broken.
pub(crate) fn write_now(io: &mut impl Io, bytes: &[u8]) -> io::Result<usize> {
    match write(io, &[IoSlice::new(bytes)]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

fn write(io: &mut impl Io, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    if parts.is_empty() {
        return Ok(0);
    }
    loop {
        match io.try_write(parts) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// How much one read takes at most.
pub const READ_BYTES: usize = 64 * 1024;
/// What the replies of one turn usually take.
const WRITE_BYTES: usize = 16 * 1024;
const WRITE_BYTES_KEPT_MAX: usize = 256 * 1024;
const PARTS_PER_WRITE: usize = 16;
/// How many pieces one write takes, with what is between them.
const PIECES_MAX: usize = 16;
/// The largest reply whose memory is kept for the next.
const SPARE_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
