//! `bench --gate`: the instructions of one request, counted, against the recorded ones.
//!
//! `bench/gate` answers the same request N times over one connection in memory. Counted is what
//! runs while that connection is polled: reading, answering and writing, with the copies that the
//! system would make on a socket, but not the client that writes requests and compares replies.
//! Two runs of different N under callgrind give the instructions of one request without those of
//! the start. They are the same on every run and every machine of one kind, unlike time.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::command::{cargo, line, output, run as run_command};
use crate::parts;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Fail where a script takes more than recorded.
    Compare,
    /// Write down what is counted.
    Record,
}

/// What may come with another compiler or memory allocator, in per mille.
const TOLERANCE: u64 = 30;
const FEW: u64 = 500;
const MANY: u64 = 2500;
/// The function of the framework's own test connection that polls it.
const COUNTED: &str = "shikra::testing::direct::poll_connection";
const RECORD: &str = "bench/gate/instructions.txt";

pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), String> {
    parts::require(root, parts::COUNTING)?;
    let manifest = ["--release", "--quiet", "--manifest-path", "bench/Cargo.toml", "-p", "gate"];
    run_command(cargo(root, &[&["build"], manifest.as_slice()].concat()))?;
    let program = target(root).join("release/gate");
    let recorded = std::fs::read_to_string(root.join(RECORD)).unwrap_or_default();
    let scripts = output(Command::new(&program))?.0;
    let (mut table, mut faults) = (String::new(), Vec::new());
    for script in scripts.lines() {
        let counted =
            (count(&program, script, MANY)? - count(&program, script, FEW)?) / (MANY - FEW);
        // Writing to text cannot fail.
        let _ = writeln!(table, "{script} {counted}");
        let before =
            recorded.lines().find_map(|line| line.strip_prefix(script)?.trim().parse().ok());
        faults.extend(judge(script, counted, before, mode));
    }
    if mode == Mode::Record {
        let path = root.join(RECORD);
        std::fs::write(&path, table).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Prints a line, and returns what is wrong with the figure, if anything is.
fn judge(script: &str, counted: u64, before: Option<u64>, mode: Mode) -> Option<String> {
    let Some(before) = before.filter(|_| mode == Mode::Compare) else {
        println!("gate: {script}: {counted} instructions a request");
        return (mode == Mode::Compare).then(|| format!("{script} is not in {RECORD}"));
    };
    println!("gate: {script}: {counted} instructions a request, {before} recorded");
    if counted * 1000 > before * (1000 + TOLERANCE) {
        return Some(format!(
            "{script} takes {counted} instructions a request, {before} are recorded and 3 % more \
             allowed; if the change is worth it: cargo xtask bench --gate --record"
        ));
    }
    if counted * 1000 < before * (1000 - TOLERANCE) {
        println!("gate: {script} got better; keep it so: cargo xtask bench --gate --record");
    }
    None
}

/// The instructions of a whole run.
fn count(program: &Path, script: &str, requests: u64) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--toggle-collect={COUNTED}"));
    command.arg(program).args([script, &requests.to_string()]);
    let name = line(&command);
    let (_, report) = output(command)?;
    let collected = report.lines().find_map(|line| line.split_once("Collected :"));
    let number = collected.and_then(|(_, number)| number.trim().parse().ok());
    // None at all would mean that the function has another name now.
    number
        .filter(|&number| number >= requests)
        .ok_or_else(|| format!("`{name}` reports no number of instructions:\n{report}"))
}

/// Where the bench's workspace is built.
pub(crate) fn target(root: &Path) -> std::path::PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("bench/target"),
    }
}
