//! From an exchange to its chain, and from the response back to the reply.

mod describe;
mod frozen;
mod method_override;
mod miss;
mod observe;
mod site;
mod under;
mod watchdog;

pub use frozen::Tier;
pub(crate) use frozen::{
    Frozen, FrozenRoute, FrozenSite, FrozenStep, Hook, NotFoundFor, Place, Scope, ScopePlaces,
    StateMaker,
};
pub use miss::Unmatched;
pub(crate) use miss::{UnmatchedHandler, erase_unmatched};
pub(crate) use observe::{Observe, Observer};
pub(crate) use site::WorkerSite;

use crate::error::Error;
use crate::failure::FailureKind;
use crate::into_response::IntoResponse;
use crate::middleware::Chain;
use crate::request::{Context, Request, RequestExtra};
use crate::response::{Response, Security};
use crate::router::{Outcome, PathView, Scheme};
use http::{Method, StatusCode};
use miss::Miss;
use shikra_engine::body::{BodyError, Oversize};
use shikra_engine::service::{Answer, Exchange, Incident, Refusal, Reply, Service};
use shikra_engine::slot::SlotFuture;
use shikra_proto::http1::RequestHead;
use shikra_proto::uri::Authority;
use site::LocalRoute;
use std::fmt;
use std::rc::Rc;

/// What the engine calls.
pub(crate) struct AppService {
    root: Rc<WorkerSite>,
    /// The root and the host children, by number.
    sites: Vec<Rc<WorkerSite>>,
    /// What notes exchanges, if anything is to be noted.
    observer: Option<Observer>,
}

impl Service for AppService {
    type Extra = RequestExtra;
    type Response = Response;

    #[inline]
    fn call(&self, exchange: &mut Rc<Exchange<RequestExtra>>) -> Answer<Response> {
        let Some(observer) = &self.observer else { return self.answer(exchange) };
        observer.begin(exchange);
        let answer = self.answer(exchange);
        observer.attend(exchange, answer)
    }

    #[inline]
    fn finish(&self, exchange: &Rc<Exchange<RequestExtra>>, res: Response) -> Answer<Response> {
        match res.is_plain() && self.observer.is_none() {
            true => Answer::Now(ending(res.into_reply())),
            false => self.finish_with_more(exchange, res),
        }
    }

    #[inline]
    fn as_reply<'a>(&self, res: &'a mut Response) -> Option<&'a mut Reply> {
        (res.is_plain() && self.observer.is_none()).then(|| res.reply_mut())
    }

    #[inline]
    fn is_spent(&self, res: &Response) -> bool {
        res.owns_nothing()
    }

    fn recover(&self, exchange: &Rc<Exchange<RequestExtra>>, panic: String) -> Answer<Response> {
        self.answer_failure(exchange, Error::panicked(panic))
    }

    fn withdraw(
        &self,
        exchange: &Rc<Exchange<RequestExtra>>,
        incident: Incident,
    ) -> Answer<Response> {
        self.answer_failure(exchange, failure_of(incident))
    }

    fn note_refusal(&self, refusal: &Refusal<'_>, reply: &Reply) {
        if let Some(observer) = &self.observer {
            observer.note_refusal(refusal, reply);
        }
    }

    fn report(&self, exchange: &Rc<Exchange<RequestExtra>>, incident: Incident) {
        let error = failure_of(incident);
        let req = Request::new(Rc::clone(exchange));
        self.site(exchange).report(FailureKind::AfterHead, &req, &error);
    }
}

/// CF-39: a body over its limit ends the connection.
#[inline]
fn ending(mut reply: Reply) -> Reply {
    reply.closes |= reply.status == StatusCode::PAYLOAD_TOO_LARGE;
    reply
}

fn failure_of(incident: Incident) -> Error {
    match incident {
        Incident::StreamFailed(cause) => Error::from_cause(cause),
        Incident::StreamPanicked(message) => Error::panicked(message),
        incident => Error::from_cause(format!("{incident:?}").into()),
    }
}

