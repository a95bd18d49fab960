//! How a server is set up, limits aside.

use crate::limits::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The settings of a server.
///
/// ```
/// use shikra_engine::config::Config;
///
/// let mut config = Config::default();
/// config.workers = 1;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// What peers may do.
    pub limits: Limits,
    /// The number of workers; 0, the default, means one for each processor.
    pub workers: usize,
    /// The most connections at a time; beyond it, accepting pauses. By default what the process's
    /// descriptor limit allows, less 20.
    pub connections_max: Option<usize>,
    /// Connections that the system holds until they are accepted. Default 4,096.
    pub backlog: u32,
    /// Whether SIGTERM and SIGINT stop the server. Default: not.
    pub signals: Signals,
    /// How long a server that was told to stop goes on as before, except that it is not ready any more:
    /// what sends clients to it has that long to hear of it. Default 0.
    pub shutdown_delay: Duration,
    /// Whether the server is ready for clients, for all who want to know.
    pub readiness: Readiness,
}

/// Whether a server is ready for clients: from its start until it is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    is_over: Arc<AtomicBool>,
}

/// Two are the same if they are of one server.
impl PartialEq for Readiness {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.is_over, &other.is_over)
    }
}

impl Readiness {
    /// Whether clients may come.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Whether signals stop a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// They are none of the server's business.
    Ignore,
    /// SIGTERM and SIGINT stop it gracefully; a second one cuts what still runs.
    Stop,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            workers: 0,
            connections_max: None,
            backlog: 4096,
            signals: Signals::Ignore,
            shutdown_delay: Duration::ZERO,
            readiness: Readiness::default(),
        }
    }
}
