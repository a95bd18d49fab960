use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Encodes the bytes that a URI reference may not have, such as blanks and non-ASCII text; triplets stay as they are.
/// `None` for text with control bytes, which is nobody's address.
///
/// A backslash is encoded too: browsers take a bare one for a slash, and so `/\evil.example` for another site.
///
/// # Examples
///
/// ```
/// use shikra_proto::uri::encode_reference;
///
/// assert_eq!(encode_reference("/a?b=c#d").as_deref(), Some("/a?b=c#d"));
/// assert_eq!(encode_reference("/caf\u{e9} 1%20").as_deref(), Some("/caf%C3%A9%201%20"));
/// assert_eq!(encode_reference("/\r\nx: y"), None);
/// ```
pub fn encode_reference(text: &str) -> Option<Cow<'_, str>> {
    let has_control = text.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
    (!has_control).then(|| utf8_percent_encode(text, ENCODED).into())
}

/// RFC 3986 §2: neither reserved nor unreserved. The per cent sign is left alone, for it begins a triplet.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
