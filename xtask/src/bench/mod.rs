//! `bench`: servers under load, ours, a bare loop and peers, in turns on the same machine.
//!
//! `workloads` says what is measured and `peers` who; `server` starts processes, `check` compares replies
//! before anything is measured, `load` runs wrk, `single` does what wrk cannot. `record` is a line of results,
//! `report` the tables, `results` keeps them. `templates` compares template engines instead,
//! `builds` what a newcomer waits for. `bench/README.md`
//! explains the method.

mod builds;
mod check;
mod load;
pub(crate) mod machine;
mod options;
mod peers;
mod probe;
mod record;
mod report;
mod results;
mod server;
mod single;
mod stats;
mod templates;
#[cfg(test)]
mod tests;
mod workloads;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use self::load::Load;
use self::machine::Cores;
use self::options::{Keep, Options, Source};
use self::peers::{FLOOR, OURS, Ready, Workers};
use self::record::Record;
use self::results::Part;
use self::server::Server;
use self::workloads::{How, Workload};
use crate::gate::target;
use crate::parts;

/// Measures, or reads what was measured, and prints the tables.
pub(crate) fn run(root: &Path, words: &[&str]) -> Result<(), String> {
    match words {
        ["templates", options @ ..] => return templates::run(root, options, &command_line(words)),
        ["builds", options @ ..] => return builds::run(root, options, &command_line(words)),
        _ => {}
    }
    let options = Options::read(words)?;
    let records = match &options.source {
        Source::File(path) => read(path)?,
        Source::Measure => {
            parts::require(root, parts::LOAD)?;
            let mut bench = Bench::new(root, &options, words)?;
            bench.measure()?;
            bench.records
        }
    };
    println!("{}", report::tables(&records));
    if options.keep == Keep::Record {
        results::record(root, Part::Servers, &report::page(&records))?;
    }
    failed(&records)
}

/// A run under way.
struct Bench<'r> {
    root: &'r Path,
    options: &'r Options,
    servers: Vec<Ready>,
    cores: Vec<usize>,
    descriptors: usize,
    /// Logs of servers and requests for wrk.
    folder: PathBuf,
    out: PathBuf,
    records: Vec<Record>,
}

impl<'r> Bench<'r> {
    fn new(root: &'r Path, options: &'r Options, words: &[&str]) -> Result<Self, String> {
        let folder = target(root).join("bench");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let out = options.out.clone().unwrap_or_else(|| folder.join("results.jsonl"));
        write(&out, "")?;
        let cores = probe::cores()?;
        let (servers, records) = (Vec::new(), Vec::new());
        let mut bench =
            Self { root, options, servers, cores, descriptors: 0, folder, out, records };
        let mut left_out = Vec::new();
        for peer in &options.peers {
            match peer.prepare(root) {
                Ok(ready) => bench.servers.push(ready),
                Err(reason) => left_out.push((peer.name, reason)),
            }
        }
        machine::settle(&bench.cores)?;
        bench.descriptors = machine::raise_descriptor_limit()?;
        let mut facts = machine::facts(root, &bench.cores, bench.descriptors);
        facts = facts.with_text("command", &command_line(words));
        for ready in bench.servers.iter().filter(|ready| !ready.version.is_empty()) {
            facts = facts.with_text(ready.peer.name, &ready.version);
        }
        bench.keep(facts)?;
        for (peer, reason) in left_out {
            bench.leave_out(None, peer, &reason)?;
        }
        Ok(bench)
    }

    fn measure(&mut self) -> Result<(), String> {
        for &workload in &self.options.workloads {
            println!("bench: {}: {}", workload.name, workload.about);
            match workload.how {
                How::Load { connections, .. } => self.load(workload, connections)?,
                How::Idle { connections } => {
                    let count = connections.min(self.descriptors.saturating_sub(SPARE_DESCRIPTORS));
                    println!("bench: {count} connections; {} descriptors", self.descriptors);
                    self.singly(workload, |ready, cores, logs| {
                        single::idle(ready, workload, count, cores, logs)
                    })?;
                }
                How::Start => self.singly(workload, |ready, cores, logs| {
                    single::start(ready, workload, cores, logs)
                })?,
            }
        }
        Ok(())
    }

