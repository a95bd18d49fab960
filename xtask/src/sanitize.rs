//! `sanitize`: the unit tests of the modules that hold unsafe code, under AddressSanitizer and valgrind.
//!
//! AddressSanitizer sees each access of the code that it was built into; valgrind sees every access of
//! the process, values that were never written, and blocks that nobody can reach any more.

use std::path::Path;
use std::process::Command;

use crate::command::{cargo, output, run as run_command};
use crate::parts;

/// The crates that have any, their unit tests alone.
const PACKAGES: &[&str] =
    &["--quiet", "-p", "shikra-engine", "-p", "shikra-proto", "--all-features", "--lib"];
/// Where unsafe code lives, as filters of test names, less what forgets a block on purpose.
const MODULES: [&str; 3] = ["slot::", "rt::tests::", "ascii::"];
/// Forgets blocks on purpose: run apart, where leaks are no fault.
const FORGETTING: &str = "slot::tests::a_forgotten_future";

pub(crate) fn run(root: &Path) -> Result<(), String> {
    parts::require(root, parts::COUNTING)?;
    let host = host(root)?;
    for (leaks, filters) in [(Leaks::Refused, &without_forgetting()), (Leaks::Expected, &only())] {
        println!("sanitize: AddressSanitizer, {}", leaks.name());
        run_command(address_sanitizer(root, &host, leaks, filters))?;
        println!("sanitize: valgrind, {}", leaks.name());
        run_command(valgrind(root, &host, leaks, filters))?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaks {
    Refused,
    Expected,
}

impl Leaks {
    fn name(self) -> &'static str {
        match self {
            Self::Refused => "leaks are errors",
            Self::Expected => "where a test leaks on purpose",
        }
    }
}

fn without_forgetting() -> Vec<&'static str> {
    MODULES.into_iter().chain(["--skip", FORGETTING]).collect()
}

fn only() -> Vec<&'static str> {
    vec![FORGETTING]
}

/// The nightly option is accepted by the stable compiler when it is told to. With a target that is named,
/// build scripts are not instrumented.
fn address_sanitizer(root: &Path, host: &str, leaks: Leaks, filters: &[&str]) -> Command {
    let words = [&["test", "--target", host], PACKAGES, &["--"], filters].concat();
    let mut command = cargo(root, &words);
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    let detect = i32::from(leaks == Leaks::Refused);
    command.env("ASAN_OPTIONS", format!("detect_leaks={detect}:detect_stack_use_after_return=1"));
    command
}

/// Valgrind stands between cargo and the binaries, which are ordinary ones.
fn valgrind(root: &Path, host: &str, leaks: Leaks, filters: &[&str]) -> Command {
    let words = [&["test"], PACKAGES, &["--"], filters, &["--test-threads=1"]].concat();
    let mut command = cargo(root, &words);
    let kinds = match leaks {
        Leaks::Refused => "definite,indirect",
        Leaks::Expected => "none",
    };
    let runner = format!(
        "valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds={kinds} \
         --show-leak-kinds={kinds}"
    );
    let host = host.to_uppercase().replace('-', "_");
    command.env(format!("CARGO_TARGET_{host}_RUNNER"), runner);
    command
}

/// The target that the compiler builds for when none is named.
fn host(root: &Path) -> Result<String, String> {
    let mut command = Command::new("rustc");
    command.current_dir(root).arg("-vV");
    let (text, _) = output(command)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc does not tell its host".to_owned())
}
