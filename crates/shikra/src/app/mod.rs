//! The application: what a program registers, before it is frozen and served.

pub mod explain;
mod freeze;
mod hosts;
#[cfg(feature = "tower")]
mod in_process;
mod observe;
mod route;
mod scopes;
mod serve;
mod settings;
mod swap;
mod whole;

pub use freeze::Problem;
pub(crate) use freeze::freeze;
#[cfg(feature = "tower")]
pub(crate) use in_process::{AppWorker, InProcess};
pub use route::Route;
pub use scopes::Unmatched;
#[cfg(feature = "testing")]
pub(crate) use serve::AppFactory;
pub use serve::AppHandle;

use crate::dispatch::{Hook, Observe, StateMaker};
use crate::error::Result;
use crate::error_handler::Mode;
use crate::failure::Logger;
use crate::handler::{self, Handler};
use crate::into_response::IntoResponse;
use crate::middleware::{self, IntoStack, Middleware, Next, Stack};
use crate::request::Request;
use crate::router::{MethodMatch, PathCase, TrailingSlash};
use crate::state::SharedState;
use hosts::HostDef;
use http::Method;
use scopes::Scopes;
use shikra_engine::body::Oversize;
use shikra_engine::config::{Config, Signals};
use std::any::TypeId;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use whole::Whole;

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
    no_such_method: Vec<RouteDef>,
    globals: Vec<Arc<dyn Middleware>>,
    bases: Vec<BaseDef>,
    mounts: Vec<MountDef>,
    hosts: Vec<HostDef>,
    shared: SharedState,
    makers: Vec<StateMaker>,
    on_start: Vec<Hook>,
    on_stop: Vec<Hook>,
    scopes: Scopes,
    body_bytes_max: Option<u64>,
    oversize: Option<Oversize>,
    default_port: Option<u16>,
    path_case: Option<PathCase>,
    trailing_slash: Option<TrailingSlash>,
    whole: Whole,
    config: Config,
    signals: Option<Signals>,
    /// Where the first setting of the whole server was made.
    server_place: Option<&'static Location<'static>>,
    mode: Mode,
    observe: Observe,
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
    logger: Option<Logger>,
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
            .field("hosts", &self.hosts.len())
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
    ///
    /// The target of `CONNECT` is a host and a port, and has no path: its one route is `*`, of the application
    /// itself or a host child, and finds them as `req.authority()`. No tunnel is made: whatever the handler
    /// answers, the connection closes after it. Without such a route the answer is 405.
    ///
    /// ```
    /// use shikra::{App, Method, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.method(Method::from_bytes(b"PURGE")?, "/cache/:key", async |_| 204)
    ///     .method(Method::TRACE, "/echo", async |req| req.target().to_owned());
    /// assert_eq!(TestClient::new(app).request(Method::TRACE, "/echo?a").send().text(), "/echo?a");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            logger: None,
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

    /// Puts another application's routes below a prefix. `req.path()` stays whole.
    ///
    /// What it has set holds for its routes alone: middleware, state, error handlers, limits. Of two values
    /// of state of one type the mount's is what its routes find, and middleware around them with it. Its
    /// middleware runs for requests below its prefix that no route answers too, except where it is mounted at
    /// `/`: there its routes join this application's, and so does what they do not answer.
    ///
    /// ```
    /// use shikra::{App, before, testing::TestClient};
    ///
    /// let mut admin = App::new();
    /// admin.use_(before(async |_| Some((401, "log in first")))).get("/users", async |_| "users");
    /// let mut app = App::new();
    /// app.mount("/admin", admin);
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/admin/users").send().status(), 401);
    /// assert_eq!(client.get("/admin/none").send().status(), 401); // nobody learns what there is
    /// assert_eq!(client.get("/administration").send().status(), 404);
    /// ```
    #[track_caller]
    pub fn mount(&mut self, prefix: &str, app: impl IntoApp) -> &mut Self {
        let (prefix, app) = (prefix.to_owned(), app.into_app());
        self.mounts.push(MountDef { prefix, app, place: Location::caller() });
        self
    }

    /// Puts a middleware around everything, requests that match no route included.
    #[track_caller]
    pub fn use_<F, R>(&mut self, step: F) -> &mut Self
    where
        F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.globals.push(middleware::erase(step));
        self
    }

    /// Puts a list of middleware around everything, as [`App::use_`] does with one: a [`Stack`], or tuples,
    /// arrays and vectors, nested too. The first is the outermost.
    ///
    /// ```
    /// use shikra::{App, Stack, before, late, testing::TestClient};
    ///
    /// let mark = |name: &'static str| late(move |_| move |res| res.append_header("x-seen", name));
    /// let common = Stack::of((mark("third"), mark("second")));
    /// let mut app = App::new();
    /// app.use_all((before(async |_| ()), [common, Stack::of(mark("first"))])).get("/", async |_| "");
    /// let reply = TestClient::new(app).get("/").send();
    /// assert_eq!(reply.header_all("x-seen"), ["first", "second", "third"]);
    /// ```
    #[track_caller]
    pub fn use_all<M>(&mut self, list: impl IntoStack<M>) -> &mut Self {
        self.globals.extend(Stack::of(list).into_steps());
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
        self.add_base(prefix, middleware::erase(step), Location::caller());
        self
    }

    /// Puts a list of middleware around everything at and below a base path: [`App::use_all`] and
    /// [`App::use_at`] in one.
    #[track_caller]
    pub fn use_all_at<M>(&mut self, prefix: &str, list: impl IntoStack<M>) -> &mut Self {
        for middleware in Stack::of(list).into_steps() {
            self.add_base(prefix, middleware, Location::caller());
        }
        self
    }

    fn add_base(
        &mut self,
        prefix: &str,
        middleware: Arc<dyn Middleware>,
        place: &'static Location<'static>,
    ) {
        self.bases.push(BaseDef { prefix: prefix.to_owned(), middleware, place });
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

    // Settings.

    /// How letter case in paths is treated; by default it matters.
    pub fn path_case(&mut self, path_case: PathCase) -> &mut Self {
        self.path_case = Some(path_case);
        self
    }

    /// How a slash at the end of a path is treated; by default one is ignored.
    pub fn trailing_slash(&mut self, trailing_slash: TrailingSlash) -> &mut Self {
        self.trailing_slash = Some(trailing_slash);
        self
    }

    /// All routes as data: method and pattern, in the order of registration, mounts included. Those of
    /// host children follow, the host pattern before each path.
    ///
    /// # Errors
    /// What would keep the application from starting.
    #[inline]
    pub fn routes(&self) -> std::io::Result<Vec<(MethodMatch, String)>> {
        let frozen = freeze(self.clone())?;
        let mut routes = Vec::new();
        for site in &frozen.sites {
            let all = site.router.routes().iter();
            let all = all.map(|route| (route.method().clone(), route.pattern().text()));
            // CF-74: it is not in the table, since its target has no path.
            let connect = site.connect.map(|_| (MethodMatch::One(Method::CONNECT), "*"));
            let all = all.chain(connect);
            routes.extend(all.map(|(method, path)| (method, format!("{}{path}", site.host))));
        }
        Ok(routes)
    }

    fn twice(&mut self, what: &str, first: &Location<'_>, second: &'static Location<'static>) {
        self.problems.push(Problem::new(format!("{what} is set twice, first at {first}"), second));
    }

    /// Gives all handlers a value, in place of one of its type.
    #[cfg(feature = "templates")]
    pub(crate) fn replace_state<T: Send + Sync + 'static>(&mut self, value: T) {
        self.shared.insert(value);
    }

    #[cfg(feature = "templates")]
    pub(crate) fn shared_state<T: 'static>(&self) -> Option<&T> {
        self.shared.get()
    }

    /// What is left behind says so if it is used again.
    fn take(&mut self, place: &'static Location<'static>) -> Self {
        let app = std::mem::take(self);
        let what = "the application was taken here already; a clone of it can be used again";
        self.problems.push(Problem::new(what, place));
        app
    }
}

/// An application, by value or taken out of the `&mut App` that a chain of calls ends with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no application",
    label = "not an `App`",
    note = "an application is an `App`, or the `&mut App` that a chain of calls ends with; handlers go \
            to `get`, `post` and the like, middleware to `use_`"
)]
pub trait IntoApp {
    /// The application.
    #[track_caller]
    fn into_app(self) -> App;
}

impl IntoApp for App {
    fn into_app(self) -> App {
        self
    }
}

impl IntoApp for &mut App {
    #[track_caller]
    fn into_app(self) -> App {
        self.take(Location::caller())
    }
}
