//! `floors`: the borders inside a crate, and the other rules that a reader of text can keep.
//!
//! `lexer` makes tokens, `source` reduces a file to what matters, `house` knows which module
//! stands in which room and where a path leads, `table` is the data, `rules` judges. All of it
//! works on texts, so the tests need no files; this module alone reads the tree.

mod house;
mod lexer;
mod rules;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

/// Folders whose Rust files are read; `bench` holds other people's servers.
const FOLDERS: &[&str] = &["crates", "examples", "xtask", "fuzz", "e2e"];

/// Where the list of modules with unsafe code stands.
const MAP: &str = "ARCHITECTURE.md";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    rule: &'static str,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// Reads the tree below `root` and prints what breaks a rule.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let files = sources(root);
    let found = rules::judge(&files);
    let count = files.iter().filter(|(path, _)| path.ends_with(".rs")).count();
    if found.is_empty() {
        println!("floors: {count} files, all borders hold");
        return Ok(());
    }
    for violation in &found {
        println!("{violation}");
    }
    Err(format!("floors: {} violations in {count} files", found.len()))
}

/// The Rust sources, the manifests and the map, as paths from the root with their texts.
pub(crate) fn sources(root: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(root, folder, &mut files);
    }
    read(root, MAP.to_owned(), &mut files);
    files.sort();
    files
}

/// Whether a file holds tests alone.
pub(crate) fn is_test(path: &str) -> bool {
    let mut parts = path.split('/');
    path.starts_with("e2e/") || parts.any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
}

fn collect(root: &Path, folder: &str, files: &mut Vec<(String, String)>) {
    // A folder that is not there yet has no files.
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &path, files);
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            read(root, path, files);
        }
    }
}

fn read(root: &Path, path: String, files: &mut Vec<(String, String)>) {
    if let Ok(text) = std::fs::read_to_string(root.join(&path)) {
        files.push((path, text));
    }
}
