//! Shortens pages.

/// Says how pages are shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Minify {
    /// HTML.
    Html,
}

pub(crate) struct Minifier;

impl Minifier {
    pub(crate) fn new(_: Minify) -> Self {
        Self
    }

    pub(crate) fn push(&mut self, text: &str, out: &mut String) {
        out.push_str(text);
    }

    pub(crate) fn finish(&mut self, _: &mut String) {}
}
