//! The encoder of responses. Framing and connection fields are its own: whatever the fields say about them is left out.

use http::{Method, StatusCode, Version};

use crate::date::{self, HttpDate};
use crate::header::{self, FieldLines};
use crate::scan;

/// The head of a response, ready to be encoded.
///
/// # Examples
///
/// ```
/// use http::{StatusCode, Version};
/// use shikra_proto::header::FieldLines;
/// use shikra_proto::http1::{ConnectionOption, ReplyFraming, ReplyHead, Trailers, encode_reply_head};
///
/// let mut out = Vec::new();
/// let head = ReplyHead {
///     version: Version::HTTP_11,
///     status: StatusCode::OK,
///     reason: None,
///     date: &shikra_proto::date::HttpDate::at(0),
///     content_type: Some("text/plain; charset=utf-8"),
///     fields: &FieldLines::new(),
///     framing: ReplyFraming::Length(2),
///     connection: ConnectionOption::Implied,
///     trailers: Trailers::None,
/// };
/// encode_reply_head(&mut out, &head);
/// assert!(out.starts_with(b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
/// assert!(out.ends_with(b"content-length: 2\r\n\r\n"));
/// ```
#[derive(Clone, Debug)]
pub struct ReplyHead<'a> {
    /// The version of the request.
    pub version: Version,
    /// The status.
    pub status: StatusCode,
    /// The reason phrase; without one, or with one that has control bytes, the usual one of the status is sent.
    pub reason: Option<&'a str>,
    /// The value of `date`.
    pub date: &'a HttpDate,
    /// The content type that is sent if `fields` has none.
    pub content_type: Option<&'static str>,
    /// All other fields. Those that frame the message or act on the connection are left out; a valid `date`
    /// goes out in place of the other one.
    pub fields: &'a FieldLines,
    /// How the end of the body will be known.
    pub framing: ReplyFraming,
    /// What is said about the connection.
    pub connection: ConnectionOption<'a>,
    /// Whether trailers will follow.
    pub trailers: Trailers,
}

/// Whether fields follow the last chunk of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailers {
    /// No, so that no field announces them.
    None,
    /// If there are any: the field `trailer` is sent if the body is chunked.
    Follow,
}

/// How the end of a response body is known (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFraming {
    /// No framing field, and no body: 1xx, 204, 304, and 2xx to `CONNECT`.
    None,
    /// `content-length`
    Length(u64),
    /// `transfer-encoding: chunked`
    Chunked,
    /// The body ends where the connection does.
    UntilClose,
}

/// What the head says about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionOption<'a> {
    /// Nothing: the version says it all.
    Implied,
    /// `connection: close`
    Close,
    /// `connection: keep-alive`, for HTTP/1.0 clients that asked for it.
    KeepAlive,
    /// `connection: upgrade`, and `upgrade` with this protocol.
    Upgrade(&'a str),
}

/// How a response is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyPlan {
    /// What the head says about the body.
    pub framing: ReplyFraming,
    /// Whether the bytes of the body are written.
    pub writes_body: bool,
    /// Whether the connection must be closed after it.
    pub closes: bool,
}

impl ReplyPlan {
    /// Returns the plan with the length that `fields` declare for a body which is not sent: in a 304, and in the answer
    /// to `HEAD` whose length is not known by itself (RFC 9110 §8.6). Nowhere else does a declared length count.
    #[must_use]
    pub fn with_declared_len(
        mut self,
        method: &Method,
        status: StatusCode,
        len: Option<u64>,
        fields: &FieldLines,
    ) -> Self {
        let may_declare = match status.as_u16() {
            304 => true,
            100..=199 | 204 | 205 => false,
            _ => *method == Method::HEAD && matches!(len, None | Some(0)),
        };
        if !self.writes_body && may_declare && fields.has_reserved() {
            let declared = fields.get("content-length").and_then(decode_decimal);
            self.framing = declared.map_or(self.framing, ReplyFraming::Length);
        }
        self
    }
}

fn decode_decimal(digits: &[u8]) -> Option<u64> {
    let is_valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    scan::ascii(digits).parse().ok().filter(|_| is_valid)
}

