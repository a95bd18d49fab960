//! The signals that stop a server, and what they do once no server minds them any more.

use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, as long as this value lives. After the last one they do again what they did
/// before the first: usually, they end the process.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// What the process does on a signal, while servers come and go.
struct Actions {
    watchers: usize,
    /// Of each signal: what it did before the first server, and what the runtime has set.
    known: Option<[(libc::sigaction, libc::sigaction); SIGNALS.len()]>,
}

static ACTIONS: Mutex<Actions> = Mutex::new(Actions { watchers: 0, known: None });
const SIGNALS: [libc::c_int; 2] = [libc::SIGTERM, libc::SIGINT];

impl StopSignals {
    /// Begins to mind the signals; asks for a runtime.
    ///
    /// # Errors
    /// When the system does not let the process listen for signals.
    pub fn watch() -> io::Result<Self> {
        let mut actions = ACTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let before = [action(SIGNALS[0])?, action(SIGNALS[1])?];
        let signals = Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        match &actions.known {
            // The runtime sets its action once a process: later servers have to set it again.
            Some(known) if actions.watchers == 0 => {
                for (&number, (_, ours)) in SIGNALS.iter().zip(known) {
                    set_action(number, ours)?;
                }
            }
            Some(_) => {}
            None => {
                let ours = [action(SIGNALS[0])?, action(SIGNALS[1])?];
                actions.known = Some([(before[0], ours[0]), (before[1], ours[1])]);
            }
        }
        actions.watchers += 1;
        Ok(signals)
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() || self.interrupt.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        })
        .await;
    }
}

impl Drop for StopSignals {
    fn drop(&mut self) {
        let mut actions = ACTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        actions.watchers -= 1;
        if let (0, Some(known)) = (actions.watchers, &actions.known) {
            for (&number, (before, _)) in SIGNALS.iter().zip(known) {
                if let Err(error) = set_action(number, before) {
                    tracing::warn!(%error, number, "a signal stays without effect");
                }
            }
        }
    }
}

fn action(number: libc::c_int) -> io::Result<libc::sigaction> {
    let mut action = std::mem::MaybeUninit::uninit();
    // SAFETY: a null action changes nothing; the old one is written to a live local.
    #[allow(unsafe_code)]
    if unsafe { libc::sigaction(number, std::ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has written the action.
    #[allow(unsafe_code)]
    Ok(unsafe { action.assume_init() })
}

fn set_action(number: libc::c_int, action: &libc::sigaction) -> io::Result<()> {
    // SAFETY: the action was valid when `action` read it from this process, which keeps its handlers.
    #[allow(unsafe_code)]
    if unsafe { libc::sigaction(number, action, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
