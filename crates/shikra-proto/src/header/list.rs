use crate::scan;

/// Splits a comma-separated list into its elements, trimmed and without the empty ones (RFC 9110 §5.6.1).
///
/// A comma inside a quoted string is part of its element.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::list;
///
/// let elements: Vec<_> = list(b"keep-alive, , \"a,b\"").collect();
/// assert_eq!(elements, [&b"keep-alive"[..], b"\"a,b\""]);
/// ```
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split_unquoted(value, b',').filter(|element| !element.is_empty())
}

/// Splits at a delimiter that is not inside a quoted string, and trims the parts.
pub(super) fn split_unquoted(value: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let len = unquoted_position(bytes, delimiter).unwrap_or(bytes.len());
        rest = bytes.get(len + 1..);
        bytes.get(..len).map(scan::trim)
    })
}

/// Finds `wanted` outside of quoted strings (RFC 9110 §5.6.4). A string without its closing quote lasts to the end.
pub(super) fn unquoted_position(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    bytes.iter().position(|&byte| {
        if escaped {
            escaped = false;
        } else if quoted && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        } else {
            return !quoted && byte == wanted;
        }
        false
    })
}
