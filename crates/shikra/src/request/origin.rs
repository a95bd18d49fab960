//! Who sent a request, and how: the peer of the connection, or what proxies say that are trusted.

use super::{Request, RequestExtra};
use shikra_engine::service::Client;
use shikra_proto::header::{Node, forwarded};
use shikra_proto::http1::RequestHead;
use shikra_proto::uri::{Authority, Network};
use std::net::IpAddr;

/// The proxies whose word is taken for the client's address, host and scheme, and the header fields in
/// which they give it. For [`App::trust_proxy`](crate::App::trust_proxy).
///
/// Networks are addresses (`10.1.2.3`), ranges in CIDR form (`10.0.0.0/8`), or names: `loopback`,
/// `link-local`, `private` (RFC 1918, RFC 4193), and `unix` for peers without an address, as on a Unix
/// socket. Only the fields of one kind are read, since a proxy that sets one kind may pass the others on
/// as the client sent them.
///
/// Lists are read from the right: as long as an address is a trusted proxy's, the one before it is
/// believed. The first that is not is the client's. What is malformed, hidden or `unknown` ends the walk,
/// and the last address that was understood counts; at most 32 hops are read.
///
/// ```
/// use shikra::{App, TrustedProxies, testing::TestClient};
///
/// let mut app = App::new();
/// app.trust_proxy(TrustedProxies::x_forwarded(["unix", "10.0.0.0/8"]));
/// app.get("/", async |req| req.client_ip().map(|ip| format!("{} by {ip}", req.scheme())));
/// let client = TestClient::new(app);
/// let request = client.get("/").header("x-forwarded-for", "6.6.6.6, 198.51.100.2, 10.0.0.7");
/// let reply = request.header("x-forwarded-proto", "https").send();
/// assert_eq!(reply.text(), "https by 198.51.100.2");
/// ```
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    /// Peers without an address.
    trusts_unix: bool,
    fields: Fields,
    /// What is no network, and why.
    pub(crate) problems: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Fields {
    XForwarded,
    Forwarded,
    XRealIp,
    CfConnectingIp,
}

impl TrustedProxies {
    /// Proxies that set `x-forwarded-for`, `x-forwarded-proto` and `x-forwarded-host`. Each of them must
    /// set or remove all three, or clients can.
    #[must_use]
    pub fn x_forwarded<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Self {
        Self::new(networks, Fields::XForwarded)
    }

    /// Proxies that set `forwarded` (RFC 7239).
    #[must_use]
    pub fn forwarded<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Self {
        Self::new(networks, Fields::Forwarded)
    }

    /// Proxies that set `x-real-ip` to the client's address. Host and scheme stay those of the connection.
    #[must_use]
    pub fn x_real_ip<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Self {
        Self::new(networks, Fields::XRealIp)
    }

    /// Proxies that set `cf-connecting-ip` to the client's address, and `x-forwarded-proto`, as Cloudflare
    /// does. The host stays that of the connection.
    #[must_use]
    pub fn cf_connecting_ip<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Self {
        Self::new(networks, Fields::CfConnectingIp)
    }

    fn new<N: AsRef<str>>(networks: impl IntoIterator<Item = N>, fields: Fields) -> Self {
        let mut new =
            Self { networks: Vec::new(), trusts_unix: false, fields, problems: Vec::new() };
        for text in networks {
            new.add(text.as_ref());
        }
        new
    }

    fn add(&mut self, text: &str) {
        if text == "unix" {
            self.trusts_unix = true;
        } else if let Some(preset) = Network::preset(text) {
            self.networks.extend_from_slice(preset);
        } else {
            match Network::decode(text) {
                Ok(network) => self.networks.push(network),
                Err(error) => {
                    let text = text.escape_debug();
                    self.problems.push(format!("the proxy network `{text}`: {error}"));
                }
            }
        }
    }

    pub(crate) fn trusts(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            Some(ip) => self.networks.iter().any(|network| network.contains(ip)),
            None => self.trusts_unix,
        }
    }
}

/// What proxies say of a request, as far as they are trusted.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    /// The client's address, then those of the proxies, the peer's last.
    ips: Vec<IpAddr>,
    pub(crate) is_secure: Option<bool>,
    pub(crate) authority: Option<Box<str>>,
}

impl RequestExtra {
    /// Finds it when somebody asks, and keeps it for the next.
    pub(crate) fn origin(
        &self,
        head: &RequestHead,
        client: &Client,
        proxies: &TrustedProxies,
    ) -> &Origin {
        self.rare().origin.get_or_init(|| Origin::find(head, peer_ip(client), proxies))
    }
}

impl Request {
    /// What trusted proxies say; `None` where none are trusted.
    pub(super) fn origin(&self) -> Option<&Origin> {
        let proxies = self.extra().context.as_deref()?.proxies()?;
        Some(self.extra().origin(self.exchange.head(), self.exchange.client(), proxies))
    }

