//! The time of a worker, read once a loop turn, and the date that every reply carries.
//!
//! Reading the system's clock for each request would cost more than routing it, so a worker looks
//! at it when it wakes up and after every few connections; everything else reads a cell.

use crate::rt;
use shikra_proto::date::HttpDate;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the worker started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// The instant `after` later; far in the future if that overflows.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        // Not `as_millis`, which reckons with 128 bits.
        let millis = after.as_secs().saturating_mul(1000);
        Self(self.0.saturating_add(millis.saturating_add(u64::from(after.subsec_millis()))))
    }

    /// How long ago `earlier` was; zero if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The cached time and date of one worker.
#[derive(Debug)]
pub struct Clock {
    start: rt::Instant,
    start_unix: Duration,
    now: Cell<Millis>,
    second: Cell<u64>,
    date: Cell<HttpDate>,
    turns: Cell<u32>,
    pulse: Option<Arc<Pulse>>,
}

/// Signs of life of a worker, for other threads to read.
#[derive(Debug)]
pub struct Pulse {
    start: rt::Instant,
    beat_ms: AtomicU64,
    asleep: AtomicBool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { start: rt::now(), beat_ms: AtomicU64::new(0), asleep: AtomicBool::new(true) }
    }
}

impl Pulse {
    /// Whether the worker is awake and has shown no sign of life for longer than `limit`:
    /// some handler holds it.
    #[must_use]
    pub fn is_stuck(&self, limit: Duration) -> bool {
        if self.asleep.load(Ordering::Relaxed) {
            return false;
        }
        let beat = Duration::from_millis(self.beat_ms.load(Ordering::Relaxed));
        rt::now().saturating_duration_since(self.start).saturating_sub(beat) > limit
    }

    /// The worker goes to sleep, because it has nothing to do, or wakes up.
    pub fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Relaxed);
    }

    fn beat(&self, now: rt::Instant) {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        self.beat_ms.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Refreshes the clock of this thread's worker, if it has one.
pub fn refresh_current() {
    // The cell is gone while the thread's locals are dropped; nobody asks for the time then.
    let _ = CURRENT.try_with(|current| {
        if let Some(clock) = current.borrow().as_ref() {
            clock.refresh();
        }
    });
}

/// The instant of a time of this thread's worker; now, where there is none.
pub(crate) fn current_instant(at: Millis) -> rt::Instant {
    CURRENT.with(|current| {
        let current = current.borrow();
        current.as_ref().map_or_else(rt::now, |clock| clock.instant(at))
    })
}

/// Forgets the clock of this thread.
pub(crate) fn clear_current() {
    CURRENT.with(|current| current.replace(None));
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Clock>>> = const { RefCell::new(None) };
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Clock {
    /// A clock that starts now and shows each refresh to `pulse`.
    #[must_use]
    pub fn new(pulse: Option<Arc<Pulse>>) -> Self {
        let start_unix = unix_time();
        let clock = Self {
            start: rt::now(),
            start_unix,
            now: Cell::new(Millis(0)),
            second: Cell::new(start_unix.as_secs()),
            date: Cell::new(HttpDate::at(start_unix.as_secs())),
            turns: Cell::new(0),
            pulse,
        };
        clock.refresh();
        clock
    }

    /// Makes this the clock that [`refresh_current`] refreshes on this thread.
    pub fn make_current(self: &Rc<Self>) {
        CURRENT.with(|current| current.replace(Some(Rc::clone(self))));
    }

    /// The instant of a time of this clock.
    #[must_use]
    pub fn instant(&self, at: Millis) -> rt::Instant {
        self.start + Duration::from_millis(at.0)
    }

    /// The time at the last refresh.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now.get()
    }

    /// The date at the last refresh, as `date` fields have it (RFC 9110 §5.6.7).
    #[must_use]
    pub fn date(&self) -> HttpDate {
        self.date.get()
    }

    /// Counts a turn of a connection and refreshes after every few, since a busy worker
    /// does not go to sleep and so does not wake up either.
    pub fn tick(&self) {
        let turns = self.turns.get().wrapping_add(1);
        self.turns.set(turns);
        if turns.is_multiple_of(TURNS_PER_REFRESH) {
            self.refresh();
        }
    }

    /// Reads the system's clock.
    pub fn refresh(&self) {
        let now = rt::now();
        if let Some(pulse) = &self.pulse {
            pulse.beat(now);
        }
        let elapsed = now.saturating_duration_since(self.start);
        self.now.set(Millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)));
        let second = self.start_unix.saturating_add(elapsed).as_secs();
        if second != self.second.get() {
            self.second.set(second);
            self.date.set(HttpDate::at(self.wall_second(second)));
        }
    }

    /// The second to print. With virtual time that is the virtual one; otherwise the system's
    /// clock is asked, which may have been set since the start.
    fn wall_second(&self, virtual_second: u64) -> u64 {
        if rt::is_virtual() { virtual_second } else { unix_time().as_secs() }
    }
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

const TURNS_PER_REFRESH: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Millis(u64::MAX).plus(Duration::from_secs(1)), Millis(u64::MAX));
        assert_eq!(Millis(1).plus(Duration::MAX), Millis(u64::MAX));
        assert_eq!(Millis(1).since(Millis(5)), Duration::ZERO);
    }

    #[test]
    fn date_is_now() {
        let clock = Clock::new(None);
        let now = unix_time().as_secs();
        let parsed = shikra_proto::date::decode(clock.date().as_bytes(), now).unwrap();
        assert!(now.abs_diff(u64::try_from(parsed).unwrap()) <= 1);
    }
}
