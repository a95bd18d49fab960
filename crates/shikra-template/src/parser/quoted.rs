//! Text in quotes, with its backslash escapes.

use crate::span::{Mistake, narrow};
use crate::text::Text;

/// Takes the quotes off and resolves `\n \t \r \b \f \v \0 \\ \' \" \xHH \uHHHH \u{H…}`.
///
/// As in JavaScript, a backslash before any other character vanishes.
pub(crate) fn unquote(quoted: &str, start: u32) -> Result<Text, Mistake> {
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains('\\') {
        return Ok(Text::from(inner));
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let place = start + 1 + narrow(inner.len() - rest.len() + at);
        let mistake = || Mistake::new(place, "this escape names no character");
        let c = rest[at + 1..].chars().next().ok_or_else(mistake)?;
        rest = &rest[at + 1 + c.len_utf8()..];
        let plain = match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '0' => '\0',
            'x' => {
                let code = hex(rest, 2).ok_or_else(mistake)?;
                rest = &rest[2..];
                char::from_u32(code).ok_or_else(mistake)?
            }
            'u' => {
                let (c, len) = unicode(rest).ok_or_else(mistake)?;
                rest = &rest[len..];
                c
            }
            other => other,
        };
        text.push(plain);
    }
    text.push_str(rest);
    Ok(Text::from(text))
}

/// Reads what follows `\u`, and says how long it is.
fn unicode(rest: &str) -> Option<(char, usize)> {
    if let Some(braced) = rest.strip_prefix('{') {
        let len = braced.find('}').filter(|len| (1..=6).contains(len))?;
        return Some((char::from_u32(hex(braced, len)?)?, len + 2));
    }
    let high = hex(rest, 4)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 4));
    }
    // Two halves of a surrogate pair name one character.
    let low = hex(rest[4..].strip_prefix("\\u")?, 4)?;
    let mut pair = char::decode_utf16([u16::try_from(high).ok()?, u16::try_from(low).ok()?]);
    Some((pair.next()?.ok()?, 10))
}

fn hex(text: &str, len: usize) -> Option<u32> {
    let digits = text.get(..len)?;
    let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    all_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
