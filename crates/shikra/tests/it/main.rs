//! The framework as its users see it: whole applications, real bytes, and what comes back.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod bodies;
mod clients;
mod control;
mod errors;
mod extract;
mod hosts;
mod messages;
mod pictures;
mod pipelining;
mod replies;
mod requests;
mod routing;
mod scopes;
mod server;
mod support;
mod timeouts;
