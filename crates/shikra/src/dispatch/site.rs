//! An application on one worker: its routes with what stands around them.

use super::frozen::{FrozenRoute, FrozenSite, FrozenStep, Scope};
use super::miss::{CustomAnswer, Miss, Unmatched, UnmatchedHandler, custom};
use super::under::Under;
use crate::error::Error;
use crate::error_handler::{LocalErrorHandler, Mode, default_reply};
use crate::failure::{Failure, FailureKind, Logger};
use crate::handler::{Handler, LocalHandler};
use crate::middleware::{Chain, LocalMiddleware, guarded};
use crate::request::{Context, Request, TrustedProxies};
use crate::response::Response;
use crate::router::{Params, RouteId, Router};
use crate::state::WorkerState;
use http::Method;
use shikra_engine::body::{BodyError, Oversize};
use shikra_engine::service::Lease;
use shikra_engine::slot::SlotFuture;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// An application, or a host child, on one worker.
pub(crate) struct WorkerSite {
    pub(super) frozen: Arc<FrozenSite>,
    /// The state of the site itself.
    state: Rc<WorkerState>,
    /// The state of each scope; empty if none has a state of its own.
    states: Vec<Rc<WorkerState>>,
    pub(super) routes: Vec<LocalRoute>,
    /// What stands around requests that no route answers, by scope.
    outer: Vec<Vec<LocalStep>>,
    scopes: Vec<LocalScope>,
    mode: Mode,
    /// While a request of this site lives, the stop hooks of its application wait.
    _lease: Lease,
}

pub(super) struct LocalRoute {
    /// The chain, where it is the same for every request.
    chain: Option<Rc<Chain>>,
    steps: Vec<LocalStep>,
    handler: Rc<dyn LocalHandler>,
    pub(super) body_bytes_max: Option<u64>,
    pub(super) oversize: Oversize,
    logger: Option<Logger>,
}

#[derive(Clone)]
pub(super) struct LocalStep {
    middleware: Rc<dyn LocalMiddleware>,
    condition: Option<usize>,
}

pub(super) struct LocalScope {
    parent: Option<usize>,
    depth: u16,
    /// The handlers for errors of one type, which the program expects.
    catches: Vec<Rc<dyn LocalErrorHandler>>,
    /// The handler for all others.
    on_error: Option<Rc<dyn LocalErrorHandler>>,
    logger: Option<Logger>,
    no_host: Option<Rc<dyn LocalHandler>>,
    not_found_for: Vec<(Vec<Method>, Rc<dyn LocalHandler>)>,
    not_found: Option<Rc<dyn LocalHandler>>,
    unmatched: Option<Arc<dyn UnmatchedHandler>>,
}

impl WorkerSite {
    /// Takes the states of the scopes, as [`FrozenSite::make_states`] makes them.
    pub(crate) fn new(
        frozen: Arc<FrozenSite>,
        mut states: Vec<Rc<WorkerState>>,
        mode: Mode,
        lease: Lease,
    ) -> Self {
        let state = states.get(frozen.root).cloned().unwrap_or_default();
        let inside = states.iter().skip(frozen.root);
        if inside.into_iter().all(|own| Rc::ptr_eq(own, &state)) {
            states.clear();
        }
        let routes = frozen.routes.iter().map(|route| {
            let depths = route.steps.iter().map(|step| step.depth);
            // All of them say where they stand or none, which costs nothing.
            let is_under = depths.chain([route.depth]).any(|depth| depth > 0);
            let local = |step| LocalStep::new(step, is_under);
            let mut steps: Vec<_> = route.steps.iter().map(local).collect();
            if let Some(deadline) = route.deadline {
                let middleware = Rc::new(Deadline(deadline));
                steps.push(LocalStep { middleware, condition: None });
            }
            let handler = Arc::clone(&route.handler).for_worker();
            let handler = if is_under { Under::handler(handler, route.depth) } else { handler };
            let is_static = steps.iter().all(|step| step.condition.is_none());
            let chain = is_static.then(|| chain(&steps, &handler, |_| true));
            let FrozenRoute { body_bytes_max, oversize, .. } = *route;
            let logger = route.logger.clone();
            LocalRoute { chain, steps, handler, body_bytes_max, oversize, logger }
        });
        let routes = routes.collect();
        let outer = frozen.scopes.iter().map(|scope| {
            let is_under = scope.outer.iter().any(|step| step.depth > 0);
            scope.outer.iter().map(|step| LocalStep::new(step, is_under)).collect()
        });
        let outer = outer.collect();
        let scopes = frozen.scopes.iter().map(LocalScope::new).collect();
        Self { frozen, state, states, routes, outer, scopes, mode, _lease: lease }
    }

