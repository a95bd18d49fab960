//! One client's life: a mix of good and bad actions, drawn from its own random numbers.

use crate::random::Random;
use crate::{bad, good};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What one client has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Requests that were answered, each checked.
    pub(crate) answered: u64,
    /// Faults: garbage, resets, and the like.
    pub(crate) faults: u64,
}

/// Who a client is: where it connects to and from, and what it draws.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) at: SocketAddr,
    pub(crate) own: Ipv4Addr,
    pub(crate) random: Random,
}

impl Actor {
    /// The `index`th client of a run with `seed`; every round has the same ones.
    pub(crate) fn new(at: SocketAddr, seed: u64, index: u16) -> Self {
        let [high, low] = index.to_be_bytes();
        let own = Ipv4Addr::new(127, 1, high, low.max(1));
        Self { at, own, random: Random::new(seed, index.into()) }
    }

    /// Acts until `end`, or until somebody says that it `is_over`. The first wrong answer is an error,
    /// which names the action.
    pub(crate) fn live(&mut self, end: Instant, is_over: &AtomicBool) -> Result<Tally, String> {
        let mut tally = Tally::default();
        while Instant::now() < end && !is_over.load(Ordering::Relaxed) {
            if self.random.percent(FAULTS_PERCENT) {
                let (name, act) = self.draw(bad::ACTIONS);
                act(self).map_err(|why| format!("{name}: {why}"))?;
                tally.faults += 1;
            } else {
                tally.answered += good::visit(self, end)?;
            }
            sleep(Duration::from_millis(self.random.below(THINKING_MS)));
        }
        Ok(tally)
    }

    pub(crate) fn draw<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.len(0, of.len() - 1)]
    }
}

/// How much of all that happens is a fault, in per cent.
const FAULTS_PERCENT: u64 = 45;
/// Between two actions a client rests for less than this.
const THINKING_MS: u64 = 40;
