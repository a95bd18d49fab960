//! From an exchange to its chain, and from the response back to the reply.

mod frozen;

pub(crate) use frozen::{Frozen, FrozenRoute, FrozenStep, Hook, Scope, StateMaker};

use crate::error::Error;
use crate::error_handler::{LocalErrorHandler, default_reply};
use crate::handler::LocalHandler;
use crate::into_response::IntoResponse;
use crate::middleware::{Chain, LocalMiddleware};
use crate::request::{Context, Request, RequestExtra};
use crate::response::Response;
use crate::router::{Outcome, Params, PathView, RouteId};
use crate::state::WorkerState;
use http::{Method, StatusCode};
use shikra_engine::body::BodyError;
use shikra_engine::service::{Answer, Exchange, Service};
use shikra_engine::slot::SlotFuture;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The application on one worker.
pub(crate) struct WorkerApp {
    frozen: Arc<Frozen>,
    state: WorkerState,
    routes: Vec<LocalRoute>,
    outer: Vec<LocalStep>,
    scopes: Vec<LocalScope>,
}

struct LocalRoute {
    /// The chain, where it is the same for every request.
    chain: Option<Rc<Chain>>,
    steps: Vec<LocalStep>,
    handler: Rc<dyn LocalHandler>,
    body_bytes_max: Option<u64>,
    scope: usize,
}

#[derive(Clone)]
struct LocalStep {
    middleware: Rc<dyn LocalMiddleware>,
    condition: Option<usize>,
}

struct LocalScope {
    parent: Option<usize>,
    /// The handlers for errors of one type, which the program expects.
    catches: Vec<Rc<dyn LocalErrorHandler>>,
    /// The handler for all others.
    on_error: Option<Rc<dyn LocalErrorHandler>>,
    not_found: Option<Rc<dyn LocalHandler>>,
}

impl WorkerApp {
    pub(crate) fn new(frozen: Arc<Frozen>, state: WorkerState) -> Self {
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
        Self { frozen, state, routes, outer, scopes }
    }

    /// The chain around a request that no route answers.
    fn outer_chain(
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
    fn scope_of(&self, req: &Request) -> usize {
        let params = req.router_params();
        let route = params.route().and_then(|route| self.frozen.router.routes().get(route.index()));
        match route.and_then(|route| self.routes.get(*route.value())) {
            Some(route) => route.scope,
            None => self.frozen.mounts.matches(params, req.path()).last().copied().unwrap_or(0),
        }
    }

    fn scopes_outward(&self, innermost: usize) -> impl Iterator<Item = &LocalScope> {
        let mut next = Some(innermost);
        std::iter::from_fn(move || {
            let scope = self.scopes.get(next?)?;
            next = scope.parent;
            Some(scope)
        })
    }

    fn handles_errors(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.catches.is_empty() || scope.on_error.is_some())
    }

    /// Runs the error handlers from the innermost scope outwards, until one has made a response.
    async fn render(self: Rc<Self>, req: Request, mut res: Response) -> Response {
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
        default_reply(&req, &error, self.frozen.mode).answering(first).closing_as(&res)
    }

    fn render_default(&self, req: &Request, mut res: Response) -> Response {
        let Some(error) = res.take_unrendered() else { return res };
        report(req, &error);
        default_reply(req, &error, self.frozen.mode).answering(error).closing_as(&res)
    }
}

impl LocalStep {
    fn new(step: &FrozenStep) -> Self {
        Self { middleware: Arc::clone(&step.middleware).for_worker(), condition: step.condition }
    }
}

