//! Calls from the test's thread to the worker's.

use super::bench::{Bench, Mailbox};
use super::reply::Stage;
use crate::AppHandle;
use shikra_engine::rt::tasks::Notify;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The thread that talks to an application, and runs it unless a server does. It ends with the last of
/// those who hold this.
pub(super) struct Shared {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) thread: Option<JoinHandle<()>>,
    pub(super) mode: Mode,
}

/// Where the application runs.
pub(super) enum Mode {
    RealTime,
    VirtualTime,
    Tcp(AppHandle),
}

impl Shared {
    /// Begins a job on the worker's thread. It is dropped when the [`Call`] is.
    pub(super) fn call<T, F, J>(&self, progress: Arc<Progress>, job: J) -> Call<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
        J: FnOnce(Rc<Bench>) -> F + Send + 'static,
    {
        let (answer, answered) = channel();
        let cancel = Arc::new(Notify::new());
        let cancelled = Arc::clone(&cancel);
        self.mailbox.post(Box::new(move |bench| {
            Box::pin(async move {
                let mut job = pin!(job(bench));
                let mut cancelled = pin!(cancelled.notified());
                let result = poll_fn(|cx| {
                    if cancelled.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(None);
                    }
                    job.as_mut().poll(cx).map(Some)
                })
                .await;
                if let Some(result) = result {
                    // The test has given up waiting if nobody listens.
                    let _ = answer.send(result);
                }
            })
        }));
        Call { answered, cancel, progress }
    }

    pub(super) fn addr(&self) -> Option<SocketAddr> {
        match &self.mode {
            Mode::Tcp(server) => Some(server.addr()),
            Mode::RealTime | Mode::VirtualTime => None,
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.mailbox.close();
        let has_panicked = self.thread.take().is_some_and(|thread| thread.join().is_err());
        if let Mode::Tcp(server) = &self.mode {
            server.stop();
            server.wait();
        }
        if has_panicked && !thread::panicking() {
            panic!("the worker of the test client panicked");
        }
    }
}

/// A job that has begun.
pub(super) struct Call<T> {
    answered: Receiver<T>,
    cancel: Arc<Notify>,
    progress: Arc<Progress>,
}

/// Why a job has no result.
#[derive(Debug)]
pub(super) enum NoAnswer {
    TimedOut { patience: Duration, stage: Stage },
    WorkerGone,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { patience, stage } => {
                write!(f, "nothing within {patience:?}; waited for {stage}")
            }
            Self::WorkerGone => f.write_str("the worker of the test client is gone: it panicked"),
        }
    }
}

impl<T> Call<T> {
    pub(super) fn wait(&self, patience: Duration) -> Result<T, NoAnswer> {
        self.answered.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                NoAnswer::TimedOut { patience, stage: self.progress.stage() }
            }
            RecvTimeoutError::Disconnected => NoAnswer::WorkerGone,
        })
    }

    /// The result, if it is there.
    pub(super) fn poll(&self) -> Option<Result<T, NoAnswer>> {
        match self.answered.try_recv() {
            Ok(result) => Some(Ok(result)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(NoAnswer::WorkerGone)),
        }
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        self.cancel.notify_one();
    }
}

/// How far a job has come.
pub(super) struct Progress(Mutex<Stage>);

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Stage::Worker)))
    }

    pub(super) fn set(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn stage(&self) -> Stage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
