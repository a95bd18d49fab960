//! Serving an application: listen, start, stop.

use super::{App, Problem, freeze};
use crate::dispatch::{AppService, Frozen, Observer, WorkerSite};
use crate::error_handler::Mode;
use crate::state::WorkerState;
use shikra_engine::config::Signals;
use shikra_engine::listen::{Listen, ListenAddr, Listener};
use shikra_engine::server::{Server, ServerHandle, StopReport};
use shikra_engine::service::{Lease, ServiceFactory};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

impl App {
    /// Serves the application until SIGTERM or SIGINT, then finishes what runs and returns. One line on
    /// standard error says where it listens, another how it stopped.
    ///
    /// `at` is `"127.0.0.1:3000"`, a port (all IPv4 addresses), `"unix:/run/app.sock"`, a listener that the
    /// program opened, a [`Listener`] with settings, or several of these ([`Listen`] lists the forms). A
    /// second signal cuts what still runs; so does the shutdown timeout (10 s).
    ///
    /// # Errors
    /// When the application or `at` has mistakes (the error lists all, with their lines), an address cannot
    /// be listened on (the error names it), or a start hook fails. Nothing is served or left open then.
    #[track_caller]
    pub fn listen(&mut self, at: impl Listen) -> io::Result<()> {
        self.signals.get_or_insert(Signals::Stop);
        let handle = self.start_at(at.into_listeners(), Location::caller())?;
        eprintln!("{}", handle.start_line());
        eprintln!("shikra: {}", handle.wait());
        Ok(())
    }

    /// Starts to serve the application, port 0 included, and returns a handle as soon as all workers
    /// accept. The application is taken; a clone of it can be started again.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = shikra::App::new().get("/", async |_| "hi").start("127.0.0.1:0")?;
    /// println!("listening on {}", server.addr());
    /// server.stop();
    /// server.wait();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`App::listen`].
    #[track_caller]
    pub fn start(&mut self, at: impl Listen) -> io::Result<AppHandle> {
        self.start_at(at.into_listeners(), Location::caller())
    }

    fn start_at(
        &mut self,
        listeners: Vec<Listener>,
        place: &'static Location<'static>,
    ) -> io::Result<AppHandle> {
        let mut app = self.take(place);
        app.config.signals = app.signals.unwrap_or(Signals::Ignore);
        let unusable = listeners.iter().filter_map(Listener::problem);
        app.problems.extend(unusable.map(|what| Problem::new(what, place)));
        if listeners.is_empty() {
            app.problems.push(Problem::new("no address to listen on", place));
        }
        let frozen = Arc::new(freeze(app)?);
        let server = Server::bind(listeners, frozen.config.clone())?;
        let routes = Arc::new(AtomicUsize::new(frozen.routes()));
        let mode = frozen.mode;
        let handle = server.start(AppFactory { frozen })?;
        let handle = AppHandle { handle, routes, mode };
        handle.report();
        Ok(handle)
    }
}

/// A running application. Dropping the handle leaves it running.
#[derive(Clone, Debug)]
pub struct AppHandle {
    pub(super) handle: ServerHandle,
    pub(super) routes: Arc<AtomicUsize>,
    mode: Mode,
}

