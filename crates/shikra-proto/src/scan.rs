//! Byte classes and the loops that run over them.
//!
//! Everything that looks at each byte of a message is here; the rules about what a message means are elsewhere.

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use portable::Block;
#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::Block;

/// Each byte of a word, and each byte's top bit.
const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// A byte of a token (RFC 9110 §5.6.2).
pub(crate) const TOKEN: u8 = 1 << 0;
/// A byte of a path: `pchar`, `/` and the per cent sign of a triplet (RFC 3986 §3.3).
pub(crate) const PATH: u8 = 1 << 1;
/// A byte of a query by the grammar (RFC 3986 §3.4).
pub(crate) const QUERY: u8 = 1 << 2;
/// A byte of a query that browsers send raw although the grammar refuses it.
pub(crate) const QUERY_RAW: u8 = 1 << 3;
/// A byte of a registered name or an IPv4 address, as Shikra accepts them in `Host`.
pub(crate) const NAME: u8 = 1 << 4;
/// The per cent sign.
pub(crate) const PERCENT: u8 = 1 << 5;
/// A byte of a cookie value (RFC 6265 §4.1.1).
pub(crate) const COOKIE: u8 = 1 << 6;
/// A printable ASCII byte other than the space.
pub(crate) const VISIBLE: u8 = 1 << 7;

/// The classes of each byte.
pub(crate) static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        table[byte as usize] = class(byte);
        byte += 1;
    }
    table
}

const fn class(byte: u8) -> u8 {
    let mut class = VISIBLE;
    let alphanumeric = byte.is_ascii_alphanumeric();
    if alphanumeric || matches!(byte, b'-' | b'.' | b'_') {
        class |= NAME;
    }
    if alphanumeric || is_in(byte, b"!#$%&'*+-.^_`|~") {
        class |= TOKEN;
    }
    if alphanumeric || is_in(byte, b"-._~!$&'()*+,;=:@/%") {
        class |= PATH | QUERY;
    }
    if byte == b'?' {
        class |= QUERY;
    }
    if is_in(byte, b"[]{}|^\\`\"<>") {
        class |= QUERY_RAW;
    }
    if byte == b'%' {
        class |= PERCENT;
    }
    if !is_in(byte, b"\",;\\") {
        class |= COOKIE;
    }
    class
}

const fn is_in(byte: u8, set: &[u8]) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == byte {
            return true;
        }
        index += 1;
    }
    false
}

/// Says whether `byte` is of one of `classes`.
#[inline]
pub(crate) const fn is(byte: u8, classes: u8) -> bool {
    CLASS[byte as usize] & classes != 0
}

/// Counts the bytes at the front of `bytes` that are of one of `classes`.
#[inline]
pub(crate) fn span(bytes: &[u8], classes: u8) -> usize {
    bytes.iter().position(|&byte| !is(byte, classes)).unwrap_or(bytes.len())
}

/// Counts the bytes at the front of `bytes` that are of one of `classes`, and collects every class seen among them.
#[inline]
pub(crate) fn span_seen(bytes: &[u8], classes: u8) -> (usize, u8) {
    let mut seen = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let class = CLASS[usize::from(byte)];
        if class & classes == 0 {
            return (index, seen);
        }
        seen |= class;
    }
    (bytes.len(), seen)
}

/// Counts the bytes at the front of `bytes` that a path may have, and says whether a per cent sign is among them.
///
/// [`span_seen`] is its twin in the tests; sixteen bytes a step take a third of its instructions.
#[inline]
pub(crate) fn path_span(bytes: &[u8]) -> (usize, bool) {
    let mut at = 0;
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let others = !Block::new(block).path_bytes() & 0xffff;
        if others != 0 {
            at += others.trailing_zeros() as usize;
            break;
        }
        at += 16;
    }
    // Rare bytes, and the last few.
    match bytes.get(at) {
        Some(b' ' | b'?') | None => (at, false),
        Some(_) => {
            let (len, seen) = span_seen(bytes.get(at..).unwrap_or_default(), PATH);
            (at + len, seen & PERCENT != 0)
        }
    }
}

/// Counts the bytes at the front of `bytes` that a path without per cent signs and rare bytes has; `None` where the
/// bytes end too soon to tell.
#[inline]
pub(crate) fn plain_path_span(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        let (block, after) = rest.split_first_chunk()?;
        let others = !Block::new(block).path_bytes() & 0xffff;
        if others != 0 {
            return Some(bytes.len() - rest.len() + others.trailing_zeros() as usize);
        }
        rest = after;
    }
}

