//! `fuzz-smoke`: builds every fuzz target and runs each for a few seconds.
//!
//! Enough to see that the targets still build and that nothing falls over at once; long runs are
//! `cargo fuzz run`. The tree stays clean: a run works on a copy of the target's corpus.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::command::{cargo, run as run_command};
use crate::{manifest, parts};

/// How long one target runs in a smoke test.
pub(crate) const SMOKE: Duration = Duration::from_secs(15);

/// Runs each target for `time`; the first crash is an error that names the input.
pub(crate) fn run(root: &Path, time: Duration) -> Result<(), String> {
    let Ok(text) = std::fs::read_to_string(root.join("fuzz/Cargo.toml")) else {
        println!("fuzz-smoke: there is no fuzz/Cargo.toml, so nothing to run");
        return Ok(());
    };
    parts::require(root, parts::FUZZING)?;
    let targets = manifest::values(&text, "bin", "name");
    if targets.is_empty() {
        return Err("fuzz/Cargo.toml lists no [[bin]]".to_owned());
    }
    run_command(fuzz(root, &["build", "--fuzz-dir", "fuzz"]))?;
    // One on each processor: a fuzzer keeps one busy.
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = || {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            println!("fuzz-smoke: {target} for {} s", time.as_secs());
            if let Err(message) = smoke(root, target, time) {
                next.store(targets.len(), Ordering::Relaxed);
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
            }
        }
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..processors.min(targets.len()) {
            scope.spawn(work);
        }
    });
    if let Some(message) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(message);
    }
    println!("fuzz-smoke: {} targets, no crash", targets.len());
    Ok(())
}

fn smoke(root: &Path, target: &str, time: Duration) -> Result<(), String> {
    let corpus = Scratch::new(target)?;
    corpus.fill(&root.join("fuzz/corpus").join(target))?;
    let start = SystemTime::now();
    let mut command = fuzz(root, &["run", "--fuzz-dir", "fuzz", target]);
    command.arg(&corpus.path).arg("--").args([
        "-rss_limit_mb=1024",
        "-malloc_limit_mb=64",
        "-timeout=5",
    ]);
    command.args(["-print_final_stats=0", "-verbosity=0"]);
    command.arg(format!("-max_total_time={}", time.as_secs()));
    run_command(command).map_err(|message| {
        let crashes = root.join("fuzz/artifacts").join(target);
        match newest(&crashes, start) {
            Some(input) => format!("{message}\n{target} crashed; its input: {}", input.display()),
            None => message,
        }
    })
}

/// The sanitizers and the coverage flags that cargo-fuzz passes are nightly options, which the
/// stable compiler accepts when told to.
fn fuzz(root: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo(root, &["fuzz"]);
    command.args(arguments).env("RUSTC_BOOTSTRAP", "1");
    command
}

/// The newest file of a folder that is not older than `since`.
fn newest(folder: &Path, since: SystemTime) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let dated = files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)));
    let fresh = dated.filter(|(modified, _)| *modified >= since);
    fresh.max_by_key(|(modified, _)| *modified).map(|(_, file)| file.path())
}

/// A folder of its own under the system's place for temporary files, removed when dropped.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(name: &str) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("shikra-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path })
    }

    /// Copies the files of `folder`, which may be missing.
    fn fill(&self, folder: &Path) -> Result<(), String> {
        let Ok(files) = std::fs::read_dir(folder) else { return Ok(()) };
        for file in files.flatten().filter(|file| file.path().is_file()) {
            let copy = self.path.join(file.file_name());
            std::fs::copy(file.path(), copy)
                .map_err(|error| format!("{}: {error}", file.path().display()))?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind at worst: the system clears its temporary files.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
