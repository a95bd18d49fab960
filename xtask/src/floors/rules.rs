//! The rules. Each is a function from sources to violations, called from `judge`.

use std::collections::{BTreeMap, BTreeSet};

use super::house::{House, floor, is_below, room};
use super::source::{Reference, Role, Source};
use super::table::{self, Inside};
use super::{MAP, Violation};

/// Judges files, given as paths from the root with their texts.
pub(crate) fn judge(files: &[(String, String)]) -> Vec<Violation> {
    let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let sources: Vec<Source<'_>> = rust.map(|(path, text)| Source::parse(path, text)).collect();
    let house = House::new(files, &sources);
    let map = files.iter().find(|(path, _)| path == MAP).map(|(_, text)| text.as_str());

    let mut found = Vec::new();
    for source in &sources {
        rooms(&house, source, &mut found);
        file_length(source, &mut found);
        library_root(source, &mut found);
        tests_run_and_never_sleep(source, &mut found);
        loose_ends(source, &mut found);
    }
    unsafe_code(&sources, map, &mut found);
    cycles(&house, &sources, &mut found);
    found
}

fn violation(source: &Source<'_>, line: usize, rule: &'static str, message: String) -> Violation {
    Violation { path: source.path.to_owned(), line, rule, message }
}

/// A module uses what the table allows its room, and nothing else.
fn rooms(house: &House, source: &Source<'_>, found: &mut Vec<Violation>) {
    let (Some(folder), Some(module)) = (source.folder(), source.module()) else { return };
    let Some(top) = module.first().filter(|_| source.role == Role::Code) else { return };
    let here = floor(folder).and_then(|floor| Some((floor, room(floor, top)?)));
    let Some((floor, here)) = here else {
        let message = format!("`{top}` of {folder} stands in no room of xtask/src/floors/table.rs");
        found.push(violation(source, 1, "room", message));
        return;
    };
    let mut seen = BTreeSet::new();
    for reference in source.references.iter().filter(|reference| reference.role == Role::Code) {
        let Some(path) = house.resolve(source, reference) else { continue };
        let text = path.join("::");
        if !seen.insert((reference.line, text.clone())) {
            continue;
        }
        let only = table::ONLY_IN.iter().find(|(prefix, ..)| is_below(&path, prefix));
        let owned = only.filter(|(_, owner, room)| (*owner, *room) != (folder, here.name));
        if let Some((prefix, owner, room)) = owned {
            let message = format!("`{prefix}` belongs to the room `{room}` of {owner} alone");
            found.push(violation(source, reference.line, "room", message));
            continue;
        }
        let in_crate = path.first().is_some_and(|first| first == "crate");
        let target = path.get(1).filter(|_| in_crate);
        if target.is_some_and(|name| room(floor, name).is_some_and(|room| room.name == here.name)) {
            continue;
        }
        let allowed = here.may.iter().flat_map(|list| list.iter());
        let allowed = allowed.copied().any(|prefix| is_below(&path, prefix));
        let denied = here.never.iter().any(|prefix| is_below(&path, prefix));
        if !allowed || denied {
            let message = format!("the room `{}` of {folder} may not use `{text}`", here.name);
            found.push(violation(source, reference.line, "room", message));
        }
    }
    let clock = source.references.iter().find(|reference| {
        let end: Vec<&str> = reference.segments.iter().rev().take(2).map(String::as_str).collect();
        matches!(end.as_slice(), ["now", "SystemTime" | "Instant"])
    });
    if let Some(clock) = clock.filter(|_| table::CLOCKLESS.contains(&folder)) {
        let message = format!("{folder} reads no clock: the time is an argument");
        found.push(violation(source, clock.line, "room", message));
    }
}

/// A file that is too long holds two ideas.
fn file_length(source: &Source<'_>, found: &mut Vec<Violation>) {
    let max = table::FILE_LINES_MAX;
    if source.role == Role::Code && source.code_lines >= max {
        let lines = source.code_lines;
        let message = format!("{lines} lines without tests, a file stays under {max}");
        found.push(violation(source, lines, "length", message));
    }
}

/// `lib.rs` holds documentation, `mod` and `pub use`.
fn library_root(source: &Source<'_>, found: &mut Vec<Violation>) {
    if let Some(line) = source.beyond_exports.filter(|_| source.path.ends_with("/src/lib.rs")) {
        let message = "lib.rs holds documentation, `mod` and `pub use`, nothing else".to_owned();
        found.push(violation(source, line, "lib", message));
    }
}

fn tests_run_and_never_sleep(source: &Source<'_>, found: &mut Vec<Violation>) {
    for line in &source.ignored_tests {
        let message = "a test that is ignored proves nothing: mend it or remove it".to_owned();
        found.push(violation(source, *line, "ignore", message));
    }
    let listed = table::SLEEPERS.iter().any(|(path, _)| *path == source.path);
    let tests = source.references.iter().filter(|reference| reference.role == Role::Test);
    for reference in tests.filter(|reference| is_sleep(reference) && !listed) {
        let message = "no test sleeps: use virtual time, or list the file with a reason in \
                       xtask/src/floors/table.rs";
        found.push(violation(source, reference.line, "sleep", message.to_owned()));
    }
}

