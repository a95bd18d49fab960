//! Replacing the application of a running server.

use super::IntoApp;
use super::freeze::freeze_for;
use super::serve::{AppFactory, AppHandle};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl AppHandle {
    /// Replaces the application, on all workers or on none, and returns when every new request goes to
    /// the new one. No connection is closed and no request is lost.
    ///
    /// The new application is checked, its start hooks run and its state is made while the old one
    /// still answers. A request that has begun ends with the application that it began with; the old
    /// one's stop hooks run when the last of its requests, streams and detached futures is over.
    /// Limits, timeouts and the number of workers belong to the server, not to the application:
    /// those of both must be equal.
    ///
    /// It blocks. From a handler, call it through [`blocking`](crate::blocking).
    ///
    /// ```
    /// use shikra::App;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let server = App::new().get("/", async |_| "yesterday").start("127.0.0.1:0")?;
    /// server.swap(App::new().get("/", async |_| "today").get("/new", async |_| "more"))?;
    /// assert_eq!(server.routes(), 2);
    /// server.stop();
    /// server.wait();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the new application has mistakes or other settings of the server, a start hook or the
    /// making of state fails, the server stops, or the calling thread is a worker's. The old
    /// application then goes on, and the new one's stop hooks run if its start hooks have.
    pub fn swap(&self, app: impl IntoApp) -> io::Result<()> {
        let frozen = freeze_for(app.into_app(), self.handle.config().readiness.clone())?;
        let mut config = frozen.config.clone();
        // Whether signals stop the server is decided by `listen` or `start`.
        config.signals = self.handle.config().signals;
        if config != *self.handle.config() {
            let why = "the new application has other limits, timeouts or workers than the server";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let routes = frozen.routes();
        self.handle.replace(AppFactory { frozen: Arc::new(frozen) })?;
        self.routes.store(routes, Ordering::Relaxed);
        Ok(())
    }
}
