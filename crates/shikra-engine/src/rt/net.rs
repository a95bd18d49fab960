//! Listening sockets.

use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use tokio::io::unix::AsyncFd;

/// Opens a listening socket; port 0 lets the system choose one.
///
/// # Errors
/// When the address is taken, not this machine's, or not permitted.
pub fn listen(addr: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A server that starts again need not wait for its old connections to fade.
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    prepare(&socket)?;
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Makes a listener of the caller's ready for [`Acceptor`].
///
/// # Errors
/// When the system refuses the options.
pub fn adopt(listener: TcpListener) -> io::Result<TcpListener> {
    let socket = Socket::from(listener);
    prepare(&socket)?;
    Ok(socket.into())
}

fn prepare(socket: &Socket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it, which saves a system call for each: a reply is written whole,
    // so there is nothing to be gained by waiting for more.
    socket.set_tcp_nodelay(true)
}

/// A listening socket in this thread's reactor.
#[derive(Debug)]
pub struct Acceptor {
    listener: AsyncFd<TcpListener>,
    local: SocketAddr,
}

impl Acceptor {
    /// Registers `listener`.
    ///
    /// # Errors
    /// When the reactor cannot take it.
    pub fn register(listener: TcpListener) -> io::Result<Self> {
        let local = listener.local_addr()?;
        // SAFETY: std's `TcpListener` owns its descriptor, always names the same one, and keeps it
        // open until it is dropped, which `AsyncFd` does only after it has deregistered.
        #[allow(unsafe_code)]
        let listener = unsafe { AsyncFd::register(listener) }?;
        Ok(Self { listener, local })
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next connection, non-blocking.
    ///
    /// # Errors
    /// When the connection is gone already, or descriptors or memory are short; the next call
    /// may succeed.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let mut ready = self.listener.readable().await?;
            match ready.try_io(|listener| listener.get_ref().accept()) {
                Ok(Ok((stream, peer))) => {
                    stream.set_nonblocking(true)?;
                    return Ok((stream, peer));
                }
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

/// Whether an error of `accept` is about one connection rather than about the process.
#[must_use]
pub fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
            | ErrorKind::WouldBlock
    )
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// When the system does not let the process listen for signals.
pub async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    std::future::poll_fn(|cx| {
        if terminate.poll_recv(cx).is_ready() || interrupt.poll_recv(cx).is_ready() {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
    Ok(())
}
