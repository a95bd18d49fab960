//! The runtime of a worker and what it runs.

use std::future::Future;
use std::io;

pub use tokio::runtime::LocalRuntime;
pub use tokio::sync::Notify;
pub use tokio::time::{sleep, sleep_until};

/// A runtime for one worker: current thread, tasks need not be `Send`.
///
/// `woke` runs whenever the worker comes out of its sleep, `sleeps` before it goes to sleep.
///
/// # Errors
/// When the system has no descriptors or memory left for a reactor.
pub fn local_runtime(
    woke: impl Fn() + Send + Sync + 'static,
    sleeps: impl Fn() + Send + Sync + 'static,
) -> io::Result<LocalRuntime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_unpark(woke)
        .on_thread_park(sleeps)
        .build_local(tokio::runtime::LocalOptions::default())
}

/// Starts a task on this worker.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    drop(tokio::task::spawn_local(task));
}
