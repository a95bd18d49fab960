use super::*;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Wake;

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn fired(wheel: &mut Wheel, now: u64) -> usize {
    wheel.advance(Millis(now)).len()
}

#[test]
fn fires_at_the_deadline_and_not_before() {
    let mut wheel = Wheel::new();
    let key = wheel.add(Waker::noop());
    wheel.arm(key, Millis(100));
    assert_eq!(fired(&mut wheel, 99), 0);
    assert_eq!(fired(&mut wheel, 100 + STEP_MS), 1);
    assert_eq!(fired(&mut wheel, 10_000), 0);
}

#[test]
fn moving_a_deadline_away_fires_at_the_new_one() {
    let mut wheel = Wheel::new();
    let key = wheel.add(Waker::noop());
    wheel.arm(key, Millis(100));
    assert!(!wheel.arm(key, Millis(60_000)), "further away: the driver need not know");
    assert_eq!(fired(&mut wheel, 59_999), 0);
    assert_eq!(fired(&mut wheel, 60_000 + STEP_MS), 1);
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let mut wheel = Wheel::new();
    let key = wheel.add(Waker::noop());
    wheel.arm(key, Millis(100));
    wheel.arm(key, NEVER);
    assert_eq!(fired(&mut wheel, 1_000_000), 0);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn an_earlier_deadline_wakes_the_driver() {
    let timers = Rc::new(Timers::default());
    let wakes = Arc::new(Wakes::default());
    timers.set_driver(&Waker::from(Arc::clone(&wakes)));
    let timer = Timer::new(&timers, Waker::noop());
    timer.arm(Millis(5000));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    timer.arm(Millis(9000));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    timer.arm(Millis(50));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    drop(timer);
    assert!(timers.is_empty());
}

#[test]
fn a_deadline_that_moves_a_little_is_told_when_the_task_asks() {
    let timers = Rc::new(Timers::default());
    let wakes = Arc::new(Wakes::default());
    let timer = Timer::new(&timers, &Waker::from(Arc::clone(&wakes)));
    let known = || timers.wheel.borrow().entries[0].deadline;
    let start = 700;
    timer.arm(Millis(start + 5000));
    for later in 0..=1000 {
        timer.arm(Millis(start + 5000 + later));
        assert_eq!(known(), Millis(start + 5000));
    }
    // Woken at what the wheel knows, the task asks.
    let mut wheel = timers.wheel.borrow_mut();
    assert_eq!(fired(&mut wheel, start + 5000 + STEP_MS), 1);
    drop(wheel);
    assert!(!timer.is_due(Millis(start + 5000 + STEP_MS)));
    assert_eq!(known(), Millis(start + 6000));
    let mut wheel = timers.wheel.borrow_mut();
    assert_eq!(fired(&mut wheel, start + 5999), 0);
    assert_eq!(fired(&mut wheel, start + 6000 + STEP_MS), 1);
    drop(wheel);
    assert!(timer.is_due(Millis(start + 6000 + STEP_MS)));
    // Much further away, nearer, and away: told at once.
    for deadline in [Millis(start + 60_000), Millis(start + 59_000), NEVER, Millis(start + 7000)] {
        timer.arm(deadline);
        assert_eq!(known(), deadline);
    }
}

proptest! {
    /// A task that asks whenever it is woken hears of its deadline in time, however that moves.
    #[test]
    fn no_deadline_is_lost(ops in prop::collection::vec((0_u64..9_000, 0_u64..300, any::<bool>()), 1..200)) {
        let timers = Rc::new(Timers::default());
        let wakes = Arc::new(Wakes::default());
        let timer = Timer::new(&timers, &Waker::from(Arc::clone(&wakes)));
        let (mut now, mut deadline) = (0, u64::MAX);
        for (ahead, pass, is_moved) in ops {
            if is_moved || deadline == u64::MAX {
                // As a connection does: it looks first, then arms.
                let due = timer.is_due(Millis(now));
                prop_assert_eq!(due, deadline <= now);
                deadline = now + ahead;
                timer.arm(Millis(deadline));
            }
            now += pass;
            for waker in timers.wheel.borrow_mut().advance(Millis(now)) {
                waker.wake();
            }
            let woken = wakes.0.swap(0, Ordering::Relaxed) > 0;
            prop_assert!(woken || deadline.saturating_add(2 * STEP_MS) > now, "late");
            if woken && timer.is_due(Millis(now)) {
                prop_assert!(deadline <= now, "early");
                deadline = u64::MAX;
                timer.disarm();
            }
        }
    }

    /// The naive twin: a list of deadlines, looked through at every step.
    #[test]
    fn agrees_with_a_list(ops in prop::collection::vec((0_usize..20, 0_u64..40_000, 0_u64..500), 1..200)) {
        let mut wheel = Wheel::new();
        let wakes: Vec<_> = (0..20).map(|_| Arc::new(Wakes::default())).collect();
        let keys: Vec<_> = wakes.iter().map(|w| wheel.add(&Waker::from(Arc::clone(w)))).collect();
        let mut twin = [u64::MAX; 20];
        let mut now = 0;
        for (timer, ahead, pass) in ops {
            wheel.arm(keys[timer], Millis(now + ahead));
            twin[timer] = now + ahead;
            now += pass;
            for waker in wheel.advance(Millis(now)) {
                waker.wake();
            }
            for (timer, wakes) in wakes.iter().enumerate() {
                let fired = wakes.0.swap(0, Ordering::Relaxed) > 0;
                prop_assert!(!fired || twin[timer] <= now, "fired early");
                prop_assert!(fired || twin[timer].saturating_add(2 * STEP_MS) > now, "late");
                if fired {
                    twin[timer] = u64::MAX;
                }
            }
        }
    }
}
