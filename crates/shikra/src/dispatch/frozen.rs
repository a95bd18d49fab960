//! The application as it is served: the form that all workers share.

use crate::error::Result;
use crate::error_handler::{ErrorHandler, Mode};
use crate::handler::Handler;
use crate::middleware::Middleware;
use crate::router::{PrefixSet, Router};
use crate::state::SharedState;
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

/// An application that no longer changes; all workers share it.
pub(crate) struct Frozen {
    pub(crate) router: Router<usize>,
    pub(crate) routes: Vec<FrozenRoute>,
    /// What stands around requests that no route answers.
    pub(crate) outer: Vec<FrozenStep>,
    /// Base paths that only the request decides; the numbers are [`FrozenStep::condition`].
    pub(crate) bases: PrefixSet<usize>,
    /// Scopes of errors and unknown paths: the application itself, then its mounts.
    pub(crate) scopes: Vec<Scope>,
    /// The mounts' prefixes, with their scopes.
    pub(crate) mounts: PrefixSet<usize>,
    pub(crate) shared: SharedState,
    pub(crate) makers: Vec<StateMaker>,
    pub(crate) on_start: Vec<Hook>,
    pub(crate) on_stop: Vec<Hook>,
    pub(crate) config: Config,
    pub(crate) mode: Mode,
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

/// An application or mount, as far as errors and unknown paths are concerned.
pub(crate) struct Scope {
    pub(crate) parent: Option<usize>,
    pub(crate) catches: Vec<Arc<dyn ErrorHandler>>,
    pub(crate) on_error: Option<Arc<dyn ErrorHandler>>,
    pub(crate) not_found: Option<Arc<dyn Handler>>,
}