/// Says whether all of `bytes` are of a token. No bytes are.
#[inline]
pub(crate) fn all_token(bytes: &[u8]) -> bool {
    let Some(end) = bytes.last_chunk() else { return span(bytes, TOKEN) == bytes.len() };
    let (blocks, _) = bytes.as_chunks();
    // Names are words of letters and hyphens; others are looked at byte by byte.
    let are_words = |block| Block::new(block).words() == 0xffff;
    blocks.iter().all(are_words) && are_words(end) || span(bytes, TOKEN) == bytes.len()
}

/// The bytes that are not printable ASCII, a bit for each; the first byte's is the lowest.
#[inline]
pub(crate) fn stops(bytes: &[u8; 32]) -> u32 {
    match bytes.as_chunks() {
        ([first, second], _) => Block::new(first).stops() | Block::new(second).stops() << 16,
        _ => u32::MAX,
    }
}

/// Counts the bytes at the front of `bytes` that a field value may have: HTAB, SP, visible ASCII and everything above (RFC 9110 §5.5).
#[inline]
pub(crate) fn value_span(bytes: &[u8]) -> usize {
    let Some(last) = bytes.last_chunk() else { return short_value_span(bytes) };
    let mut rest = bytes;
    // Sixteen bytes a step.
    while let Some((block, after)) = rest.split_first_chunk() {
        let controls = Block::new(block).controls();
        if controls != 0 {
            return bytes.len() - rest.len() + controls.trailing_zeros() as usize;
        }
        rest = after;
    }
    // The last block overlaps the one before, in which there is no control byte.
    match Block::new(last).controls() {
        0 => bytes.len(),
        controls => bytes.len() - 16 + controls.trailing_zeros() as usize,
    }
}

/// The same for few bytes, eight a step.
///
/// Without its top bit no byte can carry into the next one, so adding 0x60 marks exactly those that are at
/// least 0x20, and adding 1 exactly the DEL.
#[inline]
fn short_value_span(bytes: &[u8]) -> usize {
    let (blocks, tail) = bytes.as_chunks::<8>();
    let mut len = 0;
    for block in blocks {
        let word = u64::from_le_bytes(*block);
        let low = word & !TOPS;
        let mut controls = (!(low + ONES * 0x60) | (low + ONES)) & !word & TOPS;
        while controls != 0 {
            let index = (controls.trailing_zeros() / 8) as usize;
            // HTAB is the one control byte that a value may have.
            if block.get(index) != Some(&b'\t') {
                return len + index;
            }
            controls &= controls - 1;
        }
        len += 8;
    }
    len + tail.iter().position(|&byte| is_control(byte)).unwrap_or(tail.len())
}

/// Up to fifteen bytes, and NUL after them; of more bytes, the first sixteen.
#[inline]
pub(crate) fn padded(bytes: &[u8]) -> [u8; 16] {
    if let Some(block) = bytes.first_chunk() {
        return *block;
    }
    let mut block = [0; 16];
    if let (Some(front), Some(back)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        // Eight bytes and the last eight overlap; what comes twice is shifted out.
        let twice = 8 * (16 - bytes.len());
        let back =
            u64::from_le_bytes(*back).unbounded_shr(u32::try_from(twice).unwrap_or_default());
        let word = u128::from(u64::from_le_bytes(*front)) | u128::from(back) << 64;
        return word.to_le_bytes();
    }
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
    block
}

/// Says whether `byte` is a control byte that no field value may have.
#[inline]
pub(crate) const fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// Removes SP and HTAB from both ends: what RFC 9110 §5.5 calls optional white space, and nothing more.
#[inline]
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The value of a hexadecimal digit.
#[inline]
pub(crate) const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Text of bytes that were checked to be ASCII; bytes that were not give the empty text.
#[inline]
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Appends `number` in decimal digits.
pub(crate) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    // The last digit fits a byte.
    let last = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or_default();
    match number {
        0..10 => out.push(last(number)),
        10..100 => out.extend_from_slice(&[last(number / 10), last(number)]),
        100..1000 => {
            out.extend_from_slice(&[last(number / 100), last(number / 10), last(number)]);
        }
        _ => push_long_decimal(out, number),
    }
}

fn push_long_decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut rest = number;
    let mut start = digits.len();
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        // The remainder of a division by ten fits a byte.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        start = index;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
