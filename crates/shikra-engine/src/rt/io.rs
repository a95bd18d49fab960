//! What a connection needs of a byte stream, and the way of the system's sockets of giving it.

use super::net::Stream;
use bytes::BytesMut;
use socket2::{SockRef, Socket as Socket2};
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// A byte stream that never blocks, owned by one connection.
pub trait Io: fmt::Debug + 'static {
    /// Reads what is there into `buf`; 0 is the end of the stream.
    ///
    /// # Errors
    /// Whatever the peer or the system did; the stream is of no use any more.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Reads what has arrived, whether the reactor has told so or not.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has; anything else as [`Io::poll_read`].
    fn read_now(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Reads what is there into the spare capacity of `buf`, which is not empty; 0 is the end.
    ///
    /// # Errors
    /// As [`Io::poll_read`].
    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut BytesMut,
    ) -> Poll<io::Result<usize>>;

    /// Writes as much as fits.
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits; anything else as [`Io::poll_read`].
    fn try_write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until something fits.
    ///
    /// # Errors
    /// As [`Io::poll_read`].
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Waits until the peer resets the stream, without reading from it.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Says that nothing more will be written.
    fn shutdown_write(&mut self);

    /// Makes the drop of this stream a reset, so that the peer notices an unfinished reply.
    fn abort(&mut self);

    /// Lets the system take about `bytes` more than the network does, at most. What has no such buffer
    /// has nothing to do.
    fn limit_unsent(&mut self, _bytes: u32) {}
}

/// A connection over a socket of the system's, TCP or Unix.
pub struct SocketIo {
    // Shared with `reset`, which borrows the stream for as long as it waits. The runtime reads and writes
    // every stream socket alike, so one type serves both kinds: connections are compiled once.
    stream: Rc<TcpStream>,
    reset: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

impl SocketIo {
    /// Registers an accepted, non-blocking stream with this thread's reactor.
    ///
    /// # Errors
    /// When the reactor cannot take it, for want of memory or descriptors.
    pub fn register(stream: Stream) -> io::Result<Self> {
        let stream = match stream {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => OwnedFd::from(stream).into(),
        };
        Ok(Self { stream: Rc::new(TcpStream::from_std(stream)?), reset: None })
    }
}

impl Io for SocketIo {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let mut short = None;
            let read = self.stream.try_io(Interest::READABLE, || {
                let len = (&*SockRef::from(&*self.stream)).read(buf)?;
                if len > 0 && len < buf.len() {
                    // A short read has emptied the socket: telling the reactor so saves the system
                    // call that would find it out. W1-64 of the bench: one recv a request less.
                    short = Some(len);
                    return Err(ErrorKind::WouldBlock.into());
                }
                Ok(len)
            });
            match (short, read) {
                (Some(len), _) => return Poll::Ready(Ok(len)),
                (None, Ok(len)) => return Poll::Ready(Ok(len)),
                (None, Err(error)) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    fn read_now(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*SockRef::from(&*self.stream)).read(buf)
    }

    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let read = self.stream.try_io(Interest::READABLE, || {
                let len = SockRef::from(&*self.stream).recv(buf.spare_capacity_mut())?;
                // Writing zeros there first costs an upload of a megabyte 7 to 15 % of its processor time.
                // SAFETY: `recv` has written this many bytes, from the first one behind `buf.len()` on.
                #[allow(unsafe_code)]
                unsafe {
                    buf.set_len(buf.len() + len);
                }
                Ok(len)
            });
            match read {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn try_write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match parts {
            [part] => self.stream.try_write(part),
            parts => self.stream.try_write_vectored(parts),
        }
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_write_ready(cx)
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let reset = self.reset.get_or_insert_with(|| {
            let stream = Rc::clone(&self.stream);
            Box::pin(async move {
                // An error here is the reactor going away: as final as a reset.
                let _ = stream.ready(Interest::ERROR).await;
            })
        });
        reset.as_mut().poll(cx)
    }

    fn shutdown_write(&mut self) {
        // Fails only where the peer is gone already, which is what the call is about to say.
        let _ = SockRef::from(&*self.stream).shutdown(Shutdown::Write);
    }

    fn abort(&mut self) {
        // Where lingering cannot be set the drop is an ordinary close; chunked framing still
        // shows the peer that the reply is not whole.
        let _ = SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO));
    }

    fn limit_unsent(&mut self, bytes: u32) {
        limit_unsent(&SockRef::from(&*self.stream), bytes);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn limit_unsent(socket: &Socket2, bytes: u32) {
    // Refused, the reply leaves as it would have; the system then keeps more of it for a slow peer. A Unix
    // socket refuses: its buffer does not grow.
    let _ = socket.set_tcp_notsent_lowat(bytes);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn limit_unsent(_: &Socket2, _bytes: u32) {}
