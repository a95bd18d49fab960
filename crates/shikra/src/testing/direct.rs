//! A connection that the caller polls: no thread, no runtime, no time.

use crate::app::{AppFactory, IntoApp};
use crate::dispatch::AppService;
use bytes::BytesMut;
use shikra_engine::conn::http1::Connection;
use shikra_engine::hub::{Hub, Load, ServiceHub};
use shikra_engine::rt::Io;
use shikra_engine::rt::pipe::{PipeIo, pipe};
use shikra_engine::service::ServiceFactory;
use shikra_engine::worker;
use std::fmt;
use std::future::Future;
use std::io::IoSlice;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

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
/// assert!(connection.take_output().ends_with(b"hi"));
/// ```
pub struct DirectConnection {
    connection: Option<Connection<PipeIo, AppService>>,
    io: PipeIo,
    output: BytesMut,
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
        let mut made = pin!(factory.make());
        let service = match made.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(service)) => service,
            Poll::Ready(Err(error)) => panic!("the application does not start: {error}"),
            Poll::Pending => panic!("the application's state waits for something"),
        };
        let (near, far) = pipe(PIPE_BYTES);
        load.add();
        let hub = Rc::clone(&ServiceHub::new(hub, service));
        let connection = worker::connection(&hub, far, None, None);
        Self { connection: Some(connection), io: near, output: BytesMut::new() }
    }

    /// Writes as many bytes as fit (64 KiB are read ahead), and returns how many did.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        // A connection that has closed takes nothing any more.
        self.io.try_write(&[IoSlice::new(bytes)]).unwrap_or(0)
    }

    /// Closes the client's half.
    pub fn finish(&mut self) {
        self.io.shutdown_write();
    }

    /// Lets the connection do what it can, and says whether it goes on.
    pub fn run(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        // A connection yields to others after a while, and nobody wakes it here.
        for _ in 0..POLLS {
            let Some(connection) = &mut self.connection else { break };
            if Pin::new(connection).poll(&mut cx).is_ready() {
                self.connection = None;
            }
            self.read(&mut cx);
        }
        self.connection.is_some()
    }

    fn read(&mut self, cx: &mut Context<'_>) {
        loop {
            self.output.reserve(READ_BYTES);
            match self.io.poll_read_buf(cx, &mut self.output) {
                Poll::Ready(Ok(1..)) => {}
                _ => return,
            }
        }
    }

    /// Takes all that the application has sent.
    #[must_use]
    pub fn take_output(&mut self) -> BytesMut {
        self.output.split()
    }
}

const PIPE_BYTES: usize = 64 * 1024;
const READ_BYTES: usize = 16 * 1024;
const POLLS: usize = 4;
