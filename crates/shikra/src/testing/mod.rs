//! A client for tests: an application in process, through the real codec, without a socket.
//!
//! A [`TestClient`] owns a thread with a worker of its own, and talks to it through a pipe in memory.
//! Its calls block, so it works in plain tests and inside other runtimes. The same client speaks to a
//! real socket with [`TestClient::over_tcp`].
//!
//! A request is put together in `request`, goes out in `exchange`, and comes back in `reply`; `stream` is
//! the way of those that go piece by piece. `jar` keeps cookies, `agent` who keeps them, and `bench` is
//! the side of the worker.

mod agent;
mod assert;
mod bench;
mod cookie_date;
mod direct;
mod error;
mod exchange;
mod jar;
mod multipart;
mod raw;
mod reply;
mod request;
mod shared;
mod stream;
mod url;
mod wire;

pub use direct::DirectConnection;
pub use error::{TestError, TestErrorKind};
pub use jar::TestCookie;
pub use multipart::TestFile;
pub use raw::RawConnection;
pub use reply::TestReply;
pub use request::{PendingReply, TestRequest};
pub use stream::TestExchange;

use crate::app::IntoApp;
use agent::Agent;
use bench::{Bench, Mailbox, Time};
use http::Method;
use shared::{Mode, Progress, Shared};
use shikra_engine::rt::tasks;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use url::{Origin, Scheme, Url};

/// Drives an application, in process or over TCP, as one user agent.
///
/// Each request takes a kept-alive connection if there is one, and cookies stay between them as a browser
/// keeps them. A call that gets no answer within 30 seconds of real time panics, and says what it waited
/// for. A clone is the same user agent; [`TestClient::session`] is another one. The application ends with
/// the last of them.
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
#[derive(Clone)]
pub struct TestClient {
    agent: Arc<Agent>,
    origin: Origin,
    cookies: Cookies,
}

/// What becomes of cookies.
#[derive(Clone, Copy, PartialEq)]
enum Cookies {
    Kept,
    Ignored,
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

