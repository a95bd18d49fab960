//! `bench builds`: how long the smallest program of each framework takes to build from nothing, and how large
//! it is.
//!
//! The programs stand in `bench/hello`. Each build has a target folder of its own that did not exist before;
//! what is downloaded is there already.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::check::Connection;
use super::machine;
use super::options::count;
use super::record::Record;
use super::results::{self, Part};
use super::server::{Process, free_port};
use super::stats::{best, median, short};
use crate::command::{cargo, run as run_command};
use crate::gate::target;

/// Measures, or reads what was measured, and prints the table.
pub(crate) fn run(root: &Path, words: &[&str], command: &str) -> Result<(), String> {
    let (mut rounds, mut from, mut is_recorded) = (ROUNDS, None, false);
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("bench: {word} wants a value"));
        match word {
            "--rounds" => rounds = count(word, value()?, ROUNDS_MAX)?,
            "--from" => from = Some(PathBuf::from(value()?)),
            "--record" => is_recorded = true,
            _ => return Err(format!("bench: `{word}` is not understood; {USAGE}")),
        }
    }
    let records = match from {
        Some(path) => super::read(&path)?,
        None => measure(root, rounds, command)?,
    };
    println!("{}", table(&records));
    if is_recorded {
        results::record(root, Part::Builds, &page(&records))?;
    }
    Ok(())
}

fn measure(root: &Path, rounds: u32, command: &str) -> Result<Vec<Record>, String> {
    let folder = target(root).join("bench");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut fetch = cargo(root, &["fetch", "--quiet", "--manifest-path", MANIFEST]);
    fetch.arg("--locked");
    run_command(fetch)?;
    let facts = machine::facts(root, &super::probe::cores()?, 0);
    let mut records = vec![facts.with_text("command", command)];
    for round in 1..=rounds {
        for &(name, package) in PROGRAMS {
            let record = build(root, package, &folder.join("hello"))?;
            println!("bench: {name} {round}: {}", super::brief(&record));
            records.push(record.with_text("peer", name).with("round", f64::from(round)));
        }
        let lines: String = records.iter().map(|record| record.to_json() + "\n").collect();
        super::write(&folder.join("builds.jsonl"), &lines)?;
    }
    Ok(records)
}

/// One build from nothing, and a look at whether the program answers.
fn build(root: &Path, package: &str, folder: &Path) -> Result<Record, String> {
    let error = |error| format!("{}: {error}", folder.display());
    match fs::remove_dir_all(folder) {
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {}
        result => result.map_err(error)?,
    }
    let mut command = cargo(root, &["build", "--release", "--quiet", "--locked", "--offline"]);
    command.args(["--manifest-path", MANIFEST, "-p", package, "--target-dir"]).arg(folder);
    // Nothing of this workspace's own settings, and no other folder of results.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
    let (begin, before) = (Instant::now(), children_ticks()?);
    run_command(command)?;
    let (seconds, ticks) = (begin.elapsed().as_secs_f64(), children_ticks()? - before);
    let program = folder.join("release").join(package);
    let bytes = program.metadata().map_err(error)?.len();
    answers(&program)?;
    fs::remove_dir_all(folder).map_err(error)?;
    Ok(Record::new("build")
        .with("seconds", seconds)
        .with("cpu_seconds", ticks as f64 / TICKS_PER_SECOND)
        .with("packages", packages(root, package)? as f64)
        .with("bytes", bytes as f64))
}

