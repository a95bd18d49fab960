//! The body of a response, beyond bytes: values that somebody else makes a body of, lengths, trailers.

use super::Response;
use crate::error::Error;
use bytes::Bytes;
use shikra_engine::service::{ReplyBody, ReplyStream};
use shikra_proto::header::{FieldLines, may_be_trailer};
use std::any::{Any, type_name};
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A value without a body.
pub(super) struct Value {
    type_name: &'static str,
    value: Box<dyn Any>,
}

impl Response {
    /// A 200 that carries a value, of which a middleware makes the body on the way out.
    ///
    /// If none does, the reply is a logged 500 that names the type.
    ///
    /// ```
    /// use shikra::{App, Response, late, testing::TestClient};
    ///
    /// struct Celsius(f64);
    ///
    /// let mut app = App::new();
    /// app.use_(late(|_| {
    ///     |res| {
    ///         if let Some(Celsius(degrees)) = res.take_value() {
    ///             res.set_body(format!("{degrees} °C"));
    ///         }
    ///     }
    /// }));
    /// app.get("/", async |_| Response::from_value(Celsius(21.5)));
    /// assert_eq!(TestClient::new(app).get("/").send().text(), "21.5 °C");
    /// ```
    pub fn from_value<T: 'static>(value: T) -> Self {
        let mut res = Self::new();
        res.set_value(value);
        res
    }

    /// Replaces the body with a value, as [`Response::from_value`] does.
    pub fn set_value<T: 'static>(&mut self, value: T) {
        self.reply.body = ReplyBody::Empty;
        let value = Value { type_name: type_name::<T>(), value: Box::new(value) };
        self.aside_mut().value = Some(value);
    }

    /// The value that stands for the body, if it is a `T`.
    #[must_use]
    pub fn value<T: 'static>(&self) -> Option<&T> {
        self.aside.as_deref()?.value.as_ref()?.value.downcast_ref()
    }

    /// Takes the value that stands for the body, if it is a `T`; the body is empty then.
    #[must_use]
    pub fn take_value<T: 'static>(&mut self) -> Option<T> {
        let slot = &mut self.aside.as_deref_mut()?.value;
        let taken = slot.take_if(|value| value.value.is::<T>())?;
        taken.value.downcast().ok().map(|value| *value)
    }

    /// Makes a value that nobody has made a body of an error.
    pub(crate) fn refuse_value(&mut self) {
        let slot = self.aside.as_deref_mut().and_then(|aside| aside.value.take());
        if let Some(value) = slot {
            let error = Error::from(Unsendable(value.type_name));
            *self = Self::from_error(error).closing_as(self);
        }
    }

    /// Notes a value beside this response, for the middleware around: one of each type. Unlike
    /// [`Response::set_value`] it has nothing to do with the body, and nobody has to take it.
    ///
    /// A response that takes the place of this one, as that of an error handler does, does not have it.
    ///
    /// ```
    /// use shikra::{App, Request, Next, Response, IntoResponse, testing::TestClient};
    ///
    /// struct Lifetime(u32);
    ///
    /// let mut app = App::new();
    /// app.use_(async |req: Request, next: Next| {
    ///     let mut res = next.run(req).await;
    ///     if let Some(lifetime) = res.meta::<Lifetime>() {
    ///         res.set_header("cache-control", format!("max-age={}", lifetime.0));
    ///     }
    ///     res
    /// });
    /// app.get("/", async |_| {
    ///     let mut res = "kept for a minute".into_response();
    ///     res.set_meta(Lifetime(60));
    ///     res
    /// });
    /// let reply = TestClient::new(app).get("/").send();
    /// assert_eq!(reply.header("cache-control"), Some("max-age=60"));
    /// ```
    pub fn set_meta<T: 'static>(&mut self, value: T) {
        self.aside_mut().meta.insert(value);
    }

    /// The value of type `T` that was noted beside this response.
    #[must_use]
    pub fn meta<T: 'static>(&self) -> Option<Rc<T>> {
        self.aside.as_deref()?.meta.get()
    }

    /// Announces the exact length of a streamed body, which is then sent without chunks. A body in memory knows its
    /// own length and keeps it.
    ///
    /// A stream that turns out to be longer or shorter ends with the connection, so that the client notices.
    /// Trailers are not sent then. The stream is not asked for anything if the length is 0.
    ///
    /// ```
    /// use shikra::{App, stream, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |_| stream(async |out| out.write("four").await).with_stream_len(4));
    /// let reply = TestClient::new(app).get("/").send();
    /// assert_eq!(reply.header("content-length"), Some("4"));
    /// ```
    pub fn with_stream_len(mut self, len: u64) -> Self {
        self.reply.body = match self.reply.body {
            ReplyBody::Stream(_) if len == 0 => ReplyBody::Empty,
            ReplyBody::Stream(stream) => ReplyBody::Stream(Box::new(WithLen { stream, len })),
            body => body,
        };
        self
    }

    /// Adds a field that follows the body (RFC 9110 §6.5), to HTTP/1.1 clients that say `te: trailers`; to others it is
    /// not sent. The body is chunked then, and `trailer` announces the name unless it was set.
    ///
    /// A name that may not come this late, or a value that HTTP does not allow, makes the reply a logged 500. What is
    /// known only at the end of a stream is set with [`StreamWriter::set_trailer`](crate::StreamWriter::set_trailer).
    ///
    /// ```
    /// use shikra::{App, IntoResponse, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |_| "body".into_response().with_trailer("x-checksum", "4711"));
    /// let client = TestClient::new(app);
    /// let connection = client.connect();
    /// connection.write("GET / HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: te, close\r\n\r\n");
    /// let reply = connection.read_to_end().unwrap();
    /// assert!(reply.ends_with(b"4\r\nbody\r\n0\r\nx-checksum: 4711\r\n\r\n"));
    /// ```
    #[track_caller]
    pub fn with_trailer(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        if let Err(why) = append_trailer(&mut self.aside_mut().trailers, name, value.as_ref()) {
            self.set_fault(&why, Location::caller());
        }
        self
    }

    /// Puts the trailers behind the body.
    pub(super) fn attach_trailers(&mut self) {
        let Some(aside) = self.aside.as_deref_mut().filter(|aside| !aside.trailers.is_empty())
        else {
            return;
        };
        let trailers = std::mem::take(&mut aside.trailers);
        if self.reply.fields.get("trailer").is_none() {
            let mut names: Vec<_> = trailers.iter().map(|(name, _)| name).collect();
            names.dedup();
            // Valid: names of fields are tokens.
            let _ = self.reply.fields.try_set("trailer", names.join(", ").as_bytes());
        }
        if !matches!(self.reply.body, ReplyBody::Abort) {
            let body = std::mem::replace(&mut self.reply.body, ReplyBody::Empty);
            self.reply.body = ReplyBody::Stream(Box::new(WithTrailers { body, trailers }));
        }
    }
}

