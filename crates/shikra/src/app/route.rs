//! One route with middleware, limits and a deadline of its own.

use super::{App, RouteDef, RouteOptions};
use crate::handler::{self, Handler};
use crate::into_response::IntoResponse;
use crate::middleware::{self, Middleware, Next};
use crate::request::Request;
use crate::router::MethodMatch;
use http::Method;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// A path whose handlers share middleware, limits and a deadline. Made by [`App::route`].
///
/// What is set holds for the handlers registered after it.
pub struct Route<'a> {
    app: &'a mut App,
    path: String,
    middleware: Vec<Arc<dyn Middleware>>,
    options: RouteOptions,
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a> Route<'a> {
    pub(super) fn new(app: &'a mut App, path: &str) -> Self {
        let path = path.to_owned();
        Self { app, path, middleware: Vec::new(), options: RouteOptions::default() }
    }

    /// Puts a middleware around the handlers, inside all others.
    pub fn use_<F, R>(mut self, step: F) -> Self
    where
        F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.middleware.push(middleware::erase(step));
        self
    }

    /// Limits the body in bytes, instead of what the application says.
    pub fn body_bytes_max(mut self, max: u64) -> Self {
        self.options.body_bytes_max = Some(max);
        self
    }

    /// Answers 503 when the handler has made no response by then; it is dropped.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
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

    /// Registers a handler for every method that has none of its own.
    #[track_caller]
    pub fn any<F, R>(self, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::Any, handler::erase(handler))
    }

    /// Registers a handler for any method, extension methods included.
    #[track_caller]
    pub fn method<F, R>(self, method: Method, handler: F) -> Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        self.add(MethodMatch::One(method), handler::erase(handler))
    }

    #[track_caller]
    fn add(self, method: MethodMatch, handler: Arc<dyn Handler>) -> Self {
        self.app.routes.push(RouteDef {
            method,
            pattern: self.path.clone(),
            handler,
            middleware: self.middleware.clone(),
            options: self.options,
            place: Location::caller(),
        });
        self
    }
}
