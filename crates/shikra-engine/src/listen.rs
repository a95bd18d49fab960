//! Where a server listens: addresses as programs and their settings write them, and the sockets
//! that are opened on them.

use crate::config::Config;
pub use crate::rt::net::PortSharing;
use crate::rt::net::{self, Listening};
use crate::rt::unix;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place to listen on, with how to do it.
///
/// Texts are `"127.0.0.1:3000"`, `"[::]:3000"` (which takes IPv4 too), `"localhost:3000"`, a port alone
/// (`"3000"`, on all IPv4 addresses), or `"unix:/run/app.sock"`. Port 0 lets the system choose. A text
/// that is none of these is a mistake that shows when the server starts.
///
/// ```
/// use shikra_engine::listen::Listener;
///
/// let public = Listener::new("0.0.0.0:443").shared_port();
/// let local = Listener::unix("/run/app.sock").unix_mode(0o660);
/// assert!(Listener::new("127.0.0.1:65536").problem().is_some());
/// ```
#[derive(Debug)]
pub struct Listener {
    place: Place,
    sharing: PortSharing,
    unix_mode: Option<u32>,
    proxies: Option<Vec<Network>>,
    problem: Option<String>,
}

#[derive(Debug)]
enum Place {
    Tcp(Vec<SocketAddr>),
    Named(String, u16),
    Unix(PathBuf),
    OpenTcp(TcpListener),
    OpenUnix(UnixListener),
}

impl Listener {
    /// A place written as text.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        match place(text) {
            Ok(place) => Self::at(place),
            Err(why) => {
                let problem = format!("cannot listen on `{}`: {why}", text.escape_debug());
                Self { problem: Some(problem), ..Self::at(Place::Tcp(Vec::new())) }
            }
        }
    }

    /// A Unix socket, whose file the server makes and removes. One that a dead process left is replaced.
    #[must_use]
    pub fn unix(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        if path.as_os_str().is_empty() {
            return Self::new("unix:");
        }
        Self::at(Place::Unix(path))
    }

    fn at(place: Place) -> Self {
        let sharing = PortSharing::Exclusive;
        Self { place, sharing, unix_mode: None, proxies: None, problem: None }
    }

    /// Listens on a Unix socket in place of this address, with a warning: for settings that may name
    /// both.
    #[must_use]
    pub fn prefer_unix(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let dropped = self.to_string();
        tracing::warn!(path = %path.display(), %dropped, "the Unix socket is preferred");
        eprintln!("shikra: listening on unix:{} in place of {dropped}", path.display());
        let problem = self.problem.clone();
        let unix = Self::unix(path);
        Self { place: unix.place, problem: problem.or(unix.problem), ..self }
    }

    /// Lets other listeners, of this process or others, have the same address; the system spreads the
    /// connections over all that say so (`SO_REUSEPORT`). Without it a second one is refused.
    #[must_use]
    pub fn shared_port(mut self) -> Self {
        self.sharing = PortSharing::Shared;
        self
    }

    /// Gives the file of a Unix socket these permissions, such as `0o660`; by default the process's mask
    /// decides.
    #[must_use]
    pub fn unix_mode(mut self, mode: u32) -> Self {
        self.unix_mode = Some(mode);
        self
    }

    /// Takes the client's address from what a proxy says before the first byte: the PROXY protocol,
    /// versions 1 and 2. Off by default.
    ///
    /// Only proxies in the networks `trusted` (`"10.0.0.0/8"`, `"127.0.0.1"`, `"::1"`) are let in, and
    /// those only with a preamble that is valid, at most 4,096 bytes long and whole within the head
    /// timeout; all others are closed without a word. On a Unix socket the file's permissions decide who
    /// may connect, and the list may be empty.
    #[must_use]
    pub fn proxy_protocol<I>(mut self, trusted: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut networks = Vec::new();
        for text in trusted {
            match Network::decode(text.as_ref()) {
                Some(network) => networks.push(network),
                None => {
                    let text = text.as_ref().escape_debug();
                    let problem = format!("`{text}` is no address or network of proxies");
                    self.problem.get_or_insert(problem);
                }
            }
        }
        let is_unix = matches!(self.place, Place::Unix(_) | Place::OpenUnix(_));
        if networks.is_empty() && !is_unix {
            let problem = "the PROXY protocol over TCP needs the networks of its proxies";
            self.problem.get_or_insert(problem.to_owned());
        }
        self.proxies = Some(networks);
        self
    }

    /// What is wrong with it, if that shows without opening it.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Opens the sockets: one, or one for each address of a name.
    ///
    /// # Errors
    /// The system's, with the address.
    pub(crate) fn open(self, config: &Config) -> io::Result<Vec<Opened>> {
        let place = self.to_string();
        let Self { place: at, sharing, unix_mode, proxies, problem } = self;
        if let Some(problem) = problem {
            return Err(io::Error::new(ErrorKind::InvalidInput, problem));
        }
        let opened = match at {
            Place::Tcp(addrs) => open_all(&addrs, config, sharing),
            Place::Named(host, port) => (host.as_str(), port)
                .to_socket_addrs()
                .and_then(|addrs| open_all(&addrs.collect::<Vec<_>>(), config, sharing)),
            Place::Unix(path) => unix::listen(&path, config.backlog, unix_mode)
                .map(|listening| vec![(listening, ListenAddr::Unix(path))]),
            Place::OpenTcp(listener) => {
                let addr = listener.local_addr();
                addr.and_then(|addr| Ok(vec![(net::adopt(listener)?, ListenAddr::Tcp(addr))]))
            }
            Place::OpenUnix(listener) => {
                let path = listener.local_addr().ok().and_then(|a| a.as_pathname().map(Into::into));
                let addr = ListenAddr::Unix(path.unwrap_or_default());
                net::adopt_unix(listener).map(|listening| vec![(listening, addr)])
            }
        };
        let opened = opened.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {place}: {error}"))
        })?;
        let proxies = proxies.map(|networks| Arc::new(Proxies { networks }));
        let opened = opened.into_iter().map(|(listening, addr)| Opened {
            listening,
            addr,
            proxies: proxies.clone(),
        });
        Ok(opened.collect())
    }
}

