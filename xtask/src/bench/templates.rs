//! `bench templates`: the same pages by several template engines, in turns, in processor time a page.
//!
//! The programs stand in `bench/templates`; each says itself how long it took, so that starting it
//! is in no figure. Pages are compared before anything is measured.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine;
use super::options::count;
use super::peers;
use super::record::Record;
use super::results::{self, Part};
use super::stats::{best, median, short};
use crate::command::{find, line};
use crate::gate::target;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    engines: Vec<String>,
    rounds: u32,
    millis: u32,
    out: Option<PathBuf>,
    from: Option<PathBuf>,
    is_recorded: bool,
}

impl Options {
    pub(crate) fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            engines: Vec::new(),
            rounds: ROUNDS,
            millis: MILLIS,
            out: None,
            from: None,
            is_recorded: false,
        };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("bench: {word} wants a value"));
            match word {
                "--engines" => options.engines = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => options.rounds = count(word, value()?, MOST)?,
                "--millis" => options.millis = count(word, value()?, MOST)?,
                "--out" => options.out = Some(PathBuf::from(value()?)),
                "--from" => options.from = Some(PathBuf::from(value()?)),
                "--record" => options.is_recorded = true,
                _ => return Err(format!("bench: `{word}` is not understood; {USAGE}")),
            }
        }
        Ok(options)
    }
}

/// Measures, or reads what was measured, and prints the tables.
pub(crate) fn run(root: &Path, words: &[&str], command: &str) -> Result<(), String> {
    let options = Options::read(words)?;
    let records = match &options.from {
        Some(path) => super::read(path)?,
        None => measure(root, &options, command)?,
    };
    println!("{}", tables(&records));
    if options.is_recorded {
        results::record(root, Part::Templates, &page(&records))?;
    }
    Ok(())
}

/// One way of rendering one page.
struct Case {
    engine: String,
    page: String,
    data: String,
    /// The words of its program, before what it is to do.
    command: Vec<PathBuf>,
    /// What comes after that.
    words: Vec<String>,
}

impl Case {
    fn run(&self, action: &str, amount: &str) -> Result<String, String> {
        let (program, words) = self.command.split_first().ok_or("an empty command")?;
        let mut command = Command::new(program);
        command.args(words).arg(action).args(&self.words);
        if !amount.is_empty() {
            command.arg(amount);
        }
        let name = line(&command);
        let output =
            command.output().map_err(|error| format!("`{name}` did not start: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{name}` ended with {}: {said}", output.status));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("`{name}` prints no text"))
    }

    fn name(&self) -> String {
        format!("{} {} {}", self.engine, self.page, self.data)
    }
}

fn measure(root: &Path, options: &Options, command: &str) -> Result<Vec<Record>, String> {
    let out = options.out.clone().unwrap_or_else(|| target(root).join("bench/templates.jsonl"));
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let (mut cases, facts, counts, left_out) = cases(root, command)?;
    let wanted = |case: &Case| {
        options.engines.is_empty() || options.engines.iter().any(|one| case.engine.contains(one))
    };
    cases.retain(wanted);
    compare(&cases)?;
    let mut records = vec![facts];
    records.extend(counts);
    records.extend(left_out);
    for round in 1..=options.rounds {
        for case in &cases {
            let said = case.run("time", &options.millis.to_string())?;
            let numbers: Vec<f64> =
                said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [renders, ns] = numbers.as_slice() else {
                return Err(format!("bench: {} says `{said}`", case.name()));
            };
            let us = ns / renders / 1e3;
            println!("bench: {} {round}: {} µs", case.name(), short(us));
            let record = Record::new("templates").with_text("engine", &case.engine);
            let record = record.with_text("page", &case.page).with_text("data", &case.data);
            records.push(record.with("round", f64::from(round)).with("cpu_us", us));
        }
        // After each round, so that a run which is cut short has not been for nothing.
        let lines: String = records.iter().map(|record| record.to_json() + "\n").collect();
        super::write(&out, &lines)?;
    }
    Ok(records)
}

