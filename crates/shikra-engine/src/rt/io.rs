//! What a connection needs of a byte stream, and TCP's way of giving it.

use bytes::BytesMut;
use socket2::{SockRef, Socket as Socket2};
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

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

/// A TCP connection.
pub type TcpIo = SocketIo<TcpStream>;

/// A connection over a Unix socket.
pub type UnixIo = SocketIo<UnixStream>;

/// A connection over a socket of the system's.
pub struct SocketIo<T> {
    // Shared with `reset`, which borrows the stream for as long as it waits.
    stream: Rc<T>,
    reset: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

/// What the runtime's stream sockets have in common, though no trait of theirs says so.
trait Socket: AsFd + fmt::Debug + 'static {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R>;
    fn try_read_buf(&self, buf: &mut BytesMut) -> io::Result<usize>;
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
    fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    fn limit_unsent(&self, bytes: u32);
    fn wait_for_error(stream: Rc<Self>) -> Pin<Box<dyn Future<Output = ()>>>;
}

impl Socket for TcpStream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.try_io(interest, f)
    }

    fn try_read_buf(&self, buf: &mut BytesMut) -> io::Result<usize> {
        self.try_read_buf(buf)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }

    fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write_vectored(parts)
    }

    fn limit_unsent(&self, bytes: u32) {
        limit_unsent(&SockRef::from(self), bytes);
    }

    fn wait_for_error(stream: Rc<Self>) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            // An error here is the reactor going away: as final as a reset.
            let _ = stream.ready(Interest::ERROR).await;
        })
    }
}

impl Socket for UnixStream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.try_io(interest, f)
    }

    fn try_read_buf(&self, buf: &mut BytesMut) -> io::Result<usize> {
        self.try_read_buf(buf)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }

    fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write_vectored(parts)
    }

    fn limit_unsent(&self, _bytes: u32) {
        // The buffer of a Unix socket does not grow.
    }

    fn wait_for_error(stream: Rc<Self>) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            // As above.
            let _ = stream.ready(Interest::ERROR).await;
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for SocketIo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

impl SocketIo<TcpStream> {
    /// Registers an accepted, non-blocking stream with this thread's reactor.
    ///
    /// # Errors
    /// When the reactor cannot take it, for want of memory or descriptors.
    pub fn register(stream: std::net::TcpStream) -> io::Result<Self> {
        let stream = TcpStream::from_std(stream)?;
        Ok(Self { stream: Rc::new(stream), reset: None })
    }
}

impl SocketIo<UnixStream> {
    /// Registers an accepted, non-blocking stream with this thread's reactor.
    ///
    /// # Errors
    /// When the reactor cannot take it, for want of memory or descriptors.
    pub fn register(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        let stream = UnixStream::from_std(stream)?;
        Ok(Self { stream: Rc::new(stream), reset: None })
    }
}

impl<T: Socket> Io for SocketIo<T> {
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
            match self.stream.try_read_buf(buf) {
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
        let reset = self.reset.get_or_insert_with(|| T::wait_for_error(Rc::clone(&self.stream)));
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
        self.stream.limit_unsent(bytes);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn limit_unsent(socket: &Socket2, bytes: u32) {
    // Refused, the reply leaves as it would have; the system then keeps more of it for a slow peer.
    let _ = socket.set_tcp_notsent_lowat(bytes);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn limit_unsent(_: &Socket2, _bytes: u32) {}
