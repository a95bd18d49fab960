//! The body of a request: collected, parsed, or as a stream.

use super::Request;
use crate::error::{Error, Result};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use serde::de::DeserializeOwned;
use shikra_engine::body::BodyError;
use shikra_proto::form::{self, FormLimits};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

impl Request {
    /// The body as a stream of chunks, in the sizes in which they arrive. Nothing is read from the
    /// client before it is asked for. Several streams of one request share the chunks between them.
    pub fn body(&self) -> Body {
        Body { req: self.clone() }
    }

    /// The length that `content-length` announces; zero without a body, `None` for a chunked one.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.exchange.body().announced_len()
    }

    /// The whole body. It is kept: asking again gives the same bytes.
    ///
    /// # Errors
    /// 413 past the limit (250,000 bytes unless `body_bytes_max` says otherwise), before anything is read
    /// where the length is announced; 400 when it ends early or its framing is broken; 408 when it comes
    /// too slowly.
    pub async fn bytes(&self) -> Result<Bytes> {
        if let Some(bytes) = self.extra().collected.get() {
            return Ok(bytes.clone());
        }
        let max = self.extra().body_bytes_max;
        if self.content_length().is_some_and(|len| len > max) {
            return Err(BodyError::TooLarge(max).into());
        }
        let bytes = self.collect(max).await?;
        Ok(self.extra().collected.get_or_init(|| bytes).clone())
    }

    async fn collect(&self, max: u64) -> Result<Bytes> {
        let mut body = self.body();
        let Some(first) = body.next().await.transpose()? else { return Ok(Bytes::new()) };
        if self.exchange.body().is_at_end() && first.len() as u64 <= max {
            return Ok(first); // it came whole: no copy
        }
        let announced = self.content_length().unwrap_or(0).min(max);
        let mut all = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
        let mut next = Some(first);
        while let Some(chunk) = next {
            if (all.len() + chunk.len()) as u64 > max {
                return Err(BodyError::TooLarge(max).into());
            }
            all.extend_from_slice(&chunk);
            // Free before the next read, so that its memory can be used again.
            drop(chunk);
            next = body.next().await.transpose()?;
        }
        Ok(all.freeze())
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`Request::bytes`], and 400 when it is not UTF-8.
    pub async fn text(&self) -> Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into())
            .map_err(|error| Error::new(400, "the body is not UTF-8 text").with_cause(error))
    }

    /// The whole body as a value in JSON.
    ///
    /// # Errors
    /// As [`Request::bytes`]; 400 for what is no JSON, 422 for JSON of another shape. The message names
    /// field and place.
    #[cfg(feature = "json")]
    pub async fn json<T: DeserializeOwned>(&self) -> Result<T> {
        crate::json::decode(&self.bytes().await?)
    }

    /// The whole body as the fields of a form (`application/x-www-form-urlencoded`), at most 1,000.
    ///
    /// # Errors
    /// As [`Request::bytes`]; 400 for too many fields, 422 for missing ones or other forms of value.
    pub async fn form<T: DeserializeOwned>(&self) -> Result<T> {
        let bytes = self.bytes().await?;
        form::decode(&bytes, &FormLimits::default())
            .map_err(|error| Error::new(error.status(), error.to_string()).with_cause(error))?;
        serde_html_form::from_bytes(&bytes)
            .map_err(|error| Error::new(422, format!("form: {error}")).with_cause(error))
    }
}

/// The body of a request as a stream.
///
/// It belongs to its exchange: used after it, it yields [`BodyError::Over`].
#[must_use = "nothing is read before the stream is polled"]
pub struct Body {
    req: Request,
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
    /// When the client leaves, breaks the framing, exceeds a limit or is too slow.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| self.req.exchange.body().poll_chunk(cx)).await
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.req.exchange.body().poll_chunk(cx)
    }
}
