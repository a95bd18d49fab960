//! The engine of the Shikra web framework: sockets, workers and connections.
//!
//! It turns bytes from sockets into [`service::Exchange`]s, hands them to a [`service::Service`]
//! and writes the [`service::Reply`] back. It knows nothing of routes, handlers or applications;
//! those live in the crate `shikra`, which is what users depend on. The wire formats live in
//! `shikra-proto`. Start reading at [`server`], then [`conn`].

pub mod body;
pub mod buffer;
pub mod clock;
pub mod config;
pub mod conn;
pub mod hub;
pub mod in_process;
pub mod limits;
pub mod listen;
mod listener;
mod mailbox;
mod proxied;
mod renew;
mod replace;
pub mod rt;
pub mod server;
pub mod service;
mod shutdown;
pub mod slot;
pub mod timer;
pub mod worker;

pub use server::{Server, ServerHandle, StopReport};
