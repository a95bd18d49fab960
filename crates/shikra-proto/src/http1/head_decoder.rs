//! The decoder of request heads.
//!
//! It goes over the bytes once, line by line, from left to right, and an error is always the first one.
//! So the outcome does not depend on how the bytes were cut:
//!
//! | state | sees | goes to |
//! |---|---|---|
//! | start | CR LF, at most four times | start |
//! | start | a request line | fields |
//! | fields | a field line | fields |
//! | fields | CR LF | complete: back to start for the next head |
//! | any | the bytes end inside a line | the same; remembers the run of bytes it ended in, and looks at the line again once another byte comes |
//! | any | anything else | error; the connection must close |

use http::{Method, Version};

use super::head::{FieldSpan, Span};
use super::target::{Found, Run, Target, plain_target, scan_target};
use super::{HeadError, HeadLimits, RequestHead};
use crate::header::{self, KnownField};
use crate::scan::{self, Block};

/// Decodes request heads, and remembers where an incomplete one was left.
///
/// A head that comes byte by byte costs time linear in its length.
///
/// # Examples
///
/// ```
/// use shikra_proto::http1::{HeadDecoder, HeadLimits, HeadStatus, RequestHead};
///
/// # fn main() -> Result<(), shikra_proto::http1::HeadError> {
/// let limits = HeadLimits::default();
/// let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::new());
/// let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next";
///
/// assert_eq!(decoder.decode(&bytes[..20], &limits, &mut head)?, HeadStatus::Partial);
/// assert_eq!(decoder.decode(bytes, &limits, &mut head)?, HeadStatus::Complete { len: 27 });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadDecoder {
    /// Where the line begins that comes next.
    line_start: u32,
    /// How many bytes were seen. The line is incomplete and ends in `run`.
    seen: u32,
    run: Run,
    state: State,
    empty_lines: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    RequestLine,
    Fields,
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadStatus {
    /// More bytes are needed.
    Partial,
    /// The head is complete.
    Complete {
        /// How many bytes at the front of the buffer it took.
        len: usize,
    },
}

impl HeadDecoder {
    /// Decodes the head at the front of `buf`.
    ///
    /// `buf` begins where the last message ended and holds all that has come since: a call after [`HeadStatus::Partial`] passes the same bytes and more, and the same `head`.
    /// After [`HeadStatus::Complete`] the decoder is ready for the next head, which begins `len` bytes later.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, as early as it can be known: an endless target or field is refused when it passes its limit.
    /// After an error the decoder must not be used again, and the connection must be closed after the answer.
    pub fn decode(
        &mut self,
        buf: &[u8],
        limits: &HeadLimits,
        head: &mut RequestHead,
    ) -> Result<HeadStatus, HeadError> {
        // What lies past the limit cannot change the outcome, so it is not looked at.
        let window = buf.get(..limits.head_bytes_cap()).unwrap_or(buf);
        if self.state == State::Start {
            head.clear_fields();
            if let Some(at) = plain_request_line(window, limits, head) {
                return self.rest(window, at, limits, head);
            }
            head.clear();
            self.state = State::RequestLine;
        } else if self.is_still_partial(window, limits) {
            self.seen = narrow(window.len());
            return Ok(HeadStatus::Partial);
        }
        self.go_on(window, limits, head)
    }

    /// Decodes a head whose request line is not as one expects, or that has come in parts.
    #[inline(never)]
    fn go_on(
        &mut self,
        window: &[u8],
        limits: &HeadLimits,
        head: &mut RequestHead,
    ) -> Result<HeadStatus, HeadError> {
        let mut at = self.line_start as usize;
        if self.state == State::RequestLine {
            at = match self.request_line(window, at, limits, head)? {
                Step::Done(next) => next,
                Step::Partial(run) => return self.pause(window, run, limits),
            };
        }
        self.rest(window, at, limits, head)
    }

    /// Decodes what follows the request line, which ends at `start`.
    #[inline]
    fn rest(
        &mut self,
        window: &[u8],
        start: usize,
        limits: &HeadLimits,
        head: &mut RequestHead,
    ) -> Result<HeadStatus, HeadError> {
        let result = self.fields(window, start, limits, head);
        if !matches!(result, Ok(HeadStatus::Complete { .. })) {
            head.set_incomplete(window.get(..start).unwrap_or_default());
        }
        result
    }

