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

proptest! {
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