/// What plain replies begin with, kept from one to the next: within a second those of a worker begin with the
/// same bytes. Gate, plaintext: 60 of 2500 instructions a request.
///
/// # Examples
///
/// ```
/// use http::{StatusCode, Version};
/// use shikra_proto::header::FieldLines;
/// use shikra_proto::http1::{ConnectionOption, ReplyFraming, ReplyHead, ReplyStart, Trailers};
/// use shikra_proto::http1::encode_reply_head;
///
/// let head = ReplyHead {
///     version: Version::HTTP_11,
///     status: StatusCode::OK,
///     reason: None,
///     date: &shikra_proto::date::HttpDate::at(0),
///     content_type: Some("text/plain; charset=utf-8"),
///     fields: &FieldLines::new(),
///     framing: ReplyFraming::Length(2),
///     connection: ConnectionOption::Implied,
///     trailers: Trailers::None,
/// };
/// let (mut kept, mut fresh) = (Vec::new(), Vec::new());
/// ReplyStart::default().encode(&mut kept, &head);
/// encode_reply_head(&mut fresh, &head);
/// assert_eq!(kept, fresh);
/// ```
#[derive(Clone, Debug)]
pub struct ReplyStart {
    /// From the status line to the colon of `content-length`, with this content type and date.
    bytes: Vec<u8>,
    content_type: &'static str,
    date: HttpDate,
}

impl Default for ReplyStart {
    fn default() -> Self {
        let (bytes, date) = (Vec::with_capacity(TYPICAL_BYTES), HttpDate::at(0));
        let mut start = Self { bytes, content_type: "", date };
        start.begin("text/plain; charset=utf-8", &date);
        start
    }
}

impl ReplyStart {
    /// Appends the head of a response, as [`encode_reply_head`] does, which is the oracle in the tests.
    pub fn encode(&mut self, out: &mut Vec<u8>, head: &ReplyHead<'_>) {
        let is_encoded = plain(head).is_some_and(|(content_type, len)| {
            self.encode_ok(out, head.date, content_type, head.fields, len)
        });
        if !is_encoded {
            encode_reply_head(out, head);
        }
    }

    /// Appends the head of a 200 with a body of `len` bytes, after which the connection goes on, for a client of
    /// HTTP/1.1. Says whether it did: where a field is set that is not the program's alone, it leaves the head to
    /// [`encode_reply_head`].
    #[inline(always)]
    pub fn encode_ok(
        &mut self,
        out: &mut Vec<u8>,
        date: &HttpDate,
        content_type: &'static str,
        fields: &FieldLines,
        len: u64,
    ) -> bool {
        let is_ok = !fields.has_reserved()
            && !fields.has_content_type()
            && self.becomes(content_type, date);
        if is_ok {
            self.encode_plain(out, fields, len);
        }
        is_ok
    }

    /// Says whether the bytes are for this type and date now; a type that cannot be a value is refused.
    #[inline]
    fn becomes(&mut self, content_type: &'static str, date: &HttpDate) -> bool {
        // The same place means the same bytes, since those of the program do not change.
        (std::ptr::eq(self.content_type, content_type) && self.date == *date)
            || self.begin(content_type, date)
    }