    /// Reads the fields, from `start` on. Apart, so that the loop has the registers for itself (gate, browser: 95 of
    /// 3870 instructions a request).
    #[inline(never)]
    fn fields(
        &mut self,
        window: &[u8],
        start: usize,
        limits: &HeadLimits,
        head: &mut RequestHead,
    ) -> Result<HeadStatus, HeadError> {
        // `window` is far shorter than 4 GiB.
        let mut at = narrow(start);
        let mut rest = window.get(start..).unwrap_or_default();
        let len = loop {
            if rest.first_chunk() == Some(b"\r\n") {
                break at as usize + 2;
            }
            if let Some((line, next)) = plain_line(rest, at) {
                if head.fields_len() >= limits.fields_cap() {
                    return Err(HeadError::TooManyFields);
                }
                head.note_field(line.field, line.known);
                (at, rest) = (at + line.len, next);
                continue;
            }
            match any_line(window, at as usize)? {
                Line::Field { field, known, next } => {
                    if head.fields_len() >= limits.fields_cap() {
                        return Err(HeadError::TooManyFields);
                    }
                    head.note_field(field, known);
                    (at, rest) = (narrow(next), window.get(next..).unwrap_or_default());
                }
                Line::Partial(run) => {
                    (self.line_start, self.state) = (at, State::Fields);
                    return self.pause(window, run, limits);
                }
                Line::End { next } => break next,
            }
        };
        head.set_bytes(window.get(..len).unwrap_or_default());
        head.finish_decoded(limits)?;
        *self = Self::default();
        Ok(HeadStatus::Complete { len })
    }

    /// Says whether looking at the current line again gives nothing new: the run it ended in goes on, and no limit is reached.
    ///
    /// A line has few runs, so each of its bytes is looked at a few times at most, however it was cut.
    fn is_still_partial(&self, window: &[u8], limits: &HeadLimits) -> bool {
        let fresh = window.get(self.seen as usize..).unwrap_or_default();
        let line_len = window.len().saturating_sub(self.line_start as usize);
        let at_limit = window.len() >= limits.head_bytes_cap()
            || (self.state == State::RequestLine && line_len > limits.target_bytes_max);
        !at_limit && self.run.goes_on_with(fresh)
    }

    fn pause(
        &mut self,
        window: &[u8],
        run: Run,
        limits: &HeadLimits,
    ) -> Result<HeadStatus, HeadError> {
        self.seen = narrow(window.len());
        self.run = run;
        if window.len() >= limits.head_bytes_cap() {
            return Err(HeadError::HeadTooLarge);
        }
        Ok(HeadStatus::Partial)
    }

    /// Reads the request line (RFC 9112 §3) and gives the offset of the line after it.
    #[inline(never)]
    fn request_line(
        &mut self,
        window: &[u8],
        start: usize,
        limits: &HeadLimits,
        head: &mut RequestHead,
    ) -> Result<Step, HeadError> {
        let unfinished = Ok(Step::Partial(Run::None));
        let Some(start) = self.skip_empty_lines(window, start)? else { return unfinished };
        let Some(line) = window.get(start..) else { return unfinished };
        let Some(method_len) = method(line, head)? else { return unfinished };
        let target_start = start + method_len + 1;
        // A space has ended the method, and another ends the target, so there is always a rest.
        let Some(rest) = window.get(target_start..) else { return unfinished };
        let (target_len, target) = match scan_target(rest, head.method(), limits.target_bytes_max)?
        {
            Found::Ended { len, target } => (len, target),
            Found::OutOfBytes(run) => return Ok(Step::Partial(run)),
        };
        let Some(rest) = rest.get(target_len + 1..) else { return unfinished };
        let Some(version) = version(rest)? else { return unfinished };
        let place = Span::new(target_start, target_start + target_len);
        head.set_target(Target { place, ..target });
        head.set_version(version);
        Ok(Step::Done(target_start + target_len + 1 + VERSION_LINE_LEN))
    }

    /// RFC 9112 §2.2: at least one empty line before a request is skipped. Endless ones are not.
    fn skip_empty_lines(
        &mut self,
        window: &[u8],
        start: usize,
    ) -> Result<Option<usize>, HeadError> {
        let mut at = start;
        loop {
            match window.get(at..).unwrap_or_default() {
                [b'\r', b'\n', ..] => {
                    at += 2;
                    self.line_start = narrow(at);
                    self.empty_lines += 1;
                    if self.empty_lines > EMPTY_LINES_MAX {
                        return Err(HeadError::RequestLine);
                    }
                }
                [] | [b'\r'] => return Ok(None),
                [b'\r' | b'\n', ..] => return Err(HeadError::LineEnd),
                _ => return Ok(Some(at)),
            }
        }
    }
}

