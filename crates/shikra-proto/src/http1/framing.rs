//! What the fields of a request head mean for the connection: `Host`, body framing, `Connection`, `Expect`.

use http::Version;

use super::{BodyFraming, HeadError, RequestHead};
use crate::header::{self, KnownField};
use crate::scan;
use crate::uri::Authority;

/// What a head says about its body and its connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meaning {
    pub(super) framing: BodyFraming,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
    pub(super) upgrades: bool,
}

impl Meaning {
    /// What a head means that has no field about these things.
    #[inline]
    pub(super) fn of_version(version: Version) -> Self {
        Self { keep_alive: version != Version::HTTP_10, ..Self::default() }
    }
}

/// Decides what the fields of a head mean, or refuses it.
#[inline]
pub(super) fn decide(head: &RequestHead) -> Result<Meaning, HeadError> {
    let is_10 = head.version() == Version::HTTP_10;
    let framing = request_framing(head, is_10)?;
    let mut meaning = Meaning { framing, ..Meaning::of_version(head.version()) };
    if head.has(KnownField::Connection) {
        let options = ConnectionOptions::of(head.values(KnownField::Connection));
        // RFC 9112 §9.3: `close` wins; without it HTTP/1.0 needs `keep-alive`.
        meaning.keep_alive = !options.close && (!is_10 || options.keep_alive);
        // RFC 9110 §7.8: an Upgrade that came in HTTP/1.0 is ignored.
        meaning.upgrades = options.upgrade && !is_10;
    }
    // RFC 9110 §10.1.1: an expectation in an HTTP/1.0 request is ignored.
    if head.has(KnownField::Expect) && !is_10 {
        let mut waits = false;
        for expectation in head.values(KnownField::Expect).flat_map(header::list) {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(HeadError::Expectation);
            }
            waits = true;
        }
        let has_body = !matches!(framing, BodyFraming::None | BodyFraming::Length(0));
        meaning.expects_continue = waits && has_body;
    }
    Ok(meaning)
}

/// What the elements of `Connection` fields ask for (RFC 9110 §7.6.1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionOptions {
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
}

impl ConnectionOptions {
    pub(super) fn of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut options = Self::default();
        // A connection option is a token, so no comma is quoted.
        for option in values.flat_map(|value| value.split(|&byte| byte == b',')).map(scan::trim) {
            options.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            options.close |= option.eq_ignore_ascii_case(b"close");
            options.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
        options
    }
}

/// Refuses a head without a `Host`, or with a wrong one. `host` is the first, which may be known to be valid.
#[inline]
pub(super) fn check_host(
    head: &RequestHead,
    host: Option<&[u8]>,
    is_valid: bool,
) -> Result<(), HeadError> {
    // RFC 9112 §3.2: no Host in HTTP/1.1, several of them, or a malformed one is 400. This holds for the absolute form too.
    let Some(host) = host else {
        let required = head.version() == Version::HTTP_11;
        return if required { Err(HeadError::HostMissing) } else { Ok(()) };
    };
    if head.is_repeated(KnownField::Host) {
        return Err(HeadError::HostRepeated);
    }
    if is_valid || Authority::is_valid(host) { Ok(()) } else { Err(HeadError::HostInvalid) }
}

/// RFC 9112 §6.3, for requests.
#[inline]
fn request_framing(head: &RequestHead, is_10: bool) -> Result<BodyFraming, HeadError> {
    let has_length = head.has(KnownField::ContentLength);
    if head.has(KnownField::TransferEncoding) {
        // RFC 9112 §6.1: both fields may be an attempt to smuggle; and HTTP/1.0 has no codings.
        if has_length || is_10 {
            return Err(HeadError::FramingConflict);
        }
        check_chunked(head.values(KnownField::TransferEncoding))?;
        return Ok(BodyFraming::Chunked);
    }
    if has_length {
        // One number is what nearly every client sends.
        if !head.is_repeated(KnownField::ContentLength)
            && let Some(length) = head.field(KnownField::ContentLength).and_then(decimal)
        {
            return Ok(BodyFraming::Length(length));
        }
        return content_length(head.values(KnownField::ContentLength)).map(BodyFraming::Length);
    }
    Ok(BodyFraming::None)
}

/// Accepts exactly one `chunked` and nothing beside it, not even an empty list element.
pub(super) fn check_chunked<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<(), HeadError> {
    let (mut has_chunked, mut has_others) = (false, false);
    for coding in values.flat_map(|value| value.split(|&byte| byte == b',')).map(scan::trim) {
        // RFC 9112 §6.1: `chunked` is applied once and last.
        if has_chunked || !header::is_token(coding) {
            return Err(HeadError::TransferEncoding);
        }
        if coding.eq_ignore_ascii_case(b"chunked") {
            has_chunked = true;
        } else {
            has_others = true;
        }
    }
    match (has_chunked, has_others) {
        (true, false) => Ok(()),
        // RFC 9112 §6.1: a coding that is not understood is 501.
        (true, true) => Err(HeadError::TransferCodingUnknown),
        // RFC 9112 §6.3: without a final `chunked` nobody knows where the body ends, which is 400.
        (false, _) => Err(HeadError::TransferEncoding),
    }
}

/// RFC 9110 §8.6: digits only; repeated or listed values must all be the same number.
pub(super) fn content_length<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<u64, HeadError> {
    let mut length = None;
    for value in values.flat_map(|value| value.split(|&byte| byte == b',')) {
        let number = decimal(scan::trim(value)).ok_or(HeadError::ContentLength)?;
        if *length.get_or_insert(number) != number {
            return Err(HeadError::ContentLength);
        }
    }
    length.ok_or(HeadError::ContentLength)
}

/// Reads digits, and nothing but digits, without overflow.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}
