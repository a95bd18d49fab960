//! From an exchange to its chain, and from the response back to the reply.

mod frozen;
mod miss;
mod site;

pub(crate) use frozen::{
    Frozen, FrozenRoute, FrozenSite, FrozenStep, Hook, NotFoundFor, Scope, StateMaker,
};
pub use miss::Unmatched;
pub(crate) use miss::{UnmatchedHandler, erase_unmatched};
pub(crate) use site::WorkerSite;

use crate::error::Error;
use crate::into_response::IntoResponse;
use crate::request::{Context, Request, RequestExtra};
use crate::response::Response;
use crate::router::{Outcome, PathView, Scheme};
use http::{Method, StatusCode};
use miss::Miss;
use shikra_engine::body::BodyError;
use shikra_engine::service::{Answer, Exchange, Service};
use shikra_engine::slot::SlotFuture;
use shikra_proto::uri::Authority;
use site::LocalRoute;
use std::fmt;
use std::rc::Rc;

/// What the engine calls.
pub(crate) struct AppService {
    root: Rc<WorkerSite>,
    /// The root and the host children, by number.
    sites: Vec<Rc<WorkerSite>>,
}

impl Service for AppService {
    type Extra = RequestExtra;
    type Response = Response;

    fn call(&self, exchange: &mut Rc<Exchange<RequestExtra>>) -> Answer<Response> {
        let site = self.site(exchange);
        let Some(unique) = Rc::get_mut(exchange) else {
            return Answer::Later(SlotFuture::new(async { shared_too_early().into_response() }));
        };
        let (head, extra) = unique.parts_mut();
        let path = match head.path_is_plain() {
            true => PathView::known_plain(head.path()),
            false => PathView::new(head.path()),
        };
        let outcome = site.frozen.router.find(head.method(), path, &mut extra.params);
        extra.context = Some(Rc::clone(site) as Rc<dyn Context>);
        extra.body_bytes_max = COLLECTED_BYTES_MAX;
        let miss = match outcome {
            Outcome::Found { value, .. } => {
                let Some(route) = site.routes.get(*value) else {
                    return Answer::Later(SlotFuture::new(async { 500.into_response() }));
                };
                if let Some(max) = route.body_bytes_max {
                    extra.body_bytes_max = max;
                    if is_too_large(exchange, max) {
                        return self.finish(exchange, too_large(max));
                    }
                }
                let chain = site.chain(route, &exchange.extra().params, exchange.head().path());
                return Answer::Later(chain.start(0, Request::new(Rc::clone(exchange))));
            }
            Outcome::NoMethod { allowed } => Miss::Method {
                allow: allowed.to_string(),
                is_options: *head.method() == Method::OPTIONS,
            },
            Outcome::Redirect { to, .. } => {
                let mut location = to.apply(head.path());
                if let Some(query) = head.query() {
                    location.push('?');
                    location.push_str(query);
                }
                Miss::Redirect(location)
            }
            _ if head.path() == "*" => Miss::Server,
            // CF-74: its target has no path.
            _ if *head.method() == Method::CONNECT => Miss::Connect,
            Outcome::BadPath => Miss::BadPath,
            _ => Miss::Path,
        };
        if let Some(router) = &site.frozen.with_no_such_method
            && let Some(why) = miss.why().filter(|_| *head.method() != Method::OPTIONS)
            && let Outcome::Found { value, .. } =
                router.find(head.method(), path, &mut extra.params)
            && let Some(route) = site.routes.get(*value)
        {
            return self.call_no_such_method(site, route, why, exchange);
        }
        Self::call_outer(site, exchange, miss)
    }

    fn finish(&self, exchange: &Rc<Exchange<RequestExtra>>, res: Response) -> Answer<Response> {
        let res = match res.unrendered() {
            None => res,
            Some(_) => {
                let req = Request::new(Rc::clone(exchange));
                let site = self.site(exchange);
                if site.handles_errors() {
                    return Answer::Later(SlotFuture::new(Rc::clone(site).render(req, res)));
                }
                site.render_default(&req, res)
            }
        };
        let is_too_large = res.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let mut reply = res.into_reply();
        // CF-39: a body over its limit ends the connection.
        reply.closes |= is_too_large;
        Answer::Now(reply)
    }