    /// A client of an application that listens on a free port of 127.0.0.1, started as
    /// [`App::start`](crate::App::start) does. Everything works as in process, but virtual time. The server
    /// stops with the client, as [`AppHandle::stop`](crate::AppHandle::stop) does.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let client = TestClient::over_tcp(App::new().get("/", async |_| "hi"));
    /// assert!(client.addr().unwrap().ip().is_loopback());
    /// client.get("/").send().assert_text("hi");
    /// ```
    ///
    /// # Panics
    /// When the application has mistakes, it does not start, or there is no port.
    #[track_caller]
    #[must_use]
    pub fn over_tcp(app: impl IntoApp) -> Self {
        let server = match app.into_app().start(("127.0.0.1", 0)) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        };
        let addr = server.addr();
        let origin = Origin { scheme: Scheme::Http, authority: addr.to_string() };
        let work = move |inbox: &Mailbox, ready: &Ready| bench::run_tcp(addr, inbox, ready);
        Self::with_worker(Mode::Tcp(server), origin, work)
    }

    #[track_caller]
    fn with_time(app: impl IntoApp, time: Time) -> Self {
        let frozen = match crate::app::freeze(app.into_app()) {
            Ok(frozen) => frozen,
            Err(error) => panic!("{error}"),
        };
        let mode = if time == Time::Virtual { Mode::VirtualTime } else { Mode::RealTime };
        let origin = Origin { scheme: Scheme::Http, authority: "test".to_owned() };
        let work = move |inbox: &Mailbox, ready: &Ready| bench::run(frozen, time, inbox, ready);
        Self::with_worker(mode, origin, work)
    }

    #[track_caller]
    fn with_worker(
        mode: Mode,
        origin: Origin,
        work: impl FnOnce(&Mailbox, &Ready) + Send + 'static,
    ) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let (ready, is_ready) = mpsc::channel();
        let inbox = Arc::clone(&mailbox);
        let thread = thread::Builder::new()
            .name("shikra-test".to_owned())
            .spawn(move || work(&inbox, &ready))
            .expect("a test can start a thread");
        match is_ready.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("the application does not start: {error}"),
            Err(_) => panic!("the application does not start: its worker panicked"),
        }
        let agent = Agent::new(Arc::new(Shared { mailbox, thread: Some(thread), mode }));
        Self { agent, origin, cookies: Cookies::Kept }
    }

    /// Another user agent of the same application, with the same settings: no cookie and no connection of
    /// this one is its.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let ada = TestClient::new(App::new());
    /// ada.set_cookie("user=ada");
    /// let bob = ada.session();
    /// assert_eq!((ada.cookie("user").as_deref(), bob.cookie("user")), (Some("ada"), None));
    /// ```
    #[must_use]
    pub fn session(&self) -> Self {
        let agent = Agent::new(Arc::clone(&self.agent.shared));
        Self { agent, origin: self.origin.clone(), cookies: self.cookies }
    }

    /// The same client for another origin, which `host` fields and cookies go by. With `https` it takes
    /// itself for a browser in front of a proxy that ends TLS: `Secure` cookies are kept and sent. Default:
    /// `http://test`, and the address over TCP.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.host().map(|host| host.into_owned()));
    /// let client = TestClient::new(app).with_origin("https://shop.example");
    /// client.get("/").send().assert_text("shop.example");
    /// ```
    ///
    /// # Panics
    /// When it does not begin with `http://` or `https://` and a host.
    #[track_caller]
    #[must_use]
    pub fn with_origin(self, origin: &str) -> Self {
        match Origin::decode(origin) {
            Some(origin) => Self { origin, ..self },
            None => panic!("{origin:?} is no origin, such as \"https://shop.example\""),
        }
    }

    /// The same client without a memory for cookies.
    #[must_use]
    pub fn without_cookies(self) -> Self {
        Self { cookies: Cookies::Ignored, ..self }
    }

    fn keeps_cookies(&self) -> bool {
        self.cookies == Cookies::Kept
    }

    /// The address of the server; `None` in process.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.agent.shared.addr()
    }

    /// The value of a kept cookie, with its triplets decoded. Of several with that name it is the oldest.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies();
        cookies.iter().find(|cookie| cookie.name() == name).map(TestCookie::value)
    }

    /// All cookies that are kept and have not expired, the oldest first.
    #[must_use]
    pub fn cookies(&self) -> Vec<TestCookie> {
        let now_s = self.run(|bench| async move { bench.now_s() });
        self.agent.jar.lock().unwrap_or_else(PoisonError::into_inner).all(now_s)
    }

    /// Keeps a cookie as if the application had sent this `Set-Cookie` field in reply to `/`.
    pub fn set_cookie(&self, field: &str) {
        let url = Url { origin: self.origin.clone(), target: "/".to_owned() };
        let now_s = self.run(|bench| async move { bench.now_s() });
        let mut jar = self.agent.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.store(field.as_bytes(), &url, now_s);
    }

    /// Forgets all cookies.
    pub fn clear_cookies(&self) {
        self.agent.jar.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
        TestRequest::new(self, method, target)
    }

    /// Sends several requests at once, each over a connection of its own, and gives their replies in the
    /// same order.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let client = TestClient::new(App::new().get("/:n", async |req| req.param::<String>("n")));
    /// let replies = client.send_all(["/1", "/2", "/3"].map(|target| client.get(target)));
    /// assert_eq!(replies.iter().map(|reply| reply.text()).collect::<String>(), "123");
    /// ```
    ///
    /// # Panics
    /// When one of them gets no reply.
    #[must_use]
    #[track_caller]
    pub fn send_all<'a>(
        &self,
        requests: impl IntoIterator<Item = TestRequest<'a>>,
    ) -> Vec<TestReply> {
        let pending: Vec<_> = requests.into_iter().map(TestRequest::begin).collect();
        let mut replies = Vec::with_capacity(pending.len());
        for reply in pending {
            replies.push(reply.wait());
        }
        replies
    }

    /// Opens a connection for raw bytes.
    ///
    /// # Panics
    /// When the application takes none, which can be over TCP alone.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> RawConnection<'_> {
        RawConnection::new(self)
    }

    /// Moves virtual time on, letting everything happen that is due on the way.
    ///
    /// It moves in steps of 20 ms, and what is due in a step fires at its end. A sleep that begins on the way
    /// begins at the end of such a step, so a chain of sleeps takes up to 21 ms more for each: advance once
    /// for each link, or by so much more.
    ///
    /// # Panics
    /// When the client was not made by [`TestClient::with_virtual_time`].
    #[track_caller]
    pub fn advance(&self, time: Duration) {
        match self.agent.shared.mode {
            Mode::VirtualTime => {}
            _ => panic!("this client's time is real: make it with `TestClient::with_virtual_time`"),
        }
        self.run(move |_| tasks::advance(time, shikra_engine::clock::refresh_current));
    }

    /// Lets the application do all that it can do without more input or time.
    ///
    /// # Panics
    /// Over TCP, where nobody can know.
    #[track_caller]
    pub fn settle(&self) {
        if let Mode::Tcp(_) = self.agent.shared.mode {
            panic!("an application over TCP cannot be seen to settle");
        }
        self.run(|_| tasks::settle());
    }

    /// The number of connections that the application has open.
    #[must_use]
    pub fn connections(&self) -> usize {
        match &self.agent.shared.mode {
            Mode::Tcp(server) => server.connections(),
            _ => self.run(|bench| async move { bench.counts() }).map_or(0, |(open, _)| open),
        }
    }

    /// The number of timers that the application's worker holds: one for each connection.
    ///
    /// # Panics
    /// Over TCP, where there is no look into the workers.
    #[must_use]
    #[track_caller]
    pub fn timers(&self) -> usize {
        match self.run(|bench| async move { bench.counts() }) {
            Some((_, timers)) => timers,
            None => panic!("the timers of an application over TCP cannot be counted"),
        }
    }

    /// Runs a job on the worker's thread and waits for its result.
    #[track_caller]
    fn run<T, F, J>(&self, job: J) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
        J: FnOnce(std::rc::Rc<Bench>) -> F + Send + 'static,
    {
        match self.agent.shared.call(Progress::new(), job).wait(PATIENCE) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }
}

type Ready = mpsc::Sender<io::Result<()>>;

const PATIENCE: Duration = Duration::from_secs(30);
