//! A client for tests: an application in process, through the real codec, without a socket.
//!
//! A [`TestClient`] owns a thread with a worker of its own, and talks to it through a pipe in memory.
//! Its calls block, so it works in plain tests and inside other runtimes.

mod bench;
mod direct;
mod raw;
mod reply;

pub use direct::DirectConnection;
pub use raw::RawConnection;
pub use reply::TestReply;

use crate::app::IntoApp;
use bench::{Bench, Mailbox, Time};
use bytes::Bytes;
use http::Method;
#[cfg(feature = "json")]
use serde::Serialize;
use shikra_engine::rt::tasks;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Drives an application in process.
///
/// Requests use one kept-alive connection as long as HTTP allows it. A call that gets no answer within
/// 30 seconds panics.
///
/// ```
/// use shikra::{App, testing::TestClient};
///
/// let client = TestClient::new(App::new().get("/hello/:name", async |req| {
///     Ok(format!("hello {}", req.param::<String>("name")?))
/// }));
/// let reply = client.get("/hello/ada").send();
/// assert_eq!((reply.status().as_u16(), reply.text()), (200, "hello ada".to_owned()));
/// ```
pub struct TestClient {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}

impl TestClient {
    /// A client of an application.
    ///
    /// # Panics
    /// When the application has mistakes, or a start hook fails, with the reason.
    #[track_caller]
    #[must_use]
    pub fn new(app: impl IntoApp) -> Self {
        Self::with_time(app, Time::Real)
    }

    /// A client of an application whose time stands still until [`TestClient::advance`] moves it:
    /// timeouts, sleeps and the date.
    ///
    /// ```
    /// use shikra::{App, sleep, testing::TestClient};
    /// use std::time::Duration;
    ///
    /// let mut app = App::new();
    /// app.get("/later", async |_| {
    ///     sleep(Duration::from_secs(3600)).await;
    ///     "an hour later"
    /// });
    /// let client = TestClient::with_virtual_time(app);
    /// let connection = client.connect();
    /// connection.write("GET /later HTTP/1.1\r\nhost: x\r\n\r\n");
    /// client.advance(Duration::from_secs(3600));
    /// assert_eq!(connection.read_reply().unwrap().text(), "an hour later");
    /// ```
    ///
    /// # Panics
    /// As [`TestClient::new`].
    #[track_caller]
    #[must_use]
    pub fn with_virtual_time(app: impl IntoApp) -> Self {
        Self::with_time(app, Time::Virtual)
    }

    #[track_caller]
    fn with_time(app: impl IntoApp, time: Time) -> Self {
        let frozen = match crate::app::freeze(app.into_app()) {
            Ok(frozen) => frozen,
            Err(error) => panic!("{error}"),
        };
        let mailbox = Arc::new(Mailbox::default());
        let (ready, is_ready) = mpsc::channel();
        let inbox = Arc::clone(&mailbox);
        let thread = thread::Builder::new()
            .name("shikra-test".to_owned())
            .spawn(move || bench::run(frozen, time, &inbox, &ready))
            .expect("a test can start a thread");
        match is_ready.recv() {
            Ok(Ok(())) => Self { mailbox, thread: Some(thread) },
            Ok(Err(error)) => panic!("the application does not start: {error}"),
            Err(_) => panic!("the application does not start: its worker panicked"),
        }
    }

