use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::scan::{self, Block};

/// A host and an optional port, as in `Host` and in an absolute target (RFC 9110 §4.2 and §7.2).
///
/// A name has letters, digits, hyphens, underscores and dots; it has no empty label but for one dot at its end; its last label is not all digits and hyphens, unless the whole is an IPv4 address.
/// User information is refused.
///
/// # Examples
///
/// ```
/// use shikra_proto::uri::{Authority, Host};
///
/// # fn main() -> Result<(), shikra_proto::uri::AuthorityError> {
/// let authority = Authority::decode("example.com:8080")?;
/// assert_eq!(authority.host(), Host::Name("example.com"));
/// assert_eq!(authority.port(), Some(8080));
/// assert!(Authority::decode("user@example.com").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    host: Host<'a>,
    port: Option<u16>,
}

/// The host of an [`Authority`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name, as it was sent; it is empty in an empty `Host`.
    Name(&'a str),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address, which stands in brackets.
    Ipv6(Ipv6Addr),
}

/// Says that a text is not a host with an optional port. It is the peer's fault, and the answer is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorityError(());

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed host or port")
    }
}

impl Error for AuthorityError {}

impl<'a> Authority<'a> {
    /// Reads host and port. An empty text is an empty host without a port.
    ///
    /// # Errors
    ///
    /// Whatever is not of the grammar above is refused, not repaired.
    pub fn decode(text: &'a str) -> Result<Self, AuthorityError> {
        let refused = AuthorityError(());
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(refused)?;
            let host = Host::Ipv6(address.parse().map_err(|_| refused)?);
            return Ok(Self { host, port: port_after(port)? });
        }
        let name_len = text.find(':').unwrap_or(text.len());
        let (name, port) = text.split_at_checked(name_len).ok_or(refused)?;
        let host = host(name)?;
        if name.is_empty() && !port.is_empty() {
            return Err(refused);
        }
        Ok(Self { host, port: port_after(port)? })
    }

    /// Says whether `decode` would accept the bytes, in one pass over them unless they hold an IPv6 address.
    ///
    /// `decode` is its oracle in the tests. It saves about 40 ns a request (`decode_speed`, plain).
    #[inline]
    pub(crate) fn is_valid(bytes: &[u8]) -> bool {
        is_plain(bytes) || Self::is_valid_at_all(bytes)
    }

    #[inline(never)]
    fn is_valid_at_all(bytes: &[u8]) -> bool {
        if bytes.first() == Some(&b'[') {
            return std::str::from_utf8(bytes).is_ok_and(|text| Authority::decode(text).is_ok());
        }
        let mut labels = Labels::default();
        for (index, &byte) in bytes.iter().enumerate() {
            match byte {
                b':' => {
                    let port = scan::ascii(bytes.get(index..).unwrap_or_default());
                    return index > 0 && labels.end(index) && port_after(port).is_ok();
                }
                b'.' if !labels.next() => return false,
                b'.' => {}
                _ if !scan::is(byte, scan::NAME) => return false,
                _ => labels.push(byte),
            }
        }
        labels.end(bytes.len())
    }

    /// Gives the host.
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// Gives the port, if there is one. A colon with nothing after it is no port.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl Host<'_> {
    /// Says whether the host is the empty name.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Name(""))
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ipv4(address) => address.fmt(f),
            Self::Ipv6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Whether this is a name that ends in a letter, with or without a port: what nearly every client sends. False
