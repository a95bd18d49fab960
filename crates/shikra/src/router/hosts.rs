//! Which host child answers: patterns of host names, and a table of them.
//!
//! Names are compared label by label from the right, as they are delegated: at the first label where two
//! patterns differ, literal text wins over `*`; the port comes last. The table is a tree whose nodes
//! have one parent and one depth, so a search enters a node at most once.

use shikra_proto::uri::{Authority, Host};
use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host name or address, and the port, that a host child stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPattern {
    name: Name,
    port: Port,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// The labels in lower case, the right-most first.
    Labels(Vec<Label>),
    Address(IpAddr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    Any,
    Text(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// None was written.
    Default,
    Any,
    One(u16),
}

/// Why a text is no host pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostProblem {
    Empty,
    TooLong,
    EmptyLabel,
    LongLabel,
    Scheme,
    NotAscii,
    Star,
    Hyphen,
    Byte(char),
    LastLabel,
    Ipv6,
    EmptyPort,
    Port,
}

impl HostPattern {
    /// Parses a host name, IPv4 address or bracketed IPv6 address, with an optional port. `*` stands for one
    /// whole label, or for any port.
    pub(crate) fn parse(text: &str) -> Result<Self, HostProblem> {
        if text.contains("://") {
            return Err(HostProblem::Scheme);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(HostProblem::Ipv6)?;
            let address: Ipv6Addr = address.parse().map_err(|_| HostProblem::Ipv6)?;
            let port = match port.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if port.is_empty() => Port::Default,
                None => return Err(HostProblem::Ipv6),
            };
            return Ok(Self { name: Name::Address(address.into()), port });
        }
        let (name, port) = match text.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err(HostProblem::Ipv6),
            Some((name, port)) => (name, parse_port(port)?),
            None => (text, Port::Default),
        };
        Ok(Self { name: parse_name(name)?, port })
    }
}

fn parse_name(name: &str) -> Result<Name, HostProblem> {
    if name.is_empty() {
        return Err(HostProblem::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(HostProblem::TooLong);
    }
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(Name::Address(address.into()));
    }
    let labels: Vec<_> = name.rsplit('.').map(parse_label).collect::<Result<_, _>>()?;
    match labels.first() {
        Some(Label::Text(last)) if !last.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Err(HostProblem::LastLabel)
        }
        _ => Ok(Name::Labels(labels)),
    }
}

fn parse_label(label: &str) -> Result<Label, HostProblem> {
    if label == "*" {
        return Ok(Label::Any);
    }
    if label.is_empty() {
        return Err(HostProblem::EmptyLabel);
    }
    if label.len() > LABEL_BYTES_MAX {
        return Err(HostProblem::LongLabel);
    }
    match label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
        Some('*') => Err(HostProblem::Star),
        Some(c) if !c.is_ascii() => Err(HostProblem::NotAscii),
        Some(c) => Err(HostProblem::Byte(c)),
        None if label.starts_with('-') || label.ends_with('-') => Err(HostProblem::Hyphen),
        None => Ok(Label::Text(label.to_ascii_lowercase().into())),
    }
}

fn parse_port(text: &str) -> Result<Port, HostProblem> {
    match text {
        "" => Err(HostProblem::EmptyPort),
        "*" => Ok(Port::Any),
        "0" => Ok(Port::One(0)),
        _ if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(HostProblem::Port)
        }
        _ => text.parse().map(Port::One).map_err(|_| HostProblem::Port),
    }
}

impl fmt::Display for HostProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it has no name",
            Self::TooLong => "a host name has at most 254 bytes",
            Self::EmptyLabel => {
                "a host name has no empty label and no dot at its end, which requests may have"
            }
            Self::LongLabel => "a label of a host name has at most 63 bytes",
            Self::Scheme => "a host pattern is a name and a port, without a scheme",
            Self::NotAscii => "an international name is written in its ASCII form, `xn--…`",
            Self::Star => "`*` stands for a whole label",
            Self::Hyphen => "a label neither begins nor ends with a hyphen",
            Self::Byte(found) => {
                return write!(f, "`{}` has no place in a host name", found.escape_debug());
            }
            Self::LastLabel => {
                "the last label begins with a letter, unless the whole is an IPv4 address"
            }
            Self::Ipv6 => "an IPv6 address stands in brackets, with nothing but a port after it",
            Self::EmptyPort => "the port after `:` is missing",
            Self::Port => "a port is a number from 0 to 65535 without leading zeros, or `*`",
        })
    }
}

/// Host patterns with what they stand for.
#[derive(Debug)]
pub(crate) struct HostTable {
    /// The first is the root.
    nodes: Vec<Node>,
    /// By address.
    addresses: Vec<(IpAddr, Ports)>,
}

/// Some right-most labels.
#[derive(Debug, Default)]
struct Node {
    /// By label.
    labels: Vec<(Box<str>, usize)>,
    any: Option<usize>,
    ports: Ports,
}

/// What answers for one name, by port.
#[derive(Debug, Default)]
struct Ports {
    one: Vec<(u16, usize)>,
    /// For the port that the scheme of the request implies.
    scheme: Option<usize>,
    any: Option<usize>,
}

