//! What proxies say of the client: `Forwarded` (RFC 7239), and the addresses of `X-Forwarded-For`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use super::content_type::unquote;
use super::is_token;
use super::list::split_unquoted;
use crate::scan;

/// One hop of a [`forwarded`] field: what a proxy knew of the request that it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded<'a> {
    /// Who sent the request to the proxy, as text; [`Node::decode`] reads it.
    pub from: Option<Cow<'a, str>>,
    /// Where the proxy received it, as text.
    pub by: Option<Cow<'a, str>>,
    /// The `Host` that the proxy received, not checked.
    pub host: Option<Cow<'a, str>>,
    /// The scheme of the request, not checked.
    pub proto: Option<Cow<'a, str>>,
}

/// Reads the hops of a `Forwarded` field, the client's first; `None` stands for one that is malformed (RFC 7239 §4).
///
/// Parameters of other names are read over. One that comes twice in a hop makes it malformed, and so does a quoted string that does not end.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::{Node, forwarded};
///
/// let mut hops = forwarded(b"for=192.0.2.60;proto=https, for=\"[2001:db8::1]:4711\"");
/// assert_eq!(hops.next().flatten().unwrap().proto.as_deref(), Some("https"));
/// let second = hops.next().flatten().unwrap();
/// let from = second.from.unwrap();
/// assert_eq!(Node::decode(&from), Some(Node::Address("2001:db8::1".parse().unwrap(), Some(4711))));
/// ```
pub fn forwarded(value: &[u8]) -> impl Iterator<Item = Option<Forwarded<'_>>> {
    split_unquoted(value, b',').map(hop)
}

fn hop(element: &[u8]) -> Option<Forwarded<'_>> {
    let mut hop = Forwarded::default();
    if element.is_empty() {
        return None;
    }
    // RFC 7239 §4: between semicolons there may be nothing.
    for pair in split_unquoted(element, b';').filter(|pair| !pair.is_empty()) {
        let equals = memchr::memchr(b'=', pair)?;
        let (name, value) = (pair.get(..equals)?, unquote(pair.get(equals + 1..)?)?);
        if !is_token(name) {
            return None;
        }
        let place = match name.to_ascii_lowercase().as_slice() {
            b"for" => &mut hop.from,
            b"by" => &mut hop.by,
            b"host" => &mut hop.host,
            b"proto" => &mut hop.proto,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    Some(hop)
}

/// Someone on the way of a request, as a proxy names him (RFC 7239 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    /// An address, and a port if it was told as a number. An IPv4 address written as IPv6 is IPv4.
    Address(IpAddr, Option<u16>),
    /// An identifier that hides the address; it begins with an underscore.
    Hidden(&'a str),
    /// The proxy does not know: `unknown`.
    Unknown,
}

impl<'a> Node<'a> {
    /// Reads a node. An IPv6 address stands in brackets.
    pub fn decode(text: &'a str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                // What `parse` takes beyond the grammar, such as a zone, has other bytes than these.
                let address: Ipv6Addr = address.parse().ok()?;
                let node = Self::Address(IpAddr::V6(address).to_canonical(), None);
                return node.with_port(port);
            }
            None => text.split_at_checked(text.find(':').unwrap_or(text.len()))?,
        };
        let node = match name.strip_prefix('_') {
            Some(hidden) if is_hidden(hidden) => Self::Hidden(name),
            Some(_) => return None,
            None if name.eq_ignore_ascii_case("unknown") => Self::Unknown,
            None => Self::Address(IpAddr::V4(name.parse().ok()?), None),
        };
        node.with_port(port)
    }

    /// Reads a node of `X-Forwarded-For` and its like, which nobody has specified: also an IPv6 address without brackets.
    ///
    /// # Examples
    ///
    /// ```
    /// use shikra_proto::header::Node;
    ///
    /// let address = "2001:db8::1".parse().unwrap();
    /// assert_eq!(Node::decode_loose("2001:db8::1"), Some(Node::Address(address, None)));
    /// assert_eq!(Node::decode("2001:db8::1"), None);
    /// ```
    pub fn decode_loose(text: &'a str) -> Option<Self> {
        match text.parse::<Ipv6Addr>() {
            Ok(address) => Some(Self::Address(IpAddr::V6(address).to_canonical(), None)),
            Err(_) => Self::decode(text),
        }
    }

    /// Adds a port: nothing, or a colon and a number or a hidden name.
    fn with_port(self, text: &str) -> Option<Self> {
        let Some(port) = text.strip_prefix(':') else { return text.is_empty().then_some(self) };
        if let Some(hidden) = port.strip_prefix('_') {
            return is_hidden(hidden).then_some(self);
        }
        let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
        let port: u16 = if is_number { port.parse().ok()? } else { return None };
        Some(match self {
            Self::Address(address, _) => Self::Address(address, Some(port)),
            node => node,
        })
    }
}

/// What follows the underscore of a hidden name (RFC 7239 §6.3).
fn is_hidden(text: &str) -> bool {
    !text.is_empty() && scan::span(text.as_bytes(), scan::NAME) == text.len()
}
