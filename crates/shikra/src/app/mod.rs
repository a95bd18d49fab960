//! The application: what a program registers, before it is frozen and served.

mod freeze;
mod route;
mod serve;

pub use freeze::Problem;
pub(crate) use freeze::freeze;
pub use route::Route;
#[cfg(feature = "testing")]
pub(crate) use serve::AppFactory;
pub use serve::AppHandle;

use crate::dispatch::{Hook, StateMaker};
use crate::error::{Error, Result};
use crate::error_handler::{self, ErrorHandler, Mode};
use crate::handler::{self, Handler};
use crate::into_response::IntoResponse;
use crate::middleware::{self, Middleware, Next};
use crate::request::Request;
use crate::router::{MethodMatch, PathCase, Settings, TrailingSlash};
use crate::state::SharedState;
use http::Method;
use shikra_engine::config::Config;
use shikra_engine::limits::Limits;
use std::any::TypeId;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A web application: routes, middleware, state and settings.
///
/// Registering methods return `&mut App`, so they chain; mistakes are collected and reported, all at
/// once and with the lines that made them, when the application starts. It can be cloned, to be
/// mounted twice.
///
/// ```no_run
/// use shikra::prelude::*;
///
/// fn main() -> std::io::Result<()> {
///     App::new().get("/", async |_| "hello world").listen("127.0.0.1:3000")
/// }
/// ```
#[derive(Clone, Default)]
pub struct App {
    routes: Vec<RouteDef>,
    globals: Vec<Arc<dyn Middleware>>,
    bases: Vec<BaseDef>,
    mounts: Vec<MountDef>,
    shared: SharedState,
    makers: Vec<StateMaker>,
    on_start: Vec<Hook>,
    on_stop: Vec<Hook>,
    catches: Vec<Arc<dyn ErrorHandler>>,
    on_error: Option<Placed<Arc<dyn ErrorHandler>>>,
    not_found: Option<Placed<Arc<dyn Handler>>>,
    body_bytes_max: Option<u64>,
    settings: Settings,
    config: Config,
    mode: Mode,
    problems: Vec<Problem>,
}

/// A thing with the line that registered it.
#[derive(Clone, Copy)]
struct Placed<T> {
    value: T,
    place: &'static Location<'static>,
}

#[derive(Clone)]
struct RouteDef {
    method: MethodMatch,
    pattern: String,
    handler: Arc<dyn Handler>,
    middleware: Vec<Arc<dyn Middleware>>,
    options: RouteOptions,
    place: &'static Location<'static>,
}

#[derive(Clone, Copy, Default)]
struct RouteOptions {
    body_bytes_max: Option<u64>,
    deadline: Option<Duration>,
}

#[derive(Clone)]
struct BaseDef {
    prefix: String,
    middleware: Arc<dyn Middleware>,
    place: &'static Location<'static>,
}

