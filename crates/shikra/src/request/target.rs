//! The request line, and what the client meant by it: host, port and URL.

use super::{QueryPairs, Request};
use http::{Method, Version};
use shikra_proto::uri::Authority;
use std::borrow::Cow;

impl Request {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.exchange.head().method()
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

    /// The version of the protocol.
    #[must_use]
    pub fn version(&self) -> Version {
        self.exchange.head().version()
    }

    /// The pattern of the route that matched; `None` where none did.
    #[must_use]
    pub fn pattern(&self) -> Option<&str> {
        self.extra().context.as_deref()?.pattern(self.extra().params.route()?)
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

    /// The host, and port if there is one, that the client meant: of the target, else of `host`.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.exchange.head().authority()
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
