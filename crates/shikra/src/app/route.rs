//! One route with middleware, limits and a deadline of its own.

use super::{App, Placed, Problem, RouteDef, RouteOptions};
use crate::failure::{Failure, Logger};
use crate::handler::{self, Handler};
use crate::into_response::IntoResponse;
use crate::middleware::{self, IntoStack, Middleware, Next, Stack};
use crate::request::Request;
use crate::router::MethodMatch;
use http::Method;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// A path whose handlers share middleware, limits and a deadline. Made by [`App::route`].
///
/// What is set holds for the handlers registered after it. One that never gets a handler keeps the
/// application from starting.
pub struct Route<'a> {
    app: &'a mut App,
    path: String,
    place: &'static Location<'static>,
    handlers: usize,
    middleware: Vec<Arc<dyn Middleware>>,
    options: RouteOptions,
    logger: Option<Placed<Logger>>,
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a> Route<'a> {
    #[track_caller]
    pub(super) fn new(app: &'a mut App, path: &str) -> Self {
        Self {
            app,
            path: path.to_owned(),
            place: Location::caller(),
            handlers: 0,
            middleware: Vec::new(),
            options: RouteOptions::default(),
            logger: None,
        }
    }

    /// Puts a middleware around the handlers registered after it, inside all others.
    #[track_caller]
    pub fn use_<F, R>(mut self, step: F) -> Self
    where
        F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.middleware.push(middleware::erase(step));
        self
    }

    /// Puts a list of middleware around the handlers registered after it: a [`Stack`], or tuples, arrays and
    /// vectors, nested too. The first is the outermost.
    #[track_caller]
    pub fn use_all<M>(mut self, list: impl IntoStack<M>) -> Self {
        self.middleware.extend(Stack::of(list).into_steps());
        self
    }

    /// Limits the body in bytes, instead of what the application says.
    pub fn body_bytes_max(mut self, max: u64) -> Self {
        self.options.body_bytes_max = Some(max);
        self
    }

    /// Lets the body have any length, instead of what the application says.
    pub fn without_body_limit(self) -> Self {
        self.body_bytes_max(u64::MAX)
    }

    /// Answers 503 when the handler has made no response by then; it is dropped.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// Hears of unexpected and unrecoverable errors of this route, in place of the application's logger
    /// ([`App::logger`]). Two on one route are a mistake.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// let pay = async |_| -> &str { panic!("no purse") };
    /// app.route("/pay").logger(|failure| eprintln!("call somebody: {failure}")).post(pay);
    /// assert_eq!(TestClient::new(app).post("/pay").send().status(), 500);
    /// ```
    #[track_caller]
    pub fn logger<F>(mut self, logger: F) -> Self
    where
        F: Fn(&Failure<'_>) + Send + Sync + 'static,
    {
        let placed = Placed { value: Arc::new(logger) as _, place: Location::caller() };
        if let Some(first) = self.logger.replace(placed) {
            let what = format!("the logger of `{}`", self.path.escape_debug());
            self.app.twice(&what, first.place, Location::caller());
        }
        self
    }

    /// Registers a handler for `GET`; it answers `HEAD` too.
    #[track_caller]
    pub fn get<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::GET), handler::erase(handler))
    }

    /// Registers a handler for `POST`.
    #[track_caller]
    pub fn post<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::POST), handler::erase(handler))
    }

    /// Registers a handler for `PUT`.
    #[track_caller]
    pub fn put<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::PUT), handler::erase(handler))
    }

    /// Registers a handler for `PATCH`.
    #[track_caller]
    pub fn patch<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::PATCH), handler::erase(handler))
    }

    /// Registers a handler for `DELETE`.
    #[track_caller]
    pub fn delete<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::DELETE), handler::erase(handler))
    }

    /// Registers a handler for `HEAD`, instead of the one for `GET`.
    #[track_caller]
    pub fn head<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::HEAD), handler::erase(handler))
    }

    /// Registers a handler for `OPTIONS`, instead of the automatic one.
    #[track_caller]
    pub fn options<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(Method::OPTIONS), handler::erase(handler))
    }

    /// Registers a handler for every method that has none of its own.
    #[track_caller]
    pub fn any<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::Any, handler::erase(handler))
    }

    /// Registers a handler for any method, extension methods included; see [`App::method`].
    #[track_caller]
    pub fn method<F, R>(self, method: Method, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(method), handler::erase(handler))
    }

    /// Answers the methods that this path has no handler for, in place of the automatic 405. The status
    /// is 405 unless the reply sets one; a 405 gets its `allow` field.
    ///
    /// It comes after all patterns that match the path have been asked for the method, and before
    /// [`App::unmatched`]. `OPTIONS` stays automatic.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.route("/note").get(async |_| "note").no_such_method(async |_| "read only");
    /// let reply = TestClient::new(app).delete("/note").send();
    /// assert_eq!((reply.status().as_u16(), &*reply.text()), (405, "read only"));
    /// assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
    /// ```
    #[track_caller]
    pub fn no_such_method<F, R>(mut self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.handlers += 1;
        let def = self.def(MethodMatch::Any, handler::erase(handler), Location::caller());
        self.app.no_such_method.push(def);
        self
    }

    #[track_caller]
    fn add(mut self, method: MethodMatch, handler: Arc<dyn Handler>) -> Self {
        self.handlers += 1;
        let def = self.def(method, handler, Location::caller());
        self.app.routes.push(def);
        self
    }

    fn def(
        &self,
        method: MethodMatch,
        handler: Arc<dyn Handler>,
        place: &'static Location<'static>,
    ) -> RouteDef {
        RouteDef {
            method,
            pattern: self.path.clone(),
            handler,
            middleware: self.middleware.clone(),
            options: self.options,
            logger: self.logger.as_ref().map(|placed| Arc::clone(&placed.value)),
            place,
        }
    }
}

impl Drop for Route<'_> {
    fn drop(&mut self) {
        // CF-84: nobody would answer.
        if self.handlers == 0 {
            let what = format!("the route `{}` has no handler", self.path.escape_debug());
            self.app.problems.push(Problem::new(what, self.place));
        }
    }
}
