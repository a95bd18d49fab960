//! Serving an application: listen, start, stop.

use super::{App, freeze};
use crate::dispatch::{AppService, Frozen, WorkerApp};
use crate::state::WorkerState;
use shikra_engine::config::{Config, Signals};
use shikra_engine::server::{Server, ServerHandle, StopReport};
use shikra_engine::service::ServiceFactory;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;

impl App {
    /// Serves the application on `addr` until SIGTERM or SIGINT, then finishes what runs and returns.
    /// One line on standard error says where it listens, another how it stopped.
    ///
    /// A second signal cuts what still runs; so does the shutdown timeout (10 s).
    ///
    /// # Errors
    /// When the application has mistakes (the error lists all, with their lines), the address cannot be
    /// listened on, or a start hook fails.
    pub fn listen(&mut self, addr: impl ToSocketAddrs) -> io::Result<()> {
        self.config.signals = Signals::Stop;
        let handle = self.start(addr)?;
        eprintln!("{}", handle.start_line());
        eprintln!("shikra: {}", handle.wait());
        Ok(())
    }

    /// Starts to serve the application on `addr`, port 0 included, and returns a handle at once.
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
    pub fn start(&mut self, addr: impl ToSocketAddrs) -> io::Result<AppHandle> {
        self.start_with(|config| Server::bind(addr, config))
    }

    /// Starts to serve the application on a listener that the caller opened.
    ///
    /// # Errors
    /// As [`App::listen`].
    pub fn start_on(&mut self, listener: TcpListener) -> io::Result<AppHandle> {
        self.start_with(|config| Server::from_listener(listener, config))
    }

    fn start_with(
        &mut self,
        open: impl FnOnce(Config) -> io::Result<Server>,
    ) -> io::Result<AppHandle> {
        if cfg!(panic = "abort") {
            eprintln!(
                "shikra: built with panic = \"abort\": a panic in any handler ends the process"
            );
        }
        let frozen = Arc::new(freeze(self.take())?);
        let server = open(frozen.config.clone())?;
        let routes = frozen.routes.len();
        let handle = server.start(AppFactory { frozen })?;
        Ok(AppHandle { handle, routes })
    }
}

/// A running application. Dropping the handle leaves it running.
#[derive(Clone, Debug)]
pub struct AppHandle {
    handle: ServerHandle,
    routes: usize,
}

impl AppHandle {
    /// The first address it listens on, with the port that the system chose.
    ///
    /// # Panics
    /// Never: a server listens on at least one address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        *self.handle.addrs().first().expect("a server listens on at least one address")
    }

    /// All addresses it listens on.
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        self.handle.addrs()
    }

    /// The number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.handle.workers()
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

    /// Begins to stop: new connections are refused, idle ones close, what runs may finish until the
    /// shutdown timeout. Returns at once; calling it again cuts what still runs.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// Waits until the server has stopped, and says how.
    pub fn wait(&self) -> StopReport {
        self.handle.wait()
    }

    /// One line for people: where it listens, with how many workers and routes.
    #[must_use]
    pub fn start_line(&self) -> String {
        let urls: Vec<_> = self.addrs().iter().map(|addr| format!("http://{addr}")).collect();
        let (urls, workers, routes) = (urls.join(" and "), self.workers(), self.routes);
        format!("shikra: listening on {urls}, workers: {workers}, routes: {routes}")
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

    async fn make(&self) -> io::Result<AppService> {
        let mut state = WorkerState::new(self.frozen.shared.clone());
        for maker in &self.frozen.makers {
            let (id, value) = maker()
                .await
                .map_err(|error| io::Error::other(format!("state of a worker: {error}")))?;
            state.insert_own(id, value);
        }
        Ok(AppService { app: Rc::new(WorkerApp::new(Arc::clone(&self.frozen), state)) })
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
