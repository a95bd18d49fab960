//! Replies as tests see them.

use super::bench::Wire;
use bytes::{Buf, BytesMut};
use http::{Method, StatusCode, Version};
#[cfg(feature = "json")]
use serde::de::DeserializeOwned;
use shikra_engine::rt::Io;
use shikra_proto::http1::{
    BodyDecoder, BodyFraming, BodyLimits, BodyStep, HeadLimits, Reply, ReplyFraming,
};
use std::fmt;
use std::task::{Context, Poll};

/// A whole reply.
#[derive(Clone)]
pub struct TestReply {
    head: Reply,
    body: Vec<u8>,
    informational: Vec<StatusCode>,
}

impl fmt::Debug for TestReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.head.status.as_u16(), self.head.reason)?;
        f.write_str(&String::from_utf8_lossy(self.head.fields.as_bytes()))?;
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}

impl TestReply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The reason phrase.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.head.reason
    }

    /// The version of the protocol.
    #[must_use]
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The first value of a header field, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.head.fields.get(name)?).ok()
    }

    /// All values of a header field that are text.
    #[must_use]
    pub fn header_all<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let values = self.head.fields.get_all(name);
        values.filter_map(|value| std::str::from_utf8(value).ok()).collect()
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        match String::from_utf8(self.body.clone()) {
            Ok(text) => text,
            Err(_) => panic!("the body is not UTF-8 text: {self:?}"),
        }
    }

    /// The body as a value in JSON.
    ///
    /// # Panics
    /// When it is not, with what came instead.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not the expected JSON ({error}): {self:?}"),
        }
    }

    /// The statuses of the informational replies that came before, such as 100.
    #[must_use]
    pub fn informational(&self) -> &[StatusCode] {
        &self.informational
    }

    /// Whether the connection may be used again.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.head.keep_alive && self.head.framing != ReplyFraming::UntilClose
    }
}

/// Reads one reply from a stream.
pub(super) struct ReplyReader {
    method: Method,
    informational: Vec<StatusCode>,
    head: Option<(Reply, Option<BodyDecoder>)>,
    body: Vec<u8>,
}

impl ReplyReader {
    pub(super) fn new(method: Method) -> Self {
        Self { method, informational: Vec::new(), head: None, body: Vec::new() }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire,
    ) -> Poll<Result<TestReply, String>> {
        loop {
            match self.advance(&mut wire.read) {
                Ok(true) => return Poll::Ready(self.finish()),
                Ok(false) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            wire.read.reserve(READ_BYTES);
            match wire.io.poll_read_buf(cx, &mut wire.read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(self.ended()),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.to_string())),
            }
        }
    }

    /// Uses what has come; true when the reply is whole.
    fn advance(&mut self, read: &mut BytesMut) -> Result<bool, String> {
        loop {
            match &mut self.head {
                None => {
                    let limits = HeadLimits::default();
                    let decoded = Reply::decode(read, &self.method, &limits);
                    let Some((head, len)) = decoded.map_err(|error| error.to_string())? else {
                        return Ok(false);
                    };
                    read.advance(len);
                    if head.status.is_informational() {
                        self.informational.push(head.status);
                        continue;
                    }
                    let decoder = match head.framing {
                        ReplyFraming::None => Some(BodyDecoder::new(BodyFraming::None)),
                        ReplyFraming::Length(len) => {
                            Some(BodyDecoder::new(BodyFraming::Length(len)))
                        }
                        ReplyFraming::Chunked => Some(BodyDecoder::new(BodyFraming::Chunked)),
                        ReplyFraming::UntilClose => None,
                    };
                    self.head = Some((head, decoder));
                }
                Some((_, None)) => {
                    self.body.extend_from_slice(read);
                    read.clear();
                    return Ok(false);
                }
                Some((_, Some(decoder))) if decoder.is_done() => return Ok(true),
                Some((_, Some(decoder))) => {
                    let limits = BodyLimits::default();
                    match decoder.decode(read, &limits).map_err(|error| error.to_string())? {
                        BodyStep::Data { start, end } => {
                            self.body.extend_from_slice(read.get(start..end).unwrap_or_default());
                            read.advance(end);
                        }
                        BodyStep::NeedMore { consumed } => {
                            read.advance(consumed);
                            return Ok(false);
                        }
                        BodyStep::End { consumed } => {
                            read.advance(consumed);
                            return Ok(true);
                        }
                    }
                }
            }
        }
    }

    fn ended(&mut self) -> Result<TestReply, String> {
        match &self.head {
            Some((_, None)) => self.finish(),
            Some(_) => Err("the connection ended within the body".to_owned()),
            None => Err("the connection ended before the reply".to_owned()),
        }
    }

    fn finish(&mut self) -> Result<TestReply, String> {
        let (head, _) = self.head.take().ok_or("there is no reply")?;
        let (body, informational) =
            (std::mem::take(&mut self.body), std::mem::take(&mut self.informational));
        Ok(TestReply { head, body, informational })
    }
}

const READ_BYTES: usize = 16 * 1024;
