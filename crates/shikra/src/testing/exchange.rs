//! One request and its reply, on the worker's thread.

use super::bench::Bench;
use super::error::{Failure, TestErrorKind};
use super::jar::Jar;
use super::reply::{ReplyReader, Stage, TestReply, WholeReply};
use super::shared::Progress;
use super::url::Url;
use super::wire::Wire;
use bytes::Bytes;
use http::{Method, StatusCode, Version};
use shikra_engine::rt::Io;
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{encode_chunk_prefix, encode_chunk_suffix, encode_last_chunk};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// A request as it goes out.
pub(super) struct Plan {
    pub(super) agent: u64,
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) url: Url,
    pub(super) fields: Vec<(String, Vec<u8>)>,
    /// Cookies of this request alone.
    pub(super) cookies: Vec<(String, String)>,
    pub(super) payload: Payload,
    pub(super) redirects: Redirects,
    /// The cookies that are kept, if any are.
    pub(super) jar: Option<Arc<Mutex<Jar>>>,
}

/// A body as it goes out.
pub(super) enum Payload {
    None,
    Whole {
        content_type: Option<String>,
        bytes: Bytes,
    },
    Chunks(Box<dyn Iterator<Item = Bytes> + Send>),
    /// Pieces that are still to be given.
    Open,
}

/// What becomes of redirects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Redirects {
    Return,
    Follow { max: usize },
}

/// Makes a request and reads the whole reply, and does so again as redirects demand.
pub(super) async fn perform(
    bench: &Bench,
    mut plan: Plan,
    progress: &Progress,
) -> Result<TestReply, Failure> {
    let mut passed = Vec::new();
    loop {
        let url = plan.place();
        let mut reply = perform_one(bench, &mut plan, progress).await?;
        plan.take_cookies(&mut reply, &url, bench.now_s());
        if !plan.turn(&reply, &url, passed.len())? {
            reply.set_redirects(passed);
            return Ok(reply);
        }
        passed.push(plan.url.target.clone());
    }
}

async fn perform_one(
    bench: &Bench,
    plan: &mut Plan,
    progress: &Progress,
) -> Result<TestReply, Failure> {
    let (mut wire, mut upload) = plan.start(bench)?;
    let mut reading = WholeReply::new(plan.reader());
    let (reply, is_sent) = poll_fn(|cx| {
        // Both at once: the reply may come before the body is gone.
        let sent = upload.poll(cx, &mut wire);
        let read = reading.poll(cx, &mut wire);
        progress.set(match reading.stage() {
            Stage::Head if sent.is_pending() => Stage::Upload,
            stage => stage,
        });
        read.map_ok(|reply| (reply, sent.is_ready()))
    })
    .await?;
    if is_sent && reply.keeps_alive() && !plan.asks_to_close() {
        bench.keep(plan.agent, wire);
    }
    Ok(reply)
}

impl Plan {
    /// Takes a connection and begins to send.
    pub(super) fn start(&mut self, bench: &Bench) -> Result<(Wire, Upload), Failure> {
        let wire = match bench.kept(self.agent) {
            Some(wire) => wire,
            None => bench.open().map_err(|error| {
                Failure::new(TestErrorKind::Closed, format!("cannot connect: {error}"))
            })?,
        };
        let head = self.encode_head(bench.now_s());
        Ok((wire, Upload::new(head, self.take_source(), self.has_field("content-length"))))
    }

    pub(super) fn reader(&self) -> ReplyReader {
        ReplyReader::new(self.method.clone(), format!("{} {}", self.method, self.url.target))
    }

    /// Where the request goes, as cookies see it: a `host` of its own counts.
    pub(super) fn place(&self) -> Url {
        let mut url = self.url.clone();
        let host = self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        if let Some((_, host)) = host {
            url.origin.authority = String::from_utf8_lossy(host).to_ascii_lowercase();
        }
        url
    }

