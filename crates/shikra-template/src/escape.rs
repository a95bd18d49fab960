//! Escaping for HTML text and quoted attributes.

/// Appends text with the eight characters that HTML could take for its own replaced:
/// ``& < > " ' ` = /``.
pub(crate) fn escape(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    // Most values are short and plain: names, words, dates.
    if bytes.len() < CHUNK && bytes.iter().fold(0, |any, b| any | CLASSES[usize::from(*b)]) == 0 {
        out.push_str(text);
        return;
    }
    escape_long(text, out);
}

#[inline(never)]
fn escape_long(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        // Most text has nothing to escape; sixteen bytes are looked at together.
        if let Some(chunk) = bytes.get(at..at + CHUNK)
            && !chunk.iter().fold(false, |any, &b| any | is_special(b))
        {
            at += CHUNK;
            continue;
        }
        let end = bytes.len().min(at + CHUNK);
        while at < end {
            let replacement = REPLACEMENTS[usize::from(CLASSES[usize::from(bytes[at])])];
            if !replacement.is_empty() {
                out.push_str(&text[copied..at]);
                out.push_str(replacement);
                copied = at + 1;
            }
            at += 1;
        }
    }
    out.push_str(&text[copied..]);
}

const fn is_special(b: u8) -> bool {
    matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'' | b'`' | b'=' | b'/')
}

const CHUNK: usize = 16;

const REPLACEMENTS: [&str; 9] =
    ["", "&amp;", "&lt;", "&gt;", "&quot;", "&#039;", "&#96;", "&#61;", "&#47;"];

/// For each byte the place of its replacement in the table above.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    classes[b'&' as usize] = 1;
    classes[b'<' as usize] = 2;
    classes[b'>' as usize] = 3;
    classes[b'"' as usize] = 4;
    classes[b'\'' as usize] = 5;
    classes[b'`' as usize] = 6;
    classes[b'=' as usize] = 7;
    classes[b'/' as usize] = 8;
    classes
};
