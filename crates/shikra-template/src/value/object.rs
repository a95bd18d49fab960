//! Objects: names and values in the order in which they were put in.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::document::{Document, Run};
use super::{Ref, Value};
use crate::text::Text;

/// Holds names and values, and keeps the order in which the names were first put in.
///
/// ```
/// use shikra_template::{Object, Value};
///
/// let mut totals = Object::new();
/// totals.insert("zeta", 1);
/// totals.insert("alpha", 2);
/// totals.insert("zeta", 3); // a new value, the old place
/// let names: Vec<_> = totals.iter().map(|(name, _)| name.as_str()).collect();
/// assert_eq!(names, ["zeta", "alpha"]);
/// assert_eq!(totals.get("zeta"), Some(&Value::Int(3)));
/// ```
#[derive(Clone, Default)]
pub struct Object(Repr);

#[derive(Clone)]
enum Repr {
    Own(Entries),
    Part(Part),
}

#[derive(Clone, Default)]
struct Entries {
    entries: Vec<(Text, Value)>,
    // Only objects with many names pay for a hash table: a few are found faster by looking along.
    // It is counted, since clones of an object are mostly read.
    index: Option<Arc<HashMap<Text, usize>>>,
}

/// An object of a document. It gets entries of its own when the program asks for them.
#[derive(Clone)]
struct Part {
    document: Arc<Document>,
    run: Run,
    entries: OnceLock<Box<Entries>>,
}

impl Object {
    /// Makes an empty object.
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::Own(Entries { entries: Vec::new(), index: None }))
    }

    /// Makes an empty object with room for `count` names.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self(Repr::Own(Entries { entries: Vec::with_capacity(count), index: None }))
    }

    /// Makes an object that is a part of a document.
    #[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "documents are serialized data"))]
    pub(crate) fn part(document: Arc<Document>, run: Run) -> Self {
        Self(Repr::Part(Part { document, run, entries: OnceLock::new() }))
    }

    /// Binds a name to a value, and gives back the value that it had before.
    pub fn insert(&mut self, name: impl Into<Text>, value: impl Into<Value>) -> Option<Value> {
        self.insert_value(name.into(), value.into())
    }

    /// Gives the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let entries = self.entries();
        entries.position(name).map(|at| &entries.entries[at].1)
    }

    /// Gives the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Own(own) => own.entries.len(),
            Repr::Part(part) => part.run.len as usize,
        }
    }

    /// Says whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Walks names and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries().entries.iter().map(|(name, value)| (name, value))
    }

    /// The value of a name that was last seen at some place. Objects of a list mostly have the same
    /// names in the same order, so the first look is nearly always right.
    #[inline]
    pub(crate) fn get_near(&self, name: &str, hint: &Hint) -> Option<Ref<'_>> {
        let own = match &self.0 {
            Repr::Own(own) => own,
            Repr::Part(part) => return part.get_near(name, hint),
        };
        match own.entries.get(hint.get() as usize) {
            Some((other, value)) if is_same(other, name) => Some(Ref::Value(value)),
            _ => own.get_far(name, hint).map(Ref::Value),
        }
    }

    /// The value of a name, where it lies.
    pub(crate) fn find(&self, name: &str) -> Option<Ref<'_>> {
        self.position(name).and_then(|at| self.value_at(at))
    }

    /// The value of the entry at a place.
    #[inline]
    pub(crate) fn value_at(&self, at: usize) -> Option<Ref<'_>> {
        match &self.0 {
            Repr::Own(own) => own.entries.get(at).map(|(_, value)| Ref::Value(value)),
            Repr::Part(part) => {
                let node = part.document.nodes(part.run.start, part.run.len).get(at)?;
                Some(Ref::Node(&part.document, node))
            }
        }
    }

    /// The name of the entry at a place.
    #[inline]
    pub(crate) fn name_at(&self, at: usize) -> Option<&str> {
        match &self.0 {
            Repr::Own(own) => own.entries.get(at).map(|(name, _)| name.as_str()),
            Repr::Part(part) if at < part.run.len as usize => {
                Some(part.document.name(part.run.keys, at))
            }
            Repr::Part(_) => None,
        }
    }

    /// The same as text of its own.
    pub(crate) fn name_text_at(&self, at: usize) -> Option<Text> {
        match &self.0 {
            Repr::Own(own) => own.entries.get(at).map(|(name, _)| name.clone()),
            Repr::Part(part) if at < part.run.len as usize => {
                Some(part.document.name_text(part.run.keys, at))
            }
            Repr::Part(_) => None,
        }
    }

    pub(crate) fn insert_value(&mut self, name: Text, value: Value) -> Option<Value> {
        if let Repr::Part(part) = &self.0 {
            self.0 = Repr::Own(part.entries().clone());
        }
        match &mut self.0 {
            Repr::Own(own) => own.insert(name, value),
            Repr::Part(_) => None,
        }
    }

    /// Where a name is that was last seen at some place.
    #[inline]
    pub(crate) fn position_near(&self, name: &str, hint: &Hint) -> Option<usize> {
        let at = hint.get() as usize;
        if self.name_at(at).is_some_and(|other| is_same(other, name)) {
            return Some(at);
        }
        let at = self.position(name)?;
        hint.set(at);
        Some(at)
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        match &self.0 {
            Repr::Own(own) => own.position(name),
            Repr::Part(part) => part.document.position(part.run, name),
        }
    }

    fn entries(&self) -> &Entries {
        match &self.0 {
            Repr::Own(own) => own,
            Repr::Part(part) => part.entries(),
        }
    }
}

