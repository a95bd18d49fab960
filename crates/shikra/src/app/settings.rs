//! Settings of an application and of the server that it runs on.

use super::{App, Problem};
use shikra_engine::body::Oversize;
use shikra_engine::config::Signals;
use shikra_engine::limits::Limits;
use shikra_proto::uri::UriPolicy;
use std::panic::Location;
use std::time::Duration;

impl App {
    // Of an application, a group or a mount.

    /// Limits every body, streams included, in bytes: 413 before the handler where the length is
    /// announced. Without it a collected body may have 250,000 bytes and a stream any number.
    ///
    /// A group or mount takes over what is set around it; a route may have its own.
    pub fn body_bytes_max(&mut self, max: u64) -> &mut Self {
        self.body_bytes_max = Some(max);
        self
    }

    /// Lets every body have any length, collected ones included, in place of what is set around. A
    /// client can then fill the memory of the process wherever a body is collected.
    ///
    /// ```
    /// # use shikra::App;
    /// let mut app = App::new();
    /// app.body_bytes_max(10_000).group("/import", |import| {
    ///     import.without_body_limit().post("/", async |req| Ok(req.bytes().await?.len().to_string()));
    /// });
    /// ```
    pub fn without_body_limit(&mut self) -> &mut Self {
        self.body_bytes_max(u64::MAX)
    }

    /// What becomes of a request whose body is over its limit; by default it is answered with 413. The
    /// limit then holds for streams too: [`App::body_bytes_max`], or 250,000 bytes where that is not set.
    ///
    /// ```
    /// use shikra::{App, Oversize, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.on_oversize(Oversize::Abort).body_bytes_max(3).post("/", async |req| req.text().await);
    /// let client = TestClient::new(app);
    /// assert_eq!(client.post("/").body("abc").send().text(), "abc");
    /// assert!(client.post("/").body("abcd").try_send().is_err());
    /// ```
    pub fn on_oversize(&mut self, oversize: Oversize) -> &mut Self {
        self.oversize = Some(oversize);
        self
    }

    // Of the whole server.

    /// The number of workers, at most 1,024; 0, the default, is one for each processor.
    #[track_caller]
    pub fn workers(&mut self, workers: usize) -> &mut Self {
        if workers > WORKERS_MAX {
            let what = format!("{workers} workers are more than {WORKERS_MAX}");
            self.problems.push(Problem::new(what, Location::caller()));
        }
        self.server_setting().config.workers = workers;
        self
    }

    /// The most connections at a time, at least 1; beyond it, accepting pauses. By default what the
    /// descriptor limit allows, less 20.
    #[track_caller]
    pub fn connections_max(&mut self, max: usize) -> &mut Self {
        if max == 0 {
            let what = "connections_max is 0: nobody could connect";
            self.problems.push(Problem::new(what, Location::caller()));
        }
        self.server_setting().config.connections_max = Some(max);
        self
    }

    /// The number of connections that the system holds until they are accepted, at least 1. Default
    /// 4,096; the system may have a limit of its own.
    #[track_caller]
    pub fn backlog(&mut self, connections: u32) -> &mut Self {
        if connections == 0 {
            let what = "a backlog of 0 connections refuses what comes at the same time";
            self.problems.push(Problem::new(what, Location::caller()));
        }
        self.server_setting().config.backlog = connections;
        self
    }

    /// Changes limits and timeouts of connections. Each is a field of [`Limits`] with its default and
    /// what happens on breach; its methods `without_…` switch some off. What no client could meet keeps
    /// the application from starting.
    ///
    /// ```
    /// # use shikra::App;
    /// # use std::time::Duration;
    /// let mut app = App::new();
    /// app.limits(|limits| {
    ///     limits.keep_alive_timeout = Duration::from_secs(5);
    ///     limits.head.fields_max = 64;
    ///     limits.without_body_speed();
    /// });
    /// ```
    #[track_caller]
    pub fn limits(&mut self, change: impl FnOnce(&mut Limits)) -> &mut Self {
        let app = self.server_setting();
        change(&mut app.config.limits);
        for what in app.config.limits.problems() {
            app.problems.push(Problem::new(what, Location::caller()));
        }
        self
    }

    /// Which bytes a query may have; by default also those that browsers send raw though the grammar has
    /// no room for them: ``[ ] { } | ^ \ ` " < >`` and malformed triplets.
    ///
    /// ```
    /// use shikra::{App, UriPolicy, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.uri_policy(UriPolicy::Strict).get("/", async |_| 204);
    /// assert_eq!(TestClient::new(app).get("/?a[]=1").send().status(), 400);
    /// ```
    #[track_caller]
    pub fn uri_policy(&mut self, policy: UriPolicy) -> &mut Self {
        self.server_setting().config.limits.head.uri_policy = policy;
        self
    }

    /// Whether SIGTERM and SIGINT stop the server. By default they do under [`App::listen`] and do not
    /// under [`App::start`]. Once no server minds them they do again what they did before.
    ///
    /// ```no_run
    /// use shikra::{App, Signals};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let server = App::new().signals(Signals::Stop).start("127.0.0.1:3000")?;
    /// println!("{}", server.wait());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn signals(&mut self, signals: Signals) -> &mut Self {
        self.server_setting().signals = Some(signals);
        self
    }

    /// How long a server that was told to stop serves on, new connections included, except that its
    /// [`Readiness`](crate::Readiness) is over: a load balancer that asks for that has so long to send its
    /// clients elsewhere. By default it does not wait.
    #[track_caller]
    pub fn shutdown_delay(&mut self, delay: Duration) -> &mut Self {
        self.server_setting().config.shutdown_delay = delay;
        self
    }

    /// Notes who has set something of the server, which a mount has no part in.
    #[track_caller]
    fn server_setting(&mut self) -> &mut Self {
        self.server_place.get_or_insert(Location::caller());
        self
    }
}

const WORKERS_MAX: usize = 1024;
