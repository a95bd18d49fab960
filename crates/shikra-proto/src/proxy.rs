//! What a proxy says of its client before the client's first byte: the PROXY protocol, versions 1
//! and 2, as HAProxy's specification (2.4 and later) has it.
//!
//! [`decode`] looks at what has come so far. Until the preamble is whole it says how many bytes
//! certainly still belong to it, so that a reader takes none of what follows.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// What has become of a preamble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyStatus {
    /// At least this many more bytes belong to it; never 0.
    Partial {
        /// How many.
        need: usize,
    },
    /// It is whole.
    Complete {
        /// How many bytes at the front of the buffer it took.
        len: usize,
        /// Whose connection this is.
        origin: ProxyOrigin,
    },
}

/// Whose connection a proxy passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyOrigin {
    /// The proxy's own, as for a health check: its own addresses hold.
    Own,
    /// A client whose address the proxy does not know, or that has none.
    Unknown,
    /// A client's.
    Client {
        /// Where the client is.
        source: SocketAddr,
        /// What the client connected to.
        destination: SocketAddr,
    },
}

/// Why a preamble was refused. After every one of these the connection must be closed without a
/// reply: who would get it is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// The first bytes are of neither version.
    Signature,
    /// The version or command of a binary preamble is unknown.
    Command,
    /// The family or protocol is unknown, or not that of a stream.
    Family,
    /// A binary preamble is too short for its addresses.
    Length,
    /// The preamble is longer than [`PROXY_BYTES_MAX`], or a line longer than 107 bytes.
    TooLong,
    /// A line is not of the form that version 1 prescribes.
    Line,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "no PROXY preamble",
            Self::Command => "unknown version or command in a PROXY preamble",
            Self::Family => "unknown family or protocol in a PROXY preamble",
            Self::Length => "a PROXY preamble too short for its addresses",
            Self::TooLong => "a PROXY preamble too long",
            Self::Line => "a malformed PROXY line",
        })
    }
}

impl Error for ProxyError {}

/// The longest preamble, with its extensions, which are read over.
pub const PROXY_BYTES_MAX: usize = 4096;

/// Decodes the preamble at the front of `buf`.
///
/// # Examples
///
/// ```
/// use shikra_proto::proxy::{ProxyOrigin, ProxyStatus, decode};
///
/// # fn main() -> Result<(), shikra_proto::proxy::ProxyError> {
/// let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / ";
/// let ProxyStatus::Complete { len, origin } = decode(line)? else { return Ok(()) };
/// assert_eq!(&line[len..], b"GET / ");
/// assert!(matches!(origin, ProxyOrigin::Client { source, .. } if source.port() == 56324));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The first thing that is wrong, as early as it can be known.
pub fn decode(buf: &[u8]) -> Result<ProxyStatus, ProxyError> {
    if buf.is_empty() {
        return Ok(ProxyStatus::Partial { need: LINE_BYTES_MIN });
    }
    let common = |signature: &[u8]| buf.iter().zip(signature).all(|(byte, wanted)| byte == wanted);
    if common(SIGNATURE) {
        binary(buf)
    } else if common(LINE_START) {
        line(buf)
    } else {
        Err(ProxyError::Signature)
    }
}

/// Section 2.2: signature, version and command, family and protocol, length, addresses, extensions.
fn binary(buf: &[u8]) -> Result<ProxyStatus, ProxyError> {
    let is_own = match buf.get(12) {
        None | Some(0x21) => false,
        Some(0x20) => true,
        Some(_) => return Err(ProxyError::Command),
    };
    // The length of the two addresses and ports.
    let addresses_len = match buf.get(13) {
        // What a LOCAL preamble says of addresses is read over.
        _ if is_own => 0,
        None | Some(0x00) => 0,
        Some(0x11) => 12,
        Some(0x21) => 36,
        Some(0x31) => 216,
        Some(_) => return Err(ProxyError::Family),
    };
    let (Some(&high), Some(&low)) = (buf.get(14), buf.get(15)) else {
        return Ok(ProxyStatus::Partial { need: BINARY_HEAD_LEN - buf.len() });
    };
    let rest_len = usize::from(u16::from_be_bytes([high, low]));
    if rest_len < addresses_len {
        return Err(ProxyError::Length);
    }
    let len = BINARY_HEAD_LEN + rest_len;
    if len > PROXY_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    if buf.len() < len {
        return Ok(ProxyStatus::Partial { need: len - buf.len() });
    }
    let addresses = buf.get(BINARY_HEAD_LEN..).unwrap_or_default();
    let origin = match addresses_len {
        _ if is_own => ProxyOrigin::Own,
        12 => client(addresses, |bytes: [u8; 4]| Ipv4Addr::from(bytes).into())?,
        36 => client(addresses, |bytes: [u8; 16]| Ipv6Addr::from(bytes).into())?,
        _ => ProxyOrigin::Unknown,
    };
    Ok(ProxyStatus::Complete { len, origin })
}