/// Fails unless the program says `Hello, World!`.
fn answers(program: &Path) -> Result<(), String> {
    let port = free_port()?;
    let mut command = Command::new(program);
    command.arg(format!("127.0.0.1:{port}")).stderr(std::process::Stdio::null());
    let mut process = Process::start(command)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = Connection::open(port).and_then(|mut connection| {
            connection.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            connection.read()
        });
        match reply {
            Ok(reply) if reply.body == b"Hello, World!" => return Ok(()),
            Ok(reply) => return Err(format!("bench: {} answers {reply:?}", program.display())),
            Err(reason) if process.is_over() || Instant::now() > deadline => {
                return Err(format!("bench: {}: {reason}", program.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The packages that a program is made of, itself included, without those that only builds need.
fn packages(root: &Path, package: &str) -> Result<usize, String> {
    let mut command = cargo(root, &["tree", "--quiet", "--locked", "--offline"]);
    command.args(["--manifest-path", MANIFEST, "-p", package, "--prefix", "none"]);
    command.args(["--edges", "normal,build", "--no-dedupe"]);
    let output = command.output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    Ok(names.collect::<std::collections::BTreeSet<_>>().len())
}

/// The processor time of all programs that this one has started and seen the end of.
fn children_ticks() -> Result<u64, String> {
    let text = fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    waited_ticks(&text).ok_or_else(|| "the kernel does not tell the children's time".to_owned())
}

/// `cutime` and `cstime` of `/proc/PID/stat`. The second field is a name in brackets, which may hold anything.
pub(crate) fn waited_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(number(13)? + number(14)?)
}

/// The part of `RESULTS.md`.
fn page(records: &[Record]) -> String {
    let mut page = String::from(HEAD);
    for run in records.iter().filter(|record| record.text("kind") == "run") {
        for (name, value) in run.texts().filter(|(name, _)| OF_BUILDS.contains(name)) {
            writeln!(page, "- {name}: {value}").expect("strings take all");
        }
    }
    page + "\n" + &table(records)
}

/// The quickest first.
pub(crate) fn table(records: &[Record]) -> String {
    let mut rows = Vec::new();
    for (name, _) in PROGRAMS {
        let is_its = |one: &&Record| one.text("kind") == "build" && one.text("peer") == *name;
        let numbers = |key| -> Vec<f64> {
            records.iter().filter(is_its).filter_map(|one| one.number(key)).collect()
        };
        let (seconds, cpu) = (numbers("seconds"), numbers("cpu_seconds"));
        if let (Some(least), Some(middle), Some(cpu)) =
            (best(&seconds), median(&seconds), best(&cpu))
        {
            let last = |key| numbers(key).last().copied().unwrap_or_default();
            rows.push((least, middle, cpu, last("bytes") / MEBI, last("packages"), *name));
        }
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut table = String::from(
        "| program | seconds best | median | CPU seconds best | MiB | packages |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for (least, middle, cpu, mebibytes, packages, name) in rows {
        let name = if name == OURS { format!("**{name}**") } else { name.to_owned() };
        let [least, middle, cpu, mebibytes] = [least, middle, cpu, mebibytes].map(short);
        writeln!(table, "| {name} | {least} | {middle} | {cpu} | {mebibytes} | {packages:.0} |")
            .expect("strings take all");
    }
    table
}

const HEAD: &str = "\
# Builds

The smallest program of each framework (`bench/hello`), with its default features, from nothing to a program that
answers: cargo's own release profile, all cores, everything downloaded before. In turns; the least of the rounds is
the steadiest figure. MiB are the size of the program as cargo leaves it.

";
const OURS: &str = "shikra";
const PROGRAMS: &[(&str, &str)] =
    &[(OURS, "hello-shikra"), ("axum", "hello-axum"), ("actix-web", "hello-actix-web")];
/// Facts that say something about builds.
const OF_BUILDS: [&str; 6] = ["date", "processor", "cores", "rustc", "commit", "command"];
const MANIFEST: &str = "bench/hello/Cargo.toml";
const USAGE: &str = "bench builds [--rounds N] [--from FILE] [--record]";
const ROUNDS: u32 = 3;
const ROUNDS_MAX: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(10);
/// The kernel tells hundredths of a second on every kind of machine.
const TICKS_PER_SECOND: f64 = 100.0;
const MEBI: f64 = 1024.0 * 1024.0;