    /// All servers run side by side and are loaded in turns, round by round.
    fn load(&mut self, workload: &'static Workload, connections: u32) -> Result<(), String> {
        let cores = Cores::share(&self.cores, workload.workers);
        if !cores.are_apart() {
            println!("bench: too few cores: the load shares one with the server");
        }
        if connections as usize + SPARE_DESCRIPTORS > self.descriptors {
            let reason = format!("{} descriptors are too few", self.descriptors);
            return self.leave_out(Some(workload), "all servers", &reason);
        }
        let requests = self.folder.join(format!("{}.http", workload.name));
        let batch = workload.exchange.request().repeat(workload.depth());
        fs::write(&requests, batch).map_err(|error| format!("{}: {error}", requests.display()))?;
        let script = self.root.join("bench/load.lua");
        let (running, left_out) = self.start(workload, &cores);
        for (peer, reason) in left_out {
            self.leave_out(Some(workload), peer, &reason)?;
        }
        let load = |server: &Server, reply_bytes, seconds| {
            let (port, server, cores) = (server.port, server.pid(), &cores);
            let depth = workload.depth();
            let (requests, script) = (&*requests, &*script);
            Load { port, server, connections, depth, seconds, requests, reply_bytes, script, cores }
        };
        let mut warm = Vec::new();
        for (peer, server, reply_bytes) in running {
            match load(&server, reply_bytes, WARM_UP_SECONDS).run() {
                Ok(_) => warm.push((peer, server, reply_bytes)),
                Err(reason) => self.leave_out(Some(workload), peer, &reason)?,
            }
        }
        for round in 1..=self.options.rounds {
            for (peer, server, reply_bytes) in &warm {
                let load = load(server, *reply_bytes, self.options.seconds);
                let command = format!("wrk {}", load.words().join(" "));
                let done = load.run().map(|record| record.with_text("command", &command));
                self.note(workload, peer, round, done)?;
            }
        }
        Ok(())
    }

    /// Starts all servers and checks what they answer. Those that will not do are the second part.
    #[expect(clippy::type_complexity, reason = "two lists, used once")]
    fn start(
        &self,
        workload: &Workload,
        cores: &Cores,
    ) -> (Vec<(&'static str, Server, u64)>, Vec<(&'static str, String)>) {
        let (mut running, mut left_out) = (Vec::new(), Vec::new());
        for ready in &self.servers {
            let peer = ready.peer;
            if !workload.exchange.is_for(peer.name) {
                continue;
            }
            if workload.workers > 1 && peer.workers == Workers::One {
                left_out.push((peer.name, "it has one worker".to_owned()));
                continue;
            }
            let started = Server::start(ready, workload, &cores.server, &self.folder);
            let checked = started.and_then(|mut server| {
                drop(server.wait()?);
                let reply_bytes = check::check(server.port, workload.exchange, workload.depth())
                    .map_err(|reason| format!("WRONG REPLY: {reason}"))?;
                Ok((peer.name, server, reply_bytes))
            });
            match checked {
                Ok(server) => running.push(server),
                Err(reason) => left_out.push((peer.name, reason)),
            }
        }
        (running, left_out)
    }

    /// One server at a time, started for each measurement, in turns.
    fn singly(
        &mut self,
        workload: &'static Workload,
        one: impl Fn(&Ready, &Cores, &Path) -> Result<Record, String>,
    ) -> Result<(), String> {
        let cores = Cores::share(&self.cores, 1);
        for round in 1..=self.options.rounds {
            for index in 0..self.servers.len() {
                let ready = &self.servers[index];
                let (peer, done) = (ready.peer.name, one(ready, &cores, &self.folder));
                self.note(workload, peer, round, done)?;
            }
        }
        Ok(())
    }

