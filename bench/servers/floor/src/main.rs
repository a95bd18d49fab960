//! The reference that others are measured against: one thread, one epoll instance, one `recv` and one
//! `send` a turn. It parses nothing: `floor PORT REQUEST_BYTES` counts the bytes that come in and, for every
//! `REQUEST_BYTES` of them, sends what it read from its standard input when it started.

use libc::{c_int, c_void};
use std::io::{self, Read};
use std::net::TcpListener;
use std::os::fd::{IntoRawFd, RawFd};

fn main() -> io::Result<()> {
    let numbers: Vec<usize> = std::env::args().skip(1).flat_map(|word| word.parse()).collect();
    let &[port, request_bytes] = numbers.as_slice() else {
        return Err(io::Error::other("usage: floor PORT REQUEST_BYTES < REPLY"));
    };
    let port = u16::try_from(port).map_err(io::Error::other)?;
    let mut reply = Vec::new();
    io::stdin().read_to_end(&mut reply)?;
    if reply.is_empty() || request_bytes == 0 {
        return Err(io::Error::other("a request and a reply have at least one byte"));
    }
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    Floor::new(listener.into_raw_fd(), request_bytes, &reply)?.run()
}

struct Floor {
    epoll: RawFd,
    listener: RawFd,
    request_bytes: usize,
    /// The reply as often as it fits, so that many are one `send`.
    replies: Vec<u8>,
    reply_bytes: usize,
    /// By descriptor.
    connections: Vec<Connection>,
    input: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct Connection {
    /// Bytes that came in since the last whole request.
    begun: usize,
    /// Bytes that are still to be sent.
    owed: usize,
    /// Whether the socket was full, so that its being writable is waited for.
    is_full: bool,
}

impl Floor {
    fn new(listener: RawFd, request_bytes: usize, reply: &[u8]) -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let epoll = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: no pointer is passed. The larger backlog replaces the one of the standard library.
        checked(unsafe { libc::listen(listener, BACKLOG) })?;
        let floor = Self {
            epoll,
            listener,
            request_bytes,
            replies: reply.repeat((BUFFER_BYTES / reply.len()).max(1)),
            reply_bytes: reply.len(),
            connections: Vec::new(),
            input: vec![0; BUFFER_BYTES],
        };
        floor.watch(listener, libc::EPOLL_CTL_ADD, libc::EPOLLIN)?;
        Ok(floor)
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        loop {
            let room = EVENTS as c_int;
            // SAFETY: `events` has `EVENTS` elements, and nothing else uses them meanwhile.
            let count = unsafe { libc::epoll_wait(self.epoll, events.as_mut_ptr(), room, -1) };
            if count < 0 {
                let error = io::Error::last_os_error();
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error);
            }
            for event in events.iter().take(count as usize) {
                let descriptor = event.u64 as RawFd;
                if descriptor == self.listener {
                    self.accept()?;
                } else {
                    self.turn(descriptor)?;
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let (address, length) = (std::ptr::null_mut(), std::ptr::null_mut());
            let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
            // SAFETY: null pointers say that the peer's address is not asked for.
            let stream = unsafe { libc::accept4(self.listener, address, length, flags) };
            if stream < 0 {
                // Nobody waits, or the one who waited has left.
                return Ok(());
            }
            let on: c_int = 1;
            let (value, bytes) = ((&raw const on).cast::<c_void>(), size_of::<c_int>() as u32);
            // SAFETY: `value` points at a `c_int` of `bytes` bytes that outlives the call.
            let set = unsafe {
                libc::setsockopt(stream, libc::IPPROTO_TCP, libc::TCP_NODELAY, value, bytes)
            };
            checked(set)?;
            let index = stream as usize;
            if self.connections.len() <= index {
                self.connections.resize(index + 1, Connection::default());
            }
            self.connections[index] = Connection::default();
            self.watch(stream, libc::EPOLL_CTL_ADD, libc::EPOLLIN)?;
        }
    }

    /// Receives once and sends once. What is left is sent when the socket has room again.
    fn turn(&mut self, stream: RawFd) -> io::Result<()> {
        let mut connection = self.connections[stream as usize];
        if connection.owed == 0 {
            let buffer = self.input.as_mut_ptr().cast::<c_void>();
            // SAFETY: `buffer` points at `input.len()` bytes that nothing else uses meanwhile.
            let received = unsafe { libc::recv(stream, buffer, self.input.len(), 0) };
            let Some(received) = usize::try_from(received).ok().filter(|count| *count > 0) else {
                close(stream);
                return Ok(());
            };
            connection.begun += received;
            connection.owed = connection.begun / self.request_bytes * self.reply_bytes;
            connection.begun %= self.request_bytes;
        }
        if connection.owed > 0 && !self.send(stream, &mut connection)? {
            close(stream);
            return Ok(());
        }
        self.connections[stream as usize] = connection;
        Ok(())
    }

    /// Sends what is owed, as far as the socket takes it; no if the peer is gone.
    fn send(&self, stream: RawFd, connection: &mut Connection) -> io::Result<bool> {
        // Sending goes on where it stopped in a reply.
        let start = (self.reply_bytes - connection.owed % self.reply_bytes) % self.reply_bytes;
        let end = self.replies.len().min(start + connection.owed);
        let bytes = &self.replies[start..end];
        let (data, flags) = (bytes.as_ptr().cast::<c_void>(), libc::MSG_NOSIGNAL);
        // SAFETY: `data` points at `bytes.len()` bytes.
        let sent = unsafe { libc::send(stream, data, bytes.len(), flags) };
        let would_block = || io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock;
        match usize::try_from(sent) {
            Ok(sent) => connection.owed -= sent,
            Err(_) if would_block() => {}
            Err(_) => return Ok(false),
        }
        if connection.is_full != (connection.owed > 0) {
            connection.is_full = connection.owed > 0;
            let interest = if connection.is_full { libc::EPOLLOUT } else { libc::EPOLLIN };
            self.watch(stream, libc::EPOLL_CTL_MOD, interest)?;
        }
        Ok(true)
    }

    fn watch(&self, descriptor: RawFd, change: c_int, interest: c_int) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest as u32, u64: descriptor as u64 };
        // SAFETY: `event` outlives the call.
        checked(unsafe { libc::epoll_ctl(self.epoll, change, descriptor, &raw mut event) })?;
        Ok(())
    }
}

fn close(stream: RawFd) {
    // SAFETY: `stream` came from `accept4`, nothing else owns it, and it is not used again before another
    // `accept4` returns the same number.
    unsafe { libc::close(stream) };
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

const BACKLOG: c_int = 4096;
const BUFFER_BYTES: usize = 512 * 1024;
const EVENTS: usize = 1024;
