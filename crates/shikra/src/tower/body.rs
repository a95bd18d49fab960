//! The body type that Shikra shows to tower's world.

use super::pipe::{Part, Reader};
use crate::error::with_sources;
use crate::request::BodyError;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of a request or a response in tower's world: [`http_body::Body`], `Send` and `Sync`.
///
/// What streams is read from the client, or asked of the handler, only when this is polled. It may be moved to
/// another thread. The body of an exchange that has ended fails.
///
/// ```
/// use http_body::Body as _;
/// use shikra::tower::Body;
///
/// assert_eq!(Body::from("hello").size_hint().exact(), Some(5));
/// assert!(Body::default().is_end_stream());
/// ```
#[derive(Debug, Default)]
pub struct Body(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Whole(Bytes),
    Piped(Reader),
}

impl Body {
    pub(super) fn piped(reader: Reader) -> Self {
        Self(Kind::Piped(reader))
    }

    pub(super) fn as_reader(&self) -> Option<&Reader> {
        match &self.0 {
            Kind::Piped(reader) => Some(reader),
            Kind::Empty | Kind::Whole(_) => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.0, Kind::Empty)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self(Kind::Empty) } else { Self(Kind::Whole(bytes)) }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match &self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(bytes) => {
                let bytes = bytes.clone();
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Piped(reader) => reader.poll_part(cx).map(|part| {
                Some(part?.map(|part| match part {
                    Part::Data(data) => Frame::data(data),
                    Part::Trailers(trailers) => Frame::trailers(trailers),
                }))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Whole(_) => false,
            Kind::Piped(reader) => reader.is_at_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Piped(reader) => reader.left().map_or_else(SizeHint::new, SizeHint::with_exact),
        }
    }
}

/// Why a [`Body`] could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFailure(Why);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// A client did not send what it should.
    Request(BodyError),
    /// A handler could not make what it wanted to.
    Response(String),
}

impl BodyFailure {
    pub(super) fn over() -> Self {
        Self(Why::Request(BodyError::Over))
    }

    pub(super) fn response(error: &dyn StdError) -> Self {
        Self(Why::Response(with_sources(error)))
    }

    /// What went wrong with the body of a request; `None` for that of a response.
    #[must_use]
    pub fn body_error(&self) -> Option<&BodyError> {
        match &self.0 {
            Why::Request(error) => Some(error),
            Why::Response(_) => None,
        }
    }
}

impl From<BodyError> for BodyFailure {
    fn from(error: BodyError) -> Self {
        Self(Why::Request(error))
    }
}

impl fmt::Display for BodyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Request(_) => f.write_str("the body of the request failed"),
            Why::Response(text) => write!(f, "the body of the response failed: {text}"),
        }
    }
}

impl StdError for BodyFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Why::Request(error) => Some(error),
            Why::Response(_) => None,
        }
    }
}
