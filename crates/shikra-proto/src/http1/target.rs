//! Request targets (RFC 9112 §3.2): found in one pass, taken apart into spans.

use http::Method;

use super::HeadError;
use super::head::Span;
use crate::scan;
use crate::uri::Authority;

/// The form of a request target (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`
    #[default]
    Origin,
    /// `http://host/path?query`
    Absolute,
    /// `host:port`, with `CONNECT` only.
    Authority,
    /// `*`, with `OPTIONS` only.
    Asterisk,
}

/// Where a target is in the bytes of its head, and where the parts of it are in its text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Target {
    pub(super) place: Span,
    pub(super) form: TargetForm,
    pub(super) path: Span,
    pub(super) query: Option<Span>,
    pub(super) authority: Span,
    /// The path has no per cent sign.
    pub(super) plain: bool,
}

/// What came of looking for the end of a target.
pub(super) enum Found {
    /// The bytes ended before the target did, and the run that they end in can go on.
    OutOfBytes(Run),
    /// A space follows the target, which has `len` bytes.
    Ended { len: usize, target: Target },
}

/// A run of bytes of one kind at the end of what has come. More bytes of that kind change nothing but its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Run {
    /// No run: the next byte decides something.
    #[default]
    None,
    Path,
    Query,
    /// A target that is not of the origin form.
    OtherTarget,
    FieldName,
    FieldValue,
}

impl Run {
    /// Says whether all of `bytes` belong to the run.
    pub(super) fn goes_on_with(self, bytes: &[u8]) -> bool {
        let len = match self {
            Self::None => return false,
            Self::Path => scan::span(bytes, scan::PATH),
            Self::Query => scan::span(bytes, scan::QUERY | scan::QUERY_RAW),
            Self::OtherTarget => other_target_len(bytes),
            Self::FieldName => scan::span(bytes, scan::TOKEN),
            Self::FieldValue => scan::value_span(bytes),
        };
        len == bytes.len()
    }
}

/// Reads a target of the origin form, as most are, with a plain path and no query, from the front of `bytes`; up to
/// what may be the space after it. Anything else is for [`scan_target`], which is the oracle in the tests.
#[inline]
pub(super) fn plain_target(bytes: &[u8], len_max: usize) -> Option<(usize, Target)> {
    if *bytes.first()? != b'/' {
        return None;
    }
    let len = scan::plain_path_span(bytes)?;
    let target = Target { path: Span::new(0, len), plain: true, ..Target::default() };
    (len <= len_max).then_some((len, target))
}

/// Reads a target from the front of `bytes`, up to the first space.
///
/// The outcome for some bytes is also that for all their continuations, unless the bytes ran out.
#[inline]
pub(super) fn scan_target(
    bytes: &[u8],
    method: &Method,
    len_max: usize,
) -> Result<Found, HeadError> {
    // One byte past the limit, so that the space after the longest target is in view.
    let scope = bytes.get(..len_max.saturating_add(1)).unwrap_or(bytes);
    if scope.first() != Some(&b'/') {
        return scan_other_form(scope, method, len_max);
    }
    let (path_len, has_triplets) = scan::path_span(scope);
    let mut target = Target {
        form: TargetForm::Origin,
        path: Span::new(0, path_len),
        plain: !has_triplets,
        ..Target::default()
    };
    let (mut len, mut run) = (path_len, Run::Path);
    if scope.get(len) == Some(&b'?') {
        let start = len + 1;
        let rest = scope.get(start..).unwrap_or_default();
        len = start + scan::span(rest, scan::QUERY | scan::QUERY_RAW);
        target.query = Some(Span::new(start, len));
        run = Run::Query;
    }
    match end(scope, len, len_max)? {
        End::OutOfBytes => Ok(Found::OutOfBytes(run)),
        End::Space => {
            // RFC 9112 §3.2.3: CONNECT has the authority form and no other.
            if *method == Method::CONNECT {
                return Err(HeadError::TargetForm);
            }
            if !target.plain {
                check_triplets(scope.get(..path_len).unwrap_or_default())?;
            }
            Ok(Found::Ended { len, target })
        }
    }
}

/// Checks a query against the grammar of RFC 3986 §3.4, without what browsers add to it.
pub(super) fn check_query(query: &str) -> Result<(), HeadError> {
    let (len, seen) = scan::span_seen(query.as_bytes(), scan::QUERY);
    if len != query.len() {
        return Err(HeadError::TargetByte);
    }
    let triplets = query.bytes().filter(|&byte| byte == b'%').count();
    if seen & scan::PERCENT != 0 && count_triplets(query.as_bytes()) != triplets {
        return Err(HeadError::TargetPercent);
    }
    Ok(())
}

enum End {
    OutOfBytes,
    Space,
}