/// The scheme of a request, as far as it implies a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl HostTable {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()], addresses: Vec::new() }
    }

    /// Adds a pattern. One without a port stands for `default_port`, else for that of the scheme.
    ///
    /// # Errors
    /// The value of a pattern that answers the same requests already.
    pub(crate) fn insert(
        &mut self,
        pattern: &HostPattern,
        default_port: Option<u16>,
        value: usize,
    ) -> Result<(), usize> {
        let port = match (pattern.port, default_port) {
            (Port::Default, Some(port)) => Port::One(port),
            (port, _) => port,
        };
        let ports = match &pattern.name {
            Name::Address(address) => self.address_mut(*address),
            Name::Labels(labels) => self.node_mut(labels),
        };
        ports.insert(port, value)
    }

    /// What the most specific pattern that matches stands for.
    pub(crate) fn find(&self, authority: &Authority<'_>, scheme: Scheme) -> Option<usize> {
        let port = authority.port().unwrap_or_else(|| scheme.port());
        let address = match authority.host() {
            Host::Name("") => return None,
            // A dot at the end is the root, which every name lies under.
            Host::Name(name) => {
                let labels = name.strip_suffix('.').unwrap_or(name);
                return self.search(0, Some(labels), port, scheme);
            }
            Host::Ipv4(address) => IpAddr::from(address),
            Host::Ipv6(address) => IpAddr::from(address),
        };
        let at = self.addresses.binary_search_by_key(&address, |(known, _)| *known).ok()?;
        self.addresses.get(at)?.1.find(port, scheme)
    }

    /// Searches below a node; it goes as deep as the patterns, whatever the request.
    fn search(
        &self,
        node: usize,
        labels: Option<&str>,
        port: u16,
        scheme: Scheme,
    ) -> Option<usize> {
        let node = self.nodes.get(node)?;
        let Some(labels) = labels else { return node.ports.find(port, scheme) };
        let (rest, label) = match labels.rsplit_once('.') {
            Some((rest, label)) => (Some(rest), label),
            None => (None, labels),
        };
        let literal = node.child(label).and_then(|at| self.search(at, rest, port, scheme));
        literal.or_else(|| self.search(node.any?, rest, port, scheme))
    }

    fn address_mut(&mut self, address: IpAddr) -> &mut Ports {
        let found = self.addresses.binary_search_by_key(&address, |(known, _)| *known);
        let at = found.unwrap_or_else(|at| {
            self.addresses.insert(at, (address, Ports::default()));
            at
        });
        &mut self.addresses[at].1
    }

    fn node_mut(&mut self, labels: &[Label]) -> &mut Ports {
        let mut at = 0;
        for label in labels {
            let fresh = self.nodes.len();
            let node = &mut self.nodes[at];
            at = match label {
                Label::Any => *node.any.get_or_insert(fresh),
                Label::Text(text) => node.child_or_insert(text, fresh),
            };
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
        &mut self.nodes[at].ports
    }
}

impl Node {
    fn child(&self, label: &str) -> Option<usize> {
        let at = self.labels.binary_search_by(|(known, _)| order(known, label)).ok()?;
        self.labels.get(at).map(|(_, child)| *child)
    }

    fn child_or_insert(&mut self, label: &str, fresh: usize) -> usize {
        match self.labels.binary_search_by(|(known, _)| order(known, label)) {
            Ok(at) => self.labels[at].1,
            Err(at) => {
                self.labels.insert(at, (label.into(), fresh));
                fresh
            }
        }
    }
}

/// Compares a label in lower case with one of any case.
fn order(known: &str, label: &str) -> Ordering {
    known.bytes().cmp(label.bytes().map(|byte| byte.to_ascii_lowercase()))
}

impl Ports {
    fn insert(&mut self, port: Port, value: usize) -> Result<(), usize> {
        let one = |port| self.one.iter().find(|(known, _)| *known == port).map(|(_, first)| *first);
        let implied = [Scheme::Http, Scheme::Https].map(Scheme::port);
        // A pattern without a port stands for 80 on one listener and for 443 on another.
        let first = match port {
            Port::Any => self.any,
            Port::One(port) => one(port).or(self.scheme.filter(|_| implied.contains(&port))),
            Port::Default => self.scheme.or_else(|| implied.into_iter().find_map(one)),
        };
        if let Some(first) = first {
            return Err(first);
        }
        match port {
            Port::Any => self.any = Some(value),
            Port::One(port) => self.one.push((port, value)),
            Port::Default => self.scheme = Some(value),
        }
        Ok(())
    }

    fn find(&self, port: u16, scheme: Scheme) -> Option<usize> {
        let one = self.one.iter().find(|(known, _)| *known == port).map(|(_, value)| *value);
        one.or(self.scheme.filter(|_| port == scheme.port())).or(self.any)
    }
}

/// Longest name, without the dot of the root.
const NAME_BYTES_MAX: usize = 254;
/// RFC 1035 §2.3.4.
const LABEL_BYTES_MAX: usize = 63;
