//! A timer wheel per worker: arming and cancelling are O(1) and touch no system call.
//!
//! Each connection owns one [`Timer`], whose deadline it moves as its state changes. Moving a
//! deadline a little further away, which is what every request does, is known to the timer alone:
//! the wheel wakes the task at the old one, and hears of the new one when the task asks whether it
//! is due. So requests leave the wheel's memory alone. Firing wakes the task; what the deadline
//! meant is the connection's own business.

use crate::clock::{Clock, Millis};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::task::Waker;

/// The timers of one worker.
pub struct Timers {
    wheel: RefCell<Wheel>,
    /// When the driver wants to be run next; an earlier deadline wakes it.
    driver_target: Cell<Millis>,
    driver: RefCell<Option<Waker>>,
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            wheel: RefCell::new(Wheel::new()),
            driver_target: Cell::new(NEVER),
            driver: RefCell::new(None),
        }
    }
}

impl Timers {
    /// How many timers exist, armed or not.
    #[must_use]
    pub fn len(&self) -> usize {
        let wheel = self.wheel.borrow();
        wheel.entries.len() - wheel.free.len()
    }

    /// Whether no timer exists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wakes the tasks of all timers that are due, and returns when the next one may be.
    pub fn advance(&self, clock: &Clock) -> Option<Millis> {
        let due = self.wheel.borrow_mut().advance(clock.now());
        for waker in due {
            waker.wake();
        }
        let next = self.wheel.borrow().next_deadline();
        self.driver_target.set(next.unwrap_or(NEVER));
        next
    }

    /// Wakes every task that has a timer, due or not: a shutdown begins or ends.
    pub fn wake_all(&self) {
        let wakers: Vec<_> =
            self.wheel.borrow().entries.iter().filter_map(|entry| entry.waker.clone()).collect();
        for waker in wakers {
            waker.wake();
        }
    }

    /// When the driver has to run next, as of the last arming; `None` is never.
    #[must_use]
    pub fn driver_target(&self) -> Option<Millis> {
        Some(self.driver_target.get()).filter(|&target| target != NEVER)
    }

    /// Remembers whom to wake when a timer is armed for before the driver's next run.
    pub fn set_driver(&self, waker: &Waker) {
        self.driver.replace(Some(waker.clone()));
    }

    fn wake_driver_before(&self, deadline: Millis) {
        if deadline < self.driver_target.get() {
            self.driver_target.set(deadline);
            if let Some(driver) = self.driver.borrow().as_ref() {
                driver.wake_by_ref();
            }
        }
    }
}

/// One deadline of one task; cancelled when dropped.
pub struct Timer {
    timers: Rc<Timers>,
    deadline: Cell<Millis>,
    key: u32,
    /// The step of the deadline that the wheel knows.
    told: Cell<u32>,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline.get()).finish_non_exhaustive()
    }
}

impl Timer {
    /// A timer that is not armed and wakes `waker`.
    #[must_use]
    pub fn new(timers: &Rc<Timers>, waker: &Waker) -> Self {
        let key = timers.wheel.borrow_mut().add(waker);
        let (deadline, told) = (Cell::new(NEVER), Cell::new(step_of(NEVER)));
        Self { timers: Rc::clone(timers), deadline, key, told }
    }

    /// Wakes the task at `deadline`, or up to one wheel step (16 ms) later, instead of before.
    ///
    /// It may be woken about a second earlier too, and has to ask [`Timer::is_due`] whenever it runs.
    #[inline]
    pub fn arm(&self, deadline: Millis) {
        self.deadline.set(deadline);
        let later = step_of(deadline).checked_sub(self.told.get());
        if later.is_none_or(|steps| steps > SLACK_STEPS) {
            self.tell(deadline);
        }
    }

    #[inline(never)]
    fn tell(&self, deadline: Millis) {
        self.told.set(step_of(deadline));
        if self.timers.wheel.borrow_mut().arm(self.key, deadline) {
            self.timers.wake_driver_before(deadline);
        }
    }

    /// Takes the deadline away.
    pub fn disarm(&self) {
        self.arm(NEVER);
    }

    /// Whether the deadline has passed.
    #[must_use]
    #[inline]
    pub fn is_due(&self, now: Millis) -> bool {
        let deadline = self.deadline.get();
        if deadline <= now {
            return true;
        }
        if self.told.get() <= step_of(now) && deadline != NEVER {
            self.tell(deadline);
        }
        false
    }

    /// Replaces the task to wake, if it is another one.
    pub fn set_waker(&self, waker: &Waker) {
        self.timers.wheel.borrow_mut().set_waker(self.key, waker);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = self.timers.wheel.borrow_mut().remove(self.key);
        // Outside the borrow: dropping the last waker drops a task, which may own timers.
        drop(waker);
    }
}

/// A hashed wheel: 1,024 slots of 16 ms, doubly linked lists through one arena. A deadline beyond
/// its 16 s waits in the last slot and is put further when the hand comes by.
struct Wheel {
    entries: Vec<Entry>,
    free: Vec<u32>,
    slots: Vec<u32>,
    /// One bit for each slot that is not empty.
    used: [u64; SLOTS / 64],
    /// The step up to which everything has fired.
    step: u64,
}

