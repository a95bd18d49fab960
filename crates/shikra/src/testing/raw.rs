//! A connection for raw bytes: what no well-behaved client would send.

use super::TestClient;
use super::bench::Bench;
use super::reply::{ReplyReader, TestReply, WholeReply};
use super::wire::Wire;
use bytes::BytesMut;
use http::Method;
use shikra_engine::rt::Io;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::rc::Rc;
use std::task::{Poll, ready};

/// A connection to the application whose bytes the test writes itself. Dropping it closes it.
///
/// ```
/// use shikra::{App, testing::TestClient};
///
/// let client = TestClient::new(App::new());
/// let connection = client.connect();
/// connection.write("GET / HTTP/1.1\r\n");
/// connection.write("host: x\r\n\r\n");
/// assert_eq!(connection.read_reply().unwrap().status(), 404);
/// ```
pub struct RawConnection<'a> {
    client: &'a TestClient,
    id: u64,
}

pub(super) struct RawState {
    wire: Wire,
}

impl fmt::Debug for RawConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConnection").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'a> RawConnection<'a> {
    #[track_caller]
    pub(super) fn new(client: &'a TestClient) -> Self {
        let opened = client.run(|bench| async move {
            let wire = bench.open()?;
            let id = bench.next_id();
            bench.raw.borrow_mut().insert(id, Rc::new(RefCell::new(RawState { wire })));
            Ok::<_, std::io::Error>(id)
        });
        match opened {
            Ok(id) => Self { client, id },
            Err(error) => panic!("cannot connect to the application: {error}"),
        }
    }

    /// Writes bytes; waits while the application does not read.
    ///
    /// Returns how many it took before it closed the connection.
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> usize {
        let bytes = bytes.as_ref().to_vec();
        self.with(move |state| async move {
            let mut at = 0;
            poll_fn(|cx| {
                while at < bytes.len() {
                    let mut state = state.borrow_mut();
                    let rest = IoSlice::new(bytes.get(at..).unwrap_or_default());
                    match state.wire.io.try_write(&[rest]) {
                        Ok(written) => at += written,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            if ready!(state.wire.io.poll_writable(cx)).is_err() {
                                break;
                            }
                        }
                        Err(_) => break,
                    }
                }
                Poll::Ready(at)
            })
            .await
        })
    }

    /// Writes what fits at once, without waiting; returns how much did.
    #[must_use]
    pub fn write_some(&self, bytes: impl AsRef<[u8]>) -> usize {
        let bytes = bytes.as_ref().to_vec();
        self.with(move |state| async move {
            let mut state = state.borrow_mut();
            state.wire.io.try_write(&[IoSlice::new(&bytes)]).unwrap_or(0)
        })
    }

    /// Reads the next reply, as the answer to a `GET`.
    ///
    /// # Errors
    /// When the connection ends first, or what comes is not HTTP.
    pub fn read_reply(&self) -> Result<TestReply, String> {
        self.read_reply_to(Method::GET)
    }

    /// Reads the next reply, as the answer to `method`.
    ///
    /// # Errors
    /// When the connection ends first, or what comes is not HTTP.
    pub fn read_reply_to(&self, method: Method) -> Result<TestReply, String> {
        self.with(|state| async move {
            let request = format!("{method} on a raw connection");
            let mut reading = WholeReply::new(ReplyReader::new(method, request));
            let read = poll_fn(|cx| reading.poll(cx, &mut state.borrow_mut().wire)).await;
            read.map_err(|failure| failure.to_string())
        })
    }

    /// Reads until the application closes the connection, and returns all bytes.
    ///
    /// # Errors
    /// When it is reset; with what came before.
    pub fn read_to_end(&self) -> Result<Vec<u8>, Vec<u8>> {
        self.with(|state| async move {
            let mut all = std::mem::replace(&mut state.borrow_mut().wire.read, BytesMut::new());
            let ended = poll_fn(|cx| {
                loop {
                    all.reserve(READ_BYTES);
                    match ready!(state.borrow_mut().wire.io.poll_read_buf(cx, &mut all)) {
                        Ok(0) => return Poll::Ready(true),
                        Ok(_) => {}
                        Err(_) => return Poll::Ready(false),
                    }
                }
            })
            .await;
            if ended { Ok(all.to_vec()) } else { Err(all.to_vec()) }
        })
    }

    /// Reads what comes next, at most 16 KiB, and waits for at least one byte; empty at the end.
    ///
    /// # Errors
    /// When the connection is reset.
    pub fn read_some(&self) -> Result<Vec<u8>, String> {
        self.with(|state| async move {
            let mut all = std::mem::replace(&mut state.borrow_mut().wire.read, BytesMut::new());
            if all.is_empty() {
                all.reserve(READ_BYTES);
                let read = poll_fn(|cx| state.borrow_mut().wire.io.poll_read_buf(cx, &mut all));
                read.await.map_err(|error| error.to_string())?;
            }
            Ok(all.to_vec())
        })
    }

    /// Closes the client's half: nothing more will be written, replies can still be read.
    pub fn finish(&self) {
        self.with(|state| async move { state.borrow_mut().wire.io.shutdown_write() });
    }

    /// Breaks the connection off.
    pub fn reset(self) {
        self.with(|state| async move { state.borrow_mut().wire.io.abort() });
    }

    fn with<T, F, J>(&self, job: J) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
        J: FnOnce(Rc<RefCell<RawState>>) -> F + Send + 'static,
    {
        let id = self.id;
        self.client.run(move |bench: Rc<Bench>| {
            let state = bench.raw.borrow().get(&id).cloned();
            async move { job(state.expect("a raw connection exists until it is dropped")).await }
        })
    }
}

impl Drop for RawConnection<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // the client closes everything
        }
        let id = self.id;
        self.client.run(move |bench| async move {
            bench.raw.borrow_mut().remove(&id);
        });
    }
}

const READ_BYTES: usize = 16 * 1024;
