//! The framework through its public interface.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod clients;
mod server;
mod timeouts;