/// says nothing.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    // The start is like a dot: no other may follow it.
    let (mut start, mut after_dot) = (0, 1);
    let len = loop {
        // The last block overlaps the one before, so that it is a whole one.
        let block = match bytes.get(start..).and_then(|rest| rest.first_chunk()) {
            Some(block) => Block::new(block),
            None if bytes.len() == start => break start,
            None => match bytes.last_chunk() {
                Some(block) => {
                    (start, after_dot) = (bytes.len() - 16, 0);
                    Block::new(block)
                }
                None => Block::new(&scan::padded(bytes)),
            },
        };
        let others = !block.host_bytes() & 0xffff;
        let name = others.wrapping_sub(1) & !others & 0xffff;
        let dots = block.equal(b'.') & name;
        if dots & (dots << 1 | after_dot) != 0 {
            return false;
        }
        if others != 0 {
            break start + others.trailing_zeros() as usize;
        }
        (start, after_dot) = (start + 16, dots >> 15);
    };
    // A last label with a letter at its end is a word, so the name is no address.
    let port = bytes.get(len..).unwrap_or_default();
    let last = len.checked_sub(1).and_then(|last| bytes.get(last));
    last.is_some_and(u8::is_ascii_alphabetic)
        && len < NAME_BYTES_MAX
        && (port.is_empty() || is_plain_port(port))
}

/// Whether this is a colon and at most four digits.
#[inline]
fn is_plain_port(bytes: &[u8]) -> bool {
    match bytes {
        [b':', digits @ ..] => digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// What is known of the labels of a name after some of its bytes.
#[derive(Default)]
struct Labels {
    /// How many labels have ended.
    count: u8,
    /// Whether all of them were numbers of an IPv4 address.
    is_other: bool,
    label: Label,
    last: Label,
}

/// What is known of one label.
#[derive(Clone, Copy, Default)]
struct Label {
    len: usize,
    number: u32,
    /// A byte that is neither a digit nor a hyphen was seen.
    is_word: bool,
    has_hyphen: bool,
}

impl Labels {
    #[inline]
    fn push(&mut self, byte: u8) {
        let label = &mut self.label;
        label.len += 1;
        if byte.is_ascii_digit() {
            label.number = label.number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
        } else if byte == b'-' {
            label.has_hyphen = true;
        } else {
            label.is_word = true;
        }
    }

    /// Ends a label; false if it is empty.
    #[inline]
    fn next(&mut self) -> bool {
        self.is_other |= !self.label.is_octet();
        self.count = self.count.saturating_add(1);
        self.last = std::mem::take(&mut self.label);
        self.last.len > 0
    }

    /// Ends the name, of which there are `len` bytes.
    #[inline]
    fn end(&mut self, len: usize) -> bool {
        if len == 0 {
            return true;
        }
        let has_root = self.label.len == 0;
        if !has_root {
            self.next();
        }
        let is_address = !has_root && self.count == 4 && !self.is_other;
        len - usize::from(has_root) <= NAME_BYTES_MAX && (self.last.is_word || is_address)
    }
}

impl Label {
    #[inline]
    fn is_octet(self) -> bool {
        let digits = match self.number {
            0..10 => 1,
            10..100 => 2,
            100..256 => 3,
            _ => return false,
        };
        // A leading zero may mean octal, so an address has none.
        digits == self.len && !self.is_word && !self.has_hyphen
    }
}

fn host(name: &str) -> Result<Host<'_>, AuthorityError> {
    let refused = AuthorityError(());
    let labels = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Ok(Host::Name(name));
    }
    if labels.len() > NAME_BYTES_MAX || scan::span(name.as_bytes(), scan::NAME) != name.len() {
        return Err(refused);
    }
    if labels.split('.').any(str::is_empty) {
        return Err(refused);
    }
    let last = labels.rsplit('.').next().unwrap_or_default();
    if !last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Ok(Host::Name(name));
    }
    // What looks like an address must be one, or two readers may see two hosts. An address has no dot at its end.
    name.parse().map(Host::Ipv4).map_err(|_| refused)
}

/// RFC 3986 §3.2.3, with the range of RFC 9110 §4.2: at most five digits, at most 65535.
fn port_after(text: &str) -> Result<Option<u16>, AuthorityError> {
    let digits = match text.strip_prefix(':') {
        Some("") => return Ok(None),
        Some(digits) => digits,
        None if text.is_empty() => return Ok(None),
        None => return Err(AuthorityError(())),
    };
    if digits.len() > 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AuthorityError(()));
    }
    digits.parse().map(Some).map_err(|_| AuthorityError(()))
}

/// Longest name, without the dot of the root.
const NAME_BYTES_MAX: usize = 254;

#[cfg(test)]
mod tests;