    /// Keeps the cookies of a reply.
    pub(super) fn take_cookies(&self, reply: &mut TestReply, url: &Url, now_s: u64) {
        reply.read_cookies(url, now_s);
        if let Some(jar) = &self.jar {
            let mut jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
            for field in reply.fields().get_all("set-cookie") {
                jar.store(field, url, now_s);
            }
        }
    }

    fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    fn asks_to_close(&self) -> bool {
        self.fields.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case(b"close")
        })
    }

    fn encode_head(&self, now_s: u64) -> Vec<u8> {
        let (method, target, version) = (&self.method, &self.url.target, self.version);
        let mut head = format!("{method} {target} {version:?}\r\n").into_bytes();
        let mut push = |name: &str, value: &[u8]| {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        };
        if !self.has_field("host") {
            push("host", self.url.origin.authority.as_bytes());
        }
        for (name, value) in &self.fields {
            push(name, value);
        }
        let cookies = self.cookie_field(now_s);
        if !cookies.is_empty() {
            push("cookie", cookies.as_bytes());
        }
        if let Payload::Whole { content_type: Some(content_type), .. } = &self.payload
            && !self.has_field("content-type")
        {
            push("content-type", content_type.as_bytes());
        }
        // Who sets the framing gets it, right or wrong.
        if !self.has_field("content-length") && !self.has_field("transfer-encoding") {
            match &self.payload {
                Payload::None => {}
                Payload::Whole { bytes, .. } => {
                    push("content-length", bytes.len().to_string().as_bytes());
                }
                Payload::Chunks(_) | Payload::Open => push("transfer-encoding", b"chunked"),
            }
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// The cookies that are kept and those of this request, which go before kept ones of their name. A
    /// `cookie` field that the test has written stands for all.
    fn cookie_field(&self, now_s: u64) -> String {
        if self.has_field("cookie") {
            return String::new();
        }
        let mut pairs = match &self.jar {
            Some(jar) => {
                let jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
                jar.matching(&self.place(), now_s)
            }
            None => Vec::new(),
        };
        pairs.retain(|(name, _)| !self.cookies.iter().any(|(own, _)| own == name));
        pairs.extend(self.cookies.iter().cloned());
        let pairs = pairs.into_iter().map(|(name, value)| match name.as_str() {
            "" => value,
            name => format!("{name}={value}"),
        });
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Takes what is to be sent; a whole body stays for redirects that want it again.
    fn take_source(&mut self) -> Source {
        match &mut self.payload {
            Payload::None => Source::Whole(Bytes::new()),
            Payload::Whole { bytes, .. } => Source::Whole(bytes.clone()),
            Payload::Open => Source::Open,
            Payload::Chunks(_) => match std::mem::replace(&mut self.payload, Payload::Open) {
                Payload::Chunks(chunks) => Source::Chunks(chunks),
                _ => Source::Open,
            },
        }
    }

    /// Makes this the request that a redirect asks for; false if the reply is none to follow.
    fn turn(&mut self, reply: &TestReply, from: &Url, passed: usize) -> Result<bool, Failure> {
        let Redirects::Follow { max } = self.redirects else { return Ok(false) };
        let status = reply.status();
        let keeps_method = match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            // As user agents do it: a POST becomes a GET, and with 303 all but a HEAD does.
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method != Method::POST,
            StatusCode::SEE_OTHER => matches!(self.method, Method::GET | Method::HEAD),
            _ => return Ok(false),
        };
        let Some(location) = reply.header("location") else { return Ok(false) };
        let failed = |message| Err(Failure::new(TestErrorKind::Redirect, message));
        let Some(to) = from.join(location) else {
            return failed(format!("the redirect leads to {location}, which is not HTTP"));
        };
        if passed == max {
            return failed(format!("more than {max} redirects; the next leads to {location}"));
        }
        if !keeps_method {
            self.method = Method::GET;
            self.payload = Payload::None;
            self.drop_fields(&["content-", "transfer-encoding"]);
        } else if matches!(self.payload, Payload::Open) {
            return failed(format!("{status} asks for the body again, which was a stream"));
        }
        if to.origin != from.origin {
            // What was meant for one host is not for another, and it has a name of its own.
            self.cookies.clear();
            self.drop_fields(&["authorization", "cookie", "host"]);
        }
        self.url = to;
        Ok(true)
    }

    fn drop_fields(&mut self, starts: &[&str]) {
        self.fields.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !starts.iter().any(|start| name.starts_with(start))
        });
    }
}

