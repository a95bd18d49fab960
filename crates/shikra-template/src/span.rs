//! Stretches of a template's text.

/// A stretch of the source, in bytes. Sources are limited to far less than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: narrow(start), end: narrow(end) }
    }

    pub(crate) fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    pub(crate) fn of(self, source: &str) -> &str {
        &source[self.start as usize..self.end as usize]
    }
}

/// Narrows an offset or a count of something that the limit on sources keeps small.
pub(crate) fn narrow(n: usize) -> u32 {
    u32::try_from(n).expect("a source has at most SOURCE_BYTES_MAX bytes")
}

/// A mistake in a template's text, before it has a template name.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) at: u32,
}

impl Mistake {
    pub(crate) fn new(at: u32, message: impl Into<String>) -> Self {
        Self { message: message.into(), at }
    }
}
