//! `models`: what wants optimisation. Router and control flow against naive models, many times over, and
//! how long a client waits beside a greedy one.
//!
//! `cargo xtask test` runs the same comparisons with fewer cases.

use std::path::Path;

use crate::command::{cargo, run as run_command};

/// Random tables, with ten paths in two spellings each: a million comparisons.
pub(crate) const CASES: u32 = 50_000;

pub(crate) fn run(root: &Path, cases: u32) -> Result<(), String> {
    let package = ["--profile", "models", "-p", "shikra", "--features", "testing"];
    let targets = ["--lib", "--test", "flow_model", "--test", "fairness"];
    let filters = ["--", "router::tests", "control_flow", "leaves_", "leave_others_"];
    let words = [&["test"], package.as_slice(), &targets, &filters].concat();
    let mut command = cargo(root, &words);
    command.env("PROPTEST_CASES", cases.to_string());
    run_command(command)
}
