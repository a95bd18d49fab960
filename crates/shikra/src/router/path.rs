//! Request paths, cut into segments and brought into the form in which they are compared.

use percent_encoding::percent_decode_str;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::pattern::{PATTERN_SEGMENTS_MAX, Slash};

/// Whether literal text in patterns distinguishes upper and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathCase {
    /// `/users` is not `/Users` (RFC 9110 §4.2.3). The default.
    #[default]
    Sensitive,
    /// `/users` is `/Users`; values of parameters keep their case.
    Insensitive,
}

/// What one slash at the end of a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailingSlash {
    /// `/users/` is `/users`. The default.
    #[default]
    Ignore,
    /// `/users/` and `/users` are two paths.
    Strict,
    /// The form that was not registered is redirected to the one that was.
    Redirect,
}

/// How a table compares paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Settings {
    /// Whether case counts.
    pub path_case: PathCase,
    /// What a trailing slash means.
    pub trailing_slash: TrailingSlash,
}

impl Settings {
    /// Compares with case and ignores one trailing slash.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether case counts.
    #[must_use]
    pub fn with_path_case(mut self, path_case: PathCase) -> Self {
        self.path_case = path_case;
        self
    }

    /// Sets what a trailing slash means.
    #[must_use]
    pub fn with_trailing_slash(mut self, trailing_slash: TrailingSlash) -> Self {
        self.trailing_slash = trailing_slash;
        self
    }
}

/// The path of a request as it was sent, without the query.
#[derive(Debug, Clone, Copy)]
pub struct PathView<'p> {
    raw: &'p str,
    plain: bool,
}

impl<'p> PathView<'p> {
    /// Looks through the path to find out whether it must be decoded.
    pub fn new(raw: &'p str) -> Self {
        Self { raw, plain: raw.bytes().all(|byte| byte.is_ascii() && byte != b'%') }
    }

    /// Takes a path that the decoder of the head has already seen to be ASCII without `%`.
    ///
    /// Such a path is compared as it is. Said of any other it is compared without decoding, so
    /// only what has looked at every byte may say it.
    pub fn known_plain(raw: &'p str) -> Self {
        debug_assert!(Self::new(raw).plain, "the path is not plain: {raw:?}");
        Self { raw, plain: true }
    }

    /// Whether the text is compared as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    /// The text as it was sent.
    pub fn raw(&self) -> &'p str {
        self.raw
    }
}

impl<'p> From<&'p str> for PathView<'p> {
    fn from(raw: &'p str) -> Self {
        Self::new(raw)
    }
}

/// Why a path has no segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathProblem {
    /// It does not begin with a slash, such as the target `*`, or has 4 GiB.
    NotRooted,
    /// A malformed triplet, or text that is not UTF-8.
    Encoding,
}

/// One path, cut at its slashes, in up to three spellings. Reused from request to request.
///
/// | spelling | for | stored |
/// |---|---|---|
/// | raw | values as they were sent | nowhere, the starts point into the path |
/// | text | values, text around values | in `text`, or nowhere if the path is plain |
/// | key | comparing literal segments | in `key` where case is ignored, else it is the text |
#[derive(Debug)]
pub(super) struct Segments {
    count: usize,
    slash: Slash,
    /// The first `count + 1` count; in place, so that cutting checks no capacity.
    raw_starts: [u32; SEGMENTS_MAX + 1],
    text_form: Form,
    text: Spelling,
    key_form: Form,
    key: Spelling,
    bytes: Vec<u8>,
}

impl Default for Segments {
    fn default() -> Self {
        Self {
            count: 0,
            slash: Slash::default(),
            raw_starts: [1; SEGMENTS_MAX + 1],
            text_form: Form::default(),
            text: Spelling::default(),
            key_form: Form::default(),
            key: Spelling::default(),
            bytes: Vec::new(),
        }
    }
}

impl Segments {
    /// The memory that it holds beside its own.
    pub(super) fn capacity_bytes(&self) -> usize {
        let starts = self.text.starts.capacity() + self.key.starts.capacity();
        let texts = self.text.text.capacity() + self.key.text.capacity() + self.bytes.capacity();
        starts * size_of::<u32>() + texts
    }
}

