use http::{Method, StatusCode, Version};

use super::framing::{ConnectionOptions, check_chunked, content_length};
use super::head_decoder::{Line, field_line};
use super::{HeadError, HeadLimits, ReplyFraming};
use crate::header::FieldLines;
use crate::scan;

/// The head of a response as a client reads it: strict, for tests, which want to see every mistake of a server.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use shikra_proto::http1::{HeadLimits, Reply, ReplyFraming};
///
/// # fn main() -> Result<(), shikra_proto::http1::HeadError> {
/// let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
/// let (reply, len) = Reply::decode(bytes, &Method::GET, &HeadLimits::default())?.unwrap();
/// assert_eq!(reply.status, 200);
/// assert_eq!(reply.framing, ReplyFraming::Length(2));
/// assert_eq!(&bytes[len..], b"hi");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Reply {
    /// The version of the status line.
    pub version: Version,
    /// The status.
    pub status: StatusCode,
    /// The reason phrase, which may be empty.
    pub reason: String,
    /// The fields, with names in lower case.
    pub fields: FieldLines,
    /// How the end of the body is known.
    pub framing: ReplyFraming,
    /// Whether version and `Connection` let the connection live on.
    pub keep_alive: bool,
}

impl Reply {
    /// Decodes the head at the front of `buf`; `None` if it is incomplete. With the head comes its length.
    ///
    /// `request_method` is that of the request it answers, which decides whether a body follows (RFC 9112 §6.3).
    ///
    /// # Errors
    ///
    /// The rules of requests, where they apply. The statuses of the errors have no meaning here.
    pub fn decode(
        buf: &[u8],
        request_method: &Method,
        limits: &HeadLimits,
    ) -> Result<Option<(Self, usize)>, HeadError> {
        let window = buf.get(..limits.head_bytes_cap()).unwrap_or(buf);
        let partial = if window.len() < limits.head_bytes_cap() {
            Ok(None)
        } else {
            Err(HeadError::HeadTooLarge)
        };
        let Some(line) = status_line(window)? else { return partial };
        let StatusLine { version, status, reason, len: mut at } = line;
        let mut fields = FieldLines::new();
        loop {
            match field_line(window, at)? {
                Line::Partial(_) => return partial,
                Line::End { next } => {
                    at = next;
                    break;
                }
                Line::Field { field, next, .. } => {
                    if fields.len_fields() >= limits.fields_cap() {
                        return Err(HeadError::TooManyFields);
                    }
                    let name = scan::ascii(field.name.of(window));
                    let appended = fields.try_append(name, field.value.of(window));
                    appended.map_err(|_| HeadError::FieldValue)?;
                    at = next;
                }
            }
        }
        let framing = framing(&fields, version, status, request_method)?;
        let options = ConnectionOptions::of(fields.get_all("connection"));
        let is_10 = version == Version::HTTP_10;
        let keep_alive =
            !options.close && (!is_10 || options.keep_alive) && framing != ReplyFraming::UntilClose;
        Ok(Some((Self { version, status, reason, fields, framing, keep_alive }, at)))
    }
}

struct StatusLine {
    version: Version,
    status: StatusCode,
    reason: String,
    len: usize,
}

/// RFC 9112 §4: `version SP status SP reason`. The second space is there even without a reason.
fn status_line(window: &[u8]) -> Result<Option<StatusLine>, HeadError> {
    let pattern = b"HTTP/1.d ddd ";
    for (&byte, &wanted) in window.iter().zip(pattern) {
        let fits = if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
        if !fits {
            return Err(HeadError::StatusLine);
        }
    }
    let Some(rest) = window.get(pattern.len()..) else { return Ok(None) };
    let version = if window.get(7) == Some(&b'0') { Version::HTTP_10 } else { Version::HTTP_11 };
    let status = StatusCode::from_bytes(window.get(9..12).unwrap_or_default())
        .map_err(|_| HeadError::StatusLine)?;
    let len = scan::value_span(rest);
    match rest.get(len..).unwrap_or_default() {
        [b'\r', b'\n', ..] => {
            let reason = rest.get(..len).unwrap_or_default();
            let reason = String::from_utf8_lossy(reason).into_owned();
            Ok(Some(StatusLine { version, status, reason, len: pattern.len() + len + 2 }))
        }
        [] | [b'\r'] => Ok(None),
        [b'\r' | b'\n', ..] => Err(HeadError::LineEnd),
        _ => Err(HeadError::StatusLine),
    }
}

/// RFC 9112 §6.3, for responses.
fn framing(
    fields: &FieldLines,
    version: Version,
    status: StatusCode,
    request_method: &Method,
) -> Result<ReplyFraming, HeadError> {
    let has_length = fields.get("content-length").is_some();
    let has_coding = fields.get("transfer-encoding").is_some();
    if has_coding && (has_length || version == Version::HTTP_10) {
        return Err(HeadError::FramingConflict);
    }
    if has_coding {
        check_chunked(fields.get_all("transfer-encoding"))?;
    }
    let length =
        if has_length { Some(content_length(fields.get_all("content-length"))?) } else { None };
    let tunnels = *request_method == Method::CONNECT && status.is_success();
    if status.is_informational() || tunnels || status == StatusCode::NO_CONTENT {
        // RFC 9110 §8.6 and RFC 9112 §6.1: these have no framing field.
        if has_length || has_coding {
            return Err(HeadError::FramingConflict);
        }
        return Ok(ReplyFraming::None);
    }
    if *request_method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        return Ok(ReplyFraming::None);
    }
    Ok(match (has_coding, length) {
        (true, _) => ReplyFraming::Chunked,
        (false, Some(length)) => ReplyFraming::Length(length),
        (false, None) => ReplyFraming::UntilClose,
    })
}