/// Every page must be the same, byte by byte, whoever renders it.
fn compare(cases: &[Case]) -> Result<(), String> {
    for case in cases {
        let page = case.run("show", "")?;
        let first = cases.iter().find(|other| other.page == case.page).unwrap_or(case);
        if page != first.run("show", "")? {
            return Err(format!("bench: {} differs from {}", case.name(), first.name()));
        }
    }
    println!("bench: all pages are the same, byte by byte");
    Ok(())
}

type Prepared = (Vec<Case>, Record, Vec<Record>, Vec<Record>);

/// Builds and installs everything. What cannot be had is left out and said so.
fn cases(root: &Path, command: &str) -> Result<Prepared, String> {
    let mut facts = machine::facts(root, &super::probe::cores()?, 0);
    facts = facts.with_text("command", command);
    let program = peers::build(root, "templates")?;
    let mut cases = Vec::new();
    for case in said(&program)?.lines() {
        let [engine, page, data] = words_of(case)?;
        let words = vec![engine.clone(), page.clone(), data.clone()];
        cases.push(Case { engine, page, data, command: vec![program.clone()], words });
    }
    for (engine, package) in RUST {
        facts = facts.with_text(engine, &peers::locked_version(root, package));
    }
    let mut counts = Vec::new();
    for line in said(&program.with_file_name("allocations"))?.lines() {
        let [engine, page, data, count, bytes] = words_of(line)?;
        let number = |word: &str| word.parse().map_err(|_| format!("bench: `{line}`"));
        let record = Record::new("allocations").with_text("engine", &engine);
        let record = record.with_text("page", &page).with_text("data", &data);
        counts.push(record.with("count", number(&count)?).with("bytes", number(&bytes)?));
    }
    let scripts = root.join(SCRIPTS);
    let mut left_out = Vec::new();
    let installed = peers::install(&scripts);
    let runtimes = [
        ("node", find("node").ok_or_else(|| "node is not installed".to_owned())),
        ("bun", peers::bun(&scripts)),
    ];
    for (name, runtime) in runtimes {
        match runtime.and_then(|runtime| installed.clone().map(|()| runtime)) {
            Ok(runtime) => cases.extend(scripted(name, &runtime, &scripts)?),
            Err(reason) => {
                println!("bench: *** {name} is left out: {reason}");
                let record = Record::new("left_out").with_text("peer", name);
                left_out.push(record.with_text("reason", &reason));
            }
        }
    }
    for package in ["bun", "dot", "ejs", "eta", "handlebars", "pug"] {
        let version = peers::installed_version(&scripts, package);
        facts = facts.with_text(&format!("{package} (npm)"), &version);
    }
    Ok((cases, facts, counts, left_out))
}

/// The engines in JavaScript under one runtime.
fn scripted(name: &str, runtime: &Path, scripts: &Path) -> Result<Vec<Case>, String> {
    let script = scripts.join("templates.js");
    let mut list = Command::new(runtime);
    let cases = text_of(list.arg(&script))?;
    let case = |line: &str| {
        let [engine, page] = words_of(line)?;
        let words = vec![engine.clone(), page.clone()];
        let (engine, command) =
            (format!("{engine} ({name})"), vec![runtime.into(), script.clone()]);
        Ok(Case { engine, page, data: "object".to_owned(), command, words })
    };
    cases.lines().map(case).collect()
}

fn words_of<const N: usize>(line: &str) -> Result<[String; N], String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    words.try_into().map_err(|_| format!("bench: `{line}` has not {N} words"))
}

fn said(program: &Path) -> Result<String, String> {
    text_of(&mut Command::new(program))
}

fn text_of(command: &mut Command) -> Result<String, String> {
    let name = line(command);
    let output = command.output().map_err(|error| format!("`{name}` did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{name}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{name}` prints no text"))
}

