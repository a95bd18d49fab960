//! Replies that are made while they are sent.

use crate::error::Error;
use crate::response::{Response, append_trailer};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
pub(crate) use shikra_engine::service::ReplyStream;
use shikra_engine::slot::SlotFuture;
use shikra_proto::header::FieldLines;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::AsyncWrite;

/// A reply that `make` writes piece by piece, no faster than the client takes it.
///
/// What is written leaves as soon as `make` waits for something, or 16 KiB have gathered. When the client
/// leaves, `make` is dropped. When it fails before anything of the reply has left, the client gets the error's
/// reply; later, the connection is reset, so that the client cannot take the part for the whole. The content
/// type is `application/octet-stream` unless a header says otherwise.
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
    /// An error gets its own reply as long as nothing of this one has left. Later it resets the connection, so that
    /// the client cannot take the part for the whole.
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
    /// All bytes that were ever written.
    written: u64,
    trailers: FieldLines,
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

    /// Writes a piece if there is room for it now, and gives it back if there is not.
    ///
    /// # Errors
    /// As [`StreamWriter::write`].
    ///
    /// ```
    /// use shikra::{App, Bytes, stream, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |_| {
    ///     stream(async |out| {
    ///         // Whoever reads too slowly misses some of it.
    ///         let _missed: Option<Bytes> = out.try_write("tick")?;
    ///         Ok(())
    ///     })
    /// });
    /// assert_eq!(TestClient::new(app).get("/").send().text(), "tick");
    /// ```
    pub fn try_write(&self, piece: impl Into<Bytes>) -> Result<Option<Bytes>, Error> {
        let mut shared = self.shared.borrow_mut();
        if shared.is_over {
            return Err(over());
        }
        let piece = piece.into();
        if !shared.has_room() {
            return Ok(Some(piece));
        }
        shared.push(piece);
        Ok(None)
    }

    /// The number of bytes that were written so far, whether or not they have left.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.shared.borrow().written
    }

    /// Adds a field that follows the body (RFC 9110 §6.5), such as a checksum of what was written. It is sent to
    /// HTTP/1.1 clients that say `te: trailers`, and to nobody if the body has an announced length.
    ///
    /// # Errors
    /// When a field of this name may not come this late, or the value is none that HTTP allows.
    ///
    /// ```
    /// use shikra::{Response, stream};
    ///
    /// async fn summed(_: shikra::Request) -> Response {
    ///     let res = stream(async |out| {
    ///         out.write("1\n2\n").await?;
    ///         out.set_trailer("x-sum", "3")
    ///     });
    ///     res.with_header("trailer", "x-sum")
    /// }
    /// # let _ = summed;
    /// ```
    pub fn set_trailer(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let trailers = &mut self.shared.borrow_mut().trailers;
        append_trailer(trailers, name, value.as_ref())
            .map_err(|why| Error::from(std::io::Error::other(why)))
    }

    /// Waits until everything written so far is on its way, the head of the reply included.
    ///
    /// Called before anything is written it sends the head alone. It is not needed before waiting for something
    /// else: what is written leaves then anyway.
    ///
    /// # Errors
    /// As [`StreamWriter::write`].
    pub async fn flush(&self) -> Result<(), Error> {
        let mut has_paused = false;
        poll_fn(|cx| {
            std::task::ready!(self.poll_taken(cx))?;
            if std::mem::replace(&mut has_paused, true) {
                return Poll::Ready(Ok(()));
            }
            // Taken is not sent: the connection writes when its stream has nothing more for it.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// Waits until the connection has taken everything.
    fn poll_taken(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut shared = self.shared.borrow_mut();
        if shared.is_over {
            return Poll::Ready(Err(over()));
        }
        if shared.len == 0 {
            return Poll::Ready(Ok(()));
        }
        shared.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_write(&self, cx: &Context<'_>, piece: &mut Option<Bytes>) -> Poll<Result<(), Error>> {
        let mut shared = self.shared.borrow_mut();
        if shared.is_over {
            return Poll::Ready(Err(over()));
        }
        if !shared.has_room() {
            shared.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(piece) = piece.take() {
            shared.push(piece);
        }
        Poll::Ready(Ok(()))
    }
}

impl Shared {
    fn has_room(&self) -> bool {
        self.large.is_none() && self.len < GATHERED_BYTES_MAX
    }

    fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        self.written += piece.len() as u64;
        if piece.len() >= GATHERED_BYTES_MAX {
            self.large = Some(piece);
        } else {
            self.gathered.extend_from_slice(&piece);
        }
    }
}

/// What copies from readers to writers can copy into a reply, as slowly as the client takes it. Shutting it down
/// waits as flushing does; the reply ends with the closure of its [`stream`].
///
/// ```
/// use shikra::{App, stream, testing::TestClient};
///
/// let mut app = App::new();
/// app.get("/", async |_| {
///     stream(async |mut out| {
///         let mut source = &b"from any reader"[..];
///         tokio::io::copy(&mut source, &mut out).await?;
///         Ok(())
///     })
/// });
/// assert_eq!(TestClient::new(app).get("/").send().text(), "from any reader");
/// ```
impl AsyncWrite for StreamWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut shared = self.shared.borrow_mut();
        if shared.is_over {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        if !shared.has_room() {
            shared.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // What is copied fills the room and no more.
        let len = bytes.len().min(GATHERED_BYTES_MAX - shared.len);
        shared.gathered.extend_from_slice(bytes.get(..len).unwrap_or_default());
        shared.len += len;
        shared.written += len as u64;
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_taken(cx).map_err(|_| ErrorKind::BrokenPipe.into())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
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
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        }
    }

    fn has_trailers(&self) -> bool {
        true
    }

    fn trailers(&mut self) -> FieldLines {
        std::mem::take(&mut self.shared.borrow_mut().trailers)
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
