//! Paths without parameters, found by one look at the whole of them.
//!
//! A shortcut past the tree for the paths that applications are asked for most. It gives only what the tree
//! would; where it has nothing to say, the tree is searched.

use std::collections::HashMap;

use super::edges::Edges;
use super::params::Slot;
use super::path::{PathCase, PathView, Segments};
use super::table::{NONE, Table, Way, stage};

/// Paths, and the list of ends of each.
#[derive(Debug, Default)]
pub(super) struct WholePaths {
    /// A bit for each length that one of them has, modulo 64: most others are told apart by that.
    lens: u64,
    lists: Edges,
}

impl WholePaths {
    /// Takes all literal ways of a table; `edges` are its steps by literal text.
    pub(super) fn new(table: &Table, edges: &[(u32, Box<str>, u32)]) -> Self {
        if table.settings.path_case == PathCase::Insensitive {
            return Self::default();
        }
        let steps: HashMap<u32, &str> =
            edges.iter().map(|(_, text, child)| (*child, &**text)).collect();
        let mut lists = Vec::new();
        let mut lens = 0;
        for (node, at) in table.nodes.iter().zip(0..) {
            if node.exact != NONE
                && let Some(path) = literal_path(table, &steps, at)
                && leaves_all_out(table, node.exact)
            {
                lens |= len_bit(&path);
                lists.push((PARENT, path.into(), node.exact));
            }
        }
        Self { lens, lists: Edges::new(&lists) }
    }

    /// The list of ends of a path.
    #[inline(always)]
    pub(super) fn find(&self, path: PathView<'_>) -> Option<u32> {
        let raw = path.raw();
        if self.lens & len_bit(raw) == 0 || !path.is_plain() {
            return None;
        }
        self.lists.child(PARENT, raw.as_bytes())
    }
}

/// The path that leads to a node by literal text alone, as it must be sent to be compared as it is.
fn literal_path(table: &Table, steps: &HashMap<u32, &str>, node: u32) -> Option<String> {
    let mut wanted = Vec::new();
    let mut at = node;
    while at != 0 {
        let node = table.nodes.get(at as usize).filter(|node| node.stage == stage::STATIC)?;
        wanted.push(*steps.get(&at)?);
        at = node.parent;
    }
    wanted.reverse();
    let path = format!("/{}", wanted.join("/"));
    let view = PathView::new(&path);
    // Text may have slashes, and a slash at the end may count or not: only what is cut into the same
    // segments will do.
    let mut segments = Segments::default();
    segments.load(view, table.settings).ok()?;
    let key = segments.key_view(&path);
    let is_same = segments.count() == wanted.len()
        && wanted.iter().enumerate().all(|(index, text)| key.segment(index) == text.as_bytes());
    (view.is_plain() && is_same).then_some(path)
}

/// Whether all routes of a list leave out all of their parameters here.
fn leaves_all_out(table: &Table, list: u32) -> bool {
    let is_absent = |way: &Way| {
        let slots = table.slots.get(way.slots_start as usize..way.slots_end as usize);
        slots.is_some_and(|slots| slots.iter().all(|slot| *slot == Slot::Absent))
    };
    let ends = table.ends.iter().skip(list as usize);
    let mut has_ended = false;
    ends.take_while(|end| !std::mem::replace(&mut has_ended, end.is_last))
        .all(|end| table.ways.get(end.way as usize).is_some_and(is_absent))
}

#[inline]
fn len_bit(path: &str) -> u64 {
    1 << (path.len() % 64)
}

/// They have no parent: each is one text.
const PARENT: u32 = 0;
