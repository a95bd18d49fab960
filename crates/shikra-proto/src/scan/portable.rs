//! Sixteen bytes, one after another: for other processors, and the twin of `sse2` in the tests.

/// Sixteen bytes. Each answer has a bit for each byte, the first byte's the lowest.
#[derive(Clone, Copy)]
pub(crate) struct Block([u8; 16]);

impl Block {
    #[inline]
    pub(crate) fn new(bytes: &[u8; 16]) -> Self {
        Self(*bytes)
    }

    /// The bytes that are `byte`.
    #[inline]
    pub(crate) fn equal(self, byte: u8) -> u32 {
        self.bits(|other| other == byte)
    }

    /// The control bytes that no field value may have: all but HTAB.
    #[inline]
    pub(crate) fn controls(self) -> u32 {
        self.bits(super::is_control)
    }

    /// All but printable ASCII: control bytes, and those above.
    #[inline]
    pub(crate) fn stops(self) -> u32 {
        self.bits(|byte| !(b' '..=b'~').contains(&byte))
    }

    /// Letters and hyphens.
    #[inline]
    pub(crate) fn words(self) -> u32 {
        self.bits(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    }

    /// Letters, digits, hyphens and dots.
    #[inline]
    pub(crate) fn host_bytes(self) -> u32 {
        self.bits(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    }

    /// The bytes of a path that are neither per cent signs nor rare.
    #[inline]
    pub(crate) fn path_bytes(self) -> u32 {
        self.bits(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'&'..=b';' | b'_'))
    }

    /// The bytes that are the same as in `lower`, when those that `small` marks are made small first.
    #[inline]
    pub(crate) fn same(self, lower: &[u8; 16], small: &[u8; 16]) -> u32 {
        let pairs = self.0.iter().zip(small).zip(lower);
        pairs
            .rev()
            .fold(0, |bits, ((byte, small), lower)| bits << 1 | u32::from(byte | small == *lower))
    }

    #[inline]
    fn bits(self, picks: impl Fn(u8) -> bool) -> u32 {
        self.0.iter().rev().fold(0, |bits, &byte| bits << 1 | u32::from(picks(byte)))
    }
}
