//! An application on one worker: its routes with what stands around them.

use super::frozen::{FrozenSite, FrozenStep, Scope};
use super::miss::{CustomAnswer, Unmatched, UnmatchedHandler, custom};
use crate::error::Error;
use crate::error_handler::{LocalErrorHandler, Mode, default_reply};
use crate::handler::{Handler, LocalHandler};
use crate::middleware::{Chain, LocalMiddleware};
use crate::request::{Context, Request};
use crate::response::Response;
use crate::router::{Params, RouteId, Router};
use crate::state::WorkerState;
use http::Method;
use shikra_engine::slot::SlotFuture;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// An application, or a host child, on one worker.
pub(crate) struct WorkerSite {
    pub(super) frozen: Arc<FrozenSite>,
    state: Rc<WorkerState>,
    pub(super) routes: Vec<LocalRoute>,
    pub(super) outer: Vec<LocalStep>,
    scopes: Vec<LocalScope>,
    mode: Mode,
}

pub(super) struct LocalRoute {
    /// The chain, where it is the same for every request.
    chain: Option<Rc<Chain>>,
    steps: Vec<LocalStep>,
    handler: Rc<dyn LocalHandler>,
    pub(super) body_bytes_max: Option<u64>,
    scope: usize,
}

#[derive(Clone)]
pub(super) struct LocalStep {
    middleware: Rc<dyn LocalMiddleware>,
    condition: Option<usize>,
}

pub(super) struct LocalScope {
    parent: Option<usize>,
    /// The handlers for errors of one type, which the program expects.
    catches: Vec<Rc<dyn LocalErrorHandler>>,
    /// The handler for all others.
    on_error: Option<Rc<dyn LocalErrorHandler>>,
    no_host: Option<Rc<dyn LocalHandler>>,
    not_found_for: Vec<(Vec<Method>, Rc<dyn LocalHandler>)>,
    not_found: Option<Rc<dyn LocalHandler>>,
    unmatched: Option<Arc<dyn UnmatchedHandler>>,
}

impl WorkerSite {
    pub(crate) fn new(frozen: Arc<FrozenSite>, state: Rc<WorkerState>, mode: Mode) -> Self {
        let routes = frozen.routes.iter().map(|route| {
            let mut steps: Vec<_> = route.steps.iter().map(LocalStep::new).collect();
            if let Some(deadline) = route.deadline {
                let middleware = Rc::new(Deadline(deadline));
                steps.push(LocalStep { middleware, condition: None });
            }
            let handler = Arc::clone(&route.handler).for_worker();
            let is_static = steps.iter().all(|step| step.condition.is_none());
            let chain = is_static.then(|| chain(&steps, &handler, |_| true));
            let (body_bytes_max, scope) = (route.body_bytes_max, route.scope);
            LocalRoute { chain, steps, handler, body_bytes_max, scope }
        });
        let routes = routes.collect();
        let outer = frozen.outer.iter().map(LocalStep::new).collect();
        let scopes = frozen.scopes.iter().map(LocalScope::new).collect();
        Self { frozen, state, routes, outer, scopes, mode }
    }

    pub(crate) fn state(&self) -> &Rc<WorkerState> {
        &self.state
    }

    /// All routes by number, those for methods that a path does not have included.
    fn all_routes(&self) -> &Router<usize> {
        self.frozen.with_no_such_method.as_ref().unwrap_or(&self.frozen.router)
    }

    /// The chain around a request of a route for methods that its path does not have.
    pub(super) fn custom_chain(
        &self,
        route: &LocalRoute,
        why: Unmatched,
        params: &Params,
        path: &str,
    ) -> Rc<Chain> {
        let handler = custom(CustomAnswer::Plain(Rc::clone(&route.handler)), why);
        chain(&route.steps, &handler, |number| self.covers(number, params, path))
    }

    /// The chain around a request of a route.
    #[inline]
    pub(super) fn chain(&self, route: &LocalRoute, params: &Params, path: &str) -> Rc<Chain> {
        match &route.chain {
            Some(chain) => Rc::clone(chain),
            None => chain(&route.steps, &route.handler, |number| self.covers(number, params, path)),
        }
    }

