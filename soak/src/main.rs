//! Clients that lie, stall and vanish, and a server under them.
//!
//! `cargo xtask soak` and `cargo xtask slow` build and start this program, which starts itself again as
//! the server (`soak serve`). Everything stays on the loopback interface.

mod actions;
mod bad;
mod child;
mod client;
mod crowd;
mod good;
mod paced;
mod random;
mod rounds;
mod serve;
mod slow;

use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: soak run SECONDS [SEED]   five equal rounds of good and bad clients
       soak slow [ATTACK]        slowhttptest, a paced client, and the memory of 5,000 slow clients
       soak serve [--name VALUE] the server; its options are those of `conformance`";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["run", seconds] => run(seconds, SEED),
        ["run", seconds, seed] => run(seconds, seed),
        ["slow"] => slow::run(None).and_then(|()| crowd::run()),
        ["slow", "memory"] => crowd::run(),
        ["slow", attack] => slow::run(Some(attack)),
        ["serve", options @ ..] => serve::run(options),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(seconds: &str, seed: &str) -> Result<(), String> {
    let seconds = seconds.parse().map_err(|_| format!("`{seconds}` is not a number of seconds"))?;
    let seed = seed.parse().map_err(|_| format!("`{seed}` is not a number"))?;
    rounds::run(Duration::from_secs(seconds), seed)
}

const SEED: &str = "1";
