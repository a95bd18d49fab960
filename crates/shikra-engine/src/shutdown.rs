//! Stopping: from the first request to stop, to the report of what had to be cut.

use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a server stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Connections that were open when the server was told to stop.
    pub connections: usize,
    /// Connections that were still open at the deadline and were cut.
    pub cut_connections: usize,
    /// Workers that some handler still held; their threads were left behind.
    pub stuck_workers: usize,
    /// From the request to stop to the end.
    pub took: Duration,
}

impl fmt::Display for StopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, cut_connections, stuck_workers, took } = self;
        let took_ms = took.as_millis();
        write!(f, "stopped in {took_ms} ms: {connections} connections were open, ")?;
        match (cut_connections, stuck_workers) {
            (0, 0) => write!(f, "all were finished"),
            (cut, 0) => write!(f, "{cut} were cut at the deadline"),
            (cut, stuck) => write!(f, "{cut} were cut and {stuck} workers were stuck"),
        }
    }
}

/// How far a worker has come, as the control thread sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    Starting,
    Ready,
    /// Nothing runs any more.
    Drained,
    /// The stop hook has run.
    StopRun,
    /// The thread is at its end.
    Gone,
}

/// The progress of all workers, and what the control thread and users wait for.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<BoardState>,
    changed: Condvar,
}

#[derive(Debug)]
struct BoardState {
    workers: Vec<Progress>,
    failure: Option<std::io::Error>,
    /// The control thread minds signals.
    is_armed: bool,
    listeners_closed: bool,
    report: Option<StopReport>,
}

impl Board {
    pub(crate) fn new(workers: usize) -> Self {
        let state = BoardState {
            workers: vec![Progress::Starting; workers],
            failure: None,
            is_armed: false,
            listeners_closed: false,
            report: None,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn set(&self, worker: usize, progress: Progress) {
        self.change(|state| {
            if let Some(slot) = state.workers.get_mut(worker) {
                *slot = progress;
            }
        });
    }

    /// Says, when it is dropped, that a worker's thread is at its end, a panic's included.
    pub(crate) fn farewell(&self, worker: usize) -> Farewell<'_> {
        Farewell { worker, board: self }
    }

    pub(crate) fn fail(&self, error: std::io::Error) {
        self.change(|state| {
            state.failure.get_or_insert(error);
        });
    }

    pub(crate) fn set_armed(&self) {
        self.change(|state| state.is_armed = true);
    }

    /// Fails when it is dropped, unless the control thread has come to mind signals.
    pub(crate) fn arming(&self) -> Arming<'_> {
        Arming { board: self }
    }

    pub(crate) fn set_listeners_closed(&self) {
        self.change(|state| state.listeners_closed = true);
    }

    /// Waits until the listeners are closed; false when the deadline comes first.
    pub(crate) fn wait_listeners_closed(&self, deadline: Instant) -> bool {
        self.wait_for(Some(deadline), |state| state.listeners_closed)
    }

    /// Whether the server has stopped.
    pub(crate) fn is_finished(&self) -> bool {
        self.lock().report.is_some()
    }

    pub(crate) fn finish(&self, report: StopReport) {
        self.change(|state| state.report = Some(report));
    }

    /// Waits until `worker`, or all for `None`, has come as far as `progress`; false when the
    /// deadline comes first.
    pub(crate) fn wait(
        &self,
        worker: Option<usize>,
        progress: Progress,
        deadline: Instant,
    ) -> bool {
        self.wait_for(Some(deadline), |state| {
            state.failure.is_some()
                || match worker {
                    Some(worker) => state.workers.get(worker).is_some_and(|&p| p >= progress),
                    None => state.workers.iter().all(|&p| p >= progress),
                }
        })
    }

    /// Waits until all workers are ready.
    pub(crate) fn wait_ready(&self) -> std::io::Result<()> {
        self.wait_for(None, |state| {
            state.failure.is_some() || state.workers.iter().all(|&p| p >= Progress::Ready)
        });
        self.check()
    }

    /// Waits until the control thread minds signals.
    pub(crate) fn wait_armed(&self) -> std::io::Result<()> {
        self.wait_for(None, |state| state.failure.is_some() || state.is_armed);
        self.check()
    }

    /// The failure of a thread's start, once.
    pub(crate) fn check(&self) -> std::io::Result<()> {
        self.lock().failure.take().map_or(Ok(()), Err)
    }

    /// Waits until the server has stopped.
    pub(crate) fn wait_report(&self) -> StopReport {
        self.wait_for(None, |state| state.report.is_some());
        self.lock().report.clone().unwrap_or_default()
    }

    /// How many workers have not come as far as `progress`.
    pub(crate) fn behind(&self, progress: Progress) -> usize {
        self.lock().workers.iter().filter(|&&p| p < progress).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut BoardState)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_for(&self, deadline: Option<Instant>, done: impl Fn(&BoardState) -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if done(&state) {
                return true;
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// The end of a worker's thread: nobody is to wait for it any more.
#[derive(Debug)]
pub(crate) struct Farewell<'a> {
    worker: usize,
    board: &'a Board,
}

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.board.fail(std::io::Error::other("a start hook or a maker of state panicked"));
        }
        self.board.set(self.worker, Progress::Gone);
    }
}

/// The start of the control thread: nobody is to wait for it if it ends before it is armed.
#[derive(Debug)]
pub(crate) struct Arming<'a> {
    board: &'a Board,
}

impl Drop for Arming<'_> {
    fn drop(&mut self) {
        self.board.change(|state| {
            if !state.is_armed {
                let early = || std::io::Error::other("the control thread ended early");
                state.failure.get_or_insert_with(early);
            }
        });
    }
}