impl AppService {
    /// Answers what no handler of the route can answer any more.
    fn answer_failure(
        &self,
        exchange: &Rc<Exchange<RequestExtra>>,
        error: Error,
    ) -> Answer<Response> {
        let res = Response::from_error(error);
        if exchange.extra().recovers() {
            // The error handler has failed too.
            let req = Request::new(Rc::clone(exchange));
            let res = self.site(exchange).render_default(&req, res);
            return self.now(exchange, res.into_reply());
        }
        self.finish(exchange, res)
    }

    fn answer(&self, exchange: &mut Rc<Exchange<RequestExtra>>) -> Answer<Response> {
        let site = self.site(exchange);
        let Some(unique) = Rc::get_mut(exchange) else {
            return Answer::Later(SlotFuture::new(async { shared_too_early().into_response() }));
        };
        if site.frozen.overrides_method && method_override::may_apply(unique.head()) {
            return Answer::Later(method_override::call(site, exchange));
        }
        let (head, extra) = unique.parts_mut();
        extra.context = Some(Rc::clone(site) as Rc<dyn Context>);
        extra.body_bytes_max = COLLECTED_BYTES_MAX;
        let (path, router) = (path_view(head), &site.frozen.router);
        let found = match router.find_whole(head.method(), path, &mut extra.params) {
            Some((route, _)) => route,
            None => match router.search(head.method(), path, &mut extra.params) {
                Outcome::Found { route, .. } => route,
                outcome => {
                    let miss = Miss::of(&outcome, head);
                    return self.answer_miss(site, miss, exchange);
                }
            },
        };
        let number = router.routes().get(found.index()).map(|route| *route.value());
        let Some(route) = number.and_then(|number| site.routes.get(number)) else {
            return Answer::Later(SlotFuture::new(async { 500.into_response() }));
        };
        if let Some(max) = route.body_bytes_max
            && let Some(refusal) = self.limit_body(exchange, max, route.oversize)
        {
            return refusal;
        }
        let req = Request::new(Rc::clone(exchange));
        Answer::Later(match route.chain() {
            Some(chain) => chain.start(0, req),
            None => site.chain(route, req.router_params(), req.path()).start(0, req),
        })
    }

    /// Answers a request that no route answers. Apart from the way of all others, which is shorter for it.
    #[inline(never)]
    fn answer_miss(
        &self,
        site: &Rc<WorkerSite>,
        miss: Miss,
        exchange: &mut Rc<Exchange<RequestExtra>>,
    ) -> Answer<Response> {
        if let Some(router) = &site.frozen.with_no_such_method
            && let Some(unique) = Rc::get_mut(exchange)
            && let (head, extra) = unique.parts_mut()
            && let Some(why) = miss.why().filter(|_| *head.method() != Method::OPTIONS)
            && let Outcome::Found { value, .. } =
                router.find(head.method(), path_view(head), &mut extra.params)
            && let Some(route) = site.routes.get(*value)
        {
            return self.call_no_such_method(site, route, why, exchange);
        }
        if let (Miss::Connect, Some((route, chain))) = (&miss, site.connect()) {
            return self.call_beside(route, &chain, exchange);
        }
        Answer::Later(site.call_outer(Request::new(Rc::clone(exchange)), miss))
    }

    /// Sets the limit of a body; refuses one that is over it already.
    #[inline(never)]
    fn limit_body(
        &self,
        exchange: &mut Rc<Exchange<RequestExtra>>,
        max: u64,
        oversize: Oversize,
    ) -> Option<Answer<Response>> {
        Rc::get_mut(exchange)?.parts_mut().1.body_bytes_max = max;
        is_too_large(exchange, max, oversize).then(|| self.refuse_body(exchange, max, oversize))
    }

    /// Makes the service of the root and its host children, of which there is at least the root.
    pub(crate) fn new(sites: Vec<Rc<WorkerSite>>, observer: Option<Observer>) -> Option<Self> {
        Some(Self { root: Rc::clone(sites.first()?), sites, observer })
    }

    fn now(&self, exchange: &Rc<Exchange<RequestExtra>>, mut reply: Reply) -> Answer<Response> {
        if let Some(observer) = &self.observer {
            observer.reply(exchange, &mut reply);
        }
        Answer::Now(reply)
    }