/// The part of `RESULTS.md`.
pub(crate) fn page(records: &[Record]) -> String {
    let mut page = String::from(HEAD);
    for run in records.iter().filter(|record| record.text("kind") == "run") {
        page.push('\n');
        for (name, value) in run.texts().filter(|(name, _)| !OF_SERVERS.contains(name)) {
            writeln!(page, "- {name}: {value}").expect("strings take all");
        }
    }
    page.push_str(&tables(records));
    for record in records.iter().filter(|record| record.text("kind") == "left_out") {
        let (peer, reason) = (record.text("peer"), record.text("reason"));
        writeln!(page, "\nLeft out: {peer}, {reason}").expect("strings take all");
    }
    page
}

/// A table for each page.
pub(crate) fn tables(records: &[Record]) -> String {
    PAGES
        .iter()
        .map(|(name, about)| format!("\n## {name}\n\n{about}\n\n{}", table(records, name)))
        .collect()
}

struct Row<'r> {
    engine: &'r str,
    data: &'r str,
    best: f64,
    median: f64,
}

fn table(records: &[Record], page: &str) -> String {
    let mut rows: Vec<Row> = Vec::new();
    let of_page = |kind| {
        records.iter().filter(move |one| one.text("kind") == kind && one.text("page") == page)
    };
    for record in of_page("templates") {
        let (engine, data) = (record.text("engine"), record.text("data"));
        if rows.iter().any(|row| (row.engine, row.data) == (engine, data)) {
            continue;
        }
        let is_its = |one: &&Record| (one.text("engine"), one.text("data")) == (engine, data);
        let rounds: Vec<f64> =
            of_page("templates").filter(is_its).filter_map(|one| one.number("cpu_us")).collect();
        if let (Some(best), Some(median)) = (best(&rounds), median(&rounds)) {
            rows.push(Row { engine, data, best, median });
        }
    }
    rows.sort_by(|a, b| a.best.total_cmp(&b.best));
    let reference = rows.iter().find(|row| row.engine == REFERENCE).map(|row| row.best);
    let mut table = String::from(
        "| engine | data | CPU µs best | median | × askama | allocations | bytes |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    for Row { engine, data, best, median } in &rows {
        let ratio = reference.map_or_else(String::new, |reference| short(best / reference));
        let is_its = |one: &&Record| (one.text("engine"), one.text("data")) == (*engine, *data);
        let counted = of_page("allocations").find(is_its);
        let number =
            |name| counted.and_then(|one| one.number(name)).map_or_else(String::new, whole);
        let (count, bytes) = (number("count"), number("bytes"));
        let name = if *engine == OURS { format!("**{engine}**") } else { (*engine).to_owned() };
        let (best, median) = (short(*best), short(*median));
        writeln!(table, "| {name} | {data} | {best} | {median} | {ratio} | {count} | {bytes} |")
            .expect("strings take all");
    }
    table
}

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

const OURS: &str = "shikra";
const REFERENCE: &str = "askama";
const PAGES: [(&str, &str); 2] = [
    ("teams", "A small page: two numbers and four rows of two cells, one of them marked."),
    ("table", "A thousand rows of eight numbers."),
];
/// Engines and the packages whose versions are told.
const RUST: [(&str, &str); 4] = [
    ("askama", "askama"),
    ("minijinja", "minijinja"),
    ("tera", "tera"),
    ("handlebars", "handlebars"),
];
/// Facts that say nothing about templates.
const OF_SERVERS: [&str; 4] = ["congestion control", "descriptors", "layout", "wrk"];
const SCRIPTS: &str = "bench/templates/js";
const USAGE: &str = "bench templates [--engines NAME,...] [--rounds N] [--millis N] [--out FILE] [--from FILE] [--record]";
const ROUNDS: u32 = 9;
const MILLIS: u32 = 500;
/// A bound for every run.
const MOST: u32 = 60_000;
const HEAD: &str = "\
# Templates

Written by `cargo xtask bench templates --record`; not to be edited by hand. `README.md` beside it says how it is \
measured. Processor time a page, best and median of the rounds; all pages are the same byte by byte. Less is better.
";
