//! Ranges of bytes that a request asks for (RFC 9110 §14).

use std::error::Error;
use std::fmt;
use std::ops::Range;

use crate::header::{is_token, list};
use crate::scan;

/// What a `Range` field may cost before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeLimits {
    /// Most ranges of one request. Default 16.
    pub ranges_max: usize,
}

impl Default for RangeLimits {
    fn default() -> Self {
        Self { ranges_max: 16 }
    }
}

/// Why no range can be sent. It is the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// The field is not of the grammar, or a range ends before it begins: 400.
    Malformed,
    /// None of the ranges has a byte of the content: 416.
    Unsatisfiable,
    /// There are more ranges than [`RangeLimits::ranges_max`]: 416.
    TooMany,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed range",
            Self::Unsatisfiable => "the content has none of the ranges",
            Self::TooMany => "too many ranges",
        })
    }
}

impl Error for RangeError {}

/// Reads the ranges of a content of `len` bytes, in the order in which they came, cut to what there is; those without a byte of it are left out.
///
/// `None` is a unit other than `bytes`, which means that the field is to be ignored (RFC 9110 §14.2). The ranges may overlap.
///
/// # Errors
///
/// One malformed range refuses all of them. There is at least one range in the result.
///
/// # Examples
///
/// ```
/// use shikra_proto::range::{self, RangeError, RangeLimits};
///
/// let decode = |value: &[u8]| range::decode(value, 1000, &RangeLimits::default());
/// assert_eq!(decode(b"bytes=0-4, 990-, -5"), Ok(Some(vec![0..5, 990..1000, 995..1000])));
/// assert_eq!(decode(b"bytes=1000-"), Err(RangeError::Unsatisfiable));
/// assert_eq!(decode(b"bytes=5-4"), Err(RangeError::Malformed));
/// assert_eq!(decode(b"lines=1-2"), Ok(None));
/// ```
pub fn decode(
    value: &[u8],
    len: u64,
    limits: &RangeLimits,
) -> Result<Option<Vec<Range<u64>>>, RangeError> {
    let equals = memchr::memchr(b'=', value).ok_or(RangeError::Malformed)?;
    let (unit, set) = (value.get(..equals), value.get(equals + 1..));
    let (Some(unit), Some(set)) = (unit, set) else { return Err(RangeError::Malformed) };
    if !is_token(unit) {
        return Err(RangeError::Malformed);
    }
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return Ok(None);
    }
    let (mut ranges, mut count) = (Vec::new(), 0);
    for spec in list(set) {
        count += 1;
        if count > limits.ranges_max {
            return Err(RangeError::TooMany);
        }
        let range = one(spec, len).ok_or(RangeError::Malformed)?;
        if !range.is_empty() {
            ranges.push(range);
        }
    }
    match (count, ranges.is_empty()) {
        (0, _) => Err(RangeError::Malformed),
        (_, true) => Err(RangeError::Unsatisfiable),
        (_, false) => Ok(Some(ranges)),
    }
}

/// `first-last`, `first-` or `-suffix_len`; empty where the content has no such byte.
fn one(spec: &[u8], len: u64) -> Option<Range<u64>> {
    let hyphen = memchr::memchr(b'-', spec)?;
    let (first, last) = (spec.get(..hyphen)?, spec.get(hyphen + 1..)?);
    if first.is_empty() {
        let suffix_len = number(last)?;
        return Some(len.saturating_sub(suffix_len)..len);
    }
    let first = number(first)?;
    if last.is_empty() {
        return Some(first.min(len)..len);
    }
    let last = number(last)?;
    // RFC 9110 §14.1.1: a last position below the first is invalid, not merely empty.
    (first <= last).then(|| first.min(len)..last.saturating_add(1).min(len))
}

/// Digits only. A number beyond 64 bits is past the end of everything.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(scan::ascii(digits).parse().unwrap_or(u64::MAX))
}
