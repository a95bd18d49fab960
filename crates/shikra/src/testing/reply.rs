//! Replies as tests see them.

use super::error::{Failure, TestErrorKind};
use super::jar::TestCookie;
use super::url::Url;
use super::wire::Wire;
use bytes::{Buf, Bytes, BytesMut};
use http::{Method, StatusCode, Version};
#[cfg(feature = "json")]
use serde_core::de::DeserializeOwned;
use shikra_engine::rt::Io;
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{
    BodyDecoder, BodyFraming, BodyLimits, BodyStep, HeadLimits, Reply, ReplyFraming,
};
use std::fmt;
use std::task::{Context, Poll, ready};

/// A whole reply.
#[derive(Clone)]
pub struct TestReply {
    head: Reply,
    body: Vec<u8>,
    trailers: FieldLines,
    informational: Vec<StatusCode>,
    request: String,
    redirects: Vec<String>,
    cookies: Vec<TestCookie>,
}

impl fmt::Debug for TestReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
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

    /// All header fields, names in lower case, in the order in which they came.
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, &[u8])> {
        self.head.fields.iter().collect()
    }

    /// The first value of a trailer field, if it is text.
    #[must_use]
    pub fn trailer(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.trailers.get(name)?).ok()
    }

    /// The cookie of that name that the reply sets, unless a user agent would ignore it.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&TestCookie> {
        self.cookies.iter().rev().find(|cookie| cookie.name() == name)
    }

    /// The targets that redirects led to on the way here, the last of them the one that answered.
    #[must_use]
    pub fn redirects(&self) -> &[String] {
        &self.redirects
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

    /// Method and target of the request, and the head that came: what a failed assertion shows.
    pub(super) fn write_head(&self, f: &mut impl fmt::Write) -> fmt::Result {
        writeln!(f, "{}", self.request)?;
        let version = self.head.version;
        writeln!(f, "{version:?} {} {}", self.head.status.as_u16(), self.head.reason)?;
        f.write_str(&String::from_utf8_lossy(self.head.fields.as_bytes()))
    }

    pub(super) fn fields(&self) -> &FieldLines {
        &self.head.fields
    }

    pub(super) fn set_body(&mut self, body: Vec<u8>) {
        self.body = body;
    }

    pub(super) fn set_redirects(&mut self, redirects: Vec<String>) {
        self.redirects = redirects;
    }

    /// Reads the `Set-Cookie` fields as of a reply from `url`.
    pub(super) fn read_cookies(&mut self, url: &Url, now_s: u64) {
        let fields = self.head.fields.get_all("set-cookie");
        self.cookies = fields.filter_map(|field| TestCookie::decode(field, url, now_s)).collect();
    }
}

/// Reads one reply from a stream.
pub(super) struct ReplyReader {
    method: Method,
    request: String,
    informational: Vec<StatusCode>,
    state: State,
    trailers: FieldLines,
}

/// Where a reader is.
enum State {
    Head,
    Body(BodyDecoder),
    UntilClose,
    Done,
}

/// What a reader has come by.
pub(super) enum Step {
    /// The head of the reply; its body is still to come.
    Head(Box<TestReply>),
    /// A piece of the body.
    Data(Bytes),
    /// The reply is whole.
    End,
}

impl ReplyReader {
    /// A reader of the answer to a request with this method, called `request` in messages.
    pub(super) fn new(method: Method, request: String) -> Self {
        Self {
            method,
            request,
            informational: Vec::new(),
            state: State::Head,
            trailers: FieldLines::new(),
        }
    }

