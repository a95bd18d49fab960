//! Host children: applications that answer for some host names.

use super::{App, IntoApp, Placed};
use crate::handler;
use crate::into_response::IntoResponse;
use crate::request::Request;
use std::panic::Location;

/// An application behind a host pattern.
#[derive(Clone)]
pub(super) struct HostDef {
    pub(super) pattern: String,
    pub(super) app: App,
    pub(super) place: &'static Location<'static>,
}

impl App {
    /// Gives the requests for a host to an application of its own, with its own routes, middleware, error
    /// and not-found handlers. This application's paths serve what no host child is for.
    ///
    /// The pattern is a host name, an IPv4 address or an IPv6 address in brackets, with an optional port.
    /// `*` stands for exactly one whole label, or for any port; an address matches no `*` label. An exact
    /// pattern wins over a wildcard: labels are compared from the right, then the port, and at the first
    /// difference literal text wins. Without a port it stands for 443 on TLS and 80 otherwise
    /// ([`App::default_port`]). Letter case, and a dot at the end of a request's host, mean nothing. An
    /// international name is written in its ASCII form, `xn--…`.
    ///
    /// This application's middleware, state, error and not-found handlers stand around the child, as
    /// they do around a mount; its path case, trailing slash, default port and body limit hold where
    /// the child sets none. Workers, limits of connections and development mode are this application's
    /// alone. A child may have hosts itself: then both patterns must match.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut api = App::new();
    /// api.get("/", async |_| "the API");
    /// let mut tenants = App::new();
    /// tenants.get("/", async |req| req.authority().map(|host| format!("hello {host}")));
    ///
    /// let mut app = App::new();
    /// app.host("api.example.com", api).host("*.example.com", tenants).get("/", async |_| "home");
    /// let client = TestClient::new(app);
    /// let ask = |host: &str| client.get("/").header("host", host).send().text();
    /// assert_eq!(ask("api.example.com"), "the API");
    /// assert_eq!(ask("ada.example.com"), "hello ada.example.com");
    /// assert_eq!(ask("example.com"), "home");
    /// ```
    #[track_caller]
    pub fn host(&mut self, pattern: &str, app: impl IntoApp) -> &mut Self {
        let (pattern, app) = (pattern.to_owned(), app.into_app());
        self.hosts.push(HostDef { pattern, app, place: Location::caller() });
        self
    }

    /// Answers requests that no host child is for, nor a path of this application, a missing host
    /// included. The status is 404 unless the reply sets one.
    ///
    /// It goes before [`App::not_found`] of the same application.
    ///
    /// ```
    /// use shikra::{App, Error, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.host("example.com", App::new().get("/", async |_| "home"));
    /// app.no_host(async |_| Error::from_status(421)); // RFC 9110 §15.5.20
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").header("host", "example.com").send().status(), 200);
    /// assert_eq!(client.get("/").header("host", "example.org").send().status(), 421);
    /// ```
    #[track_caller]
    pub fn no_host<F, R>(&mut self, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let placed = Placed { value: handler::erase(handler), place: Location::caller() };
        if let Some(first) = self.scopes.no_host.replace(placed) {
            self.twice("the unknown-host handler", first.place, Location::caller());
        }
        self
    }

    /// The port of host patterns that name none; by default 443 on TLS and 80 otherwise.
    ///
    /// It says nothing of requests: with 8080, `example.com` no longer answers `Host: example.com`.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.default_port(8080).host("example.com", App::new().get("/", async |_| "home"));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/").header("host", "example.com:8080").send().text(), "home");
    /// assert_eq!(client.get("/").header("host", "example.com").send().status(), 404);
    /// ```
    pub fn default_port(&mut self, port: u16) -> &mut Self {
        self.default_port = Some(port);
        self
    }
}