#[derive(Clone)]
struct MountDef {
    prefix: String,
    app: App,
    place: &'static Location<'static>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("routes", &self.routes.len())
            .field("mounts", &self.mounts.len())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl App {
    /// An application without routes: it answers 404 to everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    // Routes. Written out, so that compiler messages and searches find them.

    /// Registers a handler for `GET`; it answers `HEAD` too.
    #[track_caller]
    pub fn get<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::GET), path, handler::erase(handler))
    }

    /// Registers a handler for `POST`.
    #[track_caller]
    pub fn post<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::POST), path, handler::erase(handler))
    }

    /// Registers a handler for `PUT`.
    #[track_caller]
    pub fn put<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::PUT), path, handler::erase(handler))
    }

    /// Registers a handler for `PATCH`.
    #[track_caller]
    pub fn patch<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::PATCH), path, handler::erase(handler))
    }

    /// Registers a handler for `DELETE`.
    #[track_caller]
    pub fn delete<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::DELETE), path, handler::erase(handler))
    }

    /// Registers a handler for `HEAD`, instead of the one for `GET`.
    #[track_caller]
    pub fn head<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::HEAD), path, handler::erase(handler))
    }

    /// Registers a handler for `OPTIONS`, instead of the automatic one.
    #[track_caller]
    pub fn options<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::OPTIONS), path, handler::erase(handler))
    }

    /// Registers a handler for every method that has none of its own on this path.
    #[track_caller]
    pub fn any<F, R>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::Any, path, handler::erase(handler))
    }

    /// Registers a handler for any method, extension methods included.
    #[track_caller]
    pub fn method<F, R>(&mut self, method: Method, path: &str, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(method), path, handler::erase(handler))
    }

    /// Begins a route with middleware, limits or a deadline of its own.
    ///
    /// ```
    /// # use shikra::{App, Request};
    /// # async fn upload(_: Request) -> u16 { 204 }
    /// let mut app = App::new();
    /// app.route("/upload").body_bytes_max(10 * 1024 * 1024).post(upload);
    /// ```
    #[track_caller]
    pub fn route(&mut self, path: &str) -> Route<'_> {
        Route::new(self, path)
    }

    #[track_caller]
    fn add(&mut self, method: MethodMatch, path: &str, handler: Arc<dyn Handler>) -> &mut Self {
        self.routes.push(RouteDef {
            method,
            pattern: path.to_owned(),
            handler,
            middleware: Vec::new(),
            options: RouteOptions::default(),
            place: Location::caller(),
        });
        self
    }

    // Composition.

    /// Registers routes below a common prefix; what is set inside holds for them alone.
    ///
    /// ```
    /// # use shikra::App;
    /// let mut app = App::new();
    /// app.group("/api", |api| {
    ///     api.get("/users", async |_| "users");
    /// });
    /// ```
    #[track_caller]
    pub fn group(&mut self, prefix: &str, register: impl FnOnce(&mut Self)) -> &mut Self {
        let mut group = Self::new();
        register(&mut group);
        self.mount(prefix, group)
    }

    /// Puts another application's routes below a prefix. Its middleware runs for its routes alone;
    /// `req.path()` stays whole.
    #[track_caller]
    pub fn mount(&mut self, prefix: &str, app: impl IntoApp) -> &mut Self {
        let (prefix, app) = (prefix.to_owned(), app.into_app());
        self.mounts.push(MountDef { prefix, app, place: Location::caller() });
        self
    }

    /// Puts a middleware around everything, requests that match no route included.
    pub fn use_<F, R>(&mut self, step: F) -> &mut Self
    where
        F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.globals.push(middleware::erase(step));
        self
    }

    /// Puts a middleware around everything at and below a base path. Paths are compared as the
    /// router does, so `/%61ccount` is guarded like `/account`.
    #[track_caller]
    pub fn use_at<F, R>(&mut self, prefix: &str, step: F) -> &mut Self
    where
        F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let (prefix, middleware) = (prefix.to_owned(), middleware::erase(step));
        self.bases.push(BaseDef { prefix, middleware, place: Location::caller() });
        self
    }

    // State and hooks.

    /// Gives all handlers a value, found by its type with `req.state::<T>()`.
    #[track_caller]
    pub fn state<T: Send + Sync + 'static>(&mut self, value: T) -> &mut Self {
        if self.shared.insert(value) {
            let what = format!("state of type `{}` is given twice", std::any::type_name::<T>());
            self.problems.push(Problem::new(what, Location::caller()));
        }
        self
    }

    /// Gives the handlers of each worker a value of their own, made on that worker before it serves.
    /// This is the place for clients whose sockets must live where they are used.
    ///
    /// An error keeps the application from starting.
    pub fn state_per_worker<T, F>(&mut self, make: F) -> &mut Self
    where
        T: 'static,
        F: AsyncFn() -> Result<T> + Send + Sync + 'static,
    {
        let make = Arc::new(make);
        self.makers.push(Arc::new(move || {
            let make = Arc::clone(&make);
            Box::pin(async move {
                let value: Rc<dyn std::any::Any> = Rc::new(make().await?);
                Ok((TypeId::of::<T>(), value))
            })
        }));
        self
    }

    /// Runs once before the application serves. An error keeps it from starting.
    pub fn on_start<F>(&mut self, hook: F) -> &mut Self
    where
        F: AsyncFn() -> Result<()> + Send + Sync + 'static,
    {
        self.on_start.push(freeze::hook(hook));
        self
    }

    /// Runs once after the last request, while the runtime still works. An error is logged.
    pub fn on_stop<F>(&mut self, hook: F) -> &mut Self
    where
        F: AsyncFn() -> Result<()> + Send + Sync + 'static,
    {
        self.on_stop.push(freeze::hook(hook));
        self
    }

    // Errors.

    /// Turns every error of this application into a response. What it returns may be an error itself:
    /// that one goes to the application around it.
    #[track_caller]
    pub fn on_error<F, R>(&mut self, handler: F) -> &mut Self
    where
        F: AsyncFn(Request, &Error) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let placed = Placed { value: error_handler::erase(handler), place: Location::caller() };
        if let Some(first) = self.on_error.replace(placed) {
            self.twice("the error handler", first.place, Location::caller());
        }
        self
    }

    /// Turns errors whose cause is an `E` into a response, before [`App::on_error`] is asked.
    pub fn catch<E, F, R>(&mut self, handler: F) -> &mut Self
    where
        E: StdError + 'static,
        F: AsyncFn(Request, &E) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.catches.push(error_handler::erase_catch(handler));
        self
    }

    /// Answers paths that no route matches. The status is 200 unless the reply sets another.
    #[track_caller]
    pub fn not_found<F, R>(&mut self, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let placed = Placed { value: handler::erase(handler), place: Location::caller() };
        if let Some(first) = self.not_found.replace(placed) {
            self.twice("the not-found handler", first.place, Location::caller());
        }
        self
    }

    fn twice(&mut self, what: &str, first: &Location<'_>, second: &'static Location<'static>) {
        self.problems.push(Problem::new(format!("{what} is set twice, first at {first}"), second));
    }

    // Settings.

    /// Limits every body, streams included, in bytes: 413 before the handler where the length is
    /// announced. Without it a collected body may have 250,000 bytes and a stream any number.
    pub fn body_bytes_max(&mut self, max: u64) -> &mut Self {
        self.body_bytes_max = Some(max);
        self
    }

    /// The number of workers; by default one for each processor.
    pub fn workers(&mut self, workers: usize) -> &mut Self {
        self.config.workers = workers;
        self
    }

    /// The most connections at a time; beyond it, accepting pauses. By default what the descriptor
    /// limit allows, less 20.
    pub fn connections_max(&mut self, max: usize) -> &mut Self {
        self.config.connections_max = Some(max);
        self
    }

    /// Changes limits and timeouts of connections.
    ///
    /// ```
    /// # use shikra::App;
    /// let mut app = App::new();
    /// app.limits(|limits| limits.keep_alive_timeout = std::time::Duration::from_secs(5));
    /// ```
    pub fn limits(&mut self, change: impl FnOnce(&mut Limits)) -> &mut Self {
        change(&mut self.config.limits);
        self
    }

    /// How letter case in paths is treated; by default it matters.
    pub fn path_case(&mut self, path_case: PathCase) -> &mut Self {
        self.settings = self.settings.with_path_case(path_case);
        self
    }

    /// How a slash at the end of a path is treated; by default one is ignored.
    pub fn trailing_slash(&mut self, trailing_slash: TrailingSlash) -> &mut Self {
        self.settings = self.settings.with_trailing_slash(trailing_slash);
        self
    }

    /// Shows the causes of errors to clients. Never on the open internet.
    pub fn development(&mut self) -> &mut Self {
        self.mode = Mode::Development;
        self
    }

    /// All routes as data: method and pattern, in the order of registration, mounts included.
    ///
    /// # Errors
    /// What would keep the application from starting.
    pub fn routes(&self) -> std::io::Result<Vec<(MethodMatch, String)>> {
        let frozen = freeze(self.clone())?;
        let routes = frozen.router.routes().iter();
        Ok(routes
            .map(|route| (route.method().clone(), route.pattern().text().to_owned()))
            .collect())
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// An application, by value or taken out of the `&mut App` that a chain of calls ends with.
pub trait IntoApp {
    /// The application.
    fn into_app(self) -> App;
}

impl IntoApp for App {
    fn into_app(self) -> App {
        self
    }
}

impl IntoApp for &mut App {
    fn into_app(self) -> App {
        self.take()
    }
}
