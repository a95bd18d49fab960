//! The request: an owned, cheap, immutable handle on the frozen head of an exchange.

mod accept;
mod body;
mod collect;
mod conditions;
#[cfg(feature = "tower")]
mod derived;
mod fields;
mod observed;
mod origin;
mod query;
mod target;

pub use body::Body;
#[cfg(feature = "tower")]
pub(crate) use derived::{Fed, OwnHead};
pub(crate) use fields::full_name;
pub(crate) use observed::Observed;
pub(crate) use origin::Origin;
pub use origin::TrustedProxies;
pub use query::QueryPairs;

use crate::error::{Error, Result};
use crate::failure::FailureKind;
use crate::meta::Meta;
use crate::response::Response;
use crate::router::{Params, RouteId};
use crate::state::WorkerState;
use collect::Collected;
use http::Method;
#[cfg(feature = "tower")]
pub(crate) use shikra_engine::body::BodyError;
use shikra_engine::service::{End, Exchange, Extra, panic_message};
use shikra_engine::slot::SlotFuture;
use shikra_proto::http1::RequestHead;
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::str::FromStr;
use std::task::Poll;
use tokio::time::Instant;

/// A request.
///
/// Cloning one counts up, nothing more; all clones show the same head. It stays valid as long as
/// somebody holds it, so streams and late work may keep it. It lives on its worker: it is neither
/// `Send` nor `Sync`. It never changes; what middleware learns goes into [`Request::meta`].
///
/// ```
/// use shikra::{App, Request, testing::TestClient};
///
/// async fn show(req: Request) -> String {
///     format!("{} {} {:?}", req.method(), req.path(), req.header("accept"))
/// }
///
/// let client = TestClient::new(App::new().get("/a", show));
/// let reply = client.get("/a").header("accept", "text/plain").send();
/// assert_eq!(reply.text(), r#"GET /a Some("text/plain")"#);
/// ```
#[derive(Clone)]
pub struct Request {
    exchange: Rc<Exchange<RequestExtra>>,
    /// How many segments of the path the base path or mount has that the holder of this handle was
    /// registered under. It stands here and not in the exchange, since each step has its own.
    depth: u16,
}

/// What Shikra keeps for a request beside its head; reused from request to request.
#[derive(Default)]
pub(crate) struct RequestExtra {
    pub(crate) params: Params,
    pub(crate) context: Option<Rc<dyn Context>>,
    pub(crate) meta: Meta,
    /// The most bytes that collecting the body may take.
    pub(crate) body_bytes_max: u64,
    collected: Collected,
    rare: OnceCell<Box<Rare>>,
}

/// What few requests have.
#[derive(Default)]
struct Rare {
    /// Filled when somebody asks for it, and proxies are trusted.
    origin: OnceCell<Origin>,
    rerouted: OnceCell<Rerouted>,
    /// The request that this one stands for.
    source: Option<Request>,
    /// A panic has been answered already.
    has_recovered: Cell<bool>,
    /// What is noted of the exchange, where the application wants to know of it.
    observed: Option<Observed>,
}

impl Extra for RequestExtra {
    #[inline]
    fn reset(&mut self) {
        self.context = None;
        self.params.shed();
        self.meta.clear();
        self.collected.reset();
        if self.rare.get().is_some() {
            self.forget_rare();
        }
    }
}

impl RequestExtra {
    #[inline(never)]
    fn forget_rare(&mut self) {
        self.rare.take();
    }

    #[inline]
    fn routed_params(&self) -> &Params {
        match self.rerouted() {
            None => &self.params,
            Some(rerouted) => &rerouted.params,
        }
    }

    #[inline]
    fn rerouted(&self) -> Option<&Rerouted> {
        self.rare.get()?.rerouted.get()
    }

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    fn rare_mut(&mut self) -> Option<&mut Rare> {
        self.rare();
        self.rare.get_mut().map(|rare| &mut **rare)
    }

    /// Notes that a panic is being answered; says whether one was before.
    pub(crate) fn recovers(&self) -> bool {
        self.rare().has_recovered.replace(true)
    }

    /// What is noted of the exchange, where the application wants to know of it.
    pub(crate) fn observed(&self) -> Option<&Observed> {
        self.rare.get()?.observed.as_ref()
    }