/// Checks a trailer and appends it.
pub(crate) fn append_trailer(
    trailers: &mut FieldLines,
    name: &str,
    value: &[u8],
) -> Result<(), String> {
    let named = |why: &dyn fmt::Display| format!("trailer `{}`: {why}", name.escape_debug());
    if !may_be_trailer(name) {
        return Err(named(&"a field of this name may not come after the body"));
    }
    trailers.try_append(name, value).map_err(|error| named(&error))
}

/// A value that reached the end of its chain as it was.
#[derive(Debug)]
struct Unsendable(&'static str);

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing made a body of the value of type `{}` that the reply carries", self.0)
    }
}

impl StdError for Unsendable {}

type Chunk = Option<Result<Bytes, Box<dyn StdError>>>;

/// A stream that promises its length.
struct WithLen {
    stream: Box<dyn ReplyStream>,
    len: u64,
}

impl ReplyStream for WithLen {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        self.stream.poll_chunk(cx)
    }

    fn len(&self) -> Option<u64> {
        Some(self.len)
    }
}

/// A body with fields behind it.
struct WithTrailers {
    body: ReplyBody,
    trailers: FieldLines,
}

impl ReplyStream for WithTrailers {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        if let ReplyBody::Stream(stream) = &mut self.body {
            return stream.poll_chunk(cx);
        }
        Poll::Ready(match std::mem::replace(&mut self.body, ReplyBody::Empty) {
            ReplyBody::Static(bytes) => Some(Ok(Bytes::from_static(bytes))),
            ReplyBody::Bytes(bytes) => Some(Ok(bytes)),
            ReplyBody::Owned(bytes) => Some(Ok(bytes.into())),
            ReplyBody::Empty | ReplyBody::Stream(_) | ReplyBody::Abort => None,
        })
    }

    fn len(&self) -> Option<u64> {
        self.body.len()
    }

    fn has_trailers(&self) -> bool {
        true
    }

    fn trailers(&mut self) -> FieldLines {
        let mut trailers = std::mem::take(&mut self.trailers);
        if let ReplyBody::Stream(stream) = &mut self.body {
            for (name, value) in stream.trailers().iter() {
                // Valid: it comes from a checked list.
                let _ = trailers.try_append(name, value);
            }
        }
        trailers
    }
}
