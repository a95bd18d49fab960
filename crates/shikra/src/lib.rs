//! Shikra: a web framework. This crate is what applications depend on.
//!
//! ```no_run
//! use shikra::prelude::*;
//!
//! fn main() -> std::io::Result<()> {
//!     App::new()
//!         .get("/", async |_| "hello world")
//!         .get("/users/:id", async |req| Ok(format!("user {}", req.param::<u64>("id")?)))
//!         .listen("127.0.0.1:3000")
//! }
//! ```
//!
//! An [`App`] collects routes, middleware and state. A handler is an asynchronous function of a
//! [`Request`] whose value becomes a [`Response`] ([`IntoResponse`] lists the forms); a middleware gets the
//! [`Next`] step as well. [`with`] parses parts of the request ahead of a handler's call. Errors are one type, [`Error`]. [`testing::TestClient`] drives an application
//! without a socket.
//!
//! Sockets, workers and timers are the business of `shikra-engine`, wire formats that of `shikra-proto`.
#![forbid(unsafe_code)]

mod access_log;
mod app;
mod blocking;
mod dispatch;
mod error;
mod error_handler;
mod error_page;
mod extract;
mod failure;
#[cfg(doctest)]
mod guide;
mod handler;
#[cfg(feature = "inflate")]
mod inflate;
mod into_response;
#[cfg(feature = "json")]
mod json;
mod meta;
mod middleware;
mod place;
pub mod prelude;
mod request;
mod request_id;
mod response;
pub mod router;
mod state;
mod stream;
pub mod streams;
#[cfg(feature = "templates")]
pub mod templates;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;

pub use access_log::AccessLog;
pub use app::explain;
pub use app::{App, AppHandle, IntoApp, Problem, Route, Unmatched};
pub use blocking::blocking;
pub use bytes::Bytes;
pub use error::{Error, IntoStatus, OrStatus, Result};
pub use extract::{Form, FromRequest, OptionalFromRequest, Path, Query, State, with};
pub use failure::{Failure, FailureKind};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
#[cfg(feature = "inflate")]
pub use inflate::inflate;
pub use into_response::{
    Html, IntoFields, IntoResponse, Reason, redirect, redirect_local, redirect_with,
};
#[cfg(feature = "json")]
pub use json::{Json, jsonp, jsonp_with};
pub use meta::Meta;
pub use middleware::{
    IntoBefore, IntoStack, Next, Stack, before, late, late_failure, late_success,
};
pub use request::{Body, QueryPairs, Request, TrustedProxies};
pub use request_id::RequestIds;
pub use response::Response;
pub use shikra_engine::body::{BodyError, Oversize};
pub use shikra_engine::config::{Readiness, Signals};
pub use shikra_engine::limits::Limits;
pub use shikra_engine::listen::{Listen, ListenAddr, Listener};
pub use shikra_engine::server::StopReport;
pub use shikra_proto::cookie::{SameSite, SetCookie};
pub use shikra_proto::header::ContentType;
pub use shikra_proto::range::RangeError;
pub use shikra_proto::uri::UriPolicy;
pub use stream::{StreamWriter, stream};
pub use tokio::time::sleep;