    /// Begins to note it.
    pub(crate) fn observe(&mut self, observed: Observed) {
        if let Some(rare) = self.rare_mut() {
            rare.observed = Some(observed);
        }
    }
}

/// A request whose form has said which method it means.
pub(crate) struct Rerouted {
    pub(crate) method: Method,
    pub(crate) params: Params,
    pub(crate) body_bytes_max: u64,
}

/// What a request needs of the application that it came to.
pub(crate) trait Context {
    /// The state that a request finds.
    fn state(&self, req: &Request) -> &WorkerState;
    /// The proxies whose word is taken, if there are such.
    fn proxies(&self) -> Option<&TrustedProxies>;
    /// The place of a parameter in the pattern of a route.
    fn param_index(&self, route: RouteId, name: &str) -> Option<usize>;
    fn param_names(&self, route: RouteId) -> Vec<&str>;
    /// The pattern of a route, as it was registered.
    fn pattern(&self, route: RouteId) -> Option<&str>;
    /// Runs the error handlers on a response that stands for an error.
    fn render_error(self: Rc<Self>, req: Request, res: Response) -> SlotFuture<Response>;
    /// Tells the logger, or the log.
    fn report(&self, kind: FailureKind, req: &Request, error: &Error);
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method())
            .field("target", &self.target())
            .finish_non_exhaustive()
    }
}

impl Request {
    pub(crate) fn new(exchange: Rc<Exchange<RequestExtra>>) -> Self {
        Self { exchange, depth: 0 }
    }

    /// The same request, for a step that stands under so many segments of the path.
    pub(crate) fn at(self, depth: u16) -> Self {
        Self { depth, ..self }
    }

    pub(crate) fn router_params(&self) -> &Params {
        self.source().extra().routed_params()
    }

    /// The path that the router has seen.
    pub(crate) fn routed_path(&self) -> &str {
        self.source().path()
    }

    /// The request that the router has seen: this one, or the one that it stands for.
    pub(crate) fn source(&self) -> &Self {
        self.extra().rare.get().and_then(|rare| rare.source.as_ref()).unwrap_or(self)
    }

    fn context(&self) -> Option<&dyn Context> {
        self.source().extra().context.as_deref()
    }

    /// Makes it a request of another method and route. Nobody else has seen it yet.
    pub(crate) fn reroute(&self, rerouted: Rerouted) {
        let is_first = self.extra().rare().rerouted.set(rerouted).is_ok();
        debug_assert!(is_first, "a request is rerouted once");
    }

    /// The most bytes that collecting the body may take.
    pub(crate) fn body_bytes_max(&self) -> u64 {
        let rerouted = self.extra().rerouted();
        rerouted.map_or(self.extra().body_bytes_max, |rerouted| rerouted.body_bytes_max)
    }

    pub(crate) fn head(&self) -> &RequestHead {
        self.exchange.head()
    }

    pub(crate) fn extra(&self) -> &RequestExtra {
        self.exchange.extra()
    }

    // Parameters.

