//! `soak run`: five equal rounds, and a look at the server after each.

use crate::actions::{Actor, Tally};
use crate::child::Server;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Runs `time`, shared out to a warm-up and the rounds, with the clients of `seed` in each of them.
pub(crate) fn run(time: Duration, seed: u64) -> Result<(), String> {
    let mut server = Server::start(&OPTIONS)?;
    let round_time = time / (1 + ROUNDS);
    // Fills caches and pools, so that the first round begins where the others do.
    crowd(&server, round_time, seed).map_err(|why| format!("soak: warm-up: {why}"))?;
    server.settle(SETTLE_MAX).map_err(|why| format!("soak: warm-up: {why}"))?;
    let mut memory = Vec::new();
    for round in 1..=ROUNDS {
        let tally = crowd(&server, round_time, seed)
            .map_err(|why| format!("soak: round {round}, seed {seed}: {why}"))?;
        server.check_alive()?;
        let settled =
            server.settle(SETTLE_MAX).map_err(|why| format!("soak: round {round}: {why}"))?;
        let kib = server.memory_kib()?;
        memory.push(kib);
        let Tally { answered, faults } = tally;
        println!(
            "soak: round {round}: {answered} requests answered, {faults} faults, idle again after \
             {} ms, {kib} KiB resident",
            settled.as_millis()
        );
        if answered == 0 || faults == 0 {
            return Err("soak: a round without requests shows nothing".to_owned());
        }
    }
    judge(&memory)
}

/// All clients at once, each on a thread of its own; the first error ends them all.
fn crowd(server: &Server, time: Duration, seed: u64) -> Result<Tally, String> {
    let end = Instant::now() + time;
    let sum = Mutex::new(Ok(Tally::default()));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for index in 0..CLIENTS {
            let (sum, is_over) = (&sum, &is_over);
            let live = move || {
                let mut actor = Actor::new(server.at, seed, index);
                let done = actor.live(end, is_over);
                is_over.fetch_or(done.is_err(), Ordering::Relaxed);
                let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                match (&mut *sum, done) {
                    (Ok(sum), Ok(tally)) => {
                        sum.answered += tally.answered;
                        sum.faults += tally.faults;
                    }
                    (Ok(_), Err(why)) => *sum = Err(format!("client {index}: {why}")),
                    (Err(_), _) => {}
                }
            };
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, live).map_err(|error| format!("thread: {error}"))?;
        }
        Ok::<(), String>(())
    })?;
    sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What the other rounds add to the first would be a leak.
fn judge(memory: &[u64]) -> Result<(), String> {
    let (Some(&first), Some(&last)) = (memory.first(), memory.last()) else { return Ok(()) };
    if last * 100 > first * (100 + GROWTH_PERCENT_MAX) {
        return Err(format!(
            "soak: {last} KiB resident after the last round, {first} KiB after the first: more than \
             {GROWTH_PERCENT_MAX} % of growth"
        ));
    }
    println!("soak: {ROUNDS} rounds, {first} KiB resident after the first, {last} after the last");
    Ok(())
}

/// Limits and timeouts as they are by default.
const OPTIONS: [&str; 2] = ["--workers", "2"];
const ROUNDS: u32 = 5;
const CLIENTS: u16 = 500;
const STACK_BYTES: usize = 256 * 1024;
/// More than the timeouts of those who are gone without a word.
const SETTLE_MAX: Duration = Duration::from_secs(15);
const GROWTH_PERCENT_MAX: u64 = 5;

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn growth_beyond_five_per_cent_is_an_error() {
        assert!(judge(&[1000, 1050]).is_ok());
        assert!(judge(&[1000, 900]).is_ok());
        assert!(judge(&[1000, 2000, 1051]).is_err());
    }
}