    /// The chain around a request that no route answers.
    pub(super) fn outer_chain(
        &self,
        params: &Params,
        path: &str,
        handler: &Rc<dyn LocalHandler>,
    ) -> Rc<Chain> {
        chain(&self.outer, handler, |number| self.covers(number, params, path))
    }

    fn covers(&self, number: usize, params: &Params, path: &str) -> bool {
        self.frozen.bases.matches(params, path).any(|&base| base == number)
    }

    /// The scope of a request: its route's, or that of the innermost mount that its path lies under.
    pub(super) fn scope_of(&self, req: &Request) -> usize {
        let params = req.router_params();
        let route = params.route().and_then(|route| self.all_routes().routes().get(route.index()));
        match route.and_then(|route| self.routes.get(*route.value())) {
            Some(route) => route.scope,
            None => {
                let mut scopes = self.frozen.mounts.matches(params, req.path()).copied();
                let first = scopes.next().unwrap_or(0);
                scopes.fold(
                    first,
                    |best, scope| if self.is_inside(scope, best) { scope } else { best },
                )
            }
        }
    }

    /// Whether a scope is for less than another: it has more of the path, or lies in the other one. Of
    /// two mounts on one prefix neither does, and the first stays (HX-077).
    fn is_inside(&self, scope: usize, other: usize) -> bool {
        let len = |scope: usize| self.frozen.scopes.get(scope).map(|scope| scope.prefix_len);
        let parent = |scope: &usize| self.frozen.scopes.get(*scope)?.parent;
        let mut outward = std::iter::successors(parent(&scope), parent);
        len(scope) > len(other) || outward.any(|outer| outer == other)
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
            let mut catches = scope.catches.iter();
            // What is caught by its type is expected: the log need not hear of it.
            let caught = catches.find_map(|handler| Rc::clone(handler).call(&req, &error));
            let rendering = match (caught, &scope.on_error) {
                (Some(rendering), _) => Some(rendering),
                (None, Some(handler)) => {
                    report(&req, &error);
                    is_reported = true;
                    Rc::clone(handler).call(&req, &error)
                }
                (None, None) => None,
            };
            let Some(rendering) = rendering else { continue };
            let mut rendered = rendering.await;
            match rendered.take_unrendered() {
                None => return rendered.answering(first).closing_as(&res),
                Some(next) => (error, is_reported) = (next, false),
            }
        }
        if !is_reported {
            report(&req, &error);
        }
        default_reply(&req, &error, self.mode).answering(first).closing_as(&res)
    }

    pub(super) fn render_default(&self, req: &Request, mut res: Response) -> Response {
        let Some(error) = res.take_unrendered() else { return res };
        report(req, &error);
        default_reply(req, &error, self.mode).answering(error).closing_as(&res)
    }
}

impl LocalStep {
    fn new(step: &FrozenStep) -> Self {
        Self { middleware: Arc::clone(&step.middleware).for_worker(), condition: step.condition }
    }
}

impl LocalScope {
    fn new(scope: &Scope) -> Self {
        let for_worker = |handler: &Arc<dyn Handler>| Arc::clone(handler).for_worker();
        let not_found_for = scope.not_found_for.iter();
        let not_found_for =
            not_found_for.map(|(methods, handler)| (methods.clone(), for_worker(handler)));
        Self {
            parent: scope.parent,
            catches: scope.catches.iter().map(|handler| Arc::clone(handler).for_worker()).collect(),
            on_error: scope.on_error.as_ref().map(|handler| Arc::clone(handler).for_worker()),
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
            None => self.unmatched.clone().map(CustomAnswer::Told),
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
    fn state(&self) -> &WorkerState {
        &self.state
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

/// Unexpected errors go to the log, with what led to them.
fn report(req: &Request, error: &Error) {
    if !error.is_unexpected() {
        return;
    }
    let (method, path) = (req.method(), req.path());
    let kind = if error.is_panic() { "a handler panicked" } else { "an unexpected error" };
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(%method, path, route = req.pattern(), error = %error, "{kind}");
    } else {
        // Nobody listens to the log, and an error must not vanish.
        eprintln!("shikra: {kind} at {method} {path}: {error}");
    }
}
