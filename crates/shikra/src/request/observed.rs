//! What is noted of an exchange while it runs, where the application wants to know of it.

use super::Request;
use http::StatusCode;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use tokio::time::Instant;

/// Notes of one exchange, for the reply, the log and the access log.
pub(crate) struct Observed {
    pub(crate) id: Option<Box<str>>,
    pub(crate) started: Instant,
    /// The status of the reply, once there is one.
    pub(crate) status: Cell<Option<StatusCode>>,
    /// The bytes of the body that were handed to the connection.
    pub(crate) body_bytes: Rc<Cell<u64>>,
}

impl Observed {
    pub(crate) fn new(id: Option<Box<str>>) -> Self {
        Self { id, started: Instant::now(), status: Cell::default(), body_bytes: Rc::default() }
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Request {
    /// The id of this request, where [`App::request_ids`](crate::App::request_ids) gives them one.
    ///
    /// ```
    /// use shikra::{App, RequestIds, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.request_ids(RequestIds::new()).get("/", async |req| req.id().map(str::to_owned));
    /// let reply = TestClient::new(app).get("/").send();
    /// assert_eq!(reply.header("x-request-id"), Some(&*reply.text()));
    /// ```
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.extra().observed()?.id.as_deref()
    }
}
