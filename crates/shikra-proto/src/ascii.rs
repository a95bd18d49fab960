//! Text that is known to be ASCII, so that reading it as text costs nothing.

use std::fmt;
use std::ops::Range;

/// Reads text, as `str::from_utf8` does, which is its twin in the tests. Text of ASCII alone, as most JSON is, takes
/// half as long (gate, json: 70 of 6580 instructions a request).
///
/// # Examples
///
/// ```
/// use shikra_proto::ascii::utf8;
///
/// assert_eq!(utf8(b"[1, 2]"), Some("[1, 2]"));
/// assert_eq!(utf8("\"é\"".as_bytes()), Some("\"é\""));
/// assert_eq!(utf8(b"\xff"), None);
/// ```
#[inline]
pub fn utf8(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() { Some(as_str(bytes)) } else { std::str::from_utf8(bytes).ok() }
}

/// Bytes, of which one part is a text of ASCII bytes alone.
///
/// Checking a short text with `str::from_utf8`, its safe twin in the tests, takes five times as long as asking
/// whether all its bytes are ASCII (gate, plaintext: 110 of 3900 instructions a request).
#[derive(Clone, Default)]
pub(crate) struct AsciiPart {
    bytes: Vec<u8>,
    /// Every byte of this range is below 0x80: `set` alone writes it, and the bytes before their end never change.
    text: Range<usize>,
}

impl AsciiPart {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), text: 0..0 }
    }

    /// Forgets the bytes and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.text = 0..0;
        self.bytes.clear();
    }

    /// Becomes `bytes`; the text is what lies in the range, or empty if that is not ASCII.
    #[inline]
    pub(crate) fn set(&mut self, bytes: &[u8], text: Range<usize>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        let is_text = bytes.get(text.clone()).is_some_and(is_ascii);
        self.text = if is_text { text } else { 0..0 };
    }

    /// Appends what does not belong to the text.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub(crate) fn text(&self) -> &str {
        as_str(self.bytes.get(self.text.clone()).unwrap_or_default())
    }

    /// A part of the text; empty if it is none.
    #[inline]
    pub(crate) fn text_part(&self, part: Range<usize>) -> &str {
        let text = self.bytes.get(self.text.clone());
        as_str(text.and_then(|text| text.get(part)).unwrap_or_default())
    }
}

/// As `<[u8]>::is_ascii`, which looks one by one at the bytes that are too few for a word; here the words overlap.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            (u64::from_le_bytes(*first) | u64::from_le_bytes(*last)) & 0x8080_8080_8080_8080 == 0
        }
        _ => bytes.is_ascii(),
    }
}

/// Only for bytes that are known to be ASCII.
#[inline]
fn as_str(ascii: &[u8]) -> &str {
    // SAFETY: both callers have seen that it is ASCII (`AsciiPart` when it took the bytes), and ASCII is UTF-8,
    // wherever it is cut.
    #[allow(unsafe_code)]
    unsafe {
        std::str::from_utf8_unchecked(ascii)
    }
}

impl fmt::Debug for AsciiPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

#[cfg(test)]
mod tests;
