//! Objects: names and values in the order in which they were put in.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Value;
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
pub struct Object {
    entries: Vec<(Text, Value)>,
    // Only objects with many names pay for a hash table: a few are found faster by looking along.
    // It is counted, since clones of an object are mostly read.
    index: Option<Arc<HashMap<Text, usize>>>,
}

impl Object {
    /// Makes an empty object.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new(), index: None }
    }

    /// Makes an empty object with room for `count` names.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { entries: Vec::with_capacity(count), index: None }
    }

    /// Binds a name to a value, and gives back the value that it had before.
    pub fn insert(&mut self, name: impl Into<Text>, value: impl Into<Value>) -> Option<Value> {
        self.insert_value(name.into(), value.into())
    }

    /// Gives the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|at| &self.entries[at].1)
    }

    /// Gives the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Walks names and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// The value of a name that was last seen at some place. Objects of a list mostly have the same
    /// names in the same order, so the first look is nearly always right.
    #[inline]
    pub(crate) fn get_near(&self, name: &str, hint: &Hint) -> Option<&Value> {
        let at = hint.0.load(Ordering::Relaxed) as usize;
        match self.entries.get(at) {
            Some((other, value)) if is_same(other, name) => Some(value),
            _ => self.get_far(name, hint),
        }
    }

    #[inline(never)]
    fn get_far(&self, name: &str, hint: &Hint) -> Option<&Value> {
        let at = self.position(name)?;
        hint.0.store(u32::try_from(at).unwrap_or(u32::MAX), Ordering::Relaxed);
        Some(&self.entries[at].1)
    }

    pub(crate) fn entry(&self, at: usize) -> Option<&(Text, Value)> {
        self.entries.get(at)
    }

    pub(crate) fn insert_value(&mut self, name: Text, value: Value) -> Option<Value> {
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

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.entries.iter().position(|(other, _)| is_same(other, name)),
        }
    }
}

/// Where a name was found last. Only a guess: threads that share it may overwrite each other's.
#[derive(Debug, Default)]
pub(crate) struct Hint(AtomicU32);

/// Compares names, which are short, without a call.
#[inline]
fn is_same(a: &str, b: &str) -> bool {
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
        self.entries == other.entries
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