impl LocalScope {
    fn new(scope: &Scope) -> Self {
        Self {
            parent: scope.parent,
            catches: scope.catches.iter().map(|handler| Arc::clone(handler).for_worker()).collect(),
            on_error: scope.on_error.as_ref().map(|handler| Arc::clone(handler).for_worker()),
            not_found: scope.not_found.as_ref().map(|handler| Arc::clone(handler).for_worker()),
        }
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

impl Context for WorkerApp {
    fn state(&self) -> &WorkerState {
        &self.state
    }

    fn param_index(&self, route: RouteId, name: &str) -> Option<usize> {
        self.frozen.router.param_names(route).position(|known| known == name)
    }

    fn param_names(&self, route: RouteId) -> Vec<&str> {
        self.frozen.router.param_names(route).collect()
    }

    fn pattern(&self, route: RouteId) -> Option<&str> {
        let route = self.frozen.router.routes().get(route.index())?;
        Some(route.pattern().text())
    }

    fn render_error(self: Rc<Self>, req: Request, res: Response) -> SlotFuture<Response> {
        SlotFuture::new(self.render(req, res))
    }
}

/// What the engine calls.
pub(crate) struct AppService {
    pub(crate) app: Rc<WorkerApp>,
}

impl Service for AppService {
    type Extra = RequestExtra;
    type Response = Response;

    fn call(&self, exchange: &mut Rc<Exchange<RequestExtra>>) -> Answer<Response> {
        let app = &self.app;
        let Some(unique) = Rc::get_mut(exchange) else {
            return Answer::Later(SlotFuture::new(async { shared_too_early().into_response() }));
        };
        let (head, extra) = unique.parts_mut();
        let path = match head.path_is_plain() {
            true => PathView::known_plain(head.path()),
            false => PathView::new(head.path()),
        };
        let outcome = app.frozen.router.find(head.method(), path, &mut extra.params);
        extra.context = Some(Rc::clone(app) as Rc<dyn Context>);
        extra.body_bytes_max = COLLECTED_BYTES_MAX;
        let miss = match outcome {
            Outcome::Found { value, .. } => {
                let Some(route) = app.routes.get(*value) else {
                    return Answer::Later(SlotFuture::new(async { 500.into_response() }));
                };
                if let Some(max) = route.body_bytes_max {
                    extra.body_bytes_max = max;
                    match exchange.body().announced_len() {
                        Some(0) => {}
                        // CF-38: refused before any middleware, handler or byte of the body.
                        Some(len) if len > max => return self.finish(exchange, too_large(max)),
                        _ => exchange.body().set_max(max),
                    }
                }
                let chain = match &route.chain {
                    Some(chain) => Rc::clone(chain),
                    None => {
                        let (params, path) = (&exchange.extra().params, exchange.head().path());
                        let covers = |number| app.covers(number, params, path);
                        chain(&route.steps, &route.handler, covers)
                    }
                };
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
        self.call_outer(exchange, miss)
    }

    fn finish(&self, exchange: &Rc<Exchange<RequestExtra>>, res: Response) -> Answer<Response> {
        let res = match res.unrendered() {
            None => res,
            Some(_) => {
                let req = Request::new(Rc::clone(exchange));
                if self.app.handles_errors() {
                    return Answer::Later(SlotFuture::new(Rc::clone(&self.app).render(req, res)));
                }
                self.app.render_default(&req, res)
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
            return Answer::Now(self.app.render_default(&req, res).into_reply());
        }
        self.finish(exchange, res)
    }
}

impl AppService {
    fn call_outer(&self, exchange: &Rc<Exchange<RequestExtra>>, miss: Miss) -> Answer<Response> {
        let app = &self.app;
        let (params, path) = (&exchange.extra().params, exchange.head().path());
        let req = Request::new(Rc::clone(exchange));
        let innermost = app.scope_of(&req);
        let custom = match miss {
            Miss::Path => app.scopes_outward(innermost).find_map(|scope| scope.not_found.clone()),
            _ => None,
        };
        let handler = custom.unwrap_or_else(|| Rc::new(miss));
        if app.outer.is_empty() {
            return Answer::Later(handler.call(req));
        }
        let chain = app.outer_chain(params, path, &handler);
        Answer::Later(chain.start(0, req))
    }
}

/// Why no route answers, as the handler that says so.
enum Miss {
    Path,
    BadPath,
    Method {
        allow: String,
        is_options: bool,
    },
    Redirect(String),
    /// `OPTIONS *`: the server itself is meant.
    Server,
    Connect,
}

impl LocalHandler for Miss {
    fn call(self: Rc<Self>, _: Request) -> SlotFuture<Response> {
        SlotFuture::new(async move {
            match &*self {
                Self::Path => Error::new(404, "Not found").into_response(),
                Self::BadPath => {
                    Error::new(400, "the path is not valid once decoded").into_response()
                }
                Self::Method { allow, is_options: true } => 204.with_header("allow", allow),
                Self::Method { allow, is_options: false } => {
                    let error = Error::new(405, "Method not allowed");
                    error.with_header("allow", allow).into_response()
                }
                Self::Redirect(location) => 308.with_header("location", location),
                Self::Server => 204.into_response(),
                Self::Connect => {
                    let mut res = Error::new(405, "this server is no proxy").into_response();
                    res.set_close();
                    res
                }
            }
        })
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

fn too_large(max: u64) -> Response {
    Response::from_error(BodyError::TooLarge(max).into())
}

fn shared_too_early() -> Error {
    Error::from(std::io::Error::other("the exchange was shared before it was dispatched"))
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

impl fmt::Debug for AppService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppService").field("routes", &self.app.routes.len()).finish()
    }
}

/// The most bytes of a collected body where nothing else is set (CF-38).
const COLLECTED_BYTES_MAX: u64 = 250_000;