/// Reads a request line that is as one expects, without a query, at the front of `line`, and gives the offset of the
/// line after it. Anything else is for [`HeadDecoder::request_line`], which is the oracle in the tests.
#[inline]
fn plain_request_line(line: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Option<usize> {
    let target_start = match u32::from_le_bytes(*line.first_chunk()?) {
        GET => {
            head.set_method(Method::GET);
            4
        }
        POST if line.get(4) == Some(&b' ') => {
            head.set_method(Method::POST);
            5
        }
        _ => return None,
    };
    let rest = line.get(target_start..)?;
    let (len, target) = plain_target(rest, limits.target_bytes_max)?;
    // Compared as a whole; a pattern would be compared byte by byte.
    if rest.get(len..)?.first_chunk() != Some(b" HTTP/1.1\r\n") {
        return None;
    }
    head.set_target(Target { place: Span::new(target_start, target_start + len), ..target });
    head.set_version(Version::HTTP_11);
    Some(target_start + len + 1 + VERSION_LINE_LEN)
}

/// What came of reading a request line.
enum Step {
    /// The bytes end before the line does.
    Partial(Run),
    /// The next line begins here.
    Done(usize),
}

/// One line of the fields of a head.
pub(super) enum Line {
    /// The bytes end before the line does.
    Partial(Run),
    /// The empty line.
    End { next: usize },
    /// A field.
    Field { field: FieldSpan, known: Option<KnownField>, next: usize },
}

/// Reads one field line (RFC 9112 §5).
pub(super) fn field_line(window: &[u8], start: usize) -> Result<Line, HeadError> {
    let line = window.get(start..).unwrap_or_default();
    match plain_line(line, narrow(start)) {
        Some((PlainLine { field, known, len }, _)) => {
            Ok(Line::Field { field, known, next: start + len as usize })
        }
        None => any_line(window, start),
    }
}

/// A field line that is as one expects.
struct PlainLine {
    field: FieldSpan,
    known: Option<KnownField>,
    len: u32,
}

/// A whole line that is as one expects, at the front of `bytes`, which begin at `start`; without a look at each
/// byte of its name. Also gives the bytes after it. Anything else is for [`any_line`], which is the oracle in the
/// tests. W3 of the bench: a third of the decoder's instructions.
#[inline]
fn plain_line(bytes: &[u8], start: u32) -> Option<(PlainLine, &[u8])> {
    let (name_len, known) = field_name(bytes)?;
    let name_end = name_len as usize;
    // What is not as expected here is white space or the line's end.
    let &[_, b' ', b'!'..=u8::MAX] = bytes.get(name_end..name_end + 3)? else { return None };
    let value_at = name_len + 2;
    let value_end = value_at + printable_len(bytes, bytes.get(name_end + 2..)?)?;
    let (line, next) = bytes.split_at_checked(value_end as usize + 2)?;
    // The byte before the end, and the line's end.
    let &[last, cr, lf] = line.last_chunk()?;
    // RFC 9110 §5.5: white space around the value is not part of it.
    if [cr, lf] != *b"\r\n" || last == b' ' {
        return None;
    }
    let field = FieldSpan {
        name: Span::at(start, start + name_len),
        value: Span::at(start + value_at, start + value_end),
    };
    Some((PlainLine { field, known, len: value_end + 2 }, next))
}

/// Counts the printable ASCII at the front of `rest`, which is the end of `bytes`; `None` if that is all.
#[inline]
fn printable_len(bytes: &[u8], rest: &[u8]) -> Option<u32> {
    let (mut rest, mut len) = (rest, 0);
    // Two blocks a step, as long as there are so many bytes.
    while let Some((blocks, after)) = rest.split_first_chunk::<32>() {
        let stops = scan::stops(blocks);
        if stops != 0 {
            return Some(len + stops.trailing_zeros());
        }
        (rest, len) = (after, len + 32);
    }
    if let Some((block, after)) = rest.split_first_chunk() {
        let stops = Block::new(block).stops();
        if stops != 0 {
            return Some(len + stops.trailing_zeros());
        }
        (rest, len) = (after, len + 16);
    }
    // The last block overlaps the one before; what it has of that is shifted out.
    let stops = Block::new(bytes.last_chunk()?).stops() >> (16 - rest.len());
    (stops != 0).then(|| len + stops.trailing_zeros())
}

/// Reads a name up to its colon, if it is a token.
#[inline]
fn field_name(line: &[u8]) -> Option<(u32, Option<KnownField>)> {
    let front = line.first_chunk()?;
    let block = Block::new(front);
    let colons = block.equal(b':');
    if colons == 0 {
        return long_field_name(line);
    }
    let len = colons.trailing_zeros();
    let known = KnownField::find_at(front, block, len as usize);
    // The name of a known field is a token.
    let name = (1 << len) - 1;
    let is_token = known.is_some()
        || len > 0 && block.words() & name == name
        || header::is_token(line.get(..len as usize)?);
    is_token.then_some((len, known))
}

/// Reads a name of sixteen bytes or more.
#[inline(never)]
fn long_field_name(line: &[u8]) -> Option<(u32, Option<KnownField>)> {
    let (blocks, _) = line.as_chunks();
    let (mut len, mut others) = (0, 0);
    for block in blocks {
        let block = Block::new(block);
        let (colons, beside) = (block.equal(b':'), !block.words() & 0xffff);
        if colons != 0 {
            others |= beside & (colons.wrapping_sub(1) & !colons);
            len += colons.trailing_zeros();
            let name = line.get(..len as usize)?;
            // Letters and hyphens are a token.
            let is_token = others == 0 || header::is_token(name);
            return is_token.then(|| (len, KnownField::find(name)));
        }
        (others, len) = (others | beside, len + 16);
    }
    None
}

/// Reads one field line, or says what is missing or wrong.
#[inline(never)]
fn any_line(window: &[u8], start: usize) -> Result<Line, HeadError> {
    let line = window.get(start..).unwrap_or_default();
    let name_len = scan::span(line, scan::TOKEN);
    match line.get(name_len) {
        Some(b':') if name_len > 0 => {}
        None => return Ok(Line::Partial(Run::FieldName)),
        Some(&byte) => return no_field(line, name_len, byte, start),
    }
    let name = line.get(..name_len).unwrap_or_default();
    let known = KnownField::find(name);

    // RFC 9110 §5.5: white space around the value is not part of it.
    let mut value_start = name_len + 1;
    while matches!(line.get(value_start), Some(b' ' | b'\t')) {
        value_start += 1;
    }
    let rest = line.get(value_start..).unwrap_or_default();
    let len = scan::value_span(rest);
    match rest.get(len..).unwrap_or_default() {
        [b'\r', b'\n', ..] => {}
        [] => return Ok(Line::Partial(Run::FieldValue)),
        [b'\r'] => return Ok(Line::Partial(Run::None)),
        // RFC 9112 §2.2: neither a bare CR nor a bare LF ends a line.
        [b'\r' | b'\n', ..] => return Err(HeadError::LineEnd),
        _ => return Err(HeadError::FieldValue),
    }
    let mut value_len = len;
    while value_len > 0 && matches!(rest.get(value_len - 1), Some(b' ' | b'\t')) {
        value_len -= 1;
    }
    let value_start = start + value_start;
    let field = FieldSpan {
        name: Span::new(start, start + name_len),
        value: Span::new(value_start, value_start + value_len),
    };
    Ok(Line::Field { field, known, next: value_start + len + 2 })
}

/// What a line is whose first `name_len` bytes are not followed by a colon.
#[cold]
fn no_field(line: &[u8], name_len: usize, byte: u8, start: usize) -> Result<Line, HeadError> {
    match (name_len, byte, line.get(1)) {
        (0, b'\r', Some(b'\n')) => Ok(Line::End { next: start + 2 }),
        (0, b'\r', None) => Ok(Line::Partial(Run::None)),
        // RFC 9112 §5.2: a line that begins with white space continues the one before, which is obsolete.
        (0, b' ' | b'\t', _) => Err(HeadError::FieldFolded),
        (_, b'\r' | b'\n', _) => Err(HeadError::LineEnd),
        // RFC 9112 §5.1: white space before the colon is refused, like every other byte that is not of a token.
        _ => Err(HeadError::FieldName),
    }
}

/// Reads the method into `head` and says how long it is. A space follows it.
#[inline]
fn method(line: &[u8], head: &mut RequestHead) -> Result<Option<usize>, HeadError> {
    // The most common one needs no look at each byte, and no copy.
    if line.first_chunk().map(|front| u32::from_le_bytes(*front)) == Some(GET) {
        head.set_method(Method::GET);
        return Ok(Some(3));
    }
    Ok(any_method(line)?.map(|(method, len)| {
        head.set_method(method);
        len
    }))
}

/// The same for all methods.
fn any_method(line: &[u8]) -> Result<Option<(Method, usize)>, HeadError> {
    match line.first_chunk().map(|front| u32::from_le_bytes(*front)) {
        Some(GET) => Ok(Some((Method::GET, 3))),
        Some(PUT) => Ok(Some((Method::PUT, 3))),
        Some(POST) if line.get(4) == Some(&b' ') => Ok(Some((Method::POST, 4))),
        Some(HEAD) if line.get(4) == Some(&b' ') => Ok(Some((Method::HEAD, 4))),
        _ => other_method(line),
    }
}

fn other_method(line: &[u8]) -> Result<Option<(Method, usize)>, HeadError> {
    let len = scan::span(line.get(..=METHOD_BYTES_MAX).unwrap_or(line), scan::TOKEN);
    if len > METHOD_BYTES_MAX {
        // RFC 9112 §3: a method longer than any that is implemented is 501.
        return Err(HeadError::MethodTooLong);
    }
    match line.get(len) {
        None => Ok(None),
        Some(b' ') => {
            let token = line.get(..len).unwrap_or_default();
            // An empty method is no method; standard ones do not allocate.
            let method = Method::from_bytes(token).map_err(|_| HeadError::RequestLine)?;
            Ok(Some((method, len)))
        }
        Some(_) => Err(HeadError::RequestLine),
    }
}

/// Reads version and line end (RFC 9112 §2.3).
#[inline]
fn version(rest: &[u8]) -> Result<Option<Version>, HeadError> {
    // Compared as a whole; a pattern would be compared byte by byte.
    match rest.first_chunk::<VERSION_LINE_LEN>() {
        Some(line) if *line == *b"HTTP/1.1\r\n" => Ok(Some(Version::HTTP_11)),
        _ => other_version(rest),
    }
}

#[inline(never)]
fn other_version(rest: &[u8]) -> Result<Option<Version>, HeadError> {
    // Byte by byte against the pattern, so that the error is the first one wherever the bytes were cut.
    let pattern = b"HTTP/d.d\r\n";
    for (&byte, &wanted) in rest.iter().zip(pattern) {
        match wanted {
            b'd' if byte.is_ascii_digit() => {}
            // RFC 9112 §2.2: neither a bare LF nor a bare CR ends the line.
            b'\r' if byte == b'\n' => return Err(HeadError::LineEnd),
            b'\r' if byte != wanted => return Err(HeadError::RequestLine),
            b'\n' if byte != wanted => return Err(HeadError::LineEnd),
            _ if byte == wanted => {}
            _ => return Err(HeadError::VersionMalformed),
        }
    }
    match (rest.get(5), rest.get(7), rest.len() >= VERSION_LINE_LEN) {
        (_, _, false) => Ok(None),
        (Some(b'1'), Some(b'0'), true) => Ok(Some(Version::HTTP_10)),
        // RFC 9110 §2.5: a higher minor version is treated as the highest that is known.
        (Some(b'1'), _, true) => Ok(Some(Version::HTTP_11)),
        _ => Err(HeadError::VersionUnsupported),
    }
}

/// Reads the method at the front of a head that was refused, however far it got; `None` if there is none.
///
/// The answer to `HEAD` has no body (RFC 9110 §9.3.2), even one to a malformed request.
///
/// # Examples
///
/// ```
/// use shikra_proto::http1::peek_method;
///
/// assert_eq!(peek_method(b"HEAD / HTTP/9.9\r\n"), Some(http::Method::HEAD));
/// assert_eq!(peek_method(b"HEA"), None);
/// ```
#[cold]
pub fn peek_method(head: &[u8]) -> Option<Method> {
    let empty_len = 2 * usize::from(EMPTY_LINES_MAX);
    let start = head.iter().take(empty_len).take_while(|byte| b"\r\n".contains(byte)).count();
    let read = any_method(head.get(start..).unwrap_or_default());
    read.ok().flatten().map(|(method, _)| method)
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

const GET: u32 = u32::from_le_bytes(*b"GET ");
const PUT: u32 = u32::from_le_bytes(*b"PUT ");
const POST: u32 = u32::from_le_bytes(*b"POST");
const HEAD: u32 = u32::from_le_bytes(*b"HEAD");
/// Longest method that is looked at.
const METHOD_BYTES_MAX: usize = 32;
/// Most empty lines before a request line.
const EMPTY_LINES_MAX: u8 = 4;
/// Length of `HTTP/1.1` and the line end.
const VERSION_LINE_LEN: usize = 10;

#[cfg(test)]
mod tests;