    #[inline(never)]
    fn begin(&mut self, content_type: &'static str, date: &HttpDate) -> bool {
        if scan::value_span(content_type.as_bytes()) != content_type.len() {
            return false;
        }
        (self.content_type, self.date) = (content_type, *date);
        self.bytes.clear();
        self.bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\ndate: ");
        self.bytes.extend_from_slice(date.as_bytes());
        self.bytes.extend_from_slice(b"\r\ncontent-type: ");
        self.bytes.extend_from_slice(content_type.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(CONTENT_LENGTH);
        true
    }

    #[inline(always)]
    fn encode_plain(&self, out: &mut Vec<u8>, fields: &FieldLines, len: u64) {
        if fields.is_empty() {
            out.extend_from_slice(&self.bytes);
        } else {
            out.extend_from_slice(self.bytes.strip_suffix(CONTENT_LENGTH).unwrap_or_default());
            out.extend_from_slice(fields.as_bytes());
            out.extend_from_slice(CONTENT_LENGTH);
        }
        push_len_and_end(out, len);
    }
}

/// Appends the value of `content-length`, the end of its line and the end of the head.
#[inline(always)]
fn push_len_and_end(out: &mut Vec<u8>, len: u64) {
    let digit = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or_default();
    match len {
        10..100 => {
            out.extend_from_slice(&[digit(len / 10), digit(len), b'\r', b'\n', b'\r', b'\n']);
        }
        100..1000 => {
            let digits = [digit(len / 100), digit(len / 10), digit(len)];
            let [hundreds, tens, ones] = digits;
            out.extend_from_slice(&[hundreds, tens, ones, b'\r', b'\n', b'\r', b'\n']);
        }
        _ => {
            scan::push_decimal(out, len);
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
}

/// Appends the head of a response.
///
/// The status line is always that of HTTP/1.1, the highest version the server conforms to (RFC 9110 §2.5).
pub fn encode_reply_head(out: &mut Vec<u8>, head: &ReplyHead<'_>) {
    out.reserve(TYPICAL_BYTES + head.fields.as_bytes().len());
    encode_any(out, head);
}

/// The content type and length of a reply as most are: a 200 of known length whose fields are the usual ones.
#[inline]
fn plain(head: &ReplyHead<'_>) -> Option<(&'static str, u64)> {
    let is_plain = head.status == StatusCode::OK
        && head.reason.is_none()
        && head.connection == ConnectionOption::Implied;
    match (head.content_type, head.framing) {
        (Some(content_type), ReplyFraming::Length(len)) if is_plain => Some((content_type, len)),
        _ => None,
    }
}

fn encode_any(out: &mut Vec<u8>, head: &ReplyHead<'_>) {
    if head.status == StatusCode::OK && head.reason.is_none() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\ndate: ");
    } else {
        encode_status_line(out, head.status, head.reason);
        out.extend_from_slice(b"date: ");
    }
    out.extend_from_slice(if head.fields.has_reserved() {
        date(head)
    } else {
        head.date.as_bytes()
    });
    if let Some(content_type) = head.content_type
        && !head.fields.has_content_type()
    {
        out.extend_from_slice(b"\r\ncontent-type: ");
        let bytes = content_type.as_bytes();
        // A content type is the program's own text, but a line break in it must not make a field.
        if scan::value_span(bytes) == bytes.len() {
            out.extend_from_slice(bytes);
        } else {
            out.extend(bytes.iter().filter(|&&byte| !scan::is_control(byte)));
        }
    }
    out.extend_from_slice(b"\r\n");
    if head.fields.has_reserved() {
        let announces = head.framing == ReplyFraming::Chunked
            && head.trailers == Trailers::Follow
            && head.version != Version::HTTP_10;
        for (name, value) in head.fields.iter() {
            if !header::is_reserved(name) || announces && name == "trailer" {
                push_field(out, name, value);
            }
        }
    } else if !head.fields.is_empty() {
        out.extend_from_slice(head.fields.as_bytes());
    }
    let is_10 = head.version == Version::HTTP_10;
    let mut connection = head.connection;
    match head.framing {
        ReplyFraming::None => {}
        ReplyFraming::Length(len) => {
            out.extend_from_slice(b"content-length: ");
            scan::push_decimal(out, len);
            out.extend_from_slice(b"\r\n");
        }
        // RFC 9112 §6.1: no transfer coding to a client that is not known to understand it.
        ReplyFraming::Chunked if !is_10 => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        ReplyFraming::Chunked | ReplyFraming::UntilClose => connection = ConnectionOption::Close,
    }
    match connection {
        ConnectionOption::Implied => {}
        ConnectionOption::Close => out.extend_from_slice(b"connection: close\r\n"),
        ConnectionOption::KeepAlive => out.extend_from_slice(b"connection: keep-alive\r\n"),
        ConnectionOption::Upgrade(protocol) => {
            out.extend_from_slice(b"connection: upgrade\r\n");
            if header::is_field_value(protocol.as_bytes()) {
                push_field(out, "upgrade", protocol.as_bytes());
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `HTTP/1.1 100 Continue`, which is sent before a body that the client holds back (RFC 9110 §10.1.1).
pub fn encode_continue(out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
}

/// Appends what comes before the `len` bytes of a chunk.
///
/// A chunk of 0 bytes would end the body, so for `len` 0 nothing is appended, here and in [`encode_chunk_suffix`].
pub fn encode_chunk_prefix(out: &mut Vec<u8>, len: usize) {
    if len == 0 {
        return;
    }
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4);
    for index in (0..digits).rev() {
        let digit = (len >> (4 * index)) & 0xf;
        out.push(*HEX.get(digit).unwrap_or(&b'0'));
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends what comes after the `len` bytes of a chunk.
pub fn encode_chunk_suffix(out: &mut Vec<u8>, len: usize) {
    if len > 0 {
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends the end of a chunked body: the empty chunk and the trailers, without those that [may not be one](header::may_be_trailer).
pub fn encode_last_chunk(out: &mut Vec<u8>, trailers: &FieldLines) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.iter().filter(|(name, _)| header::may_be_trailer(name)) {
        push_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}

/// Decides how a response is framed: by RFC 9112 §6.3 and RFC 9110 §6.4.
///
/// `len` is the length of the body, where it is known.
///
/// # Examples
///
/// ```
/// use http::{Method, StatusCode, Version};
/// use shikra_proto::http1::{ReplyFraming, reply_framing};
///
/// let plan = reply_framing(&Method::HEAD, Version::HTTP_11, StatusCode::OK, Some(7));
/// assert_eq!(plan.framing, ReplyFraming::Length(7));
/// assert!(!plan.writes_body);
/// ```
#[inline]
pub fn reply_framing(
    method: &Method,
    version: Version,
    status: StatusCode,
    len: Option<u64>,
) -> ReplyPlan {
    // By far the most of all replies; what follows would say the same.
    if status == StatusCode::OK
        && let Some(len) = len
        && (*method == Method::GET || *method == Method::POST)
    {
        let framing = ReplyFraming::Length(len);
        return ReplyPlan { framing, writes_body: true, closes: false };
    }
    any_reply_framing(method, version, status, len)
}

/// The same for every reply: the oracle of the short way in the tests.
fn any_reply_framing(
    method: &Method,
    version: Version,
    status: StatusCode,
    len: Option<u64>,
) -> ReplyPlan {
    let without_body = |framing| ReplyPlan { framing, writes_body: false, closes: false };
    let tunnels = *method == Method::CONNECT && status.is_success();
    // RFC 9110 §8.6: no Content-Length in 1xx, 204, or 2xx to CONNECT. In 304 it may stand, and is left out.
    if status.is_informational() || tunnels || matches!(status.as_u16(), 204 | 304) {
        return without_body(ReplyFraming::None);
    }
    // RFC 9110 §15.3.6: 205 has no content, and says so.
    if status == StatusCode::RESET_CONTENT {
        return without_body(ReplyFraming::Length(0));
    }
    if *method == Method::HEAD {
        // RFC 9110 §8.6: the length that GET would have had, or none if that is not known.
        return without_body(len.map_or(ReplyFraming::None, ReplyFraming::Length));
    }
    let framing = match len {
        Some(len) => ReplyFraming::Length(len),
        None if version == Version::HTTP_10 => ReplyFraming::UntilClose,
        None => ReplyFraming::Chunked,
    };
    ReplyPlan { framing, writes_body: true, closes: framing == ReplyFraming::UntilClose }
}

/// The date that goes out: the user's, if that is one.
fn date<'a>(head: &ReplyHead<'a>) -> &'a [u8; 29] {
    let own = head.fields.get("date").filter(|text| date::is_fixed(text));
    own.and_then(|text| text.try_into().ok()).unwrap_or(head.date.as_bytes())
}

fn encode_status_line(out: &mut Vec<u8>, status: StatusCode, reason: Option<&str>) {
    let reason = reason.filter(|reason| header::is_field_value(reason.as_bytes()));
    if reason.is_none() {
        let line: Option<&[u8]> = match status.as_u16() {
            200 => Some(b"HTTP/1.1 200 OK\r\n"),
            201 => Some(b"HTTP/1.1 201 Created\r\n"),
            204 => Some(b"HTTP/1.1 204 No Content\r\n"),
            206 => Some(b"HTTP/1.1 206 Partial Content\r\n"),
            301 => Some(b"HTTP/1.1 301 Moved Permanently\r\n"),
            302 => Some(b"HTTP/1.1 302 Found\r\n"),
            304 => Some(b"HTTP/1.1 304 Not Modified\r\n"),
            400 => Some(b"HTTP/1.1 400 Bad Request\r\n"),
            401 => Some(b"HTTP/1.1 401 Unauthorized\r\n"),
            403 => Some(b"HTTP/1.1 403 Forbidden\r\n"),
            404 => Some(b"HTTP/1.1 404 Not Found\r\n"),
            500 => Some(b"HTTP/1.1 500 Internal Server Error\r\n"),
            _ => None,
        };
        if let Some(line) = line {
            out.extend_from_slice(line);
            return;
        }
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    // RFC 9112 §4: the space stays where there is no reason phrase.
    out.push(b' ');
    let reason = reason.or(status.canonical_reason()).unwrap_or_default();
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn push_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

const CONTENT_LENGTH: &[u8] = b"content-length: ";
/// What a head takes besides its fields, reserved in one go.
const TYPICAL_BYTES: usize = 192;
const HEX: [u8; 16] = *b"0123456789abcdef";

#[cfg(test)]
mod tests;
