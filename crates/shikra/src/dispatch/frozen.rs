//! The application as it is served: the form that all workers share.

use super::miss::UnmatchedHandler;
use crate::error::Result;
use crate::error_handler::{ErrorHandler, Mode};
use crate::handler::Handler;
use crate::middleware::Middleware;
use crate::router::{HostTable, PrefixSet, Router};
use crate::state::SharedState;
use http::Method;
use shikra_engine::config::Config;
use std::any::{Any, TypeId};
use std::future::Future;
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
    /// What stands around requests that no route answers.
    pub(crate) outer: Vec<FrozenStep>,
    /// Base paths that only the request decides; the numbers are [`FrozenStep::condition`].
    pub(crate) bases: PrefixSet<usize>,
    /// Scopes of errors and unknown paths: the applications around, the site itself, then its mounts.
    pub(crate) scopes: Vec<Scope>,
    /// The prefixes of all scopes.
    pub(crate) mounts: PrefixSet<usize>,
    /// What it adds to the state of its parent.
    pub(crate) shared: SharedState,
    pub(crate) makers: Vec<StateMaker>,
}

/// A route with all that stands around it.
pub(crate) struct FrozenRoute {
    pub(crate) steps: Vec<FrozenStep>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) body_bytes_max: Option<u64>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) scope: usize,
}

/// A middleware, for all requests of its route or for those below a base path.
#[derive(Clone)]
pub(crate) struct FrozenStep {
    pub(crate) middleware: Arc<dyn Middleware>,
    pub(crate) condition: Option<usize>,
}

/// An application, mount or host child, as far as errors and unknown paths are concerned.
pub(crate) struct Scope {
    pub(crate) parent: Option<usize>,
    /// The number of segments of its prefix.
    pub(crate) prefix_len: usize,
    pub(crate) catches: Vec<Arc<dyn ErrorHandler>>,
    pub(crate) on_error: Option<Arc<dyn ErrorHandler>>,
    pub(crate) no_host: Option<Arc<dyn Handler>>,
    pub(crate) not_found_for: Vec<NotFoundFor>,
    pub(crate) not_found: Option<Arc<dyn Handler>>,
    pub(crate) unmatched: Option<Arc<dyn UnmatchedHandler>>,
}
