//! The body of a request: collected, parsed, or as a stream.

use super::Request;
use super::collect::Collecting;
use super::fields::to_map;
use super::query::decode_pairs;
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
#[cfg(feature = "json")]
use http::StatusCode;
use serde_core::de::DeserializeOwned;
use shikra_engine::body::BodyError;
use shikra_proto::form::{self, FormLimits};
use std::cell::Ref;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Request {
    /// The body as a stream of chunks, in the sizes in which they arrive. Nothing is read from the
    /// client before it is asked for.
    ///
    /// A body has one reader: the first stream that gets a chunk has all of it, and the others fail with
    /// [`BodyError::Taken`], a logged 500, so that nobody takes a part for the whole. A body that was
    /// collected, or is just being, is streamed to each as one chunk.
    pub fn body(&self) -> Body {
        Body { req: self.clone(), part: Part::None }
    }

    /// The length that `content-length` announces; zero without a body, `None` for a chunked one.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.exchange.body().announced_len()
    }

    /// Whether all of the body has arrived, read or not; true for a request without one.
    #[must_use]
    pub fn is_body_received(&self) -> bool {
        self.exchange.body().is_complete()
    }

    /// Whether more of the body is to come, and nobody asks for it: it then stays with the client, but for
    /// what its system and this one hold in their buffers.
    #[must_use]
    pub fn is_body_paused(&self) -> bool {
        self.exchange.body().is_paused()
    }

    /// Runs `hook` once, synchronously, when the whole body has arrived, with its number of bytes; at once
    /// if it has. It does not make anybody read the body, and never runs for one that breaks off.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let mut app = App::new();
    /// app.post("/", async |req| {
    ///     let len = Rc::new(Cell::new(0));
    ///     let seen = Rc::clone(&len);
    ///     req.on_body_received(move |bytes| seen.set(bytes));
    ///     req.text().await?;
    ///     Ok(len.get().to_string())
    /// });
    /// assert_eq!(TestClient::new(app).post("/").chunks(["ab", "c"]).send().text(), "3");
    /// ```
    pub fn on_body_received(&self, hook: impl FnOnce(u64) + 'static) {
        self.exchange.body().on_complete(hook);
    }

    /// The whole body. It is kept: asking again gives the same bytes, and who asks at the same time shares
    /// one download.
    ///
    /// # Errors
    /// 413 past the limit (250,000 bytes unless `body_bytes_max` says otherwise), before anything is read
    /// where the length is announced; 400 when it ends early or its framing is broken; 408 when it comes
    /// too slowly; 500 when [`Request::body`] has streamed some of it already.
    pub async fn bytes(&self) -> Result<Bytes> {
        Ok(self.collected().await?.clone())
    }

    /// The whole body where it is kept: one of one's own costs an allocation. Nobody holds it across an `.await`.
    async fn in_place(&self) -> Result<Ref<'_, [u8]>> {
        let body = self.exchange.body();
        if self.extra().collected.whole().is_none()
            && body.received_len() <= self.body_bytes_max()
            && let Some(bytes) = body.whole_in_place()
        {
            return Ok(bytes);
        }
        Ok(Ref::map(self.collected().await?, |bytes| &**bytes))
    }

    /// The whole body as a handle that others share. Nobody holds it across an `.await`.
    async fn collected(&self) -> Result<Ref<'_, Bytes>> {
        let collected = &self.extra().collected;
        if let Some(bytes) = collected.whole() {
            return Ok(bytes);
        }
        if collected.is_streamed.get() {
            let text = "the body was read as a stream already, and cannot be collected any more";
            return Err(std::io::Error::other(text).into());
        }
        let max = self.body_bytes_max();
        if self.content_length().is_some_and(|len| len > max) {
            return Err(BodyError::TooLarge(max).into());
        }
        Collecting { req: self }.await?;
        Ok(collected.whole().ok_or(BodyError::Over)?)
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`Request::bytes`]; 415 when `content-type` names another charset, before anything is read, and
    /// 400 when it is not UTF-8.
    pub async fn text(&self) -> Result<String> {
        self.check_charset()?;
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into())
            .map_err(|error| Error::new(400, "the body is not UTF-8 text").with_cause(error))
    }

    /// The whole body as text, with U+FFFD for what is not UTF-8, and without a byte-order mark.
    ///
    /// # Errors
    /// As [`Request::bytes`].
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let client = TestClient::new(App::new().post("/", async |req| req.text_lossy().await));
    /// assert_eq!(client.post("/").body(&b"caf\xe9"[..]).send().text(), "caf\u{fffd}");
    /// ```
    pub async fn text_lossy(&self) -> Result<String> {
        let bytes = self.in_place().await?;
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The whole body as a value in JSON.
    ///
    /// # Errors
    /// As [`Request::bytes`]; 415 when `content-type` names another charset than UTF-8; 400 for what is no
    /// JSON, 422 for JSON of another shape. The message names field and place.
    #[cfg(feature = "json")]
    pub async fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.check_charset()?;
        crate::json::decode(&self.in_place().await?)
    }

    /// The whole body as a value in JSON, or `default` where it is empty or no JSON at all.
    ///
    /// # Errors
    /// As [`Request::bytes`]; 415 as [`Request::json`]; 422 for JSON of another shape.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.post("/", async |req| Ok(format!("{} times", req.json_or(1_u32).await?)));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.post("/").body("3").send().text(), "3 times");
    /// assert_eq!(client.post("/").send().text(), "1 times");
    /// ```
    #[cfg(feature = "json")]
    pub async fn json_or<T: DeserializeOwned>(&self, default: T) -> Result<T> {
        self.check_charset()?;
        let bytes = self.in_place().await?;
        match crate::json::decode(&bytes) {
            Err(error) if error.status() == StatusCode::BAD_REQUEST => Ok(default),
            result => result,
        }
    }

    /// The whole body as the fields of a form (`application/x-www-form-urlencoded`), at most 1,000.
    ///
    /// # Errors
    /// As [`Request::bytes`]; 415 when `content-type` names another charset; 400 for too many fields, 422 for missing ones or other forms of value, with a
    /// message that names the field.
    pub async fn form<T: DeserializeOwned>(&self) -> Result<T> {
        self.check_charset()?;
        let bytes = self.in_place().await?;
        form::decode(&bytes, &FormLimits::default())
            .map_err(|error| Error::new(error.status(), error.to_string()).with_cause(error))?;
        decode_pairs(&bytes).map_err(|(place, error)| {
            Error::new(422, format!("form{place}: {error}")).with_cause(error)
        })
    }
}