fn is_sleep(reference: &Reference) -> bool {
    let end: Vec<&str> = reference.segments.iter().rev().take(2).map(String::as_str).collect();
    matches!(end.as_slice(), ["sleep", "thread" | "time"] | ["sleep_until", "time"])
}

fn loose_ends(source: &Source<'_>, found: &mut Vec<Violation>) {
    for line in &source.loose_ends {
        let message = "a mark for later work names its issue: `#<number>`".to_owned();
        found.push(violation(source, *line, "issue", message));
    }
}

/// Unsafe code stands in the modules that the map lists between its two markers.
fn unsafe_code(sources: &[Source<'_>], map: Option<&str>, found: &mut Vec<Violation>) {
    let section = map.and_then(|map| map.split_once("<!-- floors:unsafe -->"));
    let list = section.and_then(|(_, rest)| rest.split_once("<!-- /floors:unsafe -->"));
    let Some((list, _)) = list else {
        let message = "the list of modules with unsafe code is missing, or one of its markers";
        let path = MAP.to_owned();
        found.push(Violation { path, line: 1, rule: "unsafe", message: message.to_owned() });
        return;
    };
    // Every second piece between backticks is a path; one that ends with `/` is a folder.
    let allowed: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    for source in sources {
        let is_listed = allowed.iter().any(|path| {
            source.path == *path || path.ends_with('/') && source.path.starts_with(path)
        });
        if let Some(line) = source.unsafe_lines.first().filter(|_| !is_listed) {
            let message = format!("unsafe code, but {MAP} does not list this module");
            found.push(violation(source, *line, "unsafe", message));
        }
    }
}

/// No room uses one that uses it. Modules of a room that is ordered inside count as rooms.
fn cycles(house: &House, sources: &[Source<'_>], found: &mut Vec<Violation>) {
    let mut edges: BTreeMap<Node, BTreeMap<Node, (String, usize)>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.role == Role::Code) {
        let (Some(folder), Some(module)) = (source.folder(), source.module()) else { continue };
        let Some(from) = module.first().map(|top| node(folder, top)) else { continue };
        for reference in source.references.iter().filter(|r| r.role == Role::Code) {
            let Some(path) = house.resolve(source, reference) else { continue };
            let [root, target, ..] = path.as_slice() else { continue };
            let to = node(folder, target);
            // A name that no module declares is a type, a glob or a mistake for the compiler.
            let is_module = house.has_module(folder, target);
            if root == "crate" && is_module && to != from {
                let place = (source.path.to_owned(), reference.line);
                edges.entry(from.clone()).or_default().entry(to).or_insert(place);
            }
        }
    }
    for group in tangles(&edges) {
        let mut ties = group.iter().flat_map(|from| {
            let targets = edges.get(from).into_iter().flatten();
            targets.filter(|(to, _)| group.contains(to)).map(move |(to, place)| (from, to, place))
        });
        let Some((_, _, (path, line))) = ties.clone().next() else { continue };
        let (path, line) = (path.clone(), *line);
        let ties: Vec<String> = ties
            .by_ref()
            .map(|(from, to, (path, line))| format!("{} uses {} ({path}:{line})", from.1, to.1))
            .collect();
        let message = format!("rooms use each other in a circle: {}", ties.join(", "));
        found.push(Violation { path, line, rule: "cycle", message });
    }
}

/// A crate's folder and a room, or a module where order counts inside the room.
type Node = (String, String);

fn node(folder: &str, module: &str) -> Node {
    let room = floor(folder).and_then(|floor| room(floor, module));
    let name = room.filter(|room| room.inside == Inside::Freely).map_or(module, |room| room.name);
    (folder.to_owned(), name.to_owned())
}

/// The groups of two or more nodes that all reach each other.
fn tangles<E>(edges: &BTreeMap<Node, BTreeMap<Node, E>>) -> Vec<BTreeSet<&Node>> {
    let mut groups = Vec::new();
    let mut placed = BTreeSet::new();
    for node in edges.keys() {
        if placed.contains(node) {
            continue;
        }
        let mutual = reached(edges, node).into_iter().filter(|n| reached(edges, n).contains(node));
        let group: BTreeSet<&Node> = mutual.collect();
        if group.len() > 1 {
            placed.extend(group.iter().copied());
            groups.push(group);
        }
    }
    groups
}

fn reached<'e, E>(edges: &'e BTreeMap<Node, BTreeMap<Node, E>>, from: &Node) -> BTreeSet<&'e Node> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(node) = next.pop() {
        for to in edges.get(node).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(to) {
                next.push(to);
            }
        }
    }
    seen
}
