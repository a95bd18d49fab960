//! The programs of the system that tests need, and how to get the ones that are missing.
//!
//! A new one is one line in `PARTS`. A part counts as needed from the day its `once` holds, so
//! nobody installs a browser before there is a browser test.

use std::path::Path;
use std::process::Command;

use crate::command::{cargo, find, in_ci, line, run, succeeds};

/// What the tests need.
#[rustfmt::skip]
const PARTS: &[Part] = &[
    Part { programs: &["chromium", "chromium-browser", "google-chrome"], get: Get::Apt("chromium"), needed_by: "the browser tests", once: Once::Exists("e2e") },
    Part { programs: &["chromedriver"], get: Get::Apt("chromium-driver"), needed_by: "the browser tests", once: Once::Exists("e2e") },
    Part { programs: &["valgrind"], get: Get::Apt("valgrind"), needed_by: "tests that count instructions", once: Once::Named },
    Part { programs: &["wrk"], get: Get::Apt("wrk"), needed_by: "tests under load", once: Once::Named },
    Part { programs: &["redis-server"], get: Get::Apt("redis-server"), needed_by: "tests of the Redis store", once: Once::Named },
];

/// What `check` needs besides.
#[rustfmt::skip]
pub(crate) const TOOLCHAIN: &[Part] = &[
    Part { programs: &["cargo-fmt"], get: Get::Component("rustfmt"), needed_by: "the format step", once: Once::Exists(".") },
    Part { programs: &["cargo-clippy"], get: Get::Component("clippy"), needed_by: "the clippy step", once: Once::Exists(".") },
];

/// What `fuzz-smoke` needs besides.
#[rustfmt::skip]
pub(crate) const FUZZING: &[Part] = &[
    Part { programs: &["c++", "g++", "clang++"], get: Get::Apt("g++"), needed_by: "libFuzzer's build", once: Once::Exists("fuzz") },
    Part { programs: &["cargo-fuzz"], get: Get::CargoInstall("cargo-fuzz"), needed_by: "fuzz-smoke", once: Once::Exists("fuzz") },
];

/// What `bench --gate` and `sanitize` need besides.
#[rustfmt::skip]
pub(crate) const COUNTING: &[Part] = &[
    Part { programs: &["valgrind"], get: Get::Apt("valgrind"), needed_by: "counting instructions and `sanitize`", once: Once::Exists("bench") },
];

/// What `bench` needs besides.
#[rustfmt::skip]
pub(crate) const LOAD: &[Part] = &[
    Part { programs: &["wrk"], get: Get::Apt("wrk"), needed_by: "benchmarks", once: Once::Exists("bench") },
    Part { programs: &["taskset"], get: Get::Apt("util-linux"), needed_by: "benchmarks", once: Once::Exists("bench") },
    Part { programs: &["setpriv"], get: Get::Apt("util-linux"), needed_by: "benchmarks", once: Once::Exists("bench") },
    Part { programs: &["prlimit"], get: Get::Apt("util-linux"), needed_by: "benchmarks", once: Once::Exists("bench") },
];

/// What `soak` and `slow` need besides.
#[rustfmt::skip]
pub(crate) const DESCRIPTORS: &[Part] = &[
    Part { programs: &["prlimit"], get: Get::Apt("util-linux"), needed_by: "tests with many connections", once: Once::Exists("soak") },
];

/// What `slow` needs besides.
#[rustfmt::skip]
pub(crate) const SLOW: &[Part] = &[
    Part { programs: &["slowhttptest"], get: Get::Apt("slowhttptest"), needed_by: "tests of slow clients", once: Once::Exists("soak") },
];

pub(crate) struct Part {
    /// Any one of them will do.
    programs: &'static [&'static str],
    get: Get,
    needed_by: &'static str,
    once: Once,
}

enum Get {
    Apt(&'static str),
    Component(&'static str),
    CargoInstall(&'static str),
}

/// From when on a part is needed.
enum Once {
    /// This path is in the tree.
    Exists(&'static str),
    /// Some test names the program in quotes, as it must in order to start it.
    Named,
}

/// Installs what the tests of this tree need and returns one line for each part that is missing
/// all the same. Under `CI` that is an error at once.
pub(crate) fn set_up(root: &Path) -> Result<Vec<String>, String> {
    provide(root, PARTS)
}

/// Installs what is missing of `parts`; any that stays missing is an error.
pub(crate) fn require(root: &Path, parts: &[Part]) -> Result<(), String> {
    let missing = provide(root, parts)?;
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

fn provide(root: &Path, parts: &[Part]) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    let mut apt = Apt::Stale;
    for part in parts.iter().filter(|part| part.is_needed(root) && !part.is_there()) {
        println!("set-up: {} is missing, {} need it", part.programs[0], part.needed_by);
        let got = part.install(root, &mut apt);
        if let Err(reason) = got.and_then(|()| part.is_there().then_some(()).ok_or_else(hidden)) {
            missing.push(format!(
                "set-up: {} is missing and could not be installed ({reason}). {} cannot pass \
                 without it. To get it: {}",
                part.programs[0],
                capitalised(part.needed_by),
                part.advice()
            ));
        }
    }
    if in_ci() && !missing.is_empty() { Err(missing.join("\n")) } else { Ok(missing) }
}

impl Part {
    fn is_needed(&self, root: &Path) -> bool {
        match self.once {
            Once::Exists(path) => root.join(path).exists(),
            Once::Named => self.programs.iter().any(|name| tests_name(root, name)),
        }
    }

    fn is_there(&self) -> bool {
        match self.get {
            // A proxy of rustup stands on the path whether or not the component is there.
            Get::Component(_) => self.programs.iter().any(|name| {
                let mut command = Command::new(name);
                command.arg("--version");
                succeeds(command)
            }),
            Get::Apt(_) | Get::CargoInstall(_) => {
                self.programs.iter().any(|name| find(name).is_some())
            }
        }
    }

    fn install(&self, root: &Path, apt: &mut Apt) -> Result<(), String> {
        match self.get {
            Get::Apt(package) => apt.install(package),
            Get::Component(name) => {
                let mut command = Command::new("rustup");
                command.args(["component", "add", name]);
                run(command)
            }
            Get::CargoInstall(name) => run(cargo(root, &["install", name, "--locked"])),
        }
    }

    fn advice(&self) -> String {
        match self.get {
            Get::Apt(package) => format!("apt-get install {package}, or your system's package"),
            Get::Component(name) => format!("rustup component add {name}"),
            Get::CargoInstall(name) => format!("cargo install {name} --locked"),
        }
    }
}

/// Package lists are fetched once, before the first installation.
enum Apt {
    Stale,
    Fresh,
}

impl Apt {
    fn install(&mut self, package: &str) -> Result<(), String> {
        if find("apt-get").is_none() {
            return Err("there is no apt-get on this system".to_owned());
        }
        if !is_root() {
            return Err("apt-get needs root".to_owned());
        }
        if matches!(self, Apt::Stale) {
            apt_get(&["update", "-q"])?;
            *self = Apt::Fresh;
        }
        apt_get(&["install", "-q", "-y", "--no-install-recommends", package])
    }
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    println!("set-up: {}", line(&command));
    run(command)
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn hidden() -> String {
    "it is installed, but not on the search path".to_owned()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whether a Rust file of a test names the program in quotes.
fn tests_name(root: &Path, program: &str) -> bool {
    let quoted = format!("\"{program}\"");
    let sources = crate::floors::sources(root);
    sources.iter().any(|(path, text)| crate::floors::is_test(path) && text.contains(&quoted))
}
