//! Replies that are made while they are sent.

use crate::error::Error;
use crate::response::Response;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use shikra_engine::service::ReplyStream;
use shikra_engine::slot::SlotFuture;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A reply that `make` writes piece by piece, no faster than the client takes it.
///
/// What is written leaves as soon as `make` waits for something, or 16 KiB have gathered. When the client
/// leaves, `make` is dropped. When it fails, the connection is reset, so that the client cannot take the part
/// for the whole. The content type is `application/octet-stream` unless a header says otherwise.
///
/// ```
/// use shikra::{App, Response, stream, testing::TestClient};
///
/// async fn numbers(_: shikra::Request) -> Response {
///     stream(async |out| {
///         for n in 0..3 {
///             out.write(format!("{n}\n")).await?;
///         }
///         Ok(())
///     })
/// }
///
/// let client = TestClient::new(App::new().get("/", numbers));
/// assert_eq!(client.get("/").send().text(), "0\n1\n2\n");
/// ```
pub fn stream<F>(make: F) -> Response
where
    F: AsyncFnOnce(StreamWriter) -> Result<(), Error> + 'static,
{
    let shared = Rc::new(RefCell::new(Shared::default()));
    let writer = StreamWriter { shared: Rc::clone(&shared) };
    let future = SlotFuture::new(async move { make(writer).await });
    Response::from_stream(Written { future: Some(future), shared })
}

impl Response {
    /// A reply whose body is a stream of chunks; polled only while the client takes them.
    ///
    /// An error resets the connection, so that the client cannot take the part for the whole.
    pub fn from_chunks<S, B, E>(chunks: S) -> Self
    where
        S: Stream<Item = Result<B, E>> + 'static,
        B: Into<Bytes>,
        E: Into<Box<dyn StdError>>,
    {
        Self::from_stream(Chunks(Box::pin(chunks)))
    }
}

/// The writing end of a [`stream`].
pub struct StreamWriter {
    shared: Rc<RefCell<Shared>>,
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("waiting", &self.shared.borrow().len).finish()
    }
}

#[derive(Default)]
struct Shared {
    /// Small pieces, gathered.
    gathered: BytesMut,
    /// A large piece, which goes out after them as it is.
    large: Option<Bytes>,
    len: usize,
    writer: Option<Waker>,
    is_over: bool,
}

impl StreamWriter {
    /// Writes a piece; waits while the client does not take what was written before.
    ///
    /// # Errors
    /// When the reply is over: the writer was kept longer than its stream.
    pub async fn write(&self, piece: impl Into<Bytes>) -> Result<(), Error> {
        let mut piece = Some(piece.into());
        poll_fn(|cx| self.poll_write(cx, &mut piece)).await
    }

    /// Waits until everything written so far is on its way.
    ///
    /// # Errors
    /// As [`StreamWriter::write`].
    pub async fn flush(&self) -> Result<(), Error> {
        poll_fn(|cx| {
            let mut shared = self.shared.borrow_mut();
            if shared.is_over {
                return Poll::Ready(Err(over()));
            }
            if shared.len == 0 {
                return Poll::Ready(Ok(()));
            }
            shared.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn poll_write(&self, cx: &Context<'_>, piece: &mut Option<Bytes>) -> Poll<Result<(), Error>> {
        let mut shared = self.shared.borrow_mut();
        if shared.is_over {
            return Poll::Ready(Err(over()));
        }
        if shared.large.is_some() || shared.len >= GATHERED_BYTES_MAX {
            shared.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let Some(piece) = piece.take() else { return Poll::Ready(Ok(())) };
        shared.len += piece.len();
        if piece.len() >= GATHERED_BYTES_MAX {
            shared.large = Some(piece);
        } else {
            shared.gathered.extend_from_slice(&piece);
        }
        Poll::Ready(Ok(()))
    }
}

fn over() -> Error {
    Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
}

/// What `stream` sends.
struct Written {
    future: Option<SlotFuture<Result<(), Error>>>,
    shared: Rc<RefCell<Shared>>,
}

impl Written {
    fn take(&self) -> Option<Bytes> {
        let mut shared = self.shared.borrow_mut();
        let piece = if shared.gathered.is_empty() {
            shared.large.take()
        } else {
            Some(shared.gathered.split().freeze())
        };
        shared.len -= piece.as_ref().map_or(0, Bytes::len);
        piece
    }

    fn wake_writer(&self, cx: &Context<'_>) {
        let writer = self.shared.borrow_mut().writer.take();
        // The writer usually lives in the task that asks; another one has to be told.
        if let Some(writer) = writer.filter(|writer| !writer.will_wake(cx.waker())) {
            writer.wake();
        }
    }
}

impl ReplyStream for Written {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        loop {
            // What was kept back last time goes first, and makes room.
            if let Some(piece) = self.take() {
                self.wake_writer(cx);
                return Poll::Ready(Some(Ok(piece)));
            }
            let Some(future) = &mut self.future else { return Poll::Ready(None) };
            match Pin::new(future).poll(cx) {
                Poll::Pending if self.shared.borrow().len == 0 => return Poll::Pending,
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.future = None,
                Poll::Ready(Err(error)) => {
                    self.future = None;
                    return Poll::Ready(Some(Err(error.to_string().into())));
                }
            }
        }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.shared.borrow_mut().is_over = true;
    }
}

/// What `Response::from_chunks` sends.
struct Chunks<S>(Pin<Box<S>>);

impl<S, B, E> ReplyStream for Chunks<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    E: Into<Box<dyn StdError>>,
{
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        self.0
            .as_mut()
            .poll_next(cx)
            .map(|next| next.map(|chunk| chunk.map(Into::into).map_err(Into::into)))
    }
}

/// Pieces that are written in a row leave together up to this size.
const GATHERED_BYTES_MAX: usize = 16 * 1024;
