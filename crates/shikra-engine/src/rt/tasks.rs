//! The runtime of a worker and what it runs.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::Context;

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

/// Starts a task on this worker. All that the runtime does for tasks is compiled for each type of them: only
/// connections are worth that.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    drop(tokio::task::spawn_local(task));
}

/// Starts a task on this worker that is not worth code of its own.
pub fn spawn_boxed(task: Pin<Box<dyn Future<Output = ()>>>) {
    spawn(task);
}

/// Wakes the task again once all others have had their turn and the reactor was asked who else has something to
/// do. A task that wakes itself at once comes back up to 61 times before the reactor is asked.
pub fn wake_after_others(cx: &mut Context<'_>) {
    // It puts the waker off the first time; without a runtime it wakes at once.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

/// Virtual time, for tests: stopped until this is dropped, except for [`advance`].
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct StoppedTime {
    // While a blocking task runs, the runtime does not move its clock by itself.
    _holds: std::sync::mpsc::Sender<()>,
}

/// Stops the time of this thread's runtime.
#[cfg(feature = "testing")]
#[must_use]
pub fn stop_time() -> StoppedTime {
    super::set_virtual();
    tokio::time::pause();
    let (holds, held) = std::sync::mpsc::channel::<()>();
    drop(tokio::task::spawn_blocking(move || held.recv()));
    StoppedTime { _holds: holds }
}

/// Moves virtual time on in small steps, so that what is due on the way happens in order; `moved`
/// runs after each step.
#[cfg(feature = "testing")]
pub async fn advance(time: std::time::Duration, moved: impl Fn()) {
    // The runtime's timers fire in the millisecond after the one they are set for.
    let end = super::now() + time + std::time::Duration::from_millis(1);
    settle().await;
    while super::now() < end {
        let step = end.saturating_duration_since(super::now()).min(STEP);
        tokio::time::advance(step).await;
        moved();
        settle().await;
    }
}

/// Lets all tasks run until they wait.
#[cfg(feature = "testing")]
pub async fn settle() {
    for _ in 0..SETTLING_TURNS {
        tokio::task::yield_now().await;
    }
}

#[cfg(feature = "testing")]
const STEP: std::time::Duration = std::time::Duration::from_millis(20);
#[cfg(feature = "testing")]
const SETTLING_TURNS: usize = 16;