    /// The address of the client: the peer's, or what trusted proxies say
    /// ([`App::trust_proxy`](crate::App::trust_proxy)). `None` where the connection has no address.
    ///
    /// An IPv4 address that the system shows as an IPv6 one is shown as IPv4. It stays the same for as long
    /// as the request is held.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.client_ip().map_or("unknown".to_owned(), |ip| ip.to_string()));
    /// let reply = TestClient::new(app).get("/").header("x-forwarded-for", "6.6.6.6").send();
    /// assert_eq!(reply.text(), "unknown"); // it has no socket, and nobody is trusted
    /// ```
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        match self.origin() {
            Some(origin) => origin.ips.first().copied(),
            None => peer_ip(self.exchange.client()),
        }
    }

    /// The addresses on the request's way: the client's, as [`Request::client_ip`], then those of trusted
    /// proxies, the peer's last.
    #[must_use]
    pub fn client_ips(&self) -> Vec<IpAddr> {
        match self.origin() {
            Some(origin) => origin.ips.clone(),
            None => peer_ip(self.exchange.client()).into_iter().collect(),
        }
    }
}

fn peer_ip(client: &Client) -> Option<IpAddr> {
    client.peer.map(|addr| addr.ip().to_canonical())
}

impl Origin {
    fn find(head: &RequestHead, peer: Option<IpAddr>, proxies: &TrustedProxies) -> Self {
        let mut origin = Self { ips: peer.into_iter().collect(), ..Self::default() };
        if proxies.trusts(peer) {
            match proxies.fields {
                Fields::XForwarded => origin.read_x_forwarded(head, proxies),
                Fields::Forwarded => origin.read_forwarded(head, proxies),
                Fields::XRealIp => origin.read_address(head, "x-real-ip"),
                Fields::CfConnectingIp => {
                    origin.read_address(head, "cf-connecting-ip");
                    origin.set_scheme(from_right(head, "x-forwarded-proto", 1));
                }
            }
        }
        // They were found from the peer outwards.
        origin.ips.reverse();
        origin
    }

    fn read_x_forwarded(&mut self, head: &RequestHead, proxies: &TrustedProxies) {
        let mut hops = 0;
        for text in list_from_right(head, "x-forwarded-for").take(HOPS_MAX) {
            // What is empty too ends the walk: the proxy has said that it does not know.
            let Some(Node::Address(ip, _)) = text.and_then(Node::decode_loose) else { break };
            self.ips.push(ip);
            hops += 1;
            if !proxies.trusts(Some(ip)) {
                break;
            }
        }
        // The other lists have an entry for each proxy too, or a single one. What stands further left than
        // the walk has come is the client's own invention.
        let hops = hops.max(1);
        self.set_scheme(from_right(head, "x-forwarded-proto", hops));
        self.set_authority(from_right(head, "x-forwarded-host", hops));
    }

    fn read_forwarded(&mut self, head: &RequestHead, proxies: &TrustedProxies) {
        let lines: Vec<_> = head.get_all("forwarded").collect();
        let hops: Vec<_> = lines.into_iter().flat_map(forwarded).collect();
        for hop in hops.into_iter().rev().take(HOPS_MAX) {
            let Some(hop) = hop else { break };
            // The proxy that stands further out knows better; what it does not say, the next one has.
            self.set_scheme(hop.proto.as_deref());
            self.set_authority(hop.host.as_deref());
            let Some(Node::Address(ip, _)) = hop.from.as_deref().and_then(Node::decode) else {
                break;
            };
            self.ips.push(ip);
            if !proxies.trusts(Some(ip)) {
                break;
            }
        }
    }

    /// A field that proxies replace, so two of them are one too many.
    fn read_address(&mut self, head: &RequestHead, name: &str) {
        let mut values = head.get_all(name);
        if let (Some(value), None) = (values.next(), values.next())
            && let Some(Node::Address(ip, _)) = text(value).and_then(Node::decode_loose)
        {
            self.ips.push(ip);
        }
    }

    fn set_scheme(&mut self, scheme: Option<&str>) {
        let Some(scheme) = scheme else { return };
        // Some proxies name the scheme of a WebSocket.
        if ["https", "wss"].iter().any(|secure| scheme.eq_ignore_ascii_case(secure)) {
            self.is_secure = Some(true);
        } else if ["http", "ws"].iter().any(|plain| scheme.eq_ignore_ascii_case(plain)) {
            self.is_secure = Some(false);
        }
    }

    fn set_authority(&mut self, authority: Option<&str>) {
        let Some(text) = authority else { return };
        if Authority::decode(text).is_ok_and(|authority| !authority.host().is_empty()) {
            self.authority = Some(text.into());
        }
    }
}

/// The elements of a list that may come in several lines, the last first; `None` for what is no text.
fn list_from_right<'a>(
    head: &'a RequestHead,
    name: &'a str,
) -> impl Iterator<Item = Option<&'a str>> {
    let lines: Vec<_> = head.get_all(name).collect();
    let elements = lines.into_iter().rev().flat_map(|line| line.rsplit(|&byte| byte == b','));
    elements.map(|element| text(element.trim_ascii()))
}

/// The element at this place from the right, counted from one; the leftmost of a shorter list.
fn from_right<'a>(head: &'a RequestHead, name: &'a str, place: usize) -> Option<&'a str> {
    list_from_right(head, name).take(place).last().flatten()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// More proxies than stand in a row anywhere.
const HOPS_MAX: usize = 32;
