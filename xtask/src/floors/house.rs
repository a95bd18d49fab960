//! Which module stands in which room, and where a path in the text leads.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Reference, Source};
use super::table::{ANY, FLOORS, Floor, Room};
use crate::manifest;

/// One crate below `crates/`.
#[derive(Debug, Default)]
pub(crate) struct Member {
    /// Names of dependencies, as they stand in paths.
    dependencies: BTreeSet<String>,
    /// Top-level modules.
    modules: BTreeSet<String>,
    /// Names in the crate's root and what they stand for, beginning with `crate` or a dependency.
    exports: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct House {
    /// By the crate's name in paths.
    members: BTreeMap<String, Member>,
}

impl House {
    pub(crate) fn new(files: &[(String, String)], sources: &[Source<'_>]) -> Self {
        let mut members: BTreeMap<String, Member> = BTreeMap::new();
        for (path, text) in files {
            let folder = path.strip_prefix("crates/").and_then(|p| p.strip_suffix("/Cargo.toml"));
            if let Some(folder) = folder {
                let names = manifest::keys(text, "dependencies").into_iter().map(in_paths);
                members.entry(in_paths(folder)).or_default().dependencies.extend(names);
            }
        }
        for source in sources {
            let (Some(folder), Some(module)) = (source.folder(), source.module()) else { continue };
            let member = members.entry(in_paths(folder)).or_default();
            match module.first() {
                Some(top) => {
                    member.modules.insert((*top).to_owned());
                    for name in &source.macros {
                        let target = vec!["crate".to_owned(), (*top).to_owned(), name.clone()];
                        member.exports.insert(name.clone(), target);
                    }
                }
                None => member.modules.extend(source.modules.iter().cloned()),
            }
        }
        for source in sources.iter().filter(|source| source.path.ends_with("/src/lib.rs")) {
            let Some(member) = source.folder().and_then(|f| members.get_mut(&in_paths(f))) else {
                continue;
            };
            for export in &source.exports {
                let mut target = export.segments.clone();
                match target.first().map(String::as_str) {
                    Some("crate") => {}
                    Some("self") => target[0] = "crate".to_owned(),
                    Some("") => {
                        target.remove(0);
                    }
                    Some(first) if member.modules.contains(first) => {
                        target.insert(0, "crate".to_owned());
                    }
                    _ => {}
                }
                member.exports.insert(export.name.clone(), target);
            }
        }
        Self { members }
    }

    /// Where a reference leads: a path that begins with `crate`, a dependency or the library, or
    /// `None` for what is local or not a path between modules at all.
    pub(crate) fn resolve(
        &self,
        source: &Source<'_>,
        reference: &Reference,
    ) -> Option<Vec<String>> {
        let member = self.members.get(&in_paths(source.folder()?))?;
        let written = &reference.segments;
        let mut module: Vec<String> = source.module()?.into_iter().map(str::to_owned).collect();
        module.extend(reference.inside.iter().cloned());
        let target = match written.first()?.as_str() {
            "crate" => written.clone(),
            "super" => {
                let up = written.iter().take_while(|segment| *segment == "super").count();
                module.truncate(module.len().saturating_sub(up));
                let below = &written[up..];
                let root = std::iter::once("crate".to_owned());
                root.chain(module).chain(below.iter().cloned()).collect()
            }
            "" => written[1..].to_vec(),
            "std" | "core" | "alloc" => written.clone(),
            // A module of this file hides a crate of the same name.
            first if source.modules.iter().any(|module| module == first) => return None,
            first if member.dependencies.contains(first) => written.clone(),
            _ => return None,
        };
        Some(self.behind_exports(member, target))
    }

    /// Whether the crate in this folder has a top-level module of this name.
    pub(crate) fn has_module(&self, folder: &str, name: &str) -> bool {
        self.members.get(&in_paths(folder)).is_some_and(|member| member.modules.contains(name))
    }

    /// Follows a name in the root of a crate of ours to the module it comes from.
    fn behind_exports(&self, here: &Member, path: Vec<String>) -> Vec<String> {
        let (Some(first), Some(second)) = (path.first(), path.get(1)) else { return path };
        let member = if first == "crate" { Some(here) } else { self.members.get(first) };
        let Some(member) = member.filter(|member| !member.modules.contains(second)) else {
            return path;
        };
        let Some(target) = member.exports.get(second) else { return path };
        let target = if target[0] == "crate" {
            let root = std::iter::once(first.clone());
            root.chain(target[1..].iter().cloned()).collect::<Vec<_>>()
        } else {
            target.clone()
        };
        target.into_iter().chain(path[2..].iter().cloned()).collect()
    }
}

/// The floor of a crate, by its folder.
pub(crate) fn floor(folder: &str) -> Option<&'static Floor> {
    FLOORS.iter().find(|floor| floor.folder == folder)
}

/// The room of a top-level module.
pub(crate) fn room(floor: &'static Floor, module: &str) -> Option<&'static Room> {
    let named = floor.rooms.iter().find(|room| room.modules.contains(&module));
    named.or_else(|| floor.rooms.iter().find(|room| room.modules.contains(&ANY)))
}

/// Whether `path` is `prefix` or stands below it.
pub(crate) fn is_below(path: &[String], prefix: &str) -> bool {
    let mut segments = path.iter();
    prefix.split("::").all(|part| segments.next().is_some_and(|segment| segment == part))
}

fn in_paths(name: &str) -> String {
    name.replace('-', "_")
}
