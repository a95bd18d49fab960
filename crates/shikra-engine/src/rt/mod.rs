//! The runtime's reactor, the system's sockets and limits: the only room that names them.
//!
//! Above it a connection is generic over [`Io`], so that a TCP stream, a Unix stream, a TLS session
//! or a pipe in memory are the same to it.

mod io;
pub mod net;
pub mod pipe;
pub mod signal;
pub mod sys;
pub mod tasks;
pub mod unix;

pub use io::{Io, SocketIo};
pub use tokio::time::Instant;

use std::cell::Cell;

/// The time, virtual where a test has stopped it.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Declares that the time of this thread is virtual.
pub fn set_virtual() {
    VIRTUAL.set(true);
}

/// Whether the time of this thread is virtual.
#[must_use]
pub fn is_virtual() -> bool {
    VIRTUAL.get()
}

thread_local! {
    static VIRTUAL: Cell<bool> = const { Cell::new(false) };
}

#[cfg(test)]
mod tests;