    /// What comes next.
    pub(super) fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire,
    ) -> Poll<Result<Step, Failure>> {
        loop {
            if let Some(step) = self.advance(&mut wire.read)? {
                return Poll::Ready(Ok(step));
            }
            wire.read.reserve(READ_BYTES);
            match ready!(wire.io.poll_read_buf(cx, &mut wire.read)) {
                Ok(0) => return Poll::Ready(self.ended()),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Failure::io(&error))),
            }
        }
    }

    /// Uses what has come; `None` if that is too little.
    fn advance(&mut self, read: &mut BytesMut) -> Result<Option<Step>, Failure> {
        loop {
            match &mut self.state {
                State::Head => match self.advance_head(read)? {
                    Some(head) if head.status().is_informational() => {
                        self.informational.push(head.status());
                    }
                    other => return Ok(other.map(|head| Step::Head(Box::new(head)))),
                },
                State::UntilClose if read.is_empty() => return Ok(None),
                State::UntilClose => return Ok(Some(Step::Data(read.split().freeze()))),
                State::Body(decoder) => {
                    let decoded = decoder.decode(read, &BodyLimits::default());
                    match decoded.map_err(|error| protocol(&error))? {
                        BodyStep::Data { start, end } => {
                            let data = read.split_to(end).freeze();
                            return Ok(Some(Step::Data(data.slice(start..))));
                        }
                        BodyStep::NeedMore { consumed } => {
                            read.advance(consumed);
                            return Ok(None);
                        }
                        BodyStep::End { consumed } => {
                            read.advance(consumed);
                            self.trailers = decoder.take_trailers();
                            self.state = State::Done;
                        }
                    }
                }
                State::Done => return Ok(Some(Step::End)),
            }
        }
    }

    fn advance_head(&mut self, read: &mut BytesMut) -> Result<Option<TestReply>, Failure> {
        let decoded = Reply::decode(read, &self.method, &HeadLimits::default());
        let Some((head, len)) = decoded.map_err(|error| protocol(&error))? else {
            return Ok(None);
        };
        read.advance(len);
        if !head.status.is_informational() {
            let decoder = |framing| State::Body(BodyDecoder::new(framing));
            self.state = match head.framing {
                ReplyFraming::None => State::Done,
                ReplyFraming::Length(len) => decoder(BodyFraming::Length(len)),
                ReplyFraming::Chunked => decoder(BodyFraming::Chunked),
                ReplyFraming::UntilClose => State::UntilClose,
            };
        }
        Ok(Some(TestReply {
            head,
            body: Vec::new(),
            trailers: FieldLines::new(),
            informational: self.informational.clone(),
            request: self.request.clone(),
            redirects: Vec::new(),
            cookies: Vec::new(),
        }))
    }

    fn ended(&mut self) -> Result<Step, Failure> {
        let message = match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                return Ok(Step::End);
            }
            State::Body(_) => "the connection ended within the body",
            State::Head => "the connection ended before the reply",
        };
        Err(Failure::new(TestErrorKind::Closed, message))
    }
}

/// A reply that is read as a whole.
pub(super) struct WholeReply {
    reader: ReplyReader,
    head: Option<TestReply>,
    body: Vec<u8>,
}

impl WholeReply {
    pub(super) fn new(reader: ReplyReader) -> Self {
        Self { reader, head: None, body: Vec::new() }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire,
    ) -> Poll<Result<TestReply, Failure>> {
        loop {
            match ready!(self.reader.poll_step(cx, wire))? {
                Step::Head(head) => self.head = Some(*head),
                Step::Data(data) => self.body.extend_from_slice(&data),
                Step::End => {
                    let none = || Failure::new(TestErrorKind::Protocol, "there is no reply");
                    let mut reply = self.head.take().ok_or_else(none)?;
                    reply.body = std::mem::take(&mut self.body);
                    reply.trailers = std::mem::take(&mut self.reader.trailers);
                    return Poll::Ready(Ok(reply));
                }
            }
        }
    }

    /// What is waited for, in words.
    pub(super) fn stage(&self) -> Stage {
        match self.head {
            None => Stage::Head,
            Some(_) => Stage::Body { bytes: self.body.len() },
        }
    }
}

/// How far an exchange has come, for the message of a timeout.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// The worker has not begun.
    Worker,
    /// The application takes no more of the request.
    Upload,
    /// The request is gone, or as much of it as there is.
    Head,
    /// The head has come, and so much of the body.
    Body { bytes: usize },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker => f.write_str("the worker, which a handler seems to block"),
            Self::Upload => f.write_str("the application to read the request"),
            Self::Head => f.write_str("the head of the reply; the request has been sent"),
            Self::Body { bytes } => {
                write!(f, "the rest of the body of the reply, of which {bytes} bytes came")
            }
        }
    }
}

fn protocol(error: &dyn fmt::Display) -> Failure {
    Failure::new(TestErrorKind::Protocol, error.to_string())
}

const READ_BYTES: usize = 16 * 1024;
