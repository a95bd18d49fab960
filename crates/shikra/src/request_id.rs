//! Ids of requests: where they come from, and who may choose them.

use crate::request::TrustedProxies;
use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

/// How requests get their ids ([`App::request_ids`](crate::App::request_ids)).
///
/// By default each request gets one of 128 bits as 32 hexadecimal digits, whatever it brings along, and its
/// reply says it in `x-request-id`. An id tells requests apart; it is no secret.
///
/// ```
/// use shikra::{App, RequestIds, testing::TestClient};
///
/// let mut app = App::new();
/// app.request_ids(RequestIds::new().trust_any_client()).get("/", async |_| 204);
/// let client = TestClient::new(app);
/// let reply = client.get("/").header("x-request-id", "from-the-proxy").send();
/// assert_eq!(reply.header("x-request-id"), Some("from-the-proxy"));
/// ```
#[derive(Clone, Default)]
pub struct RequestIds {
    trust: Trust,
    echo: Echo,
}

#[derive(Clone, Default)]
enum Trust {
    #[default]
    Nobody,
    Some(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>),
    /// Those of the application, which is not known yet when this is made.
    Proxies(Option<Arc<TrustedProxies>>),
    Anybody,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Echo {
    #[default]
    On,
    Off,
}

impl fmt::Debug for RequestIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trust = match self.trust {
            Trust::Nobody => "nobody",
            Trust::Some(_) => "some clients",
            Trust::Proxies(_) => "proxies",
            Trust::Anybody => "anybody",
        };
        f.debug_struct("RequestIds").field("trust", &trust).field("echo", &self.echo).finish()
    }
}

impl RequestIds {
    /// Ids that this server makes, echoed in the replies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the `x-request-id` that a request brings along if the address of its peer is trusted, as that of
    /// a proxy of one's own.
    ///
    /// It has to be 1 to 128 letters, digits or any of `-_.:/+=~`, and the only one; otherwise the request
    /// gets another.
    #[must_use]
    pub fn trust_peers(self, trusts: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self { trust: Trust::Some(Arc::new(trusts)), ..self }
    }

    /// Takes the `x-request-id` that a request brings along, as [`RequestIds::trust_peers`] does, if its peer
    /// is one of the proxies of [`App::trust_proxy`](crate::App::trust_proxy). Without those the application
    /// does not start.
    ///
    /// ```
    /// use shikra::{App, RequestIds, TrustedProxies, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.trust_proxy(TrustedProxies::x_forwarded(["unix", "10.0.0.0/8"]));
    /// app.request_ids(RequestIds::new().trust_proxies()).get("/", async |_| 204);
    /// let reply = TestClient::new(app).get("/").header("x-request-id", "from-the-proxy").send();
    /// assert_eq!(reply.header("x-request-id"), Some("from-the-proxy")); // the peer has no address
    /// ```
    #[must_use]
    pub fn trust_proxies(self) -> Self {
        Self { trust: Trust::Proxies(None), ..self }
    }

    /// Takes the `x-request-id` of any request, as [`RequestIds::trust_peers`] does: clients may choose what
    /// the log says, within its letters, and let two requests look like one.
    #[must_use]
    pub fn trust_any_client(self) -> Self {
        Self { trust: Trust::Anybody, ..self }
    }

    /// Leaves replies as they are.
    #[must_use]
    pub fn without_echo(self) -> Self {
        Self { echo: Echo::Off, ..self }
    }

    pub(crate) fn is_echoed(&self) -> bool {
        self.echo == Echo::On
    }

    /// Whether it means the proxies of the application.
    pub(crate) fn means_proxies(&self) -> bool {
        matches!(self.trust, Trust::Proxies(_))
    }

    /// The same with the proxies of the application.
    pub(crate) fn with_proxies(self, proxies: Option<Arc<TrustedProxies>>) -> Self {
        match self.trust {
            Trust::Proxies(_) => Self { trust: Trust::Proxies(proxies), ..self },
            _ => self,
        }
    }

    fn trusts(&self, peer: Option<IpAddr>) -> bool {
        match &self.trust {
            Trust::Nobody => false,
            Trust::Some(trusts) => peer.is_some_and(|peer| trusts(peer)),
            Trust::Proxies(proxies) => proxies.as_ref().is_some_and(|all| all.trusts(peer)),
            Trust::Anybody => true,
        }
    }

    /// The id that a request brings along, if it may.
    pub(crate) fn accept<'a>(
        &self,
        peer: Option<IpAddr>,
        mut given: impl Iterator<Item = &'a [u8]>,
    ) -> Option<Box<str>> {
        let id = given.next().filter(|id| is_safe(id))?;
        let is_only = given.next().is_none();
        if !is_only || !self.trusts(peer) {
            return None;
        }
        std::str::from_utf8(id).ok().map(Box::from)
    }
}

fn is_safe(id: &[u8]) -> bool {
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=~".contains(byte);
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.iter().all(is_safe)
}

/// Makes ids on one worker: a counter under two keyed hashes, so that each costs a few nanoseconds and no
/// system call, and those of other workers and processes differ. The keys come from the system's generator.
#[derive(Debug, Default)]
pub(crate) struct IdMaker {
    keys: [RandomState; 2],
    count: Cell<u64>,
}

impl IdMaker {
    pub(crate) fn make(&self) -> Box<str> {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        let [high, low] = &self.keys;
        format!("{:016x}{:016x}", high.hash_one(count), low.hash_one(count)).into_boxed_str()
    }
}

const ID_BYTES_MAX: usize = 128;

pub(crate) const FIELD: &str = "x-request-id";
