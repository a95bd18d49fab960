//! Sixteen bytes in one register: SSE2, which every x86-64 has.
//!
//! The instructions are `unsafe` only because a processor might lack them; none of them takes a pointer. Its safe
//! twin is `portable`, which in its place costs these instructions a request (gate): plaintext 3,589 instead of
//! 2,700, browser 10,202 instead of 4,592, params 12,078 instead of 6,352. Eight bytes a step in plain words cost
//! browser 6,493 where this cost 5,340.

use std::arch::x86_64 as cpu;

/// Sixteen bytes. Each answer has a bit for each byte, the first byte's the lowest.
#[derive(Clone, Copy)]
pub(crate) struct Block(cpu::__m128i);

impl Block {
    #[inline]
    pub(crate) fn new(bytes: &[u8; 16]) -> Self {
        Self(load(bytes))
    }

    /// The bytes that are `byte`.
    #[inline]
    pub(crate) fn equal(self, byte: u8) -> u32 {
        bits(self.is(byte))
    }

    /// The control bytes that no field value may have: all but HTAB.
    #[inline]
    pub(crate) fn controls(self) -> u32 {
        let low = self.is_in(0, 0x1f);
        bits(or(and_not(self.is(b'\t'), low), self.is(0x7f)))
    }

    /// All but printable ASCII: control bytes, and those above.
    #[inline]
    pub(crate) fn stops(self) -> u32 {
        // One more, and all of them are below 0x21, with a sign.
        bits(greater(all(0x21), minus(self.0, all(0xff))))
    }

    /// Letters and hyphens.
    #[inline]
    pub(crate) fn words(self) -> u32 {
        bits(or(self.is_letter(), self.is(b'-')))
    }

    /// Letters, digits, hyphens and dots.
    #[inline]
    pub(crate) fn host_bytes(self) -> u32 {
        let low = and_not(self.is(b'/'), self.is_in(b'-', b'9'));
        bits(or(self.is_letter(), low))
    }

    /// The bytes of a path that are neither per cent signs nor rare.
    #[inline]
    pub(crate) fn path_bytes(self) -> u32 {
        let low = self.is_in(b'&', b';');
        let high = or(self.is_letter(), self.is(b'_'));
        bits(or(low, high))
    }

    /// The bytes that are the same as in `lower`, when those that `small` marks are made small first.
    #[inline]
    pub(crate) fn same(self, lower: &[u8; 16], small: &[u8; 16]) -> u32 {
        bits(equal(or(self.0, Self::new(small).0), Self::new(lower).0))
    }

    #[inline]
    fn is(self, byte: u8) -> cpu::__m128i {
        equal(self.0, all(byte))
    }

    #[inline]
    fn is_in(self, first: u8, last: u8) -> cpu::__m128i {
        let from_first = minus(self.0, all(first));
        equal(min(from_first, all(last - first)), from_first)
    }

    #[inline]
    fn is_letter(self) -> cpu::__m128i {
        Self(or(self.0, all(0x20))).is_in(b'a', b'z')
    }
}

#[inline]
fn load(bytes: &[u8; 16]) -> cpu::__m128i {
    let (words, _) = bytes.as_chunks::<8>();
    let [low, high] = [words.first(), words.last()]
        .map(|word| i64::from_le_bytes(word.copied().unwrap_or_default()));
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_set_epi64x(high, low)
    }
}

#[inline]
fn all(byte: u8) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_set1_epi8(byte.cast_signed())
    }
}

#[inline]
fn equal(a: cpu::__m128i, b: cpu::__m128i) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_cmpeq_epi8(a, b)
    }
}

#[inline]
fn min(a: cpu::__m128i, b: cpu::__m128i) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_min_epu8(a, b)
    }
}

#[inline]
fn minus(a: cpu::__m128i, b: cpu::__m128i) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_sub_epi8(a, b)
    }
}

/// With a sign.
#[inline]
fn greater(a: cpu::__m128i, b: cpu::__m128i) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_cmpgt_epi8(a, b)
    }
}

#[inline]
fn or(a: cpu::__m128i, b: cpu::__m128i) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_or_si128(a, b)
    }
}

#[inline]
fn and_not(not: cpu::__m128i, b: cpu::__m128i) -> cpu::__m128i {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    unsafe {
        cpu::_mm_andnot_si128(not, b)
    }
}

/// The top bit of each byte; there are sixteen.
#[inline]
fn bits(marks: cpu::__m128i) -> u32 {
    // SAFETY: SSE2 is part of x86-64, for which alone this module is compiled.
    #[allow(unsafe_code)]
    let bits = unsafe { cpu::_mm_movemask_epi8(marks) };
    bits.cast_unsigned()
}
