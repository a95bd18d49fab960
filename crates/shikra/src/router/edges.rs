//! From a node and the text of a segment to the next node: one hash table for the whole router.
//!
//! One table costs the same at ten children and at ten thousand, and its entries hold the text of
//! short segments, so that a step touches one cache line. Keys are the program's own, which is why
//! the hash has no seed: a client chooses only what is looked up, and a probe ends at the first
//! free place, of which there are at least as many as taken ones.

/// A child by literal text.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// The first bytes of the text, all of it up to eight.
    head: u64,
    /// The last eight bytes of a longer text: with `head` all of it up to sixteen.
    tail: u64,
    parent: u32,
    len: u32,
    /// Where the text begins in the arena.
    text: u32,
    child: u32,
}

#[derive(Debug, Default)]
pub(super) struct Edges {
    places: Vec<Edge>,
    /// The texts of all edges, end to end.
    arena: Vec<u8>,
}

impl Edges {
    pub(super) fn new(edges: &[(u32, Box<str>, u32)]) -> Self {
        let len = (edges.len() * 2).next_power_of_two();
        let mut table = Self { places: vec![FREE; len], arena: Vec::new() };
        for (parent, text, child) in edges {
            table.put(*parent, text.as_bytes(), *child);
        }
        table
    }

    #[inline(always)]
    pub(super) fn child(&self, parent: u32, text: &[u8]) -> Option<u32> {
        let (head, tail) = (head(text), tail(text));
        let is_same = |edge: &Edge| {
            let start = edge.text as usize;
            text.len() <= 16 || self.arena.get(start..start + text.len()) == Some(text)
        };
        self.seek(hash(parent, text, head, tail), (parent, text.len(), head, tail), is_same)
    }

    /// The same for up to eight bytes, which [`head`] holds.
    #[inline(always)]
    pub(super) fn short_child(&self, parent: u32, len: usize, head: u64) -> Option<u32> {
        self.seek(hash_short(parent, len, head, 0), (parent, len, head, 0), |_| true)
    }

    #[inline(always)]
    fn seek(
        &self,
        hash: u64,
        (parent, len, head, tail): (u32, usize, u64, u64),
        is_same: impl Fn(&Edge) -> bool,
    ) -> Option<u32> {
        let mut at = place(hash);
        loop {
            let edge = self.places.get(at & (self.places.len() - 1))?;
            let is_close = edge.head == head && edge.tail == tail;
            if is_close && edge.parent == parent && edge.len as usize == len && is_same(edge) {
                return (edge.child != FREE.child).then_some(edge.child);
            }
            if edge.child == FREE.child {
                return None;
            }
            at = at.wrapping_add(1);
        }
    }

    fn put(&mut self, parent: u32, text: &[u8], child: u32) {
        let (head, tail) = (head(text), tail(text));
        let mask = self.places.len() - 1;
        let mut at = place(hash(parent, text, head, tail)) & mask;
        while self.places[at].child != FREE.child {
            at = (at + 1) & mask;
        }
        let start = u32::try_from(self.arena.len()).expect("patterns have less than 4 GiB");
        let len = u32::try_from(text.len()).expect("a pattern has at most 2048 bytes");
        self.places[at] = Edge { head, tail, parent, len, text: start, child };
        self.arena.extend_from_slice(text);
    }
}

/// The first eight bytes of a text, the first lowest, with zeros behind a shorter one.
#[inline]
pub(super) fn head(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        // Where both have a byte it is the same.
        let last = u64::from(u32::from_le_bytes(*last)) << (8 * (text.len() - 4));
        return u64::from(u32::from_le_bytes(*first)) | last;
    }
    match *text {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a, b, c, ..] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
    }
}

/// The last eight bytes of a text that has more.
#[inline]
fn tail(text: &[u8]) -> u64 {
    match text.last_chunk() {
        Some(bytes) if text.len() > 8 => u64::from_le_bytes(*bytes),
        _ => 0,
    }
}

/// Folds the text, its length and the parent by 128-bit products: one for most texts.
#[inline]
fn hash(parent: u32, text: &[u8], head: u64, tail: u64) -> u64 {
    let mut hash = hash_short(parent, text.len(), head, tail);
    if text.len() > 16 {
        for word in text[8..text.len() - 8].chunks(8) {
            hash = fold(hash ^ self::head(word), SEEDS[2]);
        }
    }
    hash
}

/// The same for a text of up to sixteen bytes.
#[inline]
fn hash_short(parent: u32, len: usize, head: u64, tail: u64) -> u64 {
    let place = u64::from(parent) << 32 | len as u64;
    fold(head ^ SEEDS[0], tail ^ place ^ SEEDS[1])
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // any bits of the product will do
fn place(hash: u64) -> usize {
    hash as usize
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // the halves are taken on purpose
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Odd digits of pi: nothing up the sleeve.
const SEEDS: [u64; 3] = [0x2438_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

const FREE: Edge = Edge { head: 0, tail: 0, parent: u32::MAX, len: 0, text: 0, child: u32::MAX };
