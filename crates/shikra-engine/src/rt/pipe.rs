//! A byte stream in memory: what a test client and a connection talk through.

use super::Io;
use bytes::{Buf, BytesMut};
use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Makes the two ends of a stream, each way with room for `capacity` bytes.
///
/// ```
/// use shikra_engine::rt::{Io, pipe};
/// use std::io::IoSlice;
///
/// let (mut near, mut far) = pipe::pipe(4);
/// assert_eq!(near.try_write(&[IoSlice::new(b"hello")]).unwrap(), 4);
/// near.shutdown_write();
/// let mut buf = [0; 8];
/// let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// assert!(matches!(far.poll_read(&mut cx, &mut buf), std::task::Poll::Ready(Ok(4))));
/// ```
#[must_use]
pub fn pipe(capacity: usize) -> (PipeIo, PipeIo) {
    let one = Rc::new(RefCell::new(Way::new(capacity)));
    let other = Rc::new(RefCell::new(Way::new(capacity)));
    let near = PipeIo { read: Rc::clone(&one), write: Rc::clone(&other), aborts: false };
    (near, PipeIo { read: other, write: one, aborts: false })
}

/// One end of a stream in memory.
#[derive(Debug)]
pub struct PipeIo {
    read: Rc<RefCell<Way>>,
    write: Rc<RefCell<Way>>,
    aborts: bool,
}

#[derive(Debug)]
struct Way {
    bytes: BytesMut,
    capacity: usize,
    end: End,
    readers: Vec<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Open,
    /// The writer is done; what it wrote can still be read.
    Finished,
    /// The reader has gone; writing is an error.
    Unread,
    /// Either end gave up; reading and writing are errors at once.
    Reset,
}

impl Way {
    fn new(capacity: usize) -> Self {
        let bytes = BytesMut::new();
        Self { bytes, capacity, end: End::Open, readers: Vec::new(), writer: None }
    }

    fn set_end(&mut self, end: End) {
        if self.end != End::Reset {
            self.end = end;
        }
        self.readers.drain(..).for_each(Waker::wake);
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    fn wait_readable(&mut self, cx: &Context<'_>) {
        if !self.readers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.readers.push(cx.waker().clone());
        }
    }
}

impl PipeIo {
    /// Whether the other end has neither finished nor gone.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.read.borrow().end == End::Open && self.write.borrow().end == End::Open
    }

    fn poll_take(
        &mut self,
        cx: &Context<'_>,
        max: usize,
        mut put: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        let mut way = self.read.borrow_mut();
        if way.end == End::Reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if way.bytes.is_empty() {
            if way.end == End::Finished {
                return Poll::Ready(Ok(0));
            }
            way.wait_readable(cx);
            return Poll::Pending;
        }
        let len = way.bytes.len().min(max);
        put(way.bytes.get(..len).unwrap_or_default());
        way.bytes.advance(len);
        if let Some(writer) = way.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(len))
    }
}

impl Io for PipeIo {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let max = buf.len();
        self.poll_take(cx, max, |bytes| {
            if let Some(start) = buf.get_mut(..bytes.len()) {
                start.copy_from_slice(bytes);
            }
        })
    }

    fn read_now(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.poll_read(&mut Context::from_waker(Waker::noop()), buf) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let max = buf.capacity() - buf.len();
        self.poll_take(cx, max, |bytes| buf.extend_from_slice(bytes))
    }

    fn try_write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut way = self.write.borrow_mut();
        match way.end {
            End::Open => {}
            End::Reset => return Err(ErrorKind::ConnectionReset.into()),
            End::Finished | End::Unread => return Err(ErrorKind::BrokenPipe.into()),
        }
        let before = way.bytes.len();
        for part in parts {
            let room = way.capacity.saturating_sub(way.bytes.len());
            let fits = part.get(..room.min(part.len())).unwrap_or_default();
            way.bytes.extend_from_slice(fits);
        }
        let written = way.bytes.len() - before;
        if written == 0 && parts.iter().any(|part| !part.is_empty()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        way.readers.drain(..).for_each(Waker::wake);
        Ok(written)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.write.borrow_mut();
        if way.end != End::Open || way.bytes.len() < way.capacity {
            return Poll::Ready(Ok(()));
        }
        way.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut way = self.read.borrow_mut();
        if way.end == End::Reset {
            return Poll::Ready(());
        }
        way.wait_readable(cx);
        Poll::Pending
    }

    fn shutdown_write(&mut self) {
        let mut way = self.write.borrow_mut();
        if way.end == End::Open {
            way.set_end(End::Finished);
        }
    }

    fn abort(&mut self) {
        self.aborts = true;
    }
}

impl Drop for PipeIo {
    fn drop(&mut self) {
        if self.aborts {
            self.read.borrow_mut().set_end(End::Reset);
            self.write.borrow_mut().set_end(End::Reset);
            return;
        }
        self.shutdown_write();
        let mut read = self.read.borrow_mut();
        // As with TCP: bytes that nobody will read any more turn the close into a reset.
        if read.bytes.is_empty() {
            if read.end == End::Open {
                read.set_end(End::Unread);
            }
        } else {
            read.set_end(End::Reset);
            drop(read);
            self.write.borrow_mut().set_end(End::Reset);
        }
    }
}
