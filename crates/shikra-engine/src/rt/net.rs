//! Listening sockets, and what they accept.

use super::unix::SocketFile;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use tokio::io::unix::AsyncFd;

/// A listening socket.
#[derive(Debug)]
pub enum Listening {
    /// On an address of the network.
    Tcp(TcpListener),
    /// On a path; the file, if it is ours, goes before the socket does.
    Unix(Option<SocketFile>, UnixListener),
}

/// A connection that has been accepted, non-blocking.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// Whether other listeners may have the same port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortSharing {
    /// A second one is refused.
    #[default]
    Exclusive,
    /// The system spreads connections over all that say this (`SO_REUSEPORT`).
    Shared,
}

/// Opens a listening socket; port 0 lets the system choose one.
///
/// # Errors
/// When the address is taken, not this machine's, or not permitted.
pub fn listen(addr: SocketAddr, backlog: u32, sharing: PortSharing) -> io::Result<Listening> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A server that starts again need not wait for its old connections to fade.
    socket.set_reuse_address(true)?;
    if sharing == PortSharing::Shared {
        socket.set_reuse_port(true)?;
    }
    if addr.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    prepare(&socket)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog_of(backlog))?;
    Ok(Listening::Tcp(socket.into()))
}

pub(super) fn backlog_of(backlog: u32) -> i32 {
    i32::try_from(backlog).unwrap_or(i32::MAX)
}

/// Makes a listener of the caller's ready for [`Acceptor`].
///
/// # Errors
/// When the system refuses the options.
pub fn adopt(listener: TcpListener) -> io::Result<Listening> {
    let socket = Socket::from(listener);
    prepare(&socket)?;
    Ok(Listening::Tcp(socket.into()))
}

/// Makes a Unix listener of the caller's ready for [`Acceptor`]; its file stays the caller's.
///
/// # Errors
/// When the system refuses the options.
pub fn adopt_unix(listener: UnixListener) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    Ok(Listening::Unix(None, listener))
}

fn prepare(socket: &Socket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it, which saves a system call for each: a reply is written whole,
    // so there is nothing to be gained by waiting for more.
    socket.set_tcp_nodelay(true)
}

impl Listening {
    /// The address it listens on; `None` for a Unix socket.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            Self::Unix(..) => Ok(None),
        }
    }

    fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            Self::Unix(_, listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Stream::Unix(stream), None))
            }
        }
    }
}

impl AsRawFd for Listening {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(listener) => listener.as_raw_fd(),
            Self::Unix(_, listener) => listener.as_raw_fd(),
        }
    }
}

/// A listening socket in this thread's reactor.
#[derive(Debug)]
pub struct Acceptor {
    listener: AsyncFd<Listening>,
    local: Option<SocketAddr>,
}

impl Acceptor {
    /// Registers `listener`.
    ///
    /// # Errors
    /// When the reactor cannot take it.
    pub fn register(listener: Listening) -> io::Result<Self> {
        let local = listener.local_addr()?;
        // SAFETY: each variant holds one listener of std's, which owns its descriptor, always names the
        // same one, and keeps it open until it is dropped, which `AsyncFd` does only after it has
        // deregistered.
        #[allow(unsafe_code)]
        let listener = unsafe { AsyncFd::register(listener) }?;
        Ok(Self { listener, local })
    }

    /// The address it listens on; `None` for a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The next connection, with its client's address if it has one.
    ///
    /// # Errors
    /// When the connection is gone already, or descriptors or memory are short; the next call
    /// may succeed.
    pub async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        loop {
            let mut ready = self.listener.readable().await?;
            match ready.try_io(|listener| listener.get_ref().accept()) {
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(result) => return result,
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
