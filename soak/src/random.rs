//! Numbers that look random and are the same for the same seed.

/// SplitMix64: small, and good enough to choose among actions.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for each pair of numbers.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut first = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        Self(first.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A length from `least` to `most`.
    pub(crate) fn len(&mut self, least: usize, most: usize) -> usize {
        let choices = u64::try_from(most - least).unwrap_or(u64::MAX - 1) + 1;
        // Fits: it is less than the number of lengths.
        least + usize::try_from(self.below(choices)).unwrap_or_default()
    }

    /// Whether the coin falls so, in `percent` of all cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.flatten().take(len).collect()
    }
}

/// FNV-1a: what a body is compared by.
pub(crate) fn hash(bytes: &[u8], before: u64) -> u64 {
    bytes.iter().fold(before, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The hash of no bytes.
pub(crate) const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

#[cfg(test)]
mod tests {
    use super::{HASH_START, Random, hash};

    #[test]
    fn a_seed_gives_one_sequence() {
        let take = |seed, stream| Random::new(seed, stream).bytes(100);
        assert_eq!(take(1, 2), take(1, 2));
        assert_ne!(take(1, 2), take(1, 3));
        assert_ne!(take(1, 2), take(2, 2));
    }

    #[test]
    fn a_hash_goes_on_where_it_stopped() {
        let bytes = Random::new(1, 1).bytes(100);
        let (start, end) = bytes.split_at(33);
        assert_eq!(hash(end, hash(start, HASH_START)), hash(&bytes, HASH_START));
        assert_eq!(hash(b"a", HASH_START), 0xaf63_dc4c_8601_ec8c);
    }
}