    pub(crate) fn state(&self) -> &Rc<WorkerState> {
        &self.state
    }

    pub(super) fn all_routes(&self) -> &Router<usize> {
        self.frozen.all_routes()
    }

    /// The chain around a request of a route for methods that its path does not have.
    pub(super) fn custom_chain(
        &self,
        route: &LocalRoute,
        why: Unmatched,
        params: &Params,
        path: &str,
    ) -> Rc<Chain> {
        let why = match why {
            // VA-019: a path without a method allows none.
            Unmatched::Path => Unmatched::Method { allowed: String::new() },
            why => why,
        };
        let handler = custom(CustomAnswer::Plain(Rc::clone(&route.handler)), why);
        chain(&route.steps, &handler, |number| self.covers(number, params, path))
    }

    /// The chain around a request of a route.
    pub(super) fn chain(&self, route: &LocalRoute, params: &Params, path: &str) -> Rc<Chain> {
        match &route.chain {
            Some(chain) => Rc::clone(chain),
            None => chain(&route.steps, &route.handler, |number| self.covers(number, params, path)),
        }
    }

    /// The chain around a request of a scope that no route answers; `None` if it is the handler alone.
    fn outer_chain(
        &self,
        scope: usize,
        params: &Params,
        path: &str,
        handler: &Rc<dyn LocalHandler>,
    ) -> Option<Rc<Chain>> {
        let steps = self.outer.get(scope).filter(|steps| !steps.is_empty())?;
        Some(chain(steps, handler, |number| self.covers(number, params, path)))
    }

    /// The route for `CONNECT`. The connection closes after it: what follows a 2xx would be no HTTP
    /// (RFC 9110 §9.3.6).
    pub(super) fn connect(&self) -> Option<(&LocalRoute, Rc<Chain>)> {
        let route = self.routes.get(self.frozen.connect?)?;
        let closing = LocalStep { middleware: Rc::new(Closing), condition: None };
        let steps: Vec<_> = [closing].into_iter().chain(route.steps.iter().cloned()).collect();
        Some((route, chain(&steps, &route.handler, |_| false)))
    }

    /// Answers a request that no route answers.
    pub(super) fn call_outer(&self, req: Request, miss: Miss) -> SlotFuture<Response> {
        let scope = self.scope_of(&req);
        let handler = miss.handler(req.method(), self.scopes_outward(scope));
        match self.outer_chain(scope, req.router_params(), req.path(), &handler) {
            Some(chain) => chain.start(0, req),
            None => handler.call(req),
        }
    }

    fn covers(&self, number: usize, params: &Params, path: &str) -> bool {
        self.frozen.covers(number, params, path)
    }

    /// The scope of a request: its route's, or that of the innermost mount that its path lies under.
    pub(super) fn scope_of(&self, req: &Request) -> usize {
        self.frozen.scope_of(req.router_params(), req.routed_path())
    }

    fn route_of(&self, req: &Request) -> Option<&LocalRoute> {
        let route = req.router_params().route()?;
        self.routes.get(*self.all_routes().routes().get(route.index())?.value())
    }

    pub(super) fn scopes_outward(&self, innermost: usize) -> impl Iterator<Item = &LocalScope> {
        let mut next = Some(innermost);
        std::iter::from_fn(move || {
            let scope = self.scopes.get(next?)?;
            next = scope.parent;
            Some(scope)
        })
    }

