//! The machine: which cores are whose, how many descriptors there are, and the facts that matter.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::probe;
use super::record::Record;
use crate::command::run;

/// Which cores servers and load run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: Vec<usize>,
    pub(crate) load: Vec<usize>,
}

impl Cores {
    /// One core for each worker and as many for the load, as far as there are any.
    pub(crate) fn share(all: &[usize], workers: usize) -> Self {
        let (server, rest) = all.split_at(workers.min(all.len()));
        let load = &rest[..rest.len().min(workers)];
        // With too few of them, the load shares the last.
        let load = if load.is_empty() { &all[all.len().saturating_sub(1)..] } else { load };
        Self { server: server.to_vec(), load: load.to_vec() }
    }

    pub(crate) fn are_apart(&self) -> bool {
        !self.server.iter().any(|core| self.load.contains(core))
    }
}

/// Moves this program, whose own clients are load, away from the servers' core.
pub(crate) fn settle(all: &[usize]) -> Result<(), String> {
    let cores = Cores::share(all, 1);
    let Some(core) = cores.load.first() else { return Ok(()) };
    let mut command = Command::new("taskset");
    command.args(["-p", "-c", &core.to_string(), &std::process::id().to_string()]);
    command.stdout(std::process::Stdio::null());
    run(command)
}

/// Raises the limit of open files as far as it goes, for this program and all that it starts. Returns it.
pub(crate) fn raise_descriptor_limit() -> Result<usize, String> {
    let (soft, hard) = probe::descriptor_limits()?;
    if soft < hard {
        let mut command = Command::new("prlimit");
        let pid = std::process::id().to_string();
        command.args(["--pid", &pid, &format!("--nofile={hard}:{hard}")]);
        run(command)?;
    }
    Ok(probe::descriptor_limits()?.0)
}

/// What a reader of the results has to know. Nothing that names the machine.
pub(crate) fn facts(root: &Path, cores: &[usize], descriptors: usize) -> Record {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let processor = text("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name"));
    let processor = processor.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kernel = text("/proc/sys/kernel/osrelease");
    let load = cores.get(1).is_some();
    Record::new("run")
        .with_text("date", &date(SystemTime::now()))
        .with_text("processor", processor)
        .with_text("cores", &cores.len().to_string())
        .with_text("kernel", numeric(&kernel))
        .with_text("congestion control", &text("/proc/sys/net/ipv4/tcp_congestion_control"))
        .with_text("descriptors", &descriptors.to_string())
        .with_text(
            "layout",
            if load { "server and load on a core each" } else { "one core for all" },
        )
        .with_text("rustc", &version(root, "rustc", &["--version"]))
        .with_text("wrk", &version(root, "wrk", &["-v"]))
        .with_text("node", &version(root, "node", &["--version"]))
        .with_text("commit", &version(root, "git", &["rev-parse", "--short", "HEAD"]))
}

/// The part of a kernel's release that is the kernel's: distributors append names.
pub(crate) fn numeric(release: &str) -> &str {
    release.split(|sign: char| !sign.is_ascii_digit() && sign != '.').next().unwrap_or("")
}

/// The first line that a program prints about itself, without what it says about its author.
fn version(root: &Path, program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(root).output();
    let text = output.map_or_else(
        |_| String::new(),
        |output| {
            // wrk prints its version and fails.
            String::from_utf8_lossy(&output.stdout).into_owned()
        },
    );
    let line = text.lines().next().unwrap_or("not installed");
    line.split(" Copyright").next().unwrap_or(line).trim().to_owned()
}

/// The day in the world's common time, as `2026-01-31`.
pub(crate) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (mut days, mut year) = (seconds / 86_400, 1970);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 0;
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for length in lengths {
        month += 1;
        if days < length {
            break;
        }
        days -= length;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}
