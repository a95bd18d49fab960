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
//! [`Next`] step as well. Errors are one type, [`Error`]. [`testing::TestClient`] drives an application
//! without a socket.
//!
//! Sockets, workers and timers are the business of `shikra-engine`, wire formats that of `shikra-proto`.
#![forbid(unsafe_code)]

mod app;
mod blocking;
mod dispatch;
mod error;
mod error_handler;
mod handler;
mod into_response;
#[cfg(feature = "json")]
mod json;
mod meta;
mod middleware;
pub mod prelude;
mod request;
mod response;
pub mod router;
mod state;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;

pub use app::{App, AppHandle, IntoApp, Problem, Route};
pub use blocking::blocking;
pub use bytes::Bytes;
pub use error::{Error, IntoStatus, OrStatus, Result};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
pub use into_response::{Html, IntoFields, IntoResponse, Reason, redirect, redirect_with};
#[cfg(feature = "json")]
pub use json::Json;
pub use meta::Meta;
pub use middleware::{IntoBefore, Next, before, late};
pub use request::{Body, Query, Request};
pub use response::Response;
pub use shikra_engine::body::BodyError;
pub use shikra_engine::limits::Limits;
pub use shikra_engine::server::StopReport;
pub use shikra_proto::cookie::{SameSite, SetCookie};
pub use stream::{StreamWriter, stream};
pub use tokio::time::sleep;
