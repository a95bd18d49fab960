//! wrk under watch: what it reports, and what the kernel tells about a window of its run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::machine::Cores;
use super::probe;
use super::record::Record;
use super::server::{Process, pinned};

/// What wrk says in the line that `bench/load.lua` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    /// Bytes of replies, those that had not ended included.
    pub(crate) bytes: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    /// Connections, reads and writes that failed, replies with another status than 2xx or 3xx, and requests
    /// without a reply in time.
    pub(crate) errors: u64,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Load<'r> {
    pub(crate) port: u16,
    pub(crate) server: u32,
    pub(crate) connections: u32,
    /// Requests that are under way on each.
    pub(crate) depth: usize,
    pub(crate) seconds: u64,
    /// The file with a batch of requests.
    pub(crate) requests: &'r Path,
    /// The bytes of one reply, by which replies are counted.
    pub(crate) reply_bytes: u64,
    pub(crate) script: &'r Path,
    pub(crate) cores: &'r Cores,
}

/// The kernel's counts at one moment.
struct Sample {
    at: Instant,
    server_ns: u64,
    load_ns: u64,
    busy_ns: u64,
    bytes: u64,
}

impl Load<'_> {
    /// The command line, as it stands in the results.
    pub(crate) fn words(&self) -> Vec<String> {
        let threads = self.cores.load.len().min(self.connections as usize);
        let duration = (self.ramp() + Duration::from_secs(self.seconds)).as_secs();
        let fixed = ["--latency", "--timeout", "8s", "-s", "bench/load.lua"];
        let mut words = vec![format!("-t{threads}"), format!("-c{}", self.connections)];
        words.push(format!("-d{duration}s"));
        words.extend(fixed.map(str::to_owned));
        words
    }

    /// Until the window begins: all connections are there and the server is warm.
    fn ramp(&self) -> Duration {
        Duration::from_secs(1 + u64::from(self.connections / 2500))
    }

    /// Runs wrk once. The window begins after the ramp and ends just before wrk does, so that opening and
    /// closing connections is not in it.
    pub(crate) fn run(&self) -> Result<Record, String> {
        let process = Process::start(self.command())?;
        let begin = Instant::now();
        let sampled = self.window(&process, begin);
        let deadline = begin + self.ramp() + Duration::from_secs(self.seconds) + PATIENCE;
        let output = process.output(deadline).map_err(|error| format!("wrk: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let report = Report::read(&text).map_err(|e| format!("{e}: {text}{errors}"))?;
        let (first, last) = sampled?;
        if report.requests == 0 {
            return Err("no request was answered".to_owned());
        }
        self.record(report, &first, &last)
    }

    fn command(&self) -> Command {
        let mut command = pinned(&self.cores.load, "wrk".as_ref());
        for word in self.words() {
            if word == "bench/load.lua" {
                command.arg(self.script)
            } else {
                command.arg(word)
            };
        }
        command.arg(format!("http://127.0.0.1:{}/", self.port));
        command.env("BENCH_REQUEST", self.requests);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn window(&self, process: &Process, begin: Instant) -> Result<(Sample, Sample), String> {
        let end = begin + self.ramp() + Duration::from_secs(self.seconds) - MARGIN;
        sleep((begin + self.ramp()).saturating_duration_since(Instant::now()));
        let first = self.sample(process)?;
        sleep(end.saturating_duration_since(Instant::now()));
        let last = self.sample(process)?;
        Ok((first, last))
    }

    fn sample(&self, process: &Process) -> Result<Sample, String> {
        Ok(Sample {
            at: Instant::now(),
            server_ns: probe::cpu_ns(self.server)?,
            load_ns: probe::cpu_ns(process.pid())?,
            busy_ns: probe::busy_ns(&self.cores.server)?,
            bytes: probe::bytes_read(process.pid())?,
        })
    }

    fn record(&self, report: Report, first: &Sample, last: &Sample) -> Result<Record, String> {
        let in_flight = u64::from(self.connections) * self.depth as u64;
        if !report.has_replies_of(self.reply_bytes, in_flight) {
            return Err(format!("not all replies had {} bytes", self.reply_bytes));
        }
        let requests = (last.bytes - first.bytes) as f64 / self.reply_bytes as f64;
        if requests < 1.0 {
            return Err("no request was answered in the window".to_owned());
        }
        let window_ns = (last.at - first.at).as_nanos() as f64;
        let server_ns = last.server_ns.saturating_sub(first.server_ns) as f64;
        let load_ns = last.load_ns.saturating_sub(first.load_ns) as f64;
        let busy_ns = last.busy_ns.saturating_sub(first.busy_ns) as f64;
        // Where both share a core, what wrk uses is no stranger's.
        let own_ns = server_ns + if self.cores.are_apart() { 0.0 } else { load_ns };
        let record = Record::new("load")
            .with("requests", requests.round())
            .with("seconds", window_ns / 1e9)
            .with("per_second", requests / window_ns * 1e9)
            .with("cpu_us", server_ns / 1e3 / requests)
            .with("p50_us", report.p50_us as f64)
            .with("p99_us", report.p99_us as f64)
            .with("server_cpu", server_ns / window_ns)
            .with("load_cpu", load_ns / window_ns)
            .with("others_cpu", ((busy_ns - own_ns) / window_ns).max(0.0))
            .with("errors", report.errors as f64);
        Ok(record)
    }
}

impl Report {
    /// Whether the replies were as long as the one that was checked; counting them by bytes rests on that.
    /// With errors among them they need not be.
    pub(crate) fn has_replies_of(&self, reply_bytes: u64, in_flight: u64) -> bool {
        let wanted = self.requests * reply_bytes;
        let slack = in_flight * reply_bytes + wanted / TOLERANCE;
        self.errors > 0 || self.bytes.abs_diff(wanted) <= slack
    }

    /// Finds and reads the line in what wrk printed.
    pub(crate) fn read(output: &str) -> Result<Self, String> {
        let line = output.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line = line.ok_or("wrk printed no result")?;
        let mut report = Self::default();
        for word in line.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}`"))?;
            let value: u64 = value.parse().map_err(|_| format!("`{word}` is no count"))?;
            match name {
                "requests" => report.requests = value,
                "bytes" => report.bytes = value,
                "p50_us" => report.p50_us = value,
                "p99_us" => report.p99_us = value,
                "connect" | "read" | "write" | "status" | "timeout" => report.errors += value,
                other => return Err(format!("wrk reports `{other}`, which nobody knows")),
            }
        }
        Ok(report)
    }
}

/// What else wrk may have read than whole replies, in parts of all that it read.
const TOLERANCE: u64 = 100;
/// From the end of the window to that of wrk.
const MARGIN: Duration = Duration::from_millis(100);
/// How much longer than told wrk may take: its timeout and the closing of its connections.
const PATIENCE: Duration = Duration::from_secs(15);
