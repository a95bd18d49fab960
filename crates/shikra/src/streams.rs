//! Operations on streams that the `futures` crates do not have; all others are those of their `StreamExt` and
//! `TryStreamExt`, which work on a [`Body`](crate::Body) as on any stream.
//!
//! All are lazy: nothing is asked of a source before somebody asks its stream, and dropping the stream drops
//! the source.

use bytes::Bytes;
use futures_core::Stream;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The items of `stream`, and `error()` in place of the next one that takes longer than `longest`, which ends
/// it and drops the source.
///
/// The time runs while somebody waits for an item, so a slow reader is no fault of the source. It is a guard
/// of one's own for sources that may hang; the bodies of requests are watched by the server anyway
/// ([`Limits::body_idle_timeout`](crate::Limits), 60 s).
///
/// ```
/// use futures_util::TryStreamExt;
/// use shikra::{App, Error, Result, streams::timeout_between, testing::TestClient};
/// use std::time::Duration;
///
/// let mut app = App::new();
/// app.post("/", async |req| -> Result<String> {
///     let body = req.body().map_err(Error::from);
///     let late = || Error::new(408, "one chunk a second at least");
///     let mut chunks = std::pin::pin!(timeout_between(body, Duration::from_secs(1), late));
///     let mut len = 0;
///     while let Some(chunk) = chunks.try_next().await? {
///         len += chunk.len();
///     }
///     Ok(len.to_string())
/// });
/// TestClient::new(app).post("/").chunks(["ab", "c"]).send().assert_text("3");
/// ```
///
/// # Panics
/// When it is polled outside of a worker and of any other runtime of tokio.
pub fn timeout_between<S, T, E, F>(
    stream: S,
    longest: Duration,
    error: F,
) -> impl Stream<Item = Result<T, E>> + use<S, T, E, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnOnce() -> E,
{
    let source = Some((Box::pin(stream), error));
    TimeoutBetween { source, longest, sleep: None, is_waiting: false }
}

struct TimeoutBetween<S, F> {
    source: Option<(Pin<Box<S>>, F)>,
    longest: Duration,
    /// Made for the first item that does not come at once, and set anew for each other.
    sleep: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl<S, F> Unpin for TimeoutBetween<S, F> {}

impl<S, T, E, F> Stream for TimeoutBetween<S, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnOnce() -> E,
{
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some((stream, _)) = &mut this.source else { return Poll::Ready(None) };
        if let Poll::Ready(item) = stream.as_mut().poll_next(cx) {
            this.is_waiting = false;
            if item.is_none() {
                this.source = None;
            }
            return Poll::Ready(item);
        }
        let longest = this.longest;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep(longest)));
        if !std::mem::replace(&mut this.is_waiting, true) {
            // Where there is no such instant it is never too late.
            let deadline = Instant::now().checked_add(longest);
            sleep.as_mut().reset(deadline.unwrap_or_else(|| Instant::now() + NEVER));
        }
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(this.source.take().map(|(_, error)| Err(error())))
    }
}

/// The items of `stream` until `end` is there, which drops the source. An `end` that fails is the last item.
///
/// `take_until` of the `futures` crates does the same with a future that cannot fail.
///
/// ```
/// use futures_util::{StreamExt, stream::{iter, pending}};
/// use shikra::{App, Error, Response, sleep, streams::until, testing::TestClient};
/// use std::time::Duration;
///
/// let mut app = App::new();
/// app.get("/", async |_| {
///     let ticks = iter([Ok::<_, Error>("tick ")]).chain(pending());
///     let over = async {
///         sleep(Duration::from_secs(2)).await;
///         Ok(())
///     };
///     Response::from_chunks(until(ticks, over))
/// });
/// let client = TestClient::with_virtual_time(app);
/// let reply = client.get("/").begin();
/// client.advance(Duration::from_secs(2));
/// reply.wait().assert_text("tick ");
/// ```
pub fn until<S, T, E, F>(stream: S, end: F) -> impl Stream<Item = Result<T, E>> + use<S, T, E, F>
where
    S: Stream<Item = Result<T, E>>,
    F: Future<Output = Result<(), E>>,
{
    Until(Some((Box::pin(stream), Box::pin(end))))
}

/// The stream and its end; nothing once either is over.
struct Until<S, F>(Option<Both<S, F>>);

type Both<S, F> = (Pin<Box<S>>, Pin<Box<F>>);

impl<S, T, E, F> Stream for Until<S, F>
where
    S: Stream<Item = Result<T, E>>,
    F: Future<Output = Result<(), E>>,
{
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((stream, end)) = &mut self.0 else { return Poll::Ready(None) };
        if let Poll::Ready(ended) = end.as_mut().poll(cx) {
            self.0 = None;
            return Poll::Ready(ended.err().map(Err));
        }
        let item = ready!(stream.as_mut().poll_next(cx));
        if item.is_none() {
            self.0 = None;
        }
        Poll::Ready(item)
    }
}

/// What `reader` reads, in chunks of at most 16 KiB, until its end or its first error: an open file, a socket,
/// the output of a process.
///
/// The way back is `into_async_read` of the `futures` crates. A reader that is only lent, as `&mut reader`,
/// can be read on where the stream was dropped.
///
/// ```
/// use shikra::{App, Response, streams::chunks_of, testing::TestClient};
///
/// let mut app = App::new();
/// app.get("/", async |_| Response::from_chunks(chunks_of(&b"from any reader"[..])));
/// TestClient::new(app).get("/").send().assert_text("from any reader");
/// ```
pub fn chunks_of<R: AsyncRead>(reader: R) -> impl Stream<Item = io::Result<Bytes>> + use<R> {
    ChunksOf { reader: Some(Box::pin(reader)), buf: Vec::new() }
}

struct ChunksOf<R> {
    reader: Option<Pin<Box<R>>>,
    /// Made when the first chunk is asked for.
    buf: Vec<u8>,
}

impl<R> Unpin for ChunksOf<R> {}

impl<R: AsyncRead> Stream for ChunksOf<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader: source, buf } = &mut *self;
        let Some(reader) = source else { return Poll::Ready(None) };
        buf.resize(CHUNK_BYTES_MAX, 0);
        let mut read = ReadBuf::new(buf);
        let result = ready!(reader.as_mut().poll_read(cx, &mut read));
        let chunk = Bytes::copy_from_slice(read.filled());
        if result.is_err() || chunk.is_empty() {
            (*source, *buf) = (None, Vec::new());
        }
        Poll::Ready(match result {
            Ok(()) if chunk.is_empty() => None,
            Ok(()) => Some(Ok(chunk)),
            Err(error) => Some(Err(error)),
        })
    }
}

const CHUNK_BYTES_MAX: usize = 16 * 1024;
/// As good as forever, and no overflow of any clock.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
