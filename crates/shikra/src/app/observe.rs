//! What an application lets its people see: failures, requests, and in development mode everything.

use super::{App, Placed};
use crate::access_log::AccessLog;
use crate::error_handler::Mode;
use crate::failure::Failure;
use crate::request_id::RequestIds;
use std::panic::Location;
use std::sync::Arc;

impl App {
    /// Shows people what went wrong: an error that no handler of the application answers is shown with its
    /// causes, its place, the route and the middleware around it, and the request. Never on the open
    /// internet: what is shown is everything that clients are not to know.
    ///
    /// Browsers get a page, clients that prefer JSON problem details, all others text. A handler that holds its
    /// worker for more than 50 ms is named in the log.
    ///
    /// Only the setting of the whole application counts, not that of a mount or host child.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.development().get("/", async |_| Ok("seven".parse::<u8>()?.to_string()));
    /// let reply = TestClient::new(app).get("/").send();
    /// assert!(reply.text().contains("invalid digit found in string"));
    /// ```
    pub fn development(&mut self) -> &mut Self {
        self.mode = Mode::Development;
        self
    }

    /// Hears of unexpected and unrecoverable errors, in place of the log: errors that the program did not mean
    /// as replies, panics, replies that fail after their head was sent, detached work that panics.
    ///
    /// It runs on the worker, so what takes long goes elsewhere. Not told are replies that the program
    /// means, 404 and `bail!` among them, what [`App::catch`] takes by its type, and clients that leave. If it
    /// panics, both go to the log. Without one, each failure is one event of [`tracing`] at level ERROR, or a line
    /// on standard error where nobody listens to those.
    ///
    /// Of the loggers of a route ([`Route::logger`](crate::Route::logger)), a mount or host child and the
    /// applications around it, the innermost is told.
    ///
    /// ```
    /// use shikra::{App, Error, testing::TestClient};
    /// use std::sync::mpsc::channel;
    ///
    /// let (failures, heard) = channel();
    /// let mut app = App::new();
    /// app.logger(move |failure| failures.send(failure.to_string()).unwrap());
    /// app.get("/", async |_| Err::<&str, _>(Error::from(std::io::Error::other("disk on fire"))));
    /// assert_eq!(TestClient::new(app).get("/").send().status(), 500);
    /// assert!(heard.recv().unwrap().contains("GET /, route /: Internal Server Error: disk on fire"));
    /// ```
    #[track_caller]
    pub fn logger<F>(&mut self, logger: F) -> &mut Self
    where
        F: Fn(&Failure<'_>) + Send + Sync + 'static,
    {
        let placed = Placed { value: Arc::new(logger) as _, place: Location::caller() };
        if let Some(first) = self.scopes.logger.replace(placed) {
            self.twice("the logger", first.place, Location::caller());
        }
        self
    }

    /// Gives each request an id: `req.id()`, `x-request-id` in the reply, `request_id` in the log. Without it
    /// there are none, and `x-request-id` of a request is a field like any other.
    ///
    /// Only the setting of the whole application counts, not that of a mount or host child.
    #[track_caller]
    pub fn request_ids(&mut self, request_ids: RequestIds) -> &mut Self {
        self.observe.request_ids = Some((request_ids, Location::caller()));
        self
    }

    /// Logs each request when it has ended: after the last byte of its reply was handed to the system, or
    /// when the client has left.
    ///
    /// A head that is refused, since it is malformed, too large or too slow, never becomes a request and has a
    /// line of its own. Only the setting of the whole application counts, not that of a mount or host child.
    ///
    /// ```
    /// use shikra::{AccessLog, App};
    ///
    /// let mut app = App::new();
    /// app.access_log(AccessLog::new()); // events of `tracing` with the target `shikra::access`
    /// ```
    pub fn access_log(&mut self, access_log: AccessLog) -> &mut Self {
        self.observe.access_log = Some(access_log);
        self
    }
}
