//! Who holds the worker, in development mode: a handler that computes keeps all other connections of its
//! worker waiting.

use crate::request::Request;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// The watchdog of one worker.
pub(super) struct Watchdog {
    hold: Arc<Mutex<Option<Hold>>>,
}

/// A handler that is being polled.
struct Hold {
    since: Instant,
    who: Who,
    is_told: bool,
}

/// A request, in words that another thread may have.
#[derive(Clone)]
struct Who {
    method: String,
    path: String,
    route: Option<String>,
    request_id: Option<String>,
}

impl Watchdog {
    /// Begins to watch the calling worker, until the watchdog is dropped.
    pub(super) fn new() -> Self {
        let hold = Arc::new(Mutex::new(None));
        let watched = Arc::downgrade(&hold);
        let thread = thread::Builder::new().name("shikra-watchdog".to_owned());
        if let Err(error) = thread.spawn(move || look_after(&watched)) {
            tracing::warn!(%error, "there is no thread for the watchdog");
        }
        Self { hold }
    }

    /// Runs one poll of a handler, and names it if it has held the worker for too long. One that does not
    /// even come back is named by the other thread.
    pub(super) fn watch<T>(&self, req: &Request, poll: impl FnOnce() -> T) -> T {
        // Real time, virtual or not: a handler that computes moves no other.
        let since = Instant::now();
        self.set(Some(Hold { since, who: Who::new(req), is_told: false }));
        // A panic leaves the poll too.
        let _ends = Ends(self);
        poll()
    }

    fn set(&self, hold: Option<Hold>) -> Option<Hold> {
        std::mem::replace(&mut self.hold.lock().unwrap_or_else(PoisonError::into_inner), hold)
    }
}

/// The end of a poll.
struct Ends<'a>(&'a Watchdog);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let Some(hold) = self.0.set(None) else { return };
        let held = hold.since.elapsed();
        if held > HELD_MAX {
            tell(
                "a handler held its worker; `blocking(…)` is for work that takes long",
                &hold.who,
                held,
            );
        }
    }
}

/// What the other thread does.
fn look_after(watched: &Weak<Mutex<Option<Hold>>>) {
    while let Some(hold) = watched.upgrade() {
        let late = {
            let mut hold = hold.lock().unwrap_or_else(PoisonError::into_inner);
            let late =
                hold.as_mut().filter(|hold| !hold.is_told && hold.since.elapsed() > STUCK_AFTER);
            late.map(|hold| {
                hold.is_told = true;
                (hold.who.clone(), hold.since.elapsed())
            })
        };
        drop(hold);
        if let Some((who, held)) = late {
            tell("a handler holds its worker and has not come back yet", &who, held);
        }
        thread::sleep(HELD_MAX);
    }
}

fn tell(what: &str, who: &Who, held: Duration) {
    let held_ms = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
    let Who { method, path, route, request_id } = who;
    let (route, request_id) = (route.as_deref(), request_id.as_deref());
    if tracing::enabled!(tracing::Level::WARN) {
        tracing::warn!(method, path, route, request_id, held_ms, "{what}");
    } else {
        eprintln!(
            "shikra: {what}: {method} {path} ({}), {held_ms} ms",
            route.unwrap_or("no route")
        );
    }
}

impl Who {
    fn new(req: &Request) -> Self {
        Self {
            method: req.method().to_string(),
            path: req.path().to_owned(),
            route: req.pattern().map(str::to_owned),
            request_id: req.id().map(str::to_owned),
        }
    }
}

/// More than a handler may take at one go.
const HELD_MAX: Duration = Duration::from_millis(50);

/// After this long somebody should know, even if the handler never ends.
const STUCK_AFTER: Duration = Duration::from_millis(500);