impl Default for Repr {
    fn default() -> Self {
        Self::Own(Entries::default())
    }
}

impl Entries {
    fn insert(&mut self, name: Text, value: Value) -> Option<Value> {
        if let Some(at) = self.position(&name) {
            return Some(std::mem::replace(&mut self.entries[at].1, value));
        }
        if let Some(index) = &mut self.index {
            Arc::make_mut(index).insert(name.clone(), self.entries.len());
        }
        self.entries.push((name, value));
        if self.index.is_none() && self.entries.len() > SCANNED_NAMES_MAX {
            let names = self.entries.iter().enumerate();
            self.index = Some(Arc::new(names.map(|(at, (name, _))| (name.clone(), at)).collect()));
        }
        None
    }

    #[inline(never)]
    fn get_far(&self, name: &str, hint: &Hint) -> Option<&Value> {
        let at = self.position(name)?;
        hint.set(at);
        Some(&self.entries[at].1)
    }

    fn position(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.entries.iter().position(|(other, _)| is_same(other, name)),
        }
    }
}

impl Part {
    #[inline]
    fn get_near(&self, name: &str, hint: &Hint) -> Option<Ref<'_>> {
        let node = self.document.get_near(self.run, name, hint)?;
        Some(Ref::Node(&self.document, node))
    }

    fn entries(&self) -> &Entries {
        self.entries.get_or_init(|| {
            let Run { keys, start, len } = self.run;
            let mut entries = Entries::default();
            entries.entries.reserve(len as usize);
            for (at, node) in self.document.nodes(start, len).iter().enumerate() {
                entries.insert(self.document.name_text(keys, at), self.document.value(node));
            }
            Box::new(entries)
        })
    }
}

/// Where a name was found last. Only a guess: threads that share it may overwrite each other's.
#[derive(Debug, Default)]
pub(crate) struct Hint(AtomicU32);

impl Hint {
    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, at: usize) {
        self.0.store(u32::try_from(at).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// Compares names, which are short, without a call.
#[inline]
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0..4 => a.iter().zip(b).all(|(a, b)| a == b),
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.entries().entries == other.entries().entries
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: Into<Text>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut object = Self::new();
        object.extend(entries);
        object
    }
}

impl<N: Into<Text>, V: Into<Value>> Extend<(N, V)> for Object {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, entries: I) {
        for (name, value) in entries {
            self.insert_value(name.into(), value.into());
        }
    }
}

const SCANNED_NAMES_MAX: usize = 12;