/// Opens a socket on each address. Where the first gets a port from the system, the others take the
/// same; an address that the machine does not have is passed over if another works.
fn open_all(
    addrs: &[SocketAddr],
    config: &Config,
    sharing: PortSharing,
) -> io::Result<Vec<(Listening, ListenAddr)>> {
    let mut opened: Vec<(Listening, ListenAddr)> = Vec::new();
    let (mut missing, mut chosen) = (None, 0);
    for &(mut addr) in addrs {
        if addr.port() == 0 {
            addr.set_port(chosen);
        }
        match net::listen(addr, config.backlog, sharing) {
            Ok(listening) => {
                let addr = listening.local_addr()?.unwrap_or(addr);
                chosen = addr.port();
                opened.push((listening, ListenAddr::Tcp(addr)));
            }
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable && addrs.len() > 1 => {
                missing = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    if opened.is_empty() {
        let none = || io::Error::new(ErrorKind::InvalidInput, "no address to listen on");
        return Err(missing.unwrap_or_else(none));
    }
    Ok(opened)
}

/// Reads what [`Listener`] documents.
fn place(text: &str) -> Result<Place, &'static str> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match path {
            "" => Err("the path is empty"),
            path if path.contains('\0') => Err("the path has a NUL"),
            path => Ok(Place::Unix(path.into())),
        };
    }
    let (host, port) = match text.rsplit_once(':') {
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => ("0.0.0.0", text),
        None => return Err("it has no port; `3000`, `127.0.0.1:3000` and `unix:/path` are places"),
        Some(parts) => parts,
    };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_number);
    let port = port.ok_or("the port is not a number from 0 to 65535")?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) => match bare.parse() {
            Ok(ip) => Ok(Place::Tcp(vec![SocketAddr::new(IpAddr::V6(ip), port)])),
            Err(_) => Err("no IPv6 address is in the brackets"),
        },
        None if host.is_empty() => Err("the host is empty; `0.0.0.0` is every IPv4 address"),
        None if host.contains([':', '/', ' ', '\0']) => Err("the host is malformed"),
        None => Ok(match host.parse::<Ipv4Addr>() {
            Ok(ip) => Place::Tcp(vec![SocketAddr::new(ip.into(), port)]),
            Err(_) => Place::Named(host.to_owned(), port),
        }),
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp(addrs) => {
                let texts: Vec<_> = addrs.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(" and "))
            }
            Place::Named(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
            Place::OpenTcp(_) => f.write_str("the TCP listener that was given"),
            Place::OpenUnix(_) => f.write_str("the Unix listener that was given"),
        }
    }
}

