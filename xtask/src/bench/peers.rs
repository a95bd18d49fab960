//! Who is measured: a table of servers, how to get each ready, and which version it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, find, run, succeeds};
use crate::gate::target;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// The package whose version is told; none for what has no version.
    package: &'static str,
    pub(crate) workers: Workers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The reference, which is told what to expect and to answer.
    Floor,
    /// A package below `bench/servers`.
    Cargo(&'static str),
    /// A script in `bench/servers/js`.
    Node(&'static str),
    Bun(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workers {
    One,
    AsTold,
}

pub(crate) const FLOOR: &str = "floor";
pub(crate) const OURS: &str = "shikra";
/// The framework's connection loop alone, which shows what the rest of the framework costs.
pub(crate) const ENGINE: &str = "engine";

#[rustfmt::skip]
pub(crate) const PEERS: &[Peer] = &[
    Peer { name: FLOOR, program: Program::Floor, package: "", workers: Workers::One },
    Peer { name: OURS, program: Program::Cargo("server-shikra"), package: "shikra", workers: Workers::AsTold },
    Peer { name: ENGINE, program: Program::Cargo("server-engine"), package: "shikra-engine", workers: Workers::AsTold },
    Peer { name: "hyper", program: Program::Cargo("server-hyper"), package: "hyper", workers: Workers::One },
    Peer { name: "axum", program: Program::Cargo("server-axum"), package: "axum", workers: Workers::AsTold },
    Peer { name: "actix-web", program: Program::Cargo("server-actix-web"), package: "actix-web", workers: Workers::AsTold },
    Peer { name: "ntex", program: Program::Cargo("server-ntex"), package: "ntex", workers: Workers::AsTold },
    Peer { name: "salvo", program: Program::Cargo("server-salvo"), package: "salvo", workers: Workers::AsTold },
    Peer { name: "may_minihttp", program: Program::Cargo("server-may-minihttp"), package: "may_minihttp", workers: Workers::AsTold },
    Peer { name: "bun", program: Program::Bun("bun.js"), package: "bun", workers: Workers::One },
    Peer { name: "node", program: Program::Node("node.js"), package: "", workers: Workers::One },
    Peer { name: "fastify", program: Program::Node("fastify.js"), package: "fastify", workers: Workers::One },
    Peer { name: "express", program: Program::Node("express.js"), package: "express", workers: Workers::One },
    Peer { name: "polka", program: Program::Node("polka.js"), package: "polka", workers: Workers::One },
];

/// The servers that a list of names stands for, in the table's order: `rust`, `js` and `all` are groups, and
/// no list is `rust`.
pub(crate) fn chosen(list: Option<&str>) -> Result<Vec<&'static Peer>, String> {
    let words: Vec<&str> = list.unwrap_or("rust").split(',').filter(|w| !w.is_empty()).collect();
    let has = |peer: &Peer, word: &str| match word {
        "all" => true,
        "js" => peer.is_script(),
        "rust" => !peer.is_script(),
        name => peer.name == name,
    };
    if let Some(word) = words.iter().find(|word| !PEERS.iter().any(|peer| has(peer, word))) {
        let names: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
        return Err(format!("there is no server `{word}`; there are {}", names.join(", ")));
    }
    Ok(PEERS.iter().filter(|peer| words.iter().any(|word| has(peer, word))).collect())
}

/// A server that can be started: the words of its command line, without the port and what follows.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) peer: &'static Peer,
    pub(crate) command: Vec<PathBuf>,
    pub(crate) version: String,
}

impl Peer {
    fn is_script(&self) -> bool {
        matches!(self.program, Program::Node(_) | Program::Bun(_))
    }

    /// Builds or installs it.
    pub(crate) fn prepare(&'static self, root: &Path) -> Result<Ready, String> {
        let scripts = root.join(SCRIPTS);
        let (command, version) = match self.program {
            Program::Floor => (vec![build(root, "server-floor")?], String::new()),
            Program::Cargo(package) => {
                (vec![build(root, package)?], locked_version(root, self.package))
            }
            Program::Node(script) => {
                let node = find("node").ok_or("node is not installed")?;
                // Without a package it is node itself.
                if !self.package.is_empty() {
                    install(&scripts)?;
                }
                (vec![node, scripts.join(script)], installed_version(&scripts, self.package))
            }
            Program::Bun(script) => {
                let bun = bun(&scripts)?;
                (vec![bun, scripts.join(script)], installed_version(&scripts, self.package))
            }
        };
        Ok(Ready { peer: self, command, version })
    }
}

/// One package at a time, so that none gets a feature of a dependency because another one wants it.
pub(crate) fn build(root: &Path, package: &str) -> Result<PathBuf, String> {
    println!("bench: building {package}");
    let manifest = ["--release", "--quiet", "--manifest-path", "bench/Cargo.toml", "-p", package];
    run(cargo(root, &[&["build"], manifest.as_slice()].concat()))?;
    let program = target(root).join("release").join(package);
    // The next package may build the same dependencies otherwise, but not this program.
    Ok(program)
}

/// The exact versions that `package-lock.json` names, unless they are there.
pub(crate) fn install(scripts: &Path) -> Result<(), String> {
    let changed = |path: &str| scripts.join(path).metadata().and_then(|data| data.modified()).ok();
    let there = changed("node_modules/.package-lock.json");
    if there.is_some() && there >= changed("package-lock.json") {
        return Ok(());
    }
    println!("bench: installing what runs in JavaScript");
    let npm = find("npm").ok_or("npm is not installed")?;
    let mut command = Command::new(npm);
    command.current_dir(scripts).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(command)
}

/// Bun as npm installs it, or else as it is on the search path.
pub(crate) fn bun(scripts: &Path) -> Result<PathBuf, String> {
    let installed = install(scripts);
    let candidates = [Some(scripts.join("node_modules/.bin/bun")), find("bun")];
    let works = |program: &PathBuf| {
        let mut command = Command::new(program);
        command.arg("--version");
        succeeds(command)
    };
    let found = candidates.into_iter().flatten().find(works);
    found.ok_or_else(|| match installed {
        Ok(()) => "npm installed no Bun that runs here, and there is none on the path".to_owned(),
        Err(reason) => format!("bun is not installed ({reason})"),
    })
}

/// The version of a package in the lock file of this workspace.
pub(crate) fn locked_version(root: &Path, package: &str) -> String {
    let lock = std::fs::read_to_string(root.join("bench/Cargo.lock")).unwrap_or_default();
    version_in_lock(&lock, package).to_owned()
}

pub(crate) fn version_in_lock<'t>(lock: &'t str, package: &str) -> &'t str {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next().and_then(|line| line.split('"').nth(1)).unwrap_or("")
}

pub(crate) fn installed_version(scripts: &Path, package: &str) -> String {
    let path = scripts.join("node_modules").join(package).join("package.json");
    let manifest = std::fs::read_to_string(path).unwrap_or_default();
    let line = manifest.lines().find_map(|line| line.trim().strip_prefix("\"version\":"));
    line.and_then(|line| line.split('"').nth(1)).unwrap_or("").to_owned()
}

const SCRIPTS: &str = "bench/servers/js";
