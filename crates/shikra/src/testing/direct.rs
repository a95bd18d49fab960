//! A connection that the caller polls: no thread, no runtime, no time.

use crate::app::{AppFactory, IntoApp};
use crate::dispatch::AppService;
use bytes::{BufMut, BytesMut};
use shikra_engine::conn::http1::Connection;
use shikra_engine::hub::{Hub, Load, ServiceHub};
use shikra_engine::rt::Io;
use shikra_engine::service::{Lease, ServiceFactory};
use shikra_engine::worker;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// One connection of an application, driven step by step on the calling thread: for fuzzers, which want
/// the same run every time, and for counting instructions.
///
/// Handlers may wait for the client, but not for timers or sockets of the runtime: there is none.
///
/// ```
/// use shikra::{App, testing::DirectConnection};
///
/// let mut connection = DirectConnection::new(App::new().get("/", async |_| "hi"));
/// connection.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
/// connection.run();
/// assert!(connection.output().ends_with(b"hi"));
/// ```
pub struct DirectConnection {
    connection: Result<Connection<Wire, AppService>, Sent>,
    woken: Arc<Woken>,
    waker: Waker,
}

/// Apart, so that `cargo xtask bench --gate` can count what runs in it, and not what plays the client.
#[inline(never)]
fn poll_connection(
    connection: &mut Connection<Wire, AppService>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    Pin::new(connection).poll(cx)
}

impl fmt::Debug for DirectConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectConnection")
            .field("connection", &self.connection.as_ref().ok())
            .finish()
    }
}

impl DirectConnection {
    /// Opens a connection.
    ///
    /// # Panics
    /// When the application has mistakes, or its state needs the runtime to be made.
    #[track_caller]
    #[must_use]
    pub fn new(app: impl IntoApp) -> Self {
        let frozen = match crate::app::freeze(app.into_app()) {
            Ok(frozen) => frozen,
            Err(error) => panic!("{error}"),
        };
        let load = Arc::new(Load::default());
        let hub = Hub::new(frozen.config.limits.clone(), Arc::clone(&load));
        let factory = AppFactory { frozen: Arc::new(frozen) };
        let mut made = pin!(factory.make(Lease::unlimited()));
        let service = match made.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(service)) => service,
            Poll::Ready(Err(error)) => panic!("the application does not start: {error}"),
            Poll::Pending => panic!("the application's state waits for something"),
        };
        load.add();
        let hub = ServiceHub::new(hub, service);
        let connection = worker::connection(&hub, Wire::default(), None, None);
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        Self { connection: Ok(connection), woken, waker }
    }

    /// Writes as many bytes as fit (64 KiB are read ahead), and returns how many did.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let Ok(connection) = &mut self.connection else { return 0 };
        let wire = connection.io_mut();
        let room = WIRE_BYTES.saturating_sub(wire.input.len());
        let fits = bytes.get(..room).unwrap_or(bytes);
        wire.input.extend_from_slice(fits);
        fits.len()
    }

    /// Closes the client's half.
    pub fn finish(&mut self) {
        if let Ok(connection) = &mut self.connection {
            connection.io_mut().is_finished = true;
        }
    }

    /// Lets the connection do what it can, and says whether it goes on.
    pub fn run(&mut self) -> bool {
        let mut cx = Context::from_waker(&self.waker);
        // A connection yields to others after a while, and a full wire is emptied.
        for _ in 0..POLLS {
            let Ok(connection) = &mut self.connection else { return false };
            let is_over = poll_connection(connection, &mut cx).is_ready();
            let wire = connection.io_mut();
            let was_full = wire.room() == 0;
            wire.taken = wire.sent.bytes.len();
            if is_over {
                self.connection = Err(std::mem::take(&mut wire.sent));
                return false;
            }
            if !self.woken.0.swap(false, Ordering::Relaxed) && !was_full {
                break;
            }
        }
        true
    }

    /// All that the application has sent and nobody has cleared.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.sent().bytes
    }

    /// How many writes all that was sent has taken, each of them a system call on a socket.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.sent().writes
    }

    /// Forgets what the application has sent.
    pub fn clear_output(&mut self) {
        match &mut self.connection {
            Ok(connection) => {
                let wire = connection.io_mut();
                wire.sent.bytes.clear();
                wire.taken = 0;
            }
            Err(sent) => sent.bytes.clear(),
        }
    }

    fn sent(&self) -> &Sent {
        match &self.connection {
            Ok(connection) => &connection.io().sent,
            Err(sent) => sent,
        }
    }
}

/// What the application has sent; it outlives the connection.
#[derive(Debug, Default)]
struct Sent {
    bytes: Vec<u8>,
    writes: usize,
}

/// Both directions of the one connection, without anybody to wake: the caller knows when to look again.
#[derive(Debug, Default)]
struct Wire {
    input: Vec<u8>,
    /// How much of `input` is read already.
    read: usize,
    is_finished: bool,
    sent: Sent,
    /// How much of what was sent has left the wire, so that there is room for more.
    taken: usize,
}

impl Wire {
    /// How many bytes may still be sent before the client takes some.
    fn room(&self) -> usize {
        WIRE_BYTES.saturating_sub(self.sent.bytes.len() - self.taken)
    }

    fn take(&mut self, max: usize, put: impl FnOnce(&[u8])) -> Poll<io::Result<usize>> {
        let rest = self.input.get(self.read..).unwrap_or_default();
        let taken = rest.get(..max).unwrap_or(rest);
        if taken.is_empty() {
            return if self.is_finished { Poll::Ready(Ok(0)) } else { Poll::Pending };
        }
        put(taken);
        let len = taken.len();
        self.read += len;
        if self.read == self.input.len() {
            self.read = 0;
            self.input.clear();
        }
        Poll::Ready(Ok(len))
    }
}

impl Io for Wire {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.take(buf.len(), |bytes| {
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
        _: &mut Context<'_>,
        buf: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        self.take(buf.capacity() - buf.len(), |bytes| buf.put_slice(bytes))
    }

    fn try_write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.sent.writes += 1;
        let mut written = 0;
        for part in parts {
            let fits = part.get(..self.room()).unwrap_or(part);
            self.sent.bytes.extend_from_slice(fits);
            written += fits.len();
        }
        match written {
            0 if parts.iter().any(|part| !part.is_empty()) => Err(ErrorKind::WouldBlock.into()),
            written => Ok(written),
        }
    }

    fn poll_writable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.room() {
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_reset(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn shutdown_write(&mut self) {}

    fn abort(&mut self) {}
}

/// Whether the connection has asked to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const WIRE_BYTES: usize = 64 * 1024;
/// A connection that always wants to go on is left alone after so many polls of one run.
const POLLS: usize = 16;
