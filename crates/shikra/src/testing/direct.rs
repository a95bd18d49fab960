//! A connection that the caller polls: no thread, no runtime, no time.

use crate::app::{AppFactory, IntoApp};
use crate::dispatch::AppService;
use bytes::{BufMut, BytesMut};
use shikra_engine::conn::http1::Connection;
use shikra_engine::hub::{Hub, Load, ServiceHub};
use shikra_engine::rt::Io;
use shikra_engine::service::{Lease, ServiceFactory};
use shikra_engine::worker;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
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
    connection: Option<Connection<WireIo, AppService>>,
    wire: Rc<RefCell<Wire>>,
    output: Vec<u8>,
    woken: Arc<Woken>,
    waker: Waker,
}

impl fmt::Debug for DirectConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectConnection").field("connection", &self.connection).finish()
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
        let wire = Rc::<RefCell<Wire>>::default();
        let io = WireIo(Rc::clone(&wire));
        let connection = worker::connection(&ServiceHub::new(hub, service), io, None, None);
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        Self { connection: Some(connection), wire, output: Vec::new(), woken, waker }
    }

    /// Writes as many bytes as fit (64 KiB are read ahead), and returns how many did.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.connection.is_none() {
            return 0;
        }
        let mut wire = self.wire.borrow_mut();
        let room = WIRE_BYTES.saturating_sub(wire.input.len());
        let fits = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        wire.input.extend_from_slice(fits);
        fits.len()
    }

    /// Closes the client's half.
    pub fn finish(&mut self) {
        self.wire.borrow_mut().is_finished = true;
    }

    /// Lets the connection do what it can, and says whether it goes on.
    pub fn run(&mut self) -> bool {
        let mut cx = Context::from_waker(&self.waker);
        // A connection yields to others after a while, and a full wire is emptied.
        for _ in 0..POLLS {
            let Some(connection) = &mut self.connection else { break };
            if Pin::new(connection).poll(&mut cx).is_ready() {
                self.connection = None;
            }
            let output = &mut self.wire.borrow_mut().output;
            let was_full = output.len() >= WIRE_BYTES;
            self.output.extend_from_slice(output);
            output.clear();
            if !self.woken.0.swap(false, Ordering::Relaxed) && !was_full {
                break;
            }
        }
        self.connection.is_some()
    }

    /// All that the application has sent and nobody has cleared.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// How many writes all that was sent has taken, each of them a system call on a socket.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.wire.borrow().writes
    }

    /// Forgets what the application has sent.
    pub fn clear_output(&mut self) {
        self.output.clear();
    }
}

/// Both directions of the one connection.
#[derive(Debug, Default)]
struct Wire {
    input: Vec<u8>,
    /// How much of `input` is read already.
    read: usize,
    is_finished: bool,
    output: Vec<u8>,
    writes: usize,
}

/// The application's end, without anybody to wake: the caller knows when to look again.
#[derive(Debug)]
struct WireIo(Rc<RefCell<Wire>>);

impl WireIo {
    fn take(&self, max: usize, put: impl FnOnce(&[u8])) -> Poll<io::Result<usize>> {
        let wire = &mut *self.0.borrow_mut();
        let rest = wire.input.get(wire.read..).unwrap_or_default();
        let taken = rest.get(..max.min(rest.len())).unwrap_or_default();
        if taken.is_empty() {
            return if wire.is_finished { Poll::Ready(Ok(0)) } else { Poll::Pending };
        }
        put(taken);
        let len = taken.len();
        wire.read += len;
        if wire.read == wire.input.len() {
            wire.read = 0;
            wire.input.clear();
        }
        Poll::Ready(Ok(len))
    }
}

impl Io for WireIo {
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
        let Wire { output, writes, .. } = &mut *self.0.borrow_mut();
        *writes += 1;
        let before = output.len();
        for part in parts {
            let room = WIRE_BYTES.saturating_sub(output.len());
            output.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
        }
        match output.len() - before {
            0 if parts.iter().any(|part| !part.is_empty()) => Err(ErrorKind::WouldBlock.into()),
            written => Ok(written),
        }
    }

    fn poll_writable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.borrow().output.len() {
            ..WIRE_BYTES => Poll::Ready(Ok(())),
            _ => Poll::Pending,
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
