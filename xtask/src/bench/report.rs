//! Results as Markdown.

use std::fmt::Write;

use super::peers::{ENGINE, FLOOR, OURS, PEERS};
use super::record::Record;
use super::stats::{best, median, percent, short};
use super::workloads::{CURVE_CONNECTIONS, CURVE_ROUTES, How, WORKLOADS, Workload};

/// The rounds of one server in one workload.
struct Row<'r> {
    peer: &'static str,
    rounds: Vec<&'r Record>,
    best: f64,
    median: f64,
}

/// Everything: facts, where we lose, a table for each workload, and what was left out.
pub(crate) fn page(records: &[Record]) -> String {
    let mut page = String::from(HEAD);
    for run in records.iter().filter(|record| record.text("kind") == "run") {
        line(&mut page, "");
        for (name, value) in run.texts() {
            line(&mut page, &format!("- {name}: {value}"));
        }
    }
    line(&mut page, "\n## Where Shikra is not first\n");
    let lost: Vec<String> = WORKLOADS.iter().filter_map(|one| lost(records, one)).collect();
    if lost.is_empty() {
        line(&mut page, "In none of the workloads below.");
    }
    for text in lost {
        line(&mut page, &text);
    }
    page.push_str(&tables(records));
    let left_out: Vec<&Record> =
        records.iter().filter(|record| record.text("kind") == "left_out").collect();
    if !left_out.is_empty() {
        line(&mut page, "\n## Left out\n");
    }
    for record in left_out {
        let (workload, peer) = (record.text("workload"), record.text("peer"));
        let place = if workload.is_empty() { "all" } else { workload };
        line(&mut page, &format!("- {peer}, {place}: {}", record.text("reason")));
    }
    page
}

/// A table for each workload that has results, and one for each curve.
pub(crate) fn tables(records: &[Record]) -> String {
    let mut page = String::new();
    let is_curve = |group| matches!(group, CURVE_CONNECTIONS | CURVE_ROUTES);
    for workload in WORKLOADS.iter().filter(|workload| !is_curve(workload.group)) {
        let rows = rows(records, workload);
        if rows.is_empty() {
            continue;
        }
        line(&mut page, &format!("\n## {}\n\n{}.", workload.name, capitalised(workload.about)));
        let command = records.iter().find(|record| {
            record.text("workload") == workload.name && !record.text("command").is_empty()
        });
        if let Some(command) = command {
            line(&mut page, &format!("`{}`", command.text("command")));
        }
        line(&mut page, "");
        match workload.how {
            How::Load { depth, .. } => load_table(&mut page, &rows, depth),
            How::Idle { .. } => idle_table(&mut page, &rows),
            How::Start => start_table(&mut page, &rows),
        }
    }
    curve(&mut page, records, CURVE_CONNECTIONS, "connections, `Hello, World!`");
    curve(&mut page, records, CURVE_ROUTES, "other routes, two parameters and nine header fields");
    page
}

/// The rows of a workload, the cheapest first.
fn rows<'r>(records: &'r [Record], workload: &Workload) -> Vec<Row<'r>> {
    let key = key(workload);
    let mut rows: Vec<Row> = PEERS
        .iter()
        .filter_map(|peer| {
            let is_its = |record: &&Record| {
                record.text("workload") == workload.name
                    && record.text("peer") == peer.name
                    && record.number(key).is_some()
            };
            let rounds: Vec<&Record> = records.iter().filter(is_its).collect();
            let values = numbers(&rounds, key);
            let (best, median) = (best(&values)?, median(&values)?);
            Some(Row { peer: peer.name, rounds, best, median })
        })
        .collect();
    rows.sort_by(|a, b| a.best.total_cmp(&b.best));
    rows
}

/// What is compared in a workload; less is better.
fn key(workload: &Workload) -> &'static str {
    match workload.how {
        How::Load { .. } => "cpu_us",
        How::Idle { .. } => "bytes_each",
        How::Start => "ms",
    }
}

fn numbers(rounds: &[&Record], name: &str) -> Vec<f64> {
    rounds.iter().filter_map(|record| record.number(name)).collect()
}

fn load_table(page: &mut String, rows: &[Row], depth: usize) {
    line(
        page,
        "| server | CPU µs best | median | × floor | × best peer | per second | p50 µs | p99 µs \
         | server / load core | others | errors | rounds |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for row in rows {
        let middle = |name| median(&numbers(&row.rounds, name)).unwrap_or(0.0);
        // The latency of a batch is no latency of a request.
        let latency = |name| if depth == 1 { short(middle(name)) } else { "".to_owned() };
        let others = numbers(&row.rounds, "others_cpu");
        let most = others.iter().copied().fold(0.0, f64::max);
        let errors: f64 = numbers(&row.rounds, "errors").iter().sum();
        line(
            page,
            &format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} / {} | {} to {} | {errors} | {} |",
                named(row.peer),
                short(row.best),
                short(row.median),
                times(row, floor(rows)),
                times(row, best_peer(rows)),
                short(middle("per_second").round()),
                latency("p50_us"),
                latency("p99_us"),
                percent(middle("server_cpu")),
                percent(middle("load_cpu")),
                percent(best(&others).unwrap_or(0.0)),
                percent(most),
                row.rounds.len(),
            ),
        );
    }
    if let Some(share) = share_of_engine(rows) {
        line(page, "");
        line(page, &share);
    }
}

