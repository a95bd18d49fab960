//! `check`: everything that has to be green before a commit, cheap steps first.

use std::path::Path;
use std::time::Instant;

use crate::command::{self, cargo};
use crate::{floors, fuzz, gate, manifest, models, parts, sanitize, soak, suite};

struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<(), String>,
    /// What to type to see or to mend this failure alone.
    then: &'static str,
}

const STEPS: &[Step] = &[
    Step { name: "format", run: format, then: "cargo fmt --all" },
    Step { name: "floors", run: floors::run, then: "cargo xtask floors" },
    Step {
        name: "clippy",
        run: clippy,
        then: "cargo clippy --workspace --all-targets --all-features -- -D warnings",
    },
    Step {
        name: "docs",
        run: docs,
        then: "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features",
    },
    Step {
        name: "features",
        run: features,
        then: "cargo check -p shikra --lib --no-default-features --features <the one named above>",
    },
    Step {
        name: "examples",
        run: examples,
        then: "cargo build --workspace --all-features --bins --examples",
    },
    Step { name: "test", run: suite::run, then: "cargo xtask test" },
    Step { name: "models", run: models, then: "cargo xtask models" },
    Step { name: "gate", run: gate, then: "cargo xtask bench --gate" },
    Step { name: "soak", run: soak_briefly, then: "cargo xtask soak 60" },
    Step { name: "slow", run: soak::slow, then: "cargo xtask slow" },
    Step { name: "sanitize", run: sanitize::run, then: "cargo xtask sanitize" },
    Step { name: "fuzz-smoke", run: fuzz_smoke, then: "cargo xtask fuzz-smoke" },
];

/// Reads `--without STEP`, which may stand more than once.
pub(crate) fn without<'w>(options: &[&'w str]) -> Result<Vec<&'w str>, String> {
    options
        .chunks(2)
        .map(|pair| match *pair {
            ["--without", name] if STEPS.iter().any(|step| step.name == name) => Ok(name),
            ["--without", name] => Err(format!("check has no step `{name}`; it has {}", names())),
            _ => Err(format!("check takes only `--without STEP`; steps are {}", names())),
        })
        .collect()
}

/// Runs the steps in order and stops at the first that fails.
pub(crate) fn run(root: &Path, without: &[&str]) -> Result<(), String> {
    let whole = Instant::now();
    for step in STEPS.iter().filter(|step| !without.contains(&step.name)) {
        println!("==> {}", step.name);
        let start = Instant::now();
        let done = (step.run)(root);
        let seconds = start.elapsed().as_secs_f32();
        if let Err(message) = done {
            let (name, then) = (step.name, step.then);
            return Err(format!("{message}\n==> {name} failed after {seconds:.1} s; run: {then}"));
        }
        println!("==> {} done in {seconds:.1} s", step.name);
    }
    let left_out = if without.is_empty() {
        String::new()
    } else {
        format!(" (without {})", without.join(", "))
    };
    println!("check passed in {:.1} s{left_out}", whole.elapsed().as_secs_f32());
    Ok(())
}

fn names() -> String {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ")
}

fn format(root: &Path) -> Result<(), String> {
    parts::require(root, parts::TOOLCHAIN)?;
    run_cargo(root, &["fmt", "--all", "--", "--check"])
}

fn clippy(root: &Path) -> Result<(), String> {
    let options = ["--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    run_cargo(root, &[&["clippy"], options.as_slice()].concat())
}

fn docs(root: &Path) -> Result<(), String> {
    let mut doc = cargo(root, &["doc", "--workspace", "--no-deps", "--all-features"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    command::run(doc)
}

/// Each feature of `shikra` alone, and none at all: features only add.
fn features(root: &Path) -> Result<(), String> {
    let path = root.join("crates/shikra/Cargo.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let alone = ["check", "--quiet", "-p", "shikra", "--lib", "--no-default-features"];
    println!("no feature");
    run_cargo(root, &alone)?;
    for feature in manifest::keys(&text, "features").into_iter().filter(|name| *name != "default") {
        println!("feature {feature}");
        run_cargo(root, &[alone.as_slice(), &["--features", feature]].concat())?;
    }
    Ok(())
}

fn examples(root: &Path) -> Result<(), String> {
    run_cargo(root, &["build", "--workspace", "--all-features", "--bins", "--examples"])
}

fn models(root: &Path) -> Result<(), String> {
    models::run(root, models::CASES)
}

fn gate(root: &Path) -> Result<(), String> {
    gate::run(root, gate::Mode::Compare)
}

fn soak_briefly(root: &Path) -> Result<(), String> {
    soak::soak(root, soak::SECONDS_CHECK)
}

fn fuzz_smoke(root: &Path) -> Result<(), String> {
    fuzz::run(root, fuzz::SMOKE)
}

fn run_cargo(root: &Path, arguments: &[&str]) -> Result<(), String> {
    command::run(cargo(root, arguments))
}