/// Two addresses of `N` bytes, then two ports.
fn client<const N: usize>(
    bytes: &[u8],
    ip: impl Fn([u8; N]) -> IpAddr,
) -> Result<ProxyOrigin, ProxyError> {
    let (source, rest) = bytes.split_first_chunk::<N>().ok_or(ProxyError::Length)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(ProxyError::Length)?;
    let (source_port, rest) = rest.split_first_chunk::<2>().ok_or(ProxyError::Length)?;
    let (destination_port, _) = rest.split_first_chunk::<2>().ok_or(ProxyError::Length)?;
    Ok(ProxyOrigin::Client {
        source: SocketAddr::new(ip(*source), u16::from_be_bytes(*source_port)),
        destination: SocketAddr::new(ip(*destination), u16::from_be_bytes(*destination_port)),
    })
}

/// Section 2.1: one line of at most 107 bytes.
fn line(buf: &[u8]) -> Result<ProxyStatus, ProxyError> {
    let scope = buf.get(..LINE_BYTES_MAX).unwrap_or(buf);
    let Some(end) = scope.iter().position(|&byte| byte == b'\r' || byte == b'\n') else {
        if scope.len() > LINE_BYTES_MAX - LINE_END_LEN {
            return Err(ProxyError::TooLong);
        }
        return Ok(partial_line(scope.len(), LINE_END_LEN));
    };
    match (scope.get(end), scope.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => {}
        (Some(b'\r'), None) if end + LINE_END_LEN <= LINE_BYTES_MAX => {
            return Ok(partial_line(scope.len(), 1));
        }
        _ => return Err(ProxyError::Line),
    }
    let text = scope.get(..end).and_then(|line| std::str::from_utf8(line).ok());
    let origin = text.and_then(line_origin).ok_or(ProxyError::Line)?;
    Ok(ProxyStatus::Complete { len: end + LINE_END_LEN, origin })
}

fn partial_line(len: usize, need: usize) -> ProxyStatus {
    // A line that ends sooner than the shortest one could is refused when it does.
    ProxyStatus::Partial { need: need.max(LINE_BYTES_MIN.saturating_sub(len)) }
}

fn line_origin(text: &str) -> Option<ProxyOrigin> {
    let words = text.strip_prefix("PROXY ")?;
    // What follows UNKNOWN is read over.
    if words == "UNKNOWN" || words.starts_with("UNKNOWN ") {
        return Some(ProxyOrigin::Unknown);
    }
    let mut words = words.split(' ');
    let (family, source, destination) = (words.next()?, words.next()?, words.next()?);
    let (source, destination) = match family {
        "TCP4" => (ip::<Ipv4Addr>(source)?, ip::<Ipv4Addr>(destination)?),
        "TCP6" => (ip::<Ipv6Addr>(source)?, ip::<Ipv6Addr>(destination)?),
        _ => return None,
    };
    let source = SocketAddr::new(source, port(words.next()?)?);
    let destination = SocketAddr::new(destination, port(words.next()?)?);
    words.next().is_none().then_some(ProxyOrigin::Client { source, destination })
}

fn ip<A: FromStr + Into<IpAddr>>(text: &str) -> Option<IpAddr> {
    text.parse::<A>().ok().map(Into::into)
}

/// Decimal digits alone, no leading zero.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain && is_short)
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const BINARY_HEAD_LEN: usize = 16;
const LINE_START: &[u8] = b"PROXY ";
/// `PROXY UNKNOWN` and the line end; a binary preamble has one byte more.
const LINE_BYTES_MIN: usize = 15;
const LINE_BYTES_MAX: usize = 107;
const LINE_END_LEN: usize = 2;