/// Where the bytes of a body come from.
enum Source {
    Whole(Bytes),
    Chunks(Box<dyn Iterator<Item = Bytes> + Send>),
    Open,
}

/// A request on its way out.
pub(super) struct Upload {
    waiting: VecDeque<Bytes>,
    chunks: Option<Box<dyn Iterator<Item = Bytes> + Send>>,
    framing: Framing,
    is_open: bool,
    is_broken: bool,
}

/// How pieces are framed.
#[derive(Clone, Copy)]
enum Framing {
    Chunked,
    /// The test has declared a length, or the framing is its own.
    Bare,
}

impl Upload {
    fn new(head: Vec<u8>, source: Source, has_length: bool) -> Self {
        let mut waiting = VecDeque::from([Bytes::from(head)]);
        let framing = if has_length { Framing::Bare } else { Framing::Chunked };
        let (mut chunks, mut is_open) = (None, false);
        match source {
            Source::Whole(bytes) => waiting.push_back(bytes),
            Source::Chunks(source) => chunks = Some(source),
            Source::Open => is_open = true,
        }
        Self { waiting, chunks, framing, is_open, is_broken: false }
    }

    /// Adds a piece to a body that is still open.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if !self.is_open {
            let message = "there is no open body to write to: begin the request with stream()";
            return Err(Failure::new(TestErrorKind::Request, message));
        }
        self.waiting.push_back(self.framing.chunk(piece));
        Ok(())
    }

    /// Ends a body that is still open.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.waiting.push_back(self.framing.end());
        }
    }

    /// Whether the whole request is out.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.chunks.is_none() && !self.is_open && !self.is_broken
    }

    /// Whether the application takes no more.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Sends what there is; ready when nothing is left of it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, wire: &mut Wire) -> Poll<()> {
        loop {
            while self.waiting.front().is_some_and(Bytes::is_empty) {
                self.waiting.pop_front();
            }
            if self.waiting.is_empty() {
                let Some(chunks) = &mut self.chunks else { return Poll::Ready(()) };
                match chunks.next() {
                    Some(chunk) => self.waiting.push_back(self.framing.chunk(&chunk)),
                    None => {
                        self.waiting.push_back(self.framing.end());
                        self.chunks = None;
                    }
                }
                continue;
            }
            let parts: Vec<_> =
                self.waiting.iter().take(PARTS_A_WRITE).map(|part| IoSlice::new(part)).collect();
            match wire.io.try_write(&parts) {
                Ok(written) => self.skip(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if wire.io.poll_writable(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                // The application reads no more; the reply says why.
                Err(_) => {
                    self.is_broken = true;
                    return Poll::Pending;
                }
            }
        }
    }

    fn skip(&mut self, mut written: usize) {
        while let Some(part) = self.waiting.front_mut() {
            let len = part.len().min(written);
            drop(part.split_to(len));
            written -= len;
            if !part.is_empty() {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

impl Framing {
    /// A piece of a body; nothing for an empty one, which would be the last chunk.
    fn chunk(self, piece: &[u8]) -> Bytes {
        match self {
            Self::Bare => Bytes::copy_from_slice(piece),
            Self::Chunked => {
                let mut framed = Vec::new();
                encode_chunk_prefix(&mut framed, piece.len());
                framed.extend_from_slice(piece);
                encode_chunk_suffix(&mut framed, piece.len());
                framed.into()
            }
        }
    }

    fn end(self) -> Bytes {
        let mut framed = Vec::new();
        if let Self::Chunked = self {
            encode_last_chunk(&mut framed, &FieldLines::new());
        }
        framed.into()
    }
}

const PARTS_A_WRITE: usize = 16;