    /// Begins a `GET` request.
    pub fn get(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::GET, target)
    }

    /// Begins a `POST` request.
    pub fn post(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::POST, target)
    }

    /// Begins a `PUT` request.
    pub fn put(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::PUT, target)
    }

    /// Begins a `PATCH` request.
    pub fn patch(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::PATCH, target)
    }

    /// Begins a `DELETE` request.
    pub fn delete(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::DELETE, target)
    }

    /// Begins a `HEAD` request.
    pub fn head(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::HEAD, target)
    }

    /// Begins an `OPTIONS` request.
    pub fn options(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::OPTIONS, target)
    }

    /// Begins a request of any method.
    pub fn request(&self, method: Method, target: &str) -> TestRequest<'_> {
        TestRequest {
            client: self,
            method,
            target: target.to_owned(),
            fields: Vec::new(),
            body: RequestBody::None,
        }
    }

    /// Opens a connection for raw bytes.
    #[must_use]
    pub fn connect(&self) -> RawConnection<'_> {
        RawConnection::new(self)
    }

    /// Moves virtual time on, letting everything happen that is due on the way.
    ///
    /// # Panics
    /// When the client was not made by [`TestClient::with_virtual_time`].
    pub fn advance(&self, time: Duration) {
        self.run(move |_| tasks::advance(time, shikra_engine::clock::refresh_current));
    }

    /// Lets the application do all that it can do without more input or time.
    pub fn settle(&self) {
        self.run(|_| tasks::settle());
    }

    /// The number of connections that the application has open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.run(|bench| async move { bench.hub.base.connections() })
    }

    /// The number of timers that the application's worker holds: one for each connection.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.run(|bench| async move { bench.hub.base.timers.len() })
    }

    /// Runs a job on the worker's thread and waits for its result.
    fn run<T, F, J>(&self, job: J) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
        J: FnOnce(std::rc::Rc<Bench>) -> F + Send + 'static,
    {
        let (answer, answered) = mpsc::channel();
        self.mailbox.post(Box::new(move |bench| {
            Box::pin(async move {
                let result = job(bench).await;
                // The test has given up waiting if nobody listens.
                let _ = answer.send(result);
            })
        }));
        match answered.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(error) => panic!("no answer within {} s: {error}", PATIENCE.as_secs()),
        }
    }
}

impl Drop for TestClient {
    fn drop(&mut self) {
        self.mailbox.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the worker of the test client panicked");
        }
    }
}

/// A request that is being put together.
#[must_use = "a request does nothing until it is sent"]
pub struct TestRequest<'a> {
    client: &'a TestClient,
    method: Method,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    body: RequestBody,
}

/// The body of a request.
enum RequestBody {
    None,
    Whole(Bytes),
    Chunks(Box<dyn Iterator<Item = Bytes> + Send>),
}

impl fmt::Debug for TestRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl TestRequest<'_> {
    /// Adds a header field.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds a pair to the query, encoded.
    pub fn query(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair(key, &value.to_string());
        self.target.push_str(&pairs.finish());
        self
    }

    /// Sends a value as JSON.
    ///
    /// # Panics
    /// When the value cannot be serialised.
    #[cfg(feature = "json")]
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        let text = serde_json::to_vec(value).expect("the value of a test is JSON");
        self.body = RequestBody::Whole(text.into());
        self.header("content-type", "application/json")
    }

    /// Sends pairs as a form.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        self.body = RequestBody::Whole(form.finish().into());
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Sends bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = RequestBody::Whole(body.into());
        self
    }

    /// Sends chunks with `transfer-encoding: chunked`, each asked for when the one before is gone.
    pub fn chunks<I>(mut self, chunks: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Bytes> + 'static,
        I::IntoIter: Send + 'static,
    {
        self.body = RequestBody::Chunks(Box::new(chunks.into_iter().map(Into::into)));
        self
    }

    /// Sends the request and waits for the whole reply.
    ///
    /// # Panics
    /// When the connection breaks before the reply is whole, what comes is not HTTP, or 30 seconds pass.
    #[must_use]
    pub fn send(self) -> TestReply {
        match self.try_send() {
            Ok(reply) => reply,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// Sends the request and waits for the whole reply, or for what prevents it.
    ///
    /// # Errors
    /// When the connection breaks before the reply is whole, or what comes is not HTTP.
    pub fn try_send(self) -> Result<TestReply, String> {
        let Self { client, method, target, fields, body } = self;
        client.run(move |bench| async move { bench.exchange(method, target, fields, body).await })
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