/// An address that a server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenAddr {
    /// Of the network, with the port that the system chose if it was left to it.
    Tcp(SocketAddr),
    /// The path of a Unix socket; empty if it has none.
    Unix(PathBuf),
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "http://{addr}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listening socket with all that its connections need to know.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) listening: Listening,
    pub(crate) addr: ListenAddr,
    pub(crate) proxies: Option<Arc<Proxies>>,
}

/// Whose preambles a listener believes.
#[derive(Debug)]
pub(crate) struct Proxies {
    networks: Vec<Network>,
}

impl Proxies {
    /// Whether a proxy at this address is one of ours. Over a Unix socket it has none, and has passed
    /// the permissions of the file.
    pub(crate) fn trust(&self, peer: Option<SocketAddr>) -> bool {
        let has = |peer: SocketAddr| self.networks.iter().any(|network| network.has(peer.ip()));
        peer.is_none_or(has)
    }
}

/// An address, or all that share its first bits.
#[derive(Clone, Copy, Debug)]
struct Network {
    ip: IpAddr,
    bits: u32,
}

impl Network {
    fn decode(text: &str) -> Option<Self> {
        let (ip, bits) = match text.split_once('/') {
            Some((ip, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => (ip, Some(bits)),
            Some(_) => return None,
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().ok()?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Self { ip, bits })
    }

    fn has(&self, ip: IpAddr) -> bool {
        match (self.ip, ip.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                (own.to_bits() ^ ip.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                (own.to_bits() ^ ip.to_bits()).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

/// What a server can listen on: a text, a port, an address, a listener that the program opened, a
/// [`Listener`] with settings, or several of one kind.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no place to listen on",
    label = "not a place to listen on",
    note = "places are `\"127.0.0.1:3000\"`, a port as `u16`, `\"unix:/run/app.sock\"`, a `SocketAddr`, an open `TcpListener` or `UnixListener`, a `Listener`, or an array of these"
)]
pub trait Listen {
    /// The places.
    fn into_listeners(self) -> Vec<Listener>;
}

impl Listen for Listener {
    fn into_listeners(self) -> Vec<Listener> {
        vec![self]
    }
}

impl Listen for &str {
    fn into_listeners(self) -> Vec<Listener> {
        vec![Listener::new(self)]
    }
}

impl Listen for String {
    fn into_listeners(self) -> Vec<Listener> {
        vec![Listener::new(self)]
    }
}

impl Listen for &String {
    fn into_listeners(self) -> Vec<Listener> {
        vec![Listener::new(self)]
    }
}

impl Listen for u16 {
    /// All IPv4 addresses at this port.
    fn into_listeners(self) -> Vec<Listener> {
        SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), self).into_listeners()
    }
}

impl Listen for SocketAddr {
    fn into_listeners(self) -> Vec<Listener> {
        vec![Listener::at(Place::Tcp(vec![self]))]
    }
}

impl Listen for (IpAddr, u16) {
    fn into_listeners(self) -> Vec<Listener> {
        SocketAddr::from(self).into_listeners()
    }
}

impl Listen for (&str, u16) {
    fn into_listeners(self) -> Vec<Listener> {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => (ip, self.1).into_listeners(),
            Err(_) => vec![Listener::new(format!("{}:{}", self.0, self.1))],
        }
    }
}

impl Listen for TcpListener {
    fn into_listeners(self) -> Vec<Listener> {
        vec![Listener::at(Place::OpenTcp(self))]
    }
}

impl Listen for UnixListener {
    fn into_listeners(self) -> Vec<Listener> {
        vec![Listener::at(Place::OpenUnix(self))]
    }
}

impl<L: Listen, const N: usize> Listen for [L; N] {
    fn into_listeners(self) -> Vec<Listener> {
        self.into_iter().flat_map(L::into_listeners).collect()
    }
}

impl<L: Listen> Listen for Vec<L> {
    fn into_listeners(self) -> Vec<Listener> {
        self.into_iter().flat_map(L::into_listeners).collect()
    }
}