impl Request {
    /// The fields that followed a chunked body (trailers); empty for other bodies.
    ///
    /// They come last, so what is left of the body is read first, and thrown away unless somebody has
    /// asked for it whole.
    ///
    /// # Errors
    /// When the body cannot be read to its end.
    ///
    /// ```
    /// use shikra::{App, Result, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.post("/", async |req| {
    ///     let body = req.bytes().await?;
    ///     let sum = req.trailers().await?.get("x-sum").cloned();
    ///     Ok(format!("{} bytes, sum {sum:?}", body.len()))
    /// });
    /// let connection = TestClient::new(app);
    /// let connection = connection.connect();
    /// connection.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    /// connection.write("2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n");
    /// assert_eq!(connection.read_reply().unwrap().text(), "2 bytes, sum Some(\"7\")");
    /// ```
    pub async fn trailers(&self) -> Result<HeaderMap> {
        // What another reader has left is nobody's any more.
        let mut body = Body { req: self.clone(), part: Part::Stream };
        while body.next().await.transpose()?.is_some() {}
        let trailers = self.exchange.body().trailers();
        Ok(to_map(trailers.iter()))
    }
}

/// The body of a request as a stream.
///
/// It belongs to its exchange: used after it, it yields [`BodyError::Over`].
#[must_use = "nothing is read before the stream is polled"]
pub struct Body {
    req: Request,
    part: Part,
}

/// What a stream has of its body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nothing yet.
    None,
    /// The chunks, which nobody else gets any more.
    Stream,
    /// What there was to give out.
    Whole,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("announced_len", &self.req.content_length()).finish()
    }
}

impl Body {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// When the client leaves, breaks the framing, exceeds a limit or is too slow, or another stream has taken
    /// chunks of this body.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let collected = &self.req.extra().collected;
        if self.part == Part::Whole {
            return Poll::Ready(None);
        }
        if self.req.has_begun_collecting() {
            let result = ready!(self.req.poll_collect(cx));
            let whole = result.map(|()| collected.whole().map(|bytes| bytes.clone()));
            self.part = Part::Whole;
            return Poll::Ready(whole.transpose().filter(|bytes| bytes != &Ok(Bytes::new())));
        }
        if self.part == Part::None && collected.is_streamed.get() {
            self.part = Part::Whole;
            return Poll::Ready(Some(Err(BodyError::Taken)));
        }
        let chunk = ready!(self.req.exchange.body().poll_chunk(cx));
        if let Some(Ok(_)) = chunk {
            collected.is_streamed.set(true);
            self.part = Part::Stream;
        }
        Poll::Ready(chunk)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}