impl AppHandle {
    /// The first address of the network that it listens on, with the port that the system chose.
    ///
    /// # Panics
    /// When it listens on Unix sockets alone; [`AppHandle::addrs`] has those too.
    #[must_use]
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        let mut addrs = self.addrs().iter();
        let tcp = addrs.find_map(|addr| match addr {
            ListenAddr::Tcp(addr) => Some(*addr),
            _ => None,
        });
        tcp.expect("the server listens on an address of the network, not on Unix sockets alone")
    }

    /// All that it listens on, in the order in which it was given.
    #[must_use]
    pub fn addrs(&self) -> &[ListenAddr] {
        self.handle.addrs()
    }

    /// The number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.handle.workers()
    }

    /// The number of routes that are served.
    #[must_use]
    pub fn routes(&self) -> usize {
        self.routes.load(Ordering::Relaxed)
    }

    /// The number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.handle.connections()
    }

    /// The number of open connections of each worker.
    #[must_use]
    pub fn connections_by_worker(&self) -> Vec<usize> {
        self.handle.connections_by_worker()
    }

    /// The number of requests since the start whose heads were valid, those that are still answered
    /// included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.handle.requests()
    }

    /// The number of requests of each worker.
    #[must_use]
    pub fn requests_by_worker(&self) -> Vec<u64> {
        self.handle.requests_by_worker()
    }

    /// Whether new connections are accepted.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.handle.is_listening()
    }

    /// Whether clients may come: from the start until somebody stops the server. Handlers find the same
    /// as `req.state::<`[`Readiness`](crate::Readiness)`>()`.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.handle.is_ready()
    }

    /// Whether the server has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.handle.is_stopped()
    }

    /// Closes the listeners and leaves everything else as it is: open connections go on, with as many
    /// requests as they like. Says whether the listeners were open.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let server = shikra::App::new().start("127.0.0.1:0")?;
    /// assert!(server.stop_accepting());
    /// assert!(std::net::TcpStream::connect(server.addr()).is_err());
    /// assert!(!server.stop_accepting());
    /// # server.stop();
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop_accepting(&self) -> bool {
        self.handle.stop_accepting()
    }

    /// Begins to stop: the server is not ready any more; after the shutdown delay new connections are
    /// refused, idle ones close, and what runs may finish until the shutdown timeout. Returns at once;
    /// calling it again changes nothing.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// Stops without waiting for what runs: all connections are cut. Returns at once, and ends a stop that
    /// still waits.
    pub fn stop_now(&self) {
        self.handle.stop_now();
    }

    /// Waits until the server has stopped, and says how.
    pub fn wait(&self) -> StopReport {
        self.handle.wait()
    }

    /// One line for people: where it listens, with how many workers and routes, and in which mode.
    #[must_use]
    pub fn start_line(&self) -> String {
        let addrs: Vec<_> = self.addrs().iter().map(ToString::to_string).collect();
        let (addrs, workers, routes) = (addrs.join(" and "), self.workers(), self.routes());
        let mode = match self.mode {
            Mode::Development => ", development mode: errors are shown to clients",
            Mode::Production => "",
        };
        format!("shikra: listening on {addrs}, workers: {workers}, routes: {routes}{mode}")
    }

    fn report(&self) {
        tracing::info!("{}", self.start_line());
        if cfg!(panic = "abort") {
            let what = "built with panic = \"abort\": a panic in any handler ends the process";
            tracing::warn!("{what}");
            eprintln!("shikra: {what}");
        }
    }
}

/// Makes the application of each worker.
pub(crate) struct AppFactory {
    pub(crate) frozen: Arc<Frozen>,
}

impl fmt::Debug for AppFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppFactory").finish_non_exhaustive()
    }
}

impl ServiceFactory for AppFactory {
    type Service = AppService;

    async fn start(&self) -> io::Result<()> {
        for hook in &self.frozen.on_start {
            hook().await.map_err(|error| io::Error::other(format!("start hook: {error}")))?;
        }
        Ok(())
    }

    async fn make(&self, lease: Lease) -> io::Result<AppService> {
        let mut sites: Vec<Rc<WorkerSite>> = Vec::new();
        for frozen in &self.frozen.sites {
            let around = match frozen.parent.and_then(|parent| sites.get(parent)) {
                Some(parent) => Rc::clone(parent.state()),
                None => Rc::new(WorkerState::default()),
            };
            let states = frozen
                .make_states(&around)
                .await
                .map_err(|error| io::Error::other(format!("state of a worker: {error}")))?;
            let (frozen, mode) = (Arc::clone(frozen), self.frozen.mode);
            sites.push(Rc::new(WorkerSite::new(frozen, states, mode, lease.clone())));
        }
        let observer = Observer::new(&self.frozen.observe, self.frozen.mode);
        AppService::new(sites, observer)
            .ok_or_else(|| io::Error::other("an application has no root"))
    }

    async fn stop(&self) {
        for hook in &self.frozen.on_stop {
            if let Err(error) = hook().await {
                tracing::error!(%error, "a stop hook failed");
                eprintln!("shikra: a stop hook failed: {error}");
            }
        }
    }
}