    /// Makes the reply of a response that is more than one, or that is noted.
    fn finish_with_more(
        &self,
        exchange: &Rc<Exchange<RequestExtra>>,
        res: Response,
    ) -> Answer<Response> {
        let reply = match res.is_plain() {
            true => res.into_reply(),
            false => match self.settle(exchange, res) {
                Ok(reply) => reply,
                Err(rendering) => return Answer::Later(rendering),
            },
        };
        self.now(exchange, ending(reply))
    }

    /// Makes the reply of a response that is more than one; or says which error handler has to run first.
    fn settle(
        &self,
        exchange: &Rc<Exchange<RequestExtra>>,
        mut res: Response,
    ) -> Result<Reply, SlotFuture<Response>> {
        let req = Request::new(Rc::clone(exchange));
        let is_answer_to_error = res.error().is_some() && res.unrendered().is_none();
        res.refuse_value();
        if res.unrendered().is_some() {
            let site = self.site(exchange);
            if site.handles_errors() && !is_answer_to_error {
                return Err(SlotFuture::new(Rc::clone(site).render(req, res)));
            }
            res = site.render_default(&req, res);
        }
        let security = if req.is_secure() { Security::Encrypted } else { Security::Plain };
        Ok(res.into_reply_over(security))
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
        let proxies = self.root.frozen.proxies.as_deref();
        let origin = proxies.map(|p| exchange.extra().origin(head, exchange.client(), p));
        let forwarded = origin.and_then(|origin| origin.authority.as_deref());
        let authority = forwarded.or_else(|| head.authority());
        let Some(authority) = authority.and_then(|text| Authority::decode(text).ok()) else {
            return site;
        };
        let target = head.target().as_bytes();
        let own = exchange.client().is_secure;
        let is_secure = match (origin.and_then(|origin| origin.is_secure), target.first()) {
            (Some(forwarded), _) => forwarded,
            (None, Some(b'/')) => own,
            (None, _) => match target.get(..6) {
                Some(scheme) => scheme.eq_ignore_ascii_case(b"https:"),
                None => own,
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

    fn refuse_body(
        &self,
        exchange: &Rc<Exchange<RequestExtra>>,
        max: u64,
        oversize: Oversize,
    ) -> Answer<Response> {
        match oversize {
            Oversize::Respond => self.finish(exchange, too_large(max)),
            Oversize::Abort => Answer::Now(Response::abort().into_reply()),
        }
    }

    /// Calls the handler for methods that a path does not have.
    fn call_no_such_method(
        &self,
        site: &WorkerSite,
        route: &LocalRoute,
        why: Unmatched,
        exchange: &mut Rc<Exchange<RequestExtra>>,
    ) -> Answer<Response> {
        let (params, path) = (&exchange.extra().params, exchange.head().path());
        let chain = site.custom_chain(route, why, params, path);
        self.call_beside(route, &chain, exchange)
    }

    /// Calls a route that the table does not find, with its body limit.
    fn call_beside(
        &self,
        route: &LocalRoute,
        chain: &Rc<Chain>,
        exchange: &mut Rc<Exchange<RequestExtra>>,
    ) -> Answer<Response> {
        if let Some(max) = route.body_bytes_max
            && let Some(refusal) = self.limit_body(exchange, max, route.oversize)
        {
            return refusal;
        }
        Answer::Later(chain.start(0, Request::new(Rc::clone(exchange))))
    }
}

fn path_view(head: &RequestHead) -> PathView<'_> {
    match head.path_is_plain() {
        true => PathView::known_plain(head.path()),
        false => PathView::new(head.path()),
    }
}

/// Limits the body of an exchange; says whether it is to be refused at once, since it announces more
/// than that, or as much has come with the head of one that is not to be answered.
fn is_too_large(exchange: &Exchange<RequestExtra>, max: u64, oversize: Oversize) -> bool {
    match exchange.body().announced_len() {
        Some(0) => {}
        // CF-38: refused before any middleware, handler or byte of the body.
        Some(len) if len > max => return true,
        _ => exchange.body().set_max(max, oversize),
    }
    exchange.body().is_aborted()
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
pub(crate) const COLLECTED_BYTES_MAX: u64 = 250_000;
