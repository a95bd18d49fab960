//! The application as it is served: the form that all workers share.

use super::miss::UnmatchedHandler;
use super::observe::Observe;
use crate::error::Result;
use crate::error_handler::{ErrorHandler, Mode};
use crate::failure::Logger;
use crate::handler::Handler;
use crate::middleware::Middleware;
use crate::request::TrustedProxies;
use crate::router::{HostTable, Params, PrefixSet, Router};
use crate::state::{SharedState, WorkerState};
use http::Method;
use shikra_engine::body::Oversize;
use shikra_engine::config::Config;
use std::any::{Any, TypeId};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;
/// Makes one value of a worker's state.
pub(crate) type StateMaker =
    Arc<dyn Fn() -> LocalFuture<Result<(TypeId, Rc<dyn Any>)>> + Send + Sync>;
/// Runs at start or stop.
pub(crate) type Hook = Arc<dyn Fn() -> LocalFuture<Result<()>> + Send + Sync>;

/// A not-found handler for some methods.
pub(crate) type NotFoundFor = (Vec<Method>, Arc<dyn Handler>);

/// An application that no longer changes; all workers share it.
pub(crate) struct Frozen {
    /// The application itself, then its host children; a parent comes before its children.
    pub(crate) sites: Vec<Arc<FrozenSite>>,
    pub(crate) on_start: Vec<Hook>,
    pub(crate) on_stop: Vec<Hook>,
    pub(crate) config: Config,
    pub(crate) mode: Mode,
    pub(crate) observe: Observe,
}

impl Frozen {
    /// The number of routes of all sites.
    pub(crate) fn routes(&self) -> usize {
        self.sites.iter().map(|site| site.router.routes().len()).sum()
    }
}

/// The application or one of its host children, with its mounts.
pub(crate) struct FrozenSite {
    /// The pattern that it was registered for; nothing for the application itself.
    pub(crate) host: String,
    pub(crate) parent: Option<usize>,
    pub(crate) hosts: Option<HostTable>,
    pub(crate) router: Router<usize>,
    /// The same table with the handlers for methods that a path does not have, if there are such.
    pub(crate) with_no_such_method: Option<Router<usize>>,
    pub(crate) routes: Vec<FrozenRoute>,
    /// The number of the route for `CONNECT`, whose target has no path.
    pub(crate) connect: Option<usize>,
    /// Base paths that only the request decides; the numbers are [`FrozenStep::condition`].
    pub(crate) bases: PrefixSet<usize>,
    /// Scopes of errors and unknown paths: the applications around, the site itself, then its mounts.
    pub(crate) scopes: Vec<Scope>,
    /// The prefixes of all scopes.
    pub(crate) mounts: PrefixSet<usize>,
    /// The proxies whose word is taken, the same for all sites.
    pub(crate) proxies: Option<Arc<TrustedProxies>>,
    /// Whether a form may say which method is meant, the same for all sites.
    pub(crate) overrides_method: bool,
    /// The scope of the site itself.
    pub(crate) root: usize,
}

impl FrozenSite {
    /// Whether a conditional step stands around a request.
    pub(crate) fn covers(&self, condition: usize, params: &Params, path: &str) -> bool {
        self.bases.matches(params, path).any(|&base| base == condition)
    }

    /// All routes by number, those for methods that a path does not have included.
    pub(crate) fn all_routes(&self) -> &Router<usize> {
        self.with_no_such_method.as_ref().unwrap_or(&self.router)
    }