    /// A parameter of the route, decoded and parsed.
    ///
    /// # Errors
    /// 400 when the value does not parse, with a message that names the parameter; 500 when the route
    /// has no such parameter, or its optional parameter is absent ([`Request::param_opt`]).
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/double/:n", async |req| Ok((2 * req.param::<u32>("n")?).to_string()));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/double/21").send().text(), "42");
    /// assert_eq!(client.get("/double/x").send().status(), 400);
    /// ```
    pub fn param<T: FromStr>(&self, name: &str) -> Result<T>
    where
        T::Err: fmt::Display,
    {
        match self.param_str(name) {
            Some(text) => parse_param(name, text),
            None => Err(Error::from(std::io::Error::other(format!(
                "the route {} has no parameter `{name}` here",
                self.pattern().unwrap_or("that did not match")
            )))),
        }
    }

    /// A parameter that may be absent, decoded and parsed.
    ///
    /// # Errors
    /// 400 when the value does not parse.
    pub fn param_opt<T: FromStr>(&self, name: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        self.param_str(name).map(|text| parse_param(name, text)).transpose()
    }

    /// A parameter, decoded and parsed, or `default` where it is absent.
    ///
    /// # Errors
    /// 400 when the value does not parse.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/page/:n?", async |req| Ok(format!("page {}", req.param_or("n", 1_u32)?)));
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/page/3").send().text(), "page 3");
    /// assert_eq!(client.get("/page").send().text(), "page 1");
    /// ```
    pub fn param_or<T: FromStr>(&self, name: &str, default: T) -> Result<T>
    where
        T::Err: fmt::Display,
    {
        Ok(self.param_opt(name)?.unwrap_or(default))
    }

    /// A value that may stand in the path, in a form in the body, or in the query: the first of these that
    /// has one of this name, decoded and parsed.
    ///
    /// The client chooses the place, so nothing that was checked in one place is taken from here.
    ///
    /// # Errors
    /// 400 when the value does not parse; as [`Request::bytes`] where the body is a form.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.any("/find/:q?", async |req| req.param_anywhere::<String>("q").await);
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/find/a?q=c").send().text(), "a");
    /// assert_eq!(client.post("/find?q=c").form(&[("q", "b")]).send().text(), "b");
    /// assert_eq!(client.get("/find?q=c").send().text(), "c");
    /// ```
    pub async fn param_anywhere<T: FromStr>(&self, name: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        if let Some(value) = self.param_opt(name)? {
            return Ok(Some(value));
        }
        if self.is("form") {
            let pairs: Vec<(String, String)> = self.form().await?;
            if let Some((_, text)) = pairs.iter().find(|(key, _)| key == name) {
                return parse_param(name, text).map(Some);
            }
        }
        self.query().parse(name)
    }

    /// A parameter as decoded text; `None` when it is absent.
    #[must_use]
    pub fn param_str(&self, name: &str) -> Option<&str> {
        let req = self.source();
        let (params, extra) = (req.extra().routed_params(), req.extra());
        let index = extra.context.as_deref()?.param_index(params.route()?, name)?;
        params.value(index, req.path())
    }

    /// A parameter as it was sent.
    #[must_use]
    pub fn param_raw(&self, name: &str) -> Option<&str> {
        let (params, path) = (self.router_params(), self.routed_path());
        params.raw(self.param_index(name)?, path)
    }

    fn param_index(&self, name: &str) -> Option<usize> {
        self.context()?.param_index(self.router_params().route()?, name)
    }

    /// The names and decoded values of all parameters that are present, in pattern order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        let (params, path) = (self.router_params(), self.routed_path());
        let names = self.param_names().into_iter().enumerate();
        names.filter_map(move |(index, name)| Some((name, params.value(index, path)?)))
    }

    /// The decoded value of the parameter at this place of the pattern.
    pub(crate) fn param_at(&self, index: usize) -> Option<&str> {
        self.router_params().value(index, self.routed_path())
    }

    /// The names of all parameters of the route, in pattern order.
    pub(crate) fn param_names(&self) -> Vec<&str> {
        let context = self.context().zip(self.router_params().route());
        context.map(|(context, route)| context.param_names(route)).unwrap_or_default()
    }

    // Around the request.

    /// What middleware has learnt about this request.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.source().extra().meta
    }

    /// The application's state of type `T`, the worker's own before the shared one.
    ///
    /// # Panics
    /// When the application has none: a 500, and a line in the log that names the type.
    #[must_use]
    pub fn state<T: 'static>(&self) -> &T {
        match self.context() {
            Some(context) => context.state(self).expect(),
            None => panic!("state was asked for before the application had the request"),
        }
    }

    /// The application's state of type `T`, if it has one.
    #[must_use]
    pub fn try_state<T: 'static>(&self) -> Option<&T> {
        self.context()?.state(self).get()
    }

    /// The address of the client's end of the connection; `None` where the stream has none.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.exchange.client().peer
    }

    /// The address that was listened on; `None` where the stream has none.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.exchange.client().local
    }

    /// Whether the client's connection is encrypted: the one to this server, or the one to a trusted
    /// proxy that says so ([`App::trust_proxy`](crate::App::trust_proxy)).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        let forwarded = self.origin().and_then(|origin| origin.is_secure);
        forwarded.unwrap_or(self.exchange.client().is_secure)
    }

    /// When the head had arrived. It costs no look at the system's clock: the worker reads that once a turn
    /// of its loop, so the instant is true to about a millisecond on a worker that nobody holds up.
    ///
    /// ```
    /// use shikra::{App, sleep, testing::TestClient};
    /// use std::time::Duration;
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| {
    ///     sleep(Duration::from_secs(2)).await;
    ///     format!("{} s", req.received_at().elapsed().as_secs())
    /// });
    /// let client = TestClient::with_virtual_time(app);
    /// let connection = client.connect();
    /// connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    /// client.advance(Duration::from_secs(2));
    /// assert_eq!(connection.read_reply().unwrap().text(), "2 s");
    /// ```
    #[must_use]
    pub fn received_at(&self) -> Instant {
        self.exchange.received_at()
    }

    /// Waits until the client closes its half of the connection, or all of it.
    pub async fn closed(&self) {
        poll_fn(|cx| self.source().exchange.fate().poll_closed(cx)).await;
    }

    /// Whether the client is known to have closed its half of the connection, or all of it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.source().exchange.fate().is_closed()
    }

    /// Whether the reply has been handed over whole. That says nothing about whether the client got it; after an
    /// exchange that broke off it stays false. Work that outlives the exchange may want to know.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.exchange.fate().end() == Some(End::Finished)
    }

    /// Runs `hook` once, synchronously, when the reply has been handed over to the operating system, down to its last
    /// byte. If the client leaves before, it does not run. A panic in it goes to the logger.
    pub fn on_finish(&self, hook: impl FnOnce() + 'static) {
        let exchange = Rc::downgrade(&self.exchange);
        self.exchange.fate().on_end(move |end| {
            if end == End::Finished {
                contain(&exchange, hook);
            }
        });
    }

    /// Runs `hook` once, synchronously, if the client leaves before the reply is complete. A panic in it
    /// goes to the logger.
    pub fn on_abort(&self, hook: impl FnOnce() + 'static) {
        let exchange = Rc::downgrade(&self.exchange);
        self.exchange.fate().on_end(move |end| {
            if end == End::Aborted {
                contain(&exchange, hook);
            }
        });
    }

    /// Runs `hook` once, synchronously, when the exchange ends, whichever way: after the hooks of
    /// [`Request::on_finish`] and [`Request::on_abort`]. Hooks of one kind run in the order in which they were added.
    /// A panic in one goes to the logger.
    pub fn on_close(&self, hook: impl FnOnce() + 'static) {
        // Weak, since a hook of an exchange that is over never runs, and would keep its own block alive.
        let exchange = Rc::downgrade(&self.source().exchange);
        self.source().exchange.fate().on_close(move || contain(&exchange, hook));
    }

    /// Runs `future` to its end on this worker, whatever becomes of the client. It counts as
    /// work in flight: a stopping server waits for it. A panic in it goes to the logger.
    pub fn detach(&self, future: impl Future<Output = ()> + 'static) {
        let (req, mut future) = (self.clone(), SlotFuture::new(future));
        shikra_engine::hub::detach(async move {
            let panic = poll_fn(|cx| {
                match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(cx))) {
                    Ok(poll) => poll.map(|()| None),
                    Err(panic) => Poll::Ready(Some(panic_message(&*panic))),
                }
            });
            if let Some(panic) = panic.await {
                req.report(FailureKind::Aside, &Error::panicked(panic));
            }
        });
    }

    fn report(&self, kind: FailureKind, error: &Error) {
        if let Some(context) = &self.extra().context {
            context.report(kind, self, error);
        }
    }

    pub(crate) fn render_error(&self, res: Response) -> SlotFuture<Response> {
        match &self.source().extra().context {
            Some(context) => Rc::clone(context).render_error(self.clone(), res),
            None => SlotFuture::new(std::future::ready(res)),
        }
    }
}

/// Runs a hook at the end of an exchange; its panic goes to the logger.
fn contain(exchange: &Weak<Exchange<RequestExtra>>, hook: impl FnOnce()) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(hook)) else { return };
    let error = Error::panicked(panic_message(&*panic));
    if let Some(exchange) = exchange.upgrade() {
        Request::new(exchange).report(FailureKind::Aside, &error);
    }
}

fn parse_param<T: FromStr>(name: &str, text: &str) -> Result<T>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| Error::new(400, format!("parameter `{name}`: {error}")))
}
