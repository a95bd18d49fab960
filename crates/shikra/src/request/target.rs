//! The request line, and what the client meant by it: host, port and URL.

use super::{QueryPairs, Request};
use http::{Method, Version};
use shikra_proto::uri::{Authority, Host};
use std::borrow::Cow;

impl Request {
    /// The method; the one that a form has put in its place where that is allowed
    /// ([`App::method_override`](crate::App::method_override)).
    #[must_use]
    pub fn method(&self) -> &Method {
        match self.extra().rerouted() {
            None => self.exchange.head().method(),
            Some(rerouted) => &rerouted.method,
        }
    }

    /// The target, as it was sent.
    #[must_use]
    pub fn target(&self) -> &str {
        self.exchange.head().target()
    }

    /// The path, as it was sent, whole below mounts too.
    #[must_use]
    pub fn path(&self) -> &str {
        self.exchange.head().path()
    }

    /// The part of the path that the innermost base path or mount has taken, around the handler or
    /// middleware that asks; empty where there is none.
    ///
    /// It is as it was sent, so it may be `/%61pi` where the application says `/api`. Together with
    /// [`Request::relative_path`] it makes the whole path, but for the slash of a path that ends with it.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut shop = App::new();
    /// shop.get("/cart", async |req| format!("{} {}", req.mount_path(), req.relative_path()));
    /// let mut app = App::new();
    /// app.mount("/:lang/shop", shop);
    /// assert_eq!(TestClient::new(app).get("/de/shop/cart").send().text(), "/de/shop /cart");
    /// ```
    #[must_use]
    pub fn mount_path(&self) -> &str {
        self.split_path().0
    }

    /// The path below [`Request::mount_path`], as it was sent: it begins with a slash, and is the whole
    /// path where there is no mount.
    #[must_use]
    pub fn relative_path(&self) -> &str {
        match self.split_path().1 {
            "" => "/",
            below => below,
        }
    }

    fn split_path(&self) -> (&str, &str) {
        let path = self.path();
        // The router cuts at the same slashes: an encoded one is none.
        let mut slashes = path.match_indices('/').map(|(index, _)| index);
        let end = slashes.nth(usize::from(self.depth)).unwrap_or(path.len());
        // `*` and an authority have no slash, and nothing is mounted there.
        if self.depth == 0 { ("", path) } else { path.split_at_checked(end).unwrap_or((path, "")) }
    }

    /// The version of the protocol.
    #[must_use]
    pub fn version(&self) -> Version {
        self.exchange.head().version()
    }

    /// The pattern of the route that matched; `None` where none did.
    #[must_use]
    pub fn pattern(&self) -> Option<&str> {
        self.context()?.pattern(self.router_params().route()?)
    }

    /// The text after the first `?`, as it was sent; `None` without a `?`.
    #[must_use]
    pub fn query_str(&self) -> Option<&str> {
        self.exchange.head().query()
    }

    /// The query as decoded pairs.
    #[must_use]
    pub fn query(&self) -> QueryPairs<'_> {
        QueryPairs::new(self.query_str().unwrap_or_default())
    }

    /// The host, and port if there is one, that the client meant: of the target, else of `host`; before
    /// both, what a trusted proxy says ([`App::trust_proxy`](crate::App::trust_proxy)).
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        let forwarded = self.origin().and_then(|origin| origin.authority.as_deref());
        forwarded.or_else(|| self.exchange.head().authority())
    }

    /// The host that the client meant, in lower case and without the port; an IPv6 address stands in
    /// brackets. `None` where `host` is missing, as HTTP/1.0 allows, or empty.
    ///
    /// The client chooses it: a link that must be right, as in a mail, is not made of it.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| format!("{:?} {:?}", req.host().as_deref(), req.port()));
    /// let client = TestClient::new(app);
    /// let reply = client.get("/").header("host", "Example.com:8080").send();
    /// assert_eq!(reply.text(), r#"Some("example.com") Some(8080)"#);
    /// ```
    #[must_use]
    pub fn host(&self) -> Option<Cow<'_, str>> {
        let authority = self.authority()?;
        // A port has no colon, and an IPv6 address ends with a bracket.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        };
        Some(match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        })
    }

    /// The port that the client meant: 443 on an encrypted connection and 80 on another where it named
    /// none. `None` without a host.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        let named = Authority::decode(self.authority()?).ok()?.port();
        Some(named.unwrap_or(self.default_port()))
    }

    /// The labels of the host before its last two, the rightmost first; none for an address. Where a public
    /// suffix has two labels itself, as in `example.co.uk`, the first of these is no subdomain.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let client = TestClient::new(App::new().get("/", async |req| req.subdomains().join(" ")));
    /// let reply = client.get("/").header("host", "a.b.example.com").send();
    /// assert_eq!(reply.text(), "b a");
    /// ```
    #[must_use]
    pub fn subdomains(&self) -> Vec<String> {
        let host = self.host().unwrap_or_default();
        let Ok(Host::Name(name)) = Authority::decode(&host).map(|authority| authority.host())
        else {
            return Vec::new();
        };
        let labels = name.trim_end_matches('.').rsplit('.');
        labels.skip(2).map(str::to_owned).collect()
    }

    /// `https` on an encrypted connection, else `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    /// The whole URL that the client meant, with the path and the query as they were sent; `None` without
    /// a host. A port that goes without saying is left out.
    ///
    /// The host is the client's choice, see [`Request::host`].
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let client = TestClient::new(App::new().get("/a", async |req| req.url()));
    /// let reply = client.get("/a?b=c%20d").header("host", "example.com:80").send();
    /// assert_eq!(reply.text(), "http://example.com/a?b=c%20d");
    /// ```
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let (host, port) = (self.host()?, self.port()?);
        let mut url = format!("{}://{host}", self.scheme());
        if port != self.default_port() {
            url.push_str(&format!(":{port}"));
        }
        // RFC 9112 §3.3: the asterisk form means the server itself, and has no path.
        url.push_str(self.path().trim_start_matches('*'));
        if let Some(query) = self.query_str() {
            url.push('?');
            url.push_str(query);
        }
        Some(url)
    }

    /// CF-44
    fn default_port(&self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }
}
