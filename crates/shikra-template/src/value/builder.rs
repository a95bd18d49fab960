//! A document in the making.
//!
//! A list or an object gets as much room as its type says that it needs, behind which lies what its
//! parts hold themselves. One that needs more moves to the end, into twice as much.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::ser;

use super::document::{Document, Node, Parts, Shape};

/// Why data could not be taken apart.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "one word, so that a result with a node is two")]
pub(super) struct Wrong(Box<String>);

impl Wrong {
    pub(super) fn new(message: String) -> Self {
        Self(Box::new(message))
    }

    pub(super) fn into_message(self) -> String {
        *self.0
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl ser::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

/// A document in the making.
pub(super) struct Builder {
    pub(super) parts: Parts,
}

/// The nodes of a list or an object that is not complete yet.
pub(super) struct Open {
    start: usize,
    pub(super) len: usize,
    room: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { parts: Parts::new() }
    }

    pub(super) fn into_document(self) -> Arc<Document> {
        Arc::new(Document::new(self.parts))
    }

    /// Fails if there are places that have no number of 32 bits.
    #[inline]
    pub(super) fn check_size(&self) -> Result<(), Wrong> {
        let Parts { nodes, keys, text, .. } = &self.parts;
        match u32::try_from(nodes.len() | keys.len() | text.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(Wrong::new("the data is too large".to_owned())),
        }
    }

    /// Adds what was written at the end of the text.
    #[inline]
    pub(super) fn text_from(&self, start: usize) -> Node {
        Node::Text { start: narrow(start), len: narrow(self.parts.text.len() - start) }
    }

    /// Makes room for a list or an object. What holds nothing has a place of its own all the same.
    #[inline]
    pub(super) fn open(&mut self, len: usize) -> Open {
        let (start, room) = (self.parts.nodes.len(), len.clamp(1, ROOM_MAX));
        self.parts.nodes.resize(start + room, Node::Null);
        Open { start, len: 0, room }
    }

    #[inline]
    pub(super) fn put(&mut self, open: &mut Open, node: Node) {
        if open.len == open.room {
            self.move_to_end(open);
        }
        if let Some(place) = self.parts.nodes.get_mut(open.start + open.len) {
            *place = node;
            open.len += 1;
        }
    }

    #[cold]
    fn move_to_end(&mut self, open: &mut Open) {
        let nodes = &mut self.parts.nodes;
        let start = nodes.len();
        nodes.extend_from_within(open.start..open.start + open.len);
        open.start = start;
        open.room *= 2;
        nodes.resize(start + open.room, Node::Null);
    }

    /// The place and the length of what is complete.
    #[inline]
    pub(super) fn close(&self, open: &Open) -> Result<(u32, u32), Wrong> {
        self.check_size()?;
        Ok((narrow(open.start), narrow(open.len)))
    }

    pub(super) fn close_keys(&mut self, mark: usize) -> u32 {
        let keys = narrow(self.parts.keys.len());
        self.parts.keys.extend_from_slice(&self.parts.open_keys[mark..]);
        self.parts.open_keys.truncate(mark);
        keys
    }

    /// Lets the last value of a name count, in the place of the first.
    pub(super) fn unite_names(&mut self, open: &mut Open, keys_mark: usize) {
        let parts = &self.parts;
        let names = &parts.open_keys[keys_mark..];
        let is_new = |at: usize| {
            let name = parts.key(&names[at]);
            names[..at].iter().all(|other| parts.key(other) != name)
        };
        if names.len() <= SCANNED_NAMES_MAX && (1..names.len()).all(is_new) {
            return;
        }
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(names.len());
        let mut kept = Vec::with_capacity(names.len());
        for (key, node) in names.iter().zip(&parts.nodes[open.start..]) {
            let place = *places.entry(parts.key(key)).or_insert(kept.len());
            match kept.get_mut(place) {
                Some((_, older)) => *older = *node,
                None => kept.push((*key, *node)),
            }
        }
        self.parts.open_keys.truncate(keys_mark);
        open.len = 0;
        for (key, node) in kept {
            self.parts.open_keys.push(key);
            self.put(open, node);
        }
    }

    pub(super) fn shape(&self, name: &'static str) -> Option<Shape> {
        let recent = self.parts.shapes.iter().rev().take(SHAPES_COMPARED_MAX);
        recent.into_iter().find(|shape| is_at(shape.name, name)).copied()
    }

    pub(super) fn keep_shape(&mut self, new: Shape) {
        let shapes = &mut self.parts.shapes;
        match shapes
            .iter_mut()
            .rev()
            .take(SHAPES_COMPARED_MAX)
            .find(|old| is_at(old.name, new.name))
        {
            Some(old) => *old = new,
            None => shapes.push(new),
        }
    }
}

/// Whether two literals are one: their text need not be compared.
pub(super) fn is_at(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b)
}

/// A place in a document. What becomes too large is found at the end of its list or object.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "`check_size` comes before any use")]
pub(super) const fn narrow(place: usize) -> u32 {
    place as u32
}

/// Structs of more types than this, one in another, copy their keys.
const SHAPES_COMPARED_MAX: usize = 8;

/// Objects with more names than this are checked for equal ones by a hash table.
const SCANNED_NAMES_MAX: usize = 12;

/// What a type claims about its length is believed up to here.
const ROOM_MAX: usize = 4_096;
