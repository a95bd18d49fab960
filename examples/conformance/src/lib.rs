//! A server for outside tools: protocol testers, load generators, scanners.
//!
//! `cargo run --release -p conformance -- --port 8080 --workers 1` starts it, `--help` lists every limit
//! and timeout that can be set. [`app`] is what it serves; `options.rs` reads the command line.

mod measured;
mod options;
mod routes;

pub use options::{Command, Options, help};
pub use routes::app;
