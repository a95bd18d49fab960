//! `soak` and `slow`: a server under clients that lie, stall and vanish.
//!
//! The program in `soak/` does both; it is optimised as `models` is, and starts itself as the server.

use std::path::Path;
use std::process::Command;

use crate::bench::machine::raise_descriptor_limit;
use crate::command::{cargo, run as run_command, target};
use crate::parts;

/// How long `soak` takes when nobody says otherwise.
pub(crate) const SECONDS: u32 = 600;
/// The same, as a step of `check`.
pub(crate) const SECONDS_CHECK: u32 = 60;

/// Five equal rounds of good and bad clients within `seconds`.
pub(crate) fn soak(root: &Path, seconds: u32) -> Result<(), String> {
    parts::require(root, parts::DESCRIPTORS)?;
    start(root, &["run", &seconds.to_string()])
}

/// The attacks of slowhttptest, and 5,000 clients that send or read a byte a second.
pub(crate) fn slow(root: &Path) -> Result<(), String> {
    parts::require(root, parts::DESCRIPTORS)?;
    parts::require(root, parts::SLOW)?;
    start(root, &["slow"])
}

fn start(root: &Path, words: &[&str]) -> Result<(), String> {
    run_command(cargo(root, &["build", "--quiet", "--profile", "models", "-p", "soak"]))?;
    raise_descriptor_limit()?;
    let mut command = Command::new(target(root).join("models/soak"));
    command.args(words);
    run_command(command)
}
