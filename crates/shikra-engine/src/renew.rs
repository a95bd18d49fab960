//! Replacing what a running server serves, on all workers or on none.
//!
//! Two rounds: every worker first makes its new service beside the old one, which goes on
//! answering; when all have one, every worker puts it in place. An exchange ends with the service
//! that it began with, and the replaced factory's stop runs after the last of those.
//!
//! | state of a renewal | what leads on |
//! |---|---|
//! | `Starting` | the first worker has run the new factory's start -> `Making` |
//! | `Making` | each worker has a service -> `Placing`; one fails, the server stops -> `Failed` |
//! | `Placing` | each worker has put its service in place -> done |
//! | `Failed` | the services are dropped; the factory's stop runs if its start had |

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Keeps a factory's stop from running: whoever holds something that the factory made holds one.
#[derive(Clone, Default)]
pub struct Lease(Option<Arc<dyn Any + Send + Sync>>);

impl Lease {
    /// A lease of a factory that nothing will replace.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("is_unlimited", &self.0.is_none()).finish()
    }
}

/// A factory with the services that it has made.
pub(crate) struct Generation<F> {
    pub(crate) factory: Arc<F>,
    /// Ends with the last lease.
    end: Arc<End>,
}

impl<F> Clone for Generation<F> {
    fn clone(&self) -> Self {
        Self { factory: Arc::clone(&self.factory), end: Arc::clone(&self.end) }
    }
}

impl<F> Generation<F> {
    /// `retire` is called at the end of the last lease, if another generation serves by then.
    pub(crate) fn new(factory: Arc<F>, retire: impl FnOnce() + Send + Sync + 'static) -> Self {
        let end = End { is_replaced: AtomicBool::new(false), retire: Some(Box::new(retire)) };
        Self { factory, end: Arc::new(end) }
    }

    pub(crate) fn lease(&self) -> Lease {
        Lease(Some(Arc::clone(&self.end) as Arc<dyn Any + Send + Sync>))
    }

    /// Another generation serves from now on.
    pub(crate) fn replace(&self) {
        self.end.is_replaced.store(true, Ordering::Release);
    }
}

/// What happens at the end of a generation.
struct End {
    is_replaced: AtomicBool,
    retire: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Drop for End {
    fn drop(&mut self) {
        // The end of the server runs the stop of the generation that serves then.
        if self.is_replaced.load(Ordering::Acquire)
            && let Some(retire) = self.retire.take()
        {
            retire();
        }
    }
}

/// One attempt to replace the services of all workers.
pub(crate) struct Renewal {
    /// A `Generation<F>`, whatever `F` the server was started with.
    generation: Box<dyn Any + Send + Sync>,
    workers: usize,
    progress: Mutex<Progress>,
    changed: Condvar,
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("workers", &self.workers).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Progress {
    has_started: bool,
    /// Workers that have made their service.
    made: usize,
    /// Workers that serve with it.
    placed: usize,
    failure: Option<io::Error>,
    has_failed: bool,
}

/// What a worker is to do for a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Run the factory's start; the first worker alone.
    Start,
    /// Make a service and keep it.
    Make,
    /// Serve with it.
    Place,
    /// Drop it.
    Cancel,
}

impl Renewal {
    pub(crate) fn new<F: Send + Sync + 'static>(generation: Generation<F>, workers: usize) -> Self {
        let progress =
            Progress { has_started: false, made: 0, placed: 0, failure: None, has_failed: false };
        Self {
            generation: Box::new(generation),
            workers,
            progress: Mutex::new(progress),
            changed: Condvar::new(),
        }
    }

    /// The generation, if it is of the kind that the server was started with.
    pub(crate) fn generation<F: 'static>(&self) -> Option<&Generation<F>> {
        self.generation.downcast_ref()
    }

    pub(crate) fn note(&self, step: Step) {
        self.change(|progress| match step {
            Step::Start => progress.has_started = true,
            Step::Make => progress.made += 1,
            Step::Place => progress.placed += 1,
            Step::Cancel => {}
        });
    }

    pub(crate) fn fail(&self, error: io::Error) {
        self.change(|progress| {
            progress.has_failed = true;
            progress.failure.get_or_insert(error);
        });
    }

    /// Whether the factory's start has run to its end.
    pub(crate) fn has_started(&self) -> bool {
        self.lock().has_started
    }

    /// Whether the attempt is over: what is made now is made for nobody.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().has_failed
    }

    /// Waits until all workers that take part in `step` are done with it.
    pub(crate) fn wait(&self, step: Step) -> io::Result<()> {
        let mut progress = self.lock();
        loop {
            let done = match step {
                Step::Start => progress.has_started,
                Step::Make => progress.made == self.workers,
                Step::Place => progress.placed == self.workers,
                Step::Cancel => true,
            };
            if progress.has_failed {
                let gone = || io::Error::other("the server was told to stop");
                return Err(progress.failure.take().unwrap_or_else(gone));
            }
            if done {
                return Ok(());
            }
            progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// One worker's part of a step: whoever drops it unfinished, by a panic or at the end of its
/// thread, fails the renewal.
#[derive(Debug)]
pub(crate) struct Part {
    renewal: Arc<Renewal>,
    step: Option<Step>,
}

impl Part {
    pub(crate) fn new(renewal: &Arc<Renewal>, step: Step) -> Self {
        Self { renewal: Arc::clone(renewal), step: Some(step) }
    }

    /// The part is done, well or not.
    pub(crate) fn end(mut self, result: io::Result<()>) {
        match (self.step.take(), result) {
            (Some(step), Ok(())) => self.renewal.note(step),
            (_, Err(error)) => self.renewal.fail(error),
            (None, Ok(())) => {}
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.step.is_some() {
            let why = "a hook or a maker of state panicked, or its worker has ended";
            self.renewal.fail(io::Error::other(why));
        }
    }
}