    fn note(
        &mut self,
        workload: &Workload,
        peer: &str,
        round: u32,
        done: Result<Record, String>,
    ) -> Result<(), String> {
        match done {
            Err(reason) => {
                self.leave_out(Some(workload), peer, &format!("round {round}: {reason}"))
            }
            Ok(record) => {
                let record = record.with_text("workload", workload.name).with_text("peer", peer);
                let record = record.with("round", f64::from(round));
                println!("bench: {} {peer} {round}: {}", workload.name, brief(&record));
                self.keep(record)
            }
        }
    }

    fn leave_out(
        &mut self,
        workload: Option<&Workload>,
        peer: &str,
        reason: &str,
    ) -> Result<(), String> {
        let name = workload.map_or("", |workload| workload.name);
        // What servers and wrk print may have many lines.
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = if name.is_empty() { "everything" } else { name };
        println!("bench: *** {peer} is left out of {place}: {reason}");
        let record = Record::new("left_out").with_text("workload", name).with_text("peer", peer);
        self.keep(record.with_text("reason", &reason))
    }

    /// At once in the file, so that a run which is cut short has not been for nothing.
    fn keep(&mut self, record: Record) -> Result<(), String> {
        let file = fs::OpenOptions::new().append(true).open(&self.out);
        let written = file.and_then(|mut file| writeln!(file, "{}", record.to_json()));
        self.records.push(record);
        written.map_err(|error| format!("{}: {error}", self.out.display()))
    }
}

/// The command as one would type it again. Where its results went is nobody's business.
fn command_line(words: &[&str]) -> String {
    let out = words.iter().position(|word| *word == "--out");
    let is_kept = |index: &usize| out.is_none_or(|out| *index != out && *index != out + 1);
    let kept = (0..words.len()).filter(is_kept).map(|index| words[index]);
    ["cargo", "xtask", "bench"].into_iter().chain(kept).collect::<Vec<_>>().join(" ")
}

/// A line for the terminal.
fn brief(record: &Record) -> String {
    let words: &[(&str, &str)] = match record.text("kind") {
        "load" => &[("cpu_us", "µs"), ("per_second", "/s"), ("others_cpu", "others")],
        "idle" => &[("bytes_each", "bytes each")],
        "build" => &[("seconds", "s"), ("cpu_seconds", "s CPU"), ("bytes", "bytes")],
        _ => &[("ms", "ms"), ("cpu_ms", "ms CPU")],
    };
    let figures = words.iter().filter_map(|(name, unit)| {
        record.number(name).map(|number| format!("{} {unit}", stats::short(number)))
    });
    figures.collect::<Vec<_>>().join(", ")
}

/// A peer may be left out; if it is the reference or ourselves, something is wrong.
fn failed(records: &[Record]) -> Result<(), String> {
    if !records.iter().any(|record| !record.text("peer").is_empty() && is_result(record)) {
        return Err("bench: nothing was measured".to_owned());
    }
    let missing = records.iter().find(|record| {
        let is_told = record.text("reason") == "it has one worker";
        record.text("kind") == "left_out" && matches!(record.text("peer"), FLOOR | OURS) && !is_told
    });
    missing.map_or(Ok(()), |record| {
        let (peer, workload) = (record.text("peer"), record.text("workload"));
        Err(format!("bench: {peer} was left out of {workload}: {}", record.text("reason")))
    })
}

fn is_result(record: &Record) -> bool {
    matches!(record.text("kind"), "load" | "idle" | "start")
}

fn read(path: &Path) -> Result<Vec<Record>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.lines().filter(|line| !line.trim().is_empty()).map(Record::from_json).collect()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// For all that is open besides the connections.
const SPARE_DESCRIPTORS: usize = 100;
const WARM_UP_SECONDS: u64 = 1;
