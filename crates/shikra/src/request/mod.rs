//! The request: an owned, cheap, immutable handle on the frozen head of an exchange.

mod accept;
mod body;
mod collect;
mod fields;
mod query;
mod target;

pub use body::Body;
pub use query::QueryPairs;

use crate::error::{Error, Result};
use crate::meta::Meta;
use crate::response::Response;
use crate::router::{Params, RouteId};
use crate::state::WorkerState;
use collect::Collected;
use shikra_engine::service::{End, Exchange, Extra};
use shikra_engine::slot::SlotFuture;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::rc::Rc;
use std::str::FromStr;

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
    /// A panic has been answered already.
    pub(crate) has_recovered: Cell<bool>,
}

impl Extra for RequestExtra {
    fn reset(&mut self) {
        self.context = None;
        self.params.shed();
        self.meta.clear();
        self.collected.reset();
        self.has_recovered.set(false);
    }
}

/// What a request needs of the application that it came to.
pub(crate) trait Context {
    fn state(&self) -> &WorkerState;
    /// The place of a parameter in the pattern of a route.
    fn param_index(&self, route: RouteId, name: &str) -> Option<usize>;
    fn param_names(&self, route: RouteId) -> Vec<&str>;
    /// The pattern of a route, as it was registered.
    fn pattern(&self, route: RouteId) -> Option<&str>;
    /// Runs the error handlers on a response that stands for an error.
    fn render_error(self: Rc<Self>, req: Request, res: Response) -> SlotFuture<Response>;
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
        Self { exchange }
    }

    pub(crate) fn router_params(&self) -> &Params {
        &self.extra().params
    }

    fn extra(&self) -> &RequestExtra {
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

    /// A parameter as decoded text; `None` when it is absent.
    #[must_use]
    pub fn param_str(&self, name: &str) -> Option<&str> {
        let params = &self.extra().params;
        let index = self.extra().context.as_deref()?.param_index(params.route()?, name)?;
        params.value(index, self.path())
    }

    /// A parameter as it was sent.
    #[must_use]
    pub fn param_raw(&self, name: &str) -> Option<&str> {
        let params = &self.extra().params;
        let index = self.extra().context.as_deref()?.param_index(params.route()?, name)?;
        params.raw(index, self.path())
    }

    /// The names and decoded values of all parameters that are present, in pattern order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        let params = &self.extra().params;
        let names = self.param_names().into_iter().enumerate();
        names.filter_map(|(index, name)| Some((name, params.value(index, self.path())?)))
    }

    /// The decoded value of the parameter at this place of the pattern.
    pub(crate) fn param_at(&self, index: usize) -> Option<&str> {
        self.extra().params.value(index, self.path())
    }

    /// The names of all parameters of the route, in pattern order.
    pub(crate) fn param_names(&self) -> Vec<&str> {
        let context = self.extra().context.as_deref().zip(self.extra().params.route());
        context.map(|(context, route)| context.param_names(route)).unwrap_or_default()
    }

    // Around the request.

    /// What middleware has learnt about this request.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.extra().meta
    }

    /// The application's state of type `T`, the worker's own before the shared one.
    ///
    /// # Panics
    /// When the application has none: a 500, and a line in the log that names the type.
    #[must_use]
    pub fn state<T: 'static>(&self) -> &T {
        match self.extra().context.as_deref() {
            Some(context) => context.state().expect(),
            None => panic!("state was asked for before the application had the request"),
        }
    }

    /// The application's state of type `T`, if it has one.
    #[must_use]
    pub fn try_state<T: 'static>(&self) -> Option<&T> {
        self.extra().context.as_deref()?.state().get()
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

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.exchange.client().is_secure
    }

    /// Waits until the client closes its half of the connection, or all of it.
    pub async fn closed(&self) {
        poll_fn(|cx| self.exchange.fate().poll_closed(cx)).await;
    }

    /// Whether the client is known to have closed its half of the connection, or all of it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.exchange.fate().is_closed()
    }

    /// Runs `hook` once, synchronously, if the client leaves before the reply is complete.
    pub fn on_abort(&self, hook: impl FnOnce() + 'static) {
        self.exchange.fate().on_end(move |end| {
            if end == End::Aborted {
                hook();
            }
        });
    }

    /// Runs `hook` once, synchronously, when the exchange ends, whichever way.
    pub fn on_close(&self, hook: impl FnOnce() + 'static) {
        self.exchange.fate().on_end(move |_| hook());
    }

    /// Runs `future` to its end on this worker, whatever becomes of the client. It counts as
    /// work in flight: a stopping server waits for it.
    pub fn detach(&self, future: impl Future<Output = ()> + 'static) {
        shikra_engine::hub::detach(future);
    }

    pub(crate) async fn render_error(&self, res: Response) -> Response {
        match &self.extra().context {
            Some(context) => Rc::clone(context).render_error(self.clone(), res).await,
            None => res,
        }
    }
}

fn parse_param<T: FromStr>(name: &str, text: &str) -> Result<T>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| Error::new(400, format!("parameter `{name}`: {error}")))
}
