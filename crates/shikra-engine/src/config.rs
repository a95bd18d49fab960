//! How a server is set up, limits aside.

use crate::limits::Limits;

/// The settings of a server.
///
/// ```
/// use shikra_engine::config::Config;
///
/// let mut config = Config::default();
/// config.workers = 1;
/// ```
#[derive(Clone, Debug)]
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
        }
    }
}