/// Whether a spelling is the one before it in the table above or has text of its own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Form {
    #[default]
    Shared,
    Own,
}

#[derive(Debug, Default)]
struct Spelling {
    text: String,
    starts: Vec<u32>,
}

/// A borrowed spelling: segment `i` lies from `starts[i]` to one byte before `starts[i + 1]`.
///
/// There are at most [`SEGMENTS_MAX`] starts and the end; the last segment then holds all others.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) text: &'a [u8],
    pub(super) starts: &'a [u32],
}

impl<'a> View<'a> {
    /// Where a segment lies.
    #[inline]
    pub(super) fn span(&self, index: usize) -> (u32, u32) {
        (self.starts[index], self.starts[index + 1] - 1)
    }

    /// Where everything from a segment on lies.
    #[inline]
    pub(super) fn rest(&self, index: usize) -> (u32, u32) {
        (self.starts[index], self.starts[self.starts.len() - 1] - 1)
    }

    /// The text of a segment; nothing if the path is not the one that was cut.
    #[inline]
    pub(super) fn segment(&self, index: usize) -> &'a [u8] {
        let (start, end) = self.span(index);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl Segments {
    /// How many segments the path has; the root has none.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether the path ends in a slash that is not one of its segments.
    pub(super) fn slash(&self) -> Slash {
        self.slash
    }

    pub(super) fn raw_view<'a>(&'a self, raw: &'a str) -> View<'a> {
        View { text: raw.as_bytes(), starts: self.raw_starts() }
    }

    pub(super) fn text_view<'a>(&'a self, raw: &'a str) -> View<'a> {
        match self.text_form {
            Form::Shared => self.raw_view(raw),
            Form::Own => self.text.view(),
        }
    }

    pub(super) fn key_view<'a>(&'a self, raw: &'a str) -> View<'a> {
        match self.key_form {
            Form::Shared => self.text_view(raw),
            Form::Own => self.key.view(),
        }
    }

    fn raw_starts(&self) -> &[u32] {
        self.raw_starts.get(..=self.count).unwrap_or_default()
    }

    /// The text that decoded spans point into; `None` if that is the raw path.
    pub(super) fn decoded(&self) -> Option<&str> {
        (self.text_form == Form::Own).then_some(&*self.text.text)
    }

    /// Cuts and decodes a path. After an error there are no segments.
    pub(super) fn load(
        &mut self,
        path: PathView<'_>,
        settings: Settings,
    ) -> Result<(), PathProblem> {
        self.clear();
        let raw = path.raw;
        let Ok(len) = u32::try_from(raw.len()) else { return Err(PathProblem::NotRooted) };
        if !raw.starts_with('/') || len == u32::MAX {
            return Err(PathProblem::NotRooted);
        }
        if len == 1 {
            return Ok(());
        }
        let mut end = len;
        if settings.trailing_slash != TrailingSlash::Strict && raw.ends_with('/') {
            self.slash = Slash::With;
            end -= 1;
        }
        self.cut(&raw.as_bytes()[..end as usize], end);
        let spelled = self.spell(path, settings.path_case);
        if spelled.is_err() {
            self.clear();
        }
        spelled
    }

    fn spell(&mut self, path: PathView<'_>, case: PathCase) -> Result<(), PathProblem> {
        if !path.plain {
            self.decode(path.raw)?;
        }
        match case {
            PathCase::Sensitive => Ok(()),
            PathCase::Insensitive => self.fold(path.raw),
        }
    }

    fn clear(&mut self) {
        self.count = 0;
        self.slash = Slash::Without;
        self.raw_starts[0] = 1;
        self.text_form = Form::Shared;
        self.key_form = Form::Shared;
    }

    /// Finds the starts of the segments of a path without its trailing slash.
    ///
    /// Eight bytes at a time: half the cost of a byte loop at 24 bytes, and a call of `memchr` for
    /// each segment costs more than both.
    fn cut(&mut self, path: &[u8], end: u32) {
        let starts = &mut self.raw_starts;
        let mut count = 1;
        let mut mark = |at: u32, mut found: u64| {
            while found != 0 {
                // The last place is for the end.
                let Some(start) = starts.get_mut(count).filter(|_| count < SEGMENTS_MAX) else {
                    return;
                };
                *start = at + (found.trailing_zeros() >> 3) + 1;
                count += 1;
                found &= found - 1;
            }
        };
        let mut at = 1;
        let behind = path.get(1..).unwrap_or_default();
        let (words, rest) = behind.as_chunks::<8>();
        for word in words {
            mark(at, slashes(u64::from_le_bytes(*word)));
            at += 8;
        }
        if !rest.is_empty() {
            // The slash at the start is one byte more, so a path of seven bytes is looked at in one go too.
            let last = match path.last_chunk::<8>() {
                Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest.len()),
                None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
            };
            mark(at, slashes(last));
        }
        if let Some(start) = starts.get_mut(count) {
            *start = end + 1;
        }
        self.count = count;
    }