/// What the framework's own part leaves.
fn share_of_engine(rows: &[Row]) -> Option<String> {
    let of = |name| rows.iter().find(|row| row.peer == name);
    let (ours, engine) = (of(OURS)?, of(ENGINE)?);
    let rate = |row: &Row| median(&numbers(&row.rounds, "per_second"));
    let replies = rate(ours)? / rate(engine)? * 100.0;
    let best = engine.best / ours.best * 100.0;
    let middle = engine.median / ours.median * 100.0;
    Some(format!(
        "{SHARE} {replies:.1} % of the replies a second, and in the same CPU time {best:.1} % (best against best) \
         and {middle:.1} % (median against median)."
    ))
}

/// How that line begins.
pub(crate) const SHARE: &str = "Of what its connection loop alone does, Shikra does";

fn idle_table(page: &mut String, rows: &[Row]) {
    line(
        page,
        "| server | bytes each, best | median | × best peer | connections | MiB before | MiB with them |\n\
         |---|--:|--:|--:|--:|--:|--:|",
    );
    for row in rows {
        let middle = |name| median(&numbers(&row.rounds, name)).unwrap_or(0.0);
        line(
            page,
            &format!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                named(row.peer),
                short(row.best),
                short(row.median),
                times(row, best_peer(rows)),
                short(middle("connections")),
                short(middle("resident_before") / MIB),
                short(middle("resident_bytes") / MIB),
            ),
        );
    }
}

fn start_table(page: &mut String, rows: &[Row]) {
    line(
        page,
        "| server | ms best | median | × best peer | CPU ms | MiB |\n|---|--:|--:|--:|--:|--:|",
    );
    for row in rows {
        let middle = |name| median(&numbers(&row.rounds, name)).unwrap_or(0.0);
        line(
            page,
            &format!(
                "| {} | {} | {} | {} | {} | {} |",
                named(row.peer),
                short(row.best),
                short(row.median),
                times(row, best_peer(rows)),
                short(middle("cpu_ms")),
                short(middle("resident_bytes") / MIB),
            ),
        );
    }
}

/// One column for each point: best CPU time and its ratio to the floor's there.
fn curve(page: &mut String, records: &[Record], group: &str, of: &str) {
    let points: Vec<(&Workload, Vec<Row>)> = WORKLOADS
        .iter()
        .filter(|workload| workload.group == group)
        .map(|workload| (workload, rows(records, workload)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    if points.is_empty() {
        return;
    }
    line(page, &format!("\n## {group}\n\nBest CPU µs by {of}; in brackets × floor.\n"));
    let heads = points
        .iter()
        .map(|(workload, _)| workload.name.rsplit('-').next().unwrap_or(workload.name).to_owned());
    line(page, &format!("| server | {} |", heads.collect::<Vec<_>>().join(" | ")));
    line(page, &format!("|---|{}", "--:|".repeat(points.len())));
    for peer in PEERS {
        let cells: Vec<String> = points
            .iter()
            .map(|(_, rows)| {
                let row = rows.iter().find(|row| row.peer == peer.name);
                row.map_or_else(String::new, |row| {
                    let errors: f64 = numbers(&row.rounds, "errors").iter().sum();
                    let errors =
                        if errors > 0.0 { format!(", {errors} errors") } else { String::new() };
                    format!("{} ({}{errors})", short(row.best), times(row, floor(rows)))
                })
            })
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            line(page, &format!("| {} | {} |", named(peer.name), cells.join(" | ")));
        }
    }
}

/// A line about a workload where a peer is cheaper than we are.
fn lost(records: &[Record], workload: &Workload) -> Option<String> {
    let rows = rows(records, workload);
    let ours = rows.iter().find(|row| row.peer == OURS)?;
    let peer = best_peer(&rows)?;
    (peer.best < ours.best).then(|| {
        let unit = match workload.how {
            How::Load { .. } => "µs CPU a request",
            How::Idle { .. } => "bytes a connection",
            How::Start => "ms",
        };
        format!(
            "- {}: {} {} {unit}, Shikra {} (× {:.2})",
            workload.name,
            peer.peer,
            short(peer.best),
            short(ours.best),
            ours.best / peer.best
        )
    })
}

fn floor<'t, 'r>(rows: &'t [Row<'r>]) -> Option<&'t Row<'r>> {
    rows.iter().find(|row| row.peer == FLOOR)
}

/// The cheapest that is neither the floor nor ours; the engine is a part of ours.
fn best_peer<'t, 'r>(rows: &'t [Row<'r>]) -> Option<&'t Row<'r>> {
    rows.iter().find(|row| ![FLOOR, OURS, ENGINE].contains(&row.peer))
}

fn times(row: &Row, other: Option<&Row>) -> String {
    other.map_or_else(String::new, |other| format!("{:.2}", row.best / other.best))
}

fn named(peer: &str) -> String {
    if peer == OURS { format!("**{peer}**") } else { peer.to_owned() }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn line(page: &mut String, text: &str) {
    // Writing to text cannot fail.
    let _ = writeln!(page, "{text}");
}

const MIB: f64 = 1_048_576.0;

const HEAD: &str = "\
# Servers

Written by `cargo xtask bench --record`; not to be edited by hand. `README.md` beside it says what is measured, \
how, and what is equal between the servers and what is not. Less is better everywhere but in `per second`, \
which is often the load's limit and not the server's: see the shares of the two cores. Differences below about \
7 % are within the noise of a virtual machine.
";
