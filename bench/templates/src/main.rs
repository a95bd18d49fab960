//! `templates` lists the cases. `templates show ENGINE PAGE DATA` prints a page, `time … MS` says
//! how many renders took how many nanoseconds of processor time, `repeat … N` renders N times, for
//! a counter of instructions.

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::process::ExitCode;
use templates::{Render, case, cases};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [action, engine, page, data, amount @ ..] = words.as_slice() else {
        for case in cases() {
            println!("{} {} {}", case.engine, case.page, case.data);
        }
        return ExitCode::SUCCESS;
    };
    let amount = amount.first().and_then(|amount| amount.parse().ok()).unwrap_or(0);
    let Some(case) = case(engine, page, data) else {
        eprintln!("templates: no such case");
        return ExitCode::FAILURE;
    };
    let mut render = case.prepare();
    match *action {
        "show" => print!("{}", render()),
        "time" => {
            time(&mut render, amount * 500_000);
            let (renders, ns) = time(&mut render, amount * 1_000_000);
            println!("{renders} {ns}");
        }
        "repeat" => (0..amount).for_each(|_| drop(black_box(render()))),
        _ => {
            eprintln!("templates: show, time or repeat");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Renders for this much processor time: how many pages, and how long they took.
fn time(render: &mut Render, ns_wanted: u64) -> (u64, u64) {
    let (start, mut renders, mut batch) = (cpu_ns(), 0, 1);
    loop {
        for _ in 0..batch {
            drop(black_box(render()));
        }
        renders += batch;
        let ns = cpu_ns() - start;
        if ns >= ns_wanted {
            return (renders, ns);
        }
        // The clock is read seldom enough to cost nothing.
        if ns < ns_wanted / 64 {
            batch *= 2;
        }
    }
}

/// The processor time of this process: all of its threads, user and system.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