    /// The scope of a request: its route's, or that of the innermost mount that its path lies under.
    pub(crate) fn scope_of(&self, params: &Params, path: &str) -> usize {
        let route = params.route().and_then(|route| self.all_routes().routes().get(route.index()));
        match route.and_then(|route| self.routes.get(*route.value())) {
            Some(route) => route.scope,
            None => {
                let mut scopes = self.mounts.matches(params, path).copied();
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
        let len = |scope: usize| self.scopes.get(scope).map(|scope| scope.depth);
        let parent = |scope: &usize| self.scopes.get(*scope)?.parent;
        let mut outward = std::iter::successors(parent(&scope), parent);
        len(scope) > len(other) || outward.any(|outer| outer == other)
    }

    /// Makes the state of each scope on this worker. `around` is that of the site's parent; a scope has what
    /// the one around it has, and its own instead where both have a value of one type.
    pub(crate) async fn make_states(
        &self,
        around: &Rc<WorkerState>,
    ) -> Result<Vec<Rc<WorkerState>>> {
        let mut states: Vec<Rc<WorkerState>> = Vec::with_capacity(self.scopes.len());
        for scope in &self.scopes {
            let outer = scope.parent.and_then(|parent| states.get(parent)).unwrap_or(around);
            if scope.shared.is_empty() && scope.makers.is_empty() {
                states.push(Rc::clone(outer));
                continue;
            }
            let mut state = outer.inside(scope.shared.clone());
            for maker in &scope.makers {
                let (id, value) = maker().await?;
                state.insert_own(id, value);
            }
            states.push(Rc::new(state));
        }
        Ok(states)
    }
}

/// A route with all that stands around it.
pub(crate) struct FrozenRoute {
    pub(crate) steps: Vec<FrozenStep>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) body_bytes_max: Option<u64>,
    pub(crate) oversize: Oversize,
    pub(crate) deadline: Option<Duration>,
    pub(crate) logger: Option<Logger>,
    pub(crate) scope: usize,
    /// The line that registered it.
    pub(crate) place: &'static Location<'static>,
    /// The number of segments of the mount that it was registered in.
    pub(crate) depth: u16,
}

/// A middleware, for all requests of its route or for those below a base path.
#[derive(Clone)]
pub(crate) struct FrozenStep {
    pub(crate) middleware: Arc<dyn Middleware>,
    pub(crate) condition: Option<usize>,
    /// The number of segments of its base path, mounts included.
    pub(crate) depth: u16,
    pub(crate) tier: Tier,
    /// The base path or pattern that it was registered for, mounts included.
    pub(crate) below: Arc<str>,
}

/// What a middleware was registered for. In a chain the tiers follow each other in this order, once for
/// the application and once for each mount inside it; those of the route are the innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The whole application, or host child.
    Global,
    /// A whole mount or group.
    Mount,
    /// A base path.
    Base,
    /// A route.
    Route,
}

/// An application, mount or host child, as far as errors and unknown paths are concerned.
pub(crate) struct Scope {
    pub(crate) parent: Option<usize>,
    /// The number of segments of its prefix.
    pub(crate) depth: u16,
    pub(crate) catches: Vec<Arc<dyn ErrorHandler>>,
    pub(crate) on_error: Option<Arc<dyn ErrorHandler>>,
    pub(crate) logger: Option<Logger>,
    pub(crate) no_host: Option<Arc<dyn Handler>>,
    pub(crate) not_found_for: Vec<NotFoundFor>,
    pub(crate) not_found: Option<Arc<dyn Handler>>,
    pub(crate) unmatched: Option<Arc<dyn UnmatchedHandler>>,
    /// What stands around requests that no route answers.
    pub(crate) outer: Vec<FrozenStep>,
    /// What it adds to the state of its parent.
    pub(crate) shared: SharedState,
    pub(crate) makers: Vec<StateMaker>,
    pub(crate) places: ScopePlaces,
}

/// The lines that registered the handlers of a scope.
pub(crate) struct ScopePlaces {
    /// Its prefix, mounts included.
    pub(crate) below: Arc<str>,
    pub(crate) catches: Vec<Place>,
    pub(crate) on_error: Option<Place>,
    pub(crate) no_host: Option<Place>,
    pub(crate) not_found_for: Vec<Place>,
    pub(crate) not_found: Option<Place>,
    pub(crate) unmatched: Option<Place>,
}

pub(crate) type Place = &'static Location<'static>;