    fn recover(&self, exchange: &Rc<Exchange<RequestExtra>>, panic: String) -> Answer<Response> {
        let res = Response::from_error(Error::panicked(panic));
        if exchange.extra().has_recovered.replace(true) {
            // The error handler has panicked too.
            let req = Request::new(Rc::clone(exchange));
            return Answer::Now(self.site(exchange).render_default(&req, res).into_reply());
        }
        self.finish(exchange, res)
    }
}

impl AppService {
    /// Makes the service of the root and its host children, of which there is at least the root.
    pub(crate) fn new(sites: Vec<Rc<WorkerSite>>) -> Option<Self> {
        Some(Self { root: Rc::clone(sites.first()?), sites })
    }

    /// The application that an exchange is for.
    #[inline]
    fn site(&self, exchange: &Exchange<RequestExtra>) -> &Rc<WorkerSite> {
        match self.root.frozen.hosts {
            None => &self.root,
            Some(_) => self.site_by_host(exchange),
        }
    }

    fn site_by_host(&self, exchange: &Exchange<RequestExtra>) -> &Rc<WorkerSite> {
        let (head, mut site) = (exchange.head(), &self.root);
        // CF-43: the decoder has refused what does not decode.
        let Some(authority) = head.authority().and_then(|text| Authority::decode(text).ok()) else {
            return site;
        };
        let target = head.target().as_bytes();
        let is_secure = match target.first() {
            Some(b'/') => exchange.client().is_secure,
            _ => match target.get(..6) {
                Some(scheme) => scheme.eq_ignore_ascii_case(b"https:"),
                None => exchange.client().is_secure,
            },
        };
        let scheme = if is_secure { Scheme::Https } else { Scheme::Http };
        while let Some(hosts) = &site.frozen.hosts
            && let Some(number) = hosts.find(&authority, scheme)
            && let Some(child) = self.sites.get(number)
        {
            site = child;
        }
        site
    }

    /// Calls the handler for methods that a path does not have.
    fn call_no_such_method(
        &self,
        site: &WorkerSite,
        route: &LocalRoute,
        why: Unmatched,
        exchange: &mut Rc<Exchange<RequestExtra>>,
    ) -> Answer<Response> {
        if let (Some(max), Some(unique)) = (route.body_bytes_max, Rc::get_mut(exchange)) {
            unique.parts_mut().1.body_bytes_max = max;
            if is_too_large(exchange, max) {
                return self.finish(exchange, too_large(max));
            }
        }
        let why = match why {
            // VA-019: a path without a method allows none.
            Unmatched::Path => Unmatched::Method { allowed: String::new() },
            why => why,
        };
        let (params, path) = (&exchange.extra().params, exchange.head().path());
        let chain = site.custom_chain(route, why, params, path);
        Answer::Later(chain.start(0, Request::new(Rc::clone(exchange))))
    }

    fn call_outer(
        site: &Rc<WorkerSite>,
        exchange: &Rc<Exchange<RequestExtra>>,
        miss: Miss,
    ) -> Answer<Response> {
        let (params, path) = (&exchange.extra().params, exchange.head().path());
        let req = Request::new(Rc::clone(exchange));
        let scopes = site.scopes_outward(site.scope_of(&req));
        let handler = miss.handler(req.method(), scopes);
        if site.outer.is_empty() {
            return Answer::Later(handler.call(req));
        }
        let chain = site.outer_chain(params, path, &handler);
        Answer::Later(chain.start(0, req))
    }
}

/// Limits the body of an exchange; says whether it announces more than that.
fn is_too_large(exchange: &Exchange<RequestExtra>, max: u64) -> bool {
    match exchange.body().announced_len() {
        Some(0) => {}
        // CF-38: refused before any middleware, handler or byte of the body.
        Some(len) if len > max => return true,
        _ => exchange.body().set_max(max),
    }
    false
}

fn too_large(max: u64) -> Response {
    Response::from_error(BodyError::TooLarge(max).into())
}

fn shared_too_early() -> Error {
    Error::from(std::io::Error::other("the exchange was shared before it was dispatched"))
}

impl fmt::Debug for AppService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppService").field("sites", &self.sites.len()).finish()
    }
}

/// The most bytes of a collected body where nothing else is set (CF-38).
const COLLECTED_BYTES_MAX: u64 = 250_000;
