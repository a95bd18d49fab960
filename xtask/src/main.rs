//! The project's automation, run as `cargo xtask <command>`.
//!
//! Each command is one module: `check` lists steps, `suite` runs tests, `fuzz` runs fuzz targets,
//! `floors` reads sources, `gate` counts instructions, `models` runs comparisons with naive models,
//! `soak` keeps rude clients at a server, `sanitize` looks at unsafe code, `bench` measures servers under
//! load. `parts` knows which programs of the system they need and how
//! to get them; `command` starts processes; `manifest` reads the few lines of `Cargo.toml` that
//! matter.

mod bench;
mod check;
mod command;
mod floors;
mod fuzz;
mod gate;
mod manifest;
mod models;
mod parts;
mod sanitize;
mod soak;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: cargo xtask <command>

  check [--without STEP]...  everything that has to be green before a commit
  test                       sets up what the tests need, then runs all of them
  floors [ROOT]              reads the sources and enforces the borders between rooms
  fuzz-smoke [SECONDS]       builds every fuzz target and runs each for SECONDS (15)
  soak [SECONDS]             keeps 500 good and bad clients at a server for SECONDS (600)
  slow                       slowhttptest beside a paced client; the memory of 5,000 slow clients
  sanitize                   AddressSanitizer and valgrind over the modules with unsafe code
  models [CASES]             compares router and control flow with naive models (50000 cases each)
  bench --gate               counts the instructions of a request; fails beyond the recorded ones
  bench --gate --record      counts them and records them, for a change that is worth its cost
  bench [WORKLOAD,...] [--peers NAME,...] [--rounds N] [--seconds N] [--out FILE] [--record]
                             measures servers under load; bench/README.md tells more
  bench templates [--engines NAME,...] [--rounds N] [--millis N] [--out FILE] [--record]
                             measures template engines
  bench builds [--rounds N] [--record]
                             measures builds from nothing";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let done = match words.as_slice() {
        ["check", options @ ..] => check::without(options).and_then(|out| check::run(&root, &out)),
        ["test"] => suite::run(&root),
        ["floors"] => floors::run(&root),
        ["floors", other] => floors::run(Path::new(other)),
        ["fuzz-smoke"] => fuzz::run(&root, fuzz::SMOKE),
        ["fuzz-smoke", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run(&root, Duration::from_secs(seconds)),
            Err(_) => Err(format!("`{seconds}` is not a number of seconds")),
        },
        ["models"] => models::run(&root, models::CASES),
        ["models", cases] => match cases.parse() {
            Ok(cases) => models::run(&root, cases),
            Err(_) => Err(format!("`{cases}` is not a number of cases")),
        },
        ["soak"] => soak::soak(&root, soak::SECONDS),
        ["soak", seconds] => match seconds.parse() {
            Ok(seconds) => soak::soak(&root, seconds),
            Err(_) => Err(format!("`{seconds}` is not a number of seconds")),
        },
        ["slow"] => soak::slow(&root),
        ["sanitize"] => sanitize::run(&root),
        ["bench", "--gate"] => gate::run(&root, gate::Mode::Compare),
        ["bench", "--gate", "--record"] => gate::run(&root, gate::Mode::Record),
        ["bench", options @ ..] => bench::run(&root, options),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // `test` has said all in its closing line, after which nothing is printed.
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace: the folder above this package.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