    pub(super) fn handles_errors(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.catches.is_empty() || scope.on_error.is_some())
    }

    /// Runs the error handlers from the innermost scope outwards, until one has made a response.
    pub(super) async fn render(self: Rc<Self>, req: Request, mut res: Response) -> Response {
        let Some(first) = res.take_unrendered() else { return res };
        let (mut error, mut is_reported) = (Rc::clone(&first), false);
        for scope in self.scopes_outward(self.scope_of(&req)) {
            let req = req.clone().at(scope.depth);
            let mut catches = scope.catches.iter();
            // What is caught by its type is expected: the log need not hear of it.
            let caught = catches.find_map(|handler| Rc::clone(handler).call(&req, &error));
            let rendering = match (caught, &scope.on_error) {
                (Some(rendering), _) => Some(rendering),
                (None, Some(handler)) => {
                    self.report_unexpected(&req, &error);
                    is_reported = true;
                    Rc::clone(handler).call(&req, &error)
                }
                (None, None) => None,
            };
            let Some(rendering) = rendering else { continue };
            // A panic of an error handler goes outward as an error of it does, and not to itself again.
            let mut rendered = guarded(rendering).await;
            match rendered.take_unrendered() {
                None => {
                    // An error is never a 200 by accident: its status stays unless the reply sets one.
                    let rendered = rendered.with_defaults(error.status(), None);
                    return rendered.answering(first).closing_as(&res);
                }
                Some(next) => (error, is_reported) = (next, false),
            }
        }
        if !is_reported {
            self.report_unexpected(&req, &error);
        }
        self.default_reply(&req, &error).answering(first).closing_as(&res)
    }

    pub(super) fn render_default(&self, req: &Request, mut res: Response) -> Response {
        let Some(error) = res.take_unrendered() else { return res };
        self.report_unexpected(req, &error);
        self.default_reply(req, &error).answering(error).closing_as(&res)
    }

    fn default_reply(&self, req: &Request, error: &Error) -> Response {
        let shown = (self.mode == Mode::Development).then(|| self.describe(req));
        default_reply(req, error, shown.as_ref())
    }
}

impl WorkerSite {
    /// Unexpected errors are told to the logger, with what led to them; the others are replies like any.
    fn report_unexpected(&self, req: &Request, error: &Error) {
        if error.is_unexpected() {
            let is_panic = error.is_panic();
            let kind = if is_panic { FailureKind::Panic } else { FailureKind::Unexpected };
            self.report(kind, req, error);
        }
    }

    /// Tells the nearest logger: of the route, its application, or one around that.
    pub(super) fn report(&self, kind: FailureKind, req: &Request, error: &Error) {
        // VA-205: that a client has left is no news for the log, whatever it is wrapped into.
        match error.downcast_ref::<BodyError>() {
            Some(BodyError::Closed) => return,
            Some(body) if kind == FailureKind::AfterHead && body.status().is_client_error() => {
                return;
            }
            _ => {}
        }
        let own = self.route_of(req).and_then(|route| route.logger.as_ref());
        let logger = own.or_else(|| {
            let mut scopes = self.scopes_outward(self.scope_of(req));
            scopes.find_map(|scope| scope.logger.as_ref())
        });
        Failure::new(kind, req, error).tell(logger);
    }
}

impl LocalRoute {
    /// The chain, where it is the same for every request.
    #[inline]
    pub(super) fn chain(&self) -> Option<&Rc<Chain>> {
        self.chain.as_ref()
    }
}

impl LocalStep {
    fn new(step: &FrozenStep, is_under: bool) -> Self {
        let middleware = Arc::clone(&step.middleware).for_worker();
        let middleware = match is_under {
            true => Under::middleware(middleware, step.depth),
            false => middleware,
        };
        Self { middleware, condition: step.condition }
    }
}

