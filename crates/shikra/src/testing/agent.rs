//! One user agent: its cookies and its connections.

use super::bench::Bench;
use super::error::{Failure, TestError, TestErrorKind};
use super::jar::Jar;
use super::shared::{NoAnswer, Progress, Shared};
use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) struct Agent {
    pub(super) id: u64,
    pub(super) jar: Arc<Mutex<Jar>>,
    pub(super) shared: Arc<Shared>,
}

impl Agent {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, jar: Arc::default(), shared })
    }

    /// Runs a job for a request on the worker's thread.
    pub(super) fn call<T, F, J>(
        &self,
        request: &str,
        patience: Duration,
        progress: Arc<Progress>,
        job: J,
    ) -> Result<T, TestError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + 'static,
        J: FnOnce(Rc<Bench>) -> F + Send + 'static,
    {
        let answer = self.shared.call(progress, job).wait(patience);
        answer
            .unwrap_or_else(|no_answer| Err(no_answer.into()))
            .map_err(|failure| TestError::new(request, failure))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let id = self.id;
        self.shared.mailbox.post(Box::new(move |bench| Box::pin(async move { bench.forget(id) })));
    }
}

impl From<NoAnswer> for Failure {
    fn from(no_answer: NoAnswer) -> Self {
        let kind = match no_answer {
            NoAnswer::TimedOut { .. } => TestErrorKind::Timeout,
            NoAnswer::WorkerGone => TestErrorKind::Closed,
        };
        Self::new(kind, no_answer.to_string())
    }
}