fn end(scope: &[u8], len: usize, len_max: usize) -> Result<End, HeadError> {
    if len > len_max {
        return Err(HeadError::TargetTooLong);
    }
    match scope.get(len) {
        None => Ok(End::OutOfBytes),
        // RFC 9112 §3.2: an empty target is none.
        Some(b' ') if len > 0 => Ok(End::Space),
        Some(b' ') => Err(HeadError::RequestLine),
        // A line that ends after the target is an HTTP/0.9 request.
        Some(b'\r' | b'\n') => Err(HeadError::RequestLine),
        Some(_) => Err(HeadError::TargetByte),
    }
}

#[inline(never)]
fn scan_other_form(scope: &[u8], method: &Method, len_max: usize) -> Result<Found, HeadError> {
    let len = other_target_len(scope);
    match end(scope, len, len_max)? {
        End::OutOfBytes => {
            Ok(Found::OutOfBytes(if len == 0 { Run::None } else { Run::OtherTarget }))
        }
        End::Space => {
            let text = scan::ascii(scope.get(..len).unwrap_or_default());
            Ok(Found::Ended { len, target: other_form(text, method)? })
        }
    }
}

fn other_target_len(bytes: &[u8]) -> usize {
    let is_end = |&byte: &u8| !scan::is(byte, scan::VISIBLE) || byte == b'#';
    bytes.iter().position(is_end).unwrap_or(bytes.len())
}

fn other_form(text: &str, method: &Method) -> Result<Target, HeadError> {
    if *method == Method::CONNECT {
        // RFC 9112 §3.2.3: there is no default port.
        let authority = Authority::decode(text).map_err(|_| HeadError::TargetAuthority)?;
        if authority.port().is_none() || authority.host().is_empty() {
            return Err(HeadError::TargetAuthority);
        }
        let span = Span::new(0, text.len());
        return Ok(Target { form: TargetForm::Authority, authority: span, ..Target::default() });
    }
    if text == "*" {
        // RFC 9112 §3.2.4: the asterisk form is for OPTIONS alone.
        if *method != Method::OPTIONS {
            return Err(HeadError::TargetForm);
        }
        let path = Span::new(0, 1);
        return Ok(Target { form: TargetForm::Asterisk, path, plain: true, ..Target::default() });
    }
    absolute_form(text)
}

/// RFC 9112 §3.2.2 and RFC 9110 §4.2: `http` or `https`, a host that is not empty, no user information.
fn absolute_form(text: &str) -> Result<Target, HeadError> {
    let bytes = text.as_bytes();
    let start = ["http://", "https://"]
        .into_iter()
        .find(|scheme| {
            bytes.get(..scheme.len()).is_some_and(|b| b.eq_ignore_ascii_case(scheme.as_bytes()))
        })
        .map(str::len)
        .ok_or(HeadError::TargetForm)?;
    let after = bytes.get(start..).unwrap_or_default();
    let authority_len =
        after.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(after.len());
    let path_start = start + authority_len;
    let authority = Authority::decode(text.get(start..path_start).unwrap_or_default())
        .map_err(|_| HeadError::TargetAuthority)?;
    if authority.host().is_empty() {
        return Err(HeadError::TargetAuthority);
    }

    let rest = bytes.get(path_start..).unwrap_or_default();
    let (path_len, seen) = scan::span_seen(rest, scan::PATH);
    let path_end = path_start + path_len;
    let query = match bytes.get(path_end) {
        None => None,
        Some(b'?') => {
            let query = bytes.get(path_end + 1..).unwrap_or_default();
            if scan::span(query, scan::QUERY | scan::QUERY_RAW) != query.len() {
                return Err(HeadError::TargetByte);
            }
            Some(Span::new(path_end + 1, bytes.len()))
        }
        Some(_) => return Err(HeadError::TargetByte),
    };
    check_triplets(bytes.get(path_start..path_end).unwrap_or_default())?;
    Ok(Target {
        form: TargetForm::Absolute,
        path: Span::new(path_start, path_end),
        query,
        authority: Span::new(start, path_start),
        plain: seen & scan::PERCENT == 0,
        ..Target::default()
    })
}

/// Refuses per cent signs without two digits (RFC 3986 §2.1), and an encoded NUL, which no file system can keep apart.
fn check_triplets(path: &[u8]) -> Result<(), HeadError> {
    for index in memchr::memchr_iter(b'%', path) {
        let digits = path.get(index + 1..index + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) || digits == b"00" {
            return Err(HeadError::TargetPercent);
        }
    }
    Ok(())
}

fn count_triplets(text: &[u8]) -> usize {
    memchr::memchr_iter(b'%', text)
        .filter(|index| {
            let digits = text.get(index + 1..index + 3).unwrap_or_default();
            digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
        })
        .count()
}