impl LocalScope {
    fn new(scope: &Scope) -> Self {
        let depth = scope.depth;
        let for_worker =
            |handler: &Arc<dyn Handler>| Under::handler(Arc::clone(handler).for_worker(), depth);
        let not_found_for = scope.not_found_for.iter();
        let not_found_for =
            not_found_for.map(|(methods, handler)| (methods.clone(), for_worker(handler)));
        Self {
            parent: scope.parent,
            depth,
            catches: scope.catches.iter().map(|handler| Arc::clone(handler).for_worker()).collect(),
            on_error: scope.on_error.as_ref().map(|handler| Arc::clone(handler).for_worker()),
            logger: scope.logger.clone(),
            no_host: scope.no_host.as_ref().map(for_worker),
            not_found_for: not_found_for.collect(),
            not_found: scope.not_found.as_ref().map(for_worker),
            unmatched: scope.unmatched.clone(),
        }
    }

    /// The handler of this scope alone for what no route answers.
    pub(super) fn answer(&self, method: &Method, why: &Unmatched) -> Option<CustomAnswer> {
        let plain = match why {
            Unmatched::Path => {
                // It is there only in the scope whose own hosts the request has failed to match.
                let no_host = self.no_host.as_ref();
                no_host.or_else(|| self.not_found_for(method)).or(self.not_found.as_ref())
            }
            Unmatched::Method { .. } => None,
        };
        match plain {
            Some(handler) => Some(CustomAnswer::Plain(Rc::clone(handler))),
            None => self.unmatched.clone().map(|told| CustomAnswer::Told(told, self.depth)),
        }
    }

    fn not_found_for(&self, method: &Method) -> Option<&Rc<dyn LocalHandler>> {
        let of = |method: &Method| {
            let mut all = self.not_found_for.iter();
            all.find(|(methods, _)| methods.contains(method)).map(|(_, handler)| handler)
        };
        // CF-14: what answers GET answers HEAD.
        of(method).or_else(|| of(&Method::GET).filter(|_| *method == Method::HEAD))
    }
}

fn chain(
    steps: &[LocalStep],
    handler: &Rc<dyn LocalHandler>,
    covers: impl Fn(usize) -> bool,
) -> Rc<Chain> {
    let steps = steps.iter().filter(|step| step.condition.is_none_or(&covers));
    let steps = steps.map(|step| Rc::clone(&step.middleware)).collect();
    Rc::new(Chain { steps, handler: Rc::clone(handler) })
}

impl Context for WorkerSite {
    fn proxies(&self) -> Option<&TrustedProxies> {
        self.frozen.proxies.as_deref()
    }

    fn state(&self, req: &Request) -> &WorkerState {
        if self.states.is_empty() {
            return &self.state;
        }
        self.states.get(self.scope_of(req)).unwrap_or(&self.state)
    }

    fn param_index(&self, route: RouteId, name: &str) -> Option<usize> {
        self.all_routes().param_names(route).position(|known| known == name)
    }

    fn param_names(&self, route: RouteId) -> Vec<&str> {
        self.all_routes().param_names(route).collect()
    }

    fn pattern(&self, route: RouteId) -> Option<&str> {
        let route = self.all_routes().routes().get(route.index())?;
        Some(route.pattern().text())
    }

    fn render_error(self: Rc<Self>, req: Request, res: Response) -> SlotFuture<Response> {
        SlotFuture::new(self.render(req, res))
    }

    fn report(&self, kind: FailureKind, req: &Request, error: &Error) {
        self.report(kind, req, error);
    }
}

/// The middleware behind `route(…).deadline(…)`, the innermost of its route.
struct Deadline(Duration);

impl LocalMiddleware for Deadline {
    fn call(self: Rc<Self>, req: Request, next: crate::middleware::Next) -> SlotFuture<Response> {
        SlotFuture::new(async move {
            match tokio::time::timeout(self.0, next.run(req)).await {
                Ok(res) => res,
                Err(_) => Response::from_error(Error::new(503, "the answer took too long")),
            }
        })
    }
}

/// The middleware around a `CONNECT`, the outermost of all.
struct Closing;

impl LocalMiddleware for Closing {
    fn call(self: Rc<Self>, req: Request, next: crate::middleware::Next) -> SlotFuture<Response> {
        SlotFuture::new(async move {
            let mut res = next.run(req).await;
            res.set_close();
            res
        })
    }
}
