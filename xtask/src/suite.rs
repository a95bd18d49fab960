//! `test`: sets up, runs every test of the project, and closes with `N passed, N failed`.

use std::path::Path;
use std::process::Command;

use crate::command::{cargo, stream};
use crate::parts;

/// Tests that make sense in the release profile only: a package and its test binary. The rest runs
/// in the development profile, whose checks for overflow are worth more than its lost speed.
const RELEASE: &[(&str, &str)] = &[];

/// Sums up all `test result:` lines that went by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

/// Runs everything; an error if anything failed, could not be built, or is missing. Its message is
/// empty when the closing line has said it all.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let missing = parts::set_up(root)?;
    for line in &missing {
        eprintln!("\n*** {line}\n");
    }

    let mut tally = Tally::default();
    let mut broken = Vec::new();
    for command in commands(root) {
        let before = tally.failed;
        let done = stream(command, |line| tally.read(line));
        if let Err(message) = done {
            // No result line: it did not compile, or a test took the process with it.
            if tally.failed == before {
                tally.failed += 1;
            }
            broken.push(message);
        }
    }

    // A missing part is a failure even where a test looked the other way.
    tally.failed += missing.len() as u64;
    for line in missing.iter().chain(&broken) {
        println!("{line}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// The runs, in order. Documentation tests are part of the first.
fn commands(root: &Path) -> Vec<Command> {
    let whole = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    let has_e2e = root.join("e2e/Cargo.toml").exists();
    let first = if has_e2e && is_member(root, "e2e") {
        cargo(root, &[whole.as_slice(), &["--exclude", "e2e"]].concat())
    } else {
        cargo(root, &whole)
    };
    let mut commands = vec![first];
    for (package, test) in RELEASE {
        let options = ["--all-features", "--release", "--no-fail-fast", "--test", test];
        commands.push(cargo(root, &[&["test", "-p", package], options.as_slice()].concat()));
    }
    if has_e2e {
        let options = ["--manifest-path", "e2e/Cargo.toml", "--no-fail-fast"];
        commands.push(cargo(root, &[&["test"], options.as_slice()].concat()));
    }
    // A script is as good as a package, as long as it prints `test result:` lines.
    let script = root.join("e2e/run");
    if script.exists() {
        let mut command = Command::new(script);
        command.current_dir(root);
        commands.push(command);
    }
    commands
}

fn is_member(root: &Path, member: &str) -> bool {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    let mut lines = manifest.lines();
    lines.any(|line| line.starts_with("members") && line.contains(&format!("\"{member}\"")))
}

impl Tally {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    fn read(&mut self, line: &str) {
        let Some((_, counts)) = line.trim_start().split_once("test result: ") else { return };
        let counts = counts.split_once(". ").map_or("", |(_, counts)| counts);
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn sums_up_result_lines() {
        let mut tally = Tally::default();
        tally.read("running 3 tests\n");
        tally.read("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; finished in 1s\n");
        tally.read("test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured\n");
        assert_eq!(tally, Tally { passed: 8, failed: 2 });
    }

    #[test]
    fn leaves_other_lines_alone() {
        let mut tally = Tally::default();
        tally.read("test says_result ... ok\n");
        tally.read("error: test failed, to rerun pass `--lib`\n");
        tally.read("test result: odd\n");
        assert_eq!(tally, Tally::default());
    }
}