struct Entry {
    deadline: Millis,
    /// The step whose slot holds the entry; `None` while it is in no list.
    place: Option<NonZeroU64>,
    previous: u32,
    next: u32,
    waker: Option<Waker>,
}

impl Wheel {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            slots: vec![NONE; SLOTS],
            used: [0; SLOTS / 64],
            step: 0,
        }
    }

    fn entry(&mut self, key: u32) -> &mut Entry {
        &mut self.entries[key as usize]
    }

    fn add(&mut self, waker: &Waker) -> u32 {
        let entry = Entry {
            deadline: NEVER,
            place: None,
            previous: NONE,
            next: NONE,
            waker: Some(waker.clone()),
        };
        if let Some(key) = self.free.pop() {
            *self.entry(key) = entry;
            return key;
        }
        let key = u32::try_from(self.entries.len()).expect("there are fewer tasks than that");
        self.entries.push(entry);
        key
    }

    fn remove(&mut self, key: u32) -> Option<Waker> {
        self.unlink(key);
        self.free.push(key);
        self.entry(key).waker.take()
    }

    fn set_waker(&mut self, key: u32, waker: &Waker) {
        if let Some(old) = &mut self.entry(key).waker {
            old.clone_from(waker);
        }
    }

    /// Returns whether the driver may have to run earlier than it planned.
    fn arm(&mut self, key: u32, deadline: Millis) -> bool {
        self.entry(key).deadline = deadline;
        let step = deadline.0 / STEP_MS + 1;
        match self.entry(key).place {
            // The hand comes by before the deadline and moves the entry on.
            Some(place) if place.get() <= step => false,
            _ if deadline == NEVER => false,
            _ => {
                self.unlink(key);
                self.link(key, step);
                true
            }
        }
    }

    fn link(&mut self, key: u32, step: u64) {
        let place = step.clamp(self.step + 1, self.step + SLOTS as u64 - 1);
        let slot = slot_of(place);
        let head = self.slots[slot];
        let entry = self.entry(key);
        (entry.place, entry.previous, entry.next) = (NonZeroU64::new(place), NONE, head);
        if head != NONE {
            self.entry(head).previous = key;
        }
        self.slots[slot] = key;
        self.used[slot / 64] |= 1 << (slot % 64);
    }

    fn unlink(&mut self, key: u32) {
        let Some(place) = self.entry(key).place.take() else { return };
        let slot = slot_of(place.get());
        let (previous, next) = (self.entry(key).previous, self.entry(key).next);
        if next != NONE {
            self.entry(next).previous = previous;
        }
        if previous == NONE {
            self.slots[slot] = next;
        } else {
            self.entry(previous).next = next;
        }
        if self.slots[slot] == NONE {
            self.used[slot / 64] &= !(1 << (slot % 64));
        }
    }

    fn advance(&mut self, now: Millis) -> Vec<Waker> {
        let mut due = Vec::new();
        let target = now.0 / STEP_MS;
        while let Some(step) = self.next_step().filter(|&step| step <= target) {
            self.step = step;
            let mut key = std::mem::replace(&mut self.slots[slot_of(step)], NONE);
            let slot = slot_of(step);
            self.used[slot / 64] &= !(1 << (slot % 64));
            while key != NONE {
                let next = self.entry(key).next;
                self.entry(key).place = None;
                let deadline = self.entry(key).deadline;
                if deadline <= now {
                    due.extend(self.entry(key).waker.clone());
                } else if deadline != NEVER {
                    self.link(key, deadline.0 / STEP_MS + 1);
                }
                key = next;
            }
        }
        self.step = self.step.max(target);
        due
    }

    /// The first step after the hand whose slot is not empty.
    fn next_step(&self) -> Option<u64> {
        let start = slot_of(self.step + 1);
        let words = self.used.len();
        for offset in 0..=words {
            let word = (start / 64 + offset) % words;
            let mut bits = self.used[word];
            if offset == 0 {
                bits &= u64::MAX << (start % 64);
            } else if offset == words {
                bits &= !(u64::MAX << (start % 64));
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (slot + SLOTS - start) % SLOTS;
                return Some(self.step + 1 + ahead as u64);
            }
        }
        None
    }

    fn next_deadline(&self) -> Option<Millis> {
        self.next_step().map(|step| Millis(step * STEP_MS))
    }
}

/// The step in which an instant lies; the last one for what lies years ahead.
fn step_of(instant: Millis) -> u32 {
    u32::try_from(instant.0 / STEP_MS).unwrap_or(u32::MAX)
}

fn slot_of(step: u64) -> usize {
    usize::try_from(step % SLOTS as u64).unwrap_or(0)
}

/// A deadline that never comes.
const NEVER: Millis = Millis(u64::MAX);
const NONE: u32 = u32::MAX;
const SLOTS: usize = 1024;
const STEP_MS: u64 = 16;
/// How much later a deadline may become before the wheel is told: about a second.
const SLACK_STEPS: u32 = 64;

#[cfg(test)]
mod tests;