    /// Spells the segments decoded and composed, with a slash between them.
    fn decode(&mut self, raw: &str) -> Result<(), PathProblem> {
        self.text_form = Form::Own;
        self.text.clear();
        let starts = self.raw_starts.get(..=self.count).unwrap_or_default();
        for bounds in starts.windows(2) {
            let segment = raw.get(bounds[0] as usize..bounds[1] as usize - 1).unwrap_or_default();
            decode_segment(segment, &mut self.bytes, &mut self.text.text)?;
            self.text.end_segment()?;
        }
        Ok(())
    }

    /// Spells the segments in lower case.
    fn fold(&mut self, raw: &str) -> Result<(), PathProblem> {
        self.key_form = Form::Own;
        self.key.clear();
        let (text, starts) = match self.text_form {
            Form::Shared => (raw, self.raw_starts.get(..=self.count).unwrap_or_default()),
            Form::Own => (&*self.text.text, &*self.text.starts),
        };
        for bounds in starts.windows(2) {
            let segment = text.get(bounds[0] as usize..bounds[1] as usize - 1).unwrap_or_default();
            fold_segment(segment, &mut self.key.text);
            self.key.end_segment()?;
        }
        Ok(())
    }
}

impl Spelling {
    fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
        self.starts.push(0);
    }

    /// Puts a slash behind the segment that was written, and the next start behind the slash.
    fn end_segment(&mut self) -> Result<(), PathProblem> {
        self.text.push('/');
        self.starts.push(u32::try_from(self.text.len()).map_err(|_| PathProblem::NotRooted)?);
        Ok(())
    }

    fn view(&self) -> View<'_> {
        View { text: self.text.as_bytes(), starts: &self.starts }
    }
}

/// Sets the high bit of each byte that is a slash, and no other bit.
#[inline]
pub(super) fn slashes(word: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let zero_where_slash = word ^ 0x2f2f_2f2f_2f2f_2f2f;
    !(((zero_where_slash & LOW) + LOW) | zero_where_slash | LOW)
}

/// Appends one segment decoded and in normal form C; an encoded slash becomes text like any other.
pub(super) fn decode_segment(
    raw: &str,
    bytes: &mut Vec<u8>,
    out: &mut String,
) -> Result<(), PathProblem> {
    if raw.is_ascii() && !raw.contains('%') {
        out.push_str(raw);
        return Ok(());
    }
    if raw.split('%').skip(1).any(|behind| !starts_with_two_digits(behind.as_bytes())) {
        return Err(PathProblem::Encoding);
    }
    bytes.clear();
    bytes.extend(percent_decode_str(raw));
    let text = std::str::from_utf8(bytes).map_err(|_| PathProblem::Encoding)?;
    push_composed(text, out);
    Ok(())
}

fn starts_with_two_digits(behind: &[u8]) -> bool {
    matches!(behind, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

fn push_composed(text: &str, out: &mut String) {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        out.push_str(text);
    } else {
        out.extend(text.nfc());
    }
}

/// The text as it is compared where case is ignored.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::new();
    fold_segment(text, &mut folded);
    folded
}

/// Appends a segment in lower case. Only text beyond ASCII allocates, for the final sigma, which
/// depends on what stands around it.
fn fold_segment(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        push_composed(&text.to_lowercase(), out);
    }
}

/// How many segments are told apart: what is longer than the longest pattern and base path can
/// only be matched by a wildcard.
const SEGMENTS_MAX: usize = PATTERN_SEGMENTS_MAX + 2;
