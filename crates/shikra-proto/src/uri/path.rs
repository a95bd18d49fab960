use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use percent_encoding::percent_decode_str;
use unicode_normalization::{UnicodeNormalization, is_nfc_quick};

use crate::scan;

/// Why a path segment has no text. It is the peer's fault, and the answer is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// A per cent sign is not followed by two hexadecimal digits.
    Triplet,
    /// The decoded bytes are not UTF-8.
    NotUtf8,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Triplet => "malformed percent-encoding in the path",
            Self::NotUtf8 => "path is not UTF-8",
        })
    }
}

impl Error for PathError {}

/// Splits a raw path into its segments. The slash at the start begins the first one and makes none.
///
/// Empty segments are segments; an encoded slash is not a separator; dot segments are data.
///
/// # Examples
///
/// ```
/// use shikra_proto::uri::segments;
///
/// assert_eq!(segments("/a//b%2Fc").collect::<Vec<_>>(), ["a", "", "b%2Fc"]);
/// assert_eq!(segments("/").collect::<Vec<_>>(), [""]);
/// ```
pub fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// Decodes one raw path segment: triplets once, then normal form C.
///
/// Plain segments are not copied. A slash in the result came from `%2F` and is data.
///
/// # Errors
///
/// The triplets must be well formed and the decoded bytes UTF-8.
///
/// # Examples
///
/// ```
/// use shikra_proto::uri::{PathError, decode_segment};
///
/// assert_eq!(decode_segment("caf%C3%A9"), Ok("café".into()));
/// assert_eq!(decode_segment("cafe%CC%81"), Ok("café".into()));
/// assert_eq!(decode_segment("a%252Fb"), Ok("a%2Fb".into()));
/// assert_eq!(decode_segment("%ff"), Err(PathError::NotUtf8));
/// ```
pub fn decode_segment(segment: &str) -> Result<Cow<'_, str>, PathError> {
    for index in memchr::memchr_iter(b'%', segment.as_bytes()) {
        let digits = segment.as_bytes().get(index + 1..index + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.iter().all(|&byte| scan::hex(byte).is_some()) {
            return Err(PathError::Triplet);
        }
    }
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| PathError::NotUtf8)?;
    Ok(normalize(text))
}

/// Says whether a raw path has a segment that is one or two dots, encoded or not.
///
/// Nothing in Shikra resolves such segments; who maps paths to files must refuse them.
///
/// # Examples
///
/// ```
/// use shikra_proto::uri::has_dot_segments;
///
/// assert!(has_dot_segments("/a/%2e%2E/b"));
/// assert!(!has_dot_segments("/a/..b"));
/// ```
pub fn has_dot_segments(path: &str) -> bool {
    segments(path).any(|segment| {
        matches!(percent_decode_str(segment).collect::<Vec<_>>().as_slice(), b"." | b"..")
    })
}

fn normalize(text: Cow<'_, str>) -> Cow<'_, str> {
    // ASCII is its own normal form, and the quick check settles nearly all other text.
    if text.is_ascii() || is_nfc_quick(text.chars()) == unicode_normalization::IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
}
