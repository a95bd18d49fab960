//! Base paths: of middleware and of mounts.

use super::error::PatternError;
use super::params::Params;
use super::path::{PathCase, TrailingSlash};
use super::pattern::{Pattern, Segment};

/// A base path: it covers its own path and everything below, and ends at a segment boundary.
///
/// It takes literal text and parameters. The leading slash may be left out, a trailing one means
/// nothing, and `/` covers everything.
///
/// ```
/// use shikra::router::{Params, PathView, Prefix, PrefixSet, Settings};
///
/// let mut guards = PrefixSet::new(Settings::new().path_case);
/// guards.insert(&Prefix::parse("/account")?, "guard");
///
/// let mut params = Params::new();
/// let mut guarded = |path: &str| {
///     params.load(PathView::new(path), Settings::new()).is_ok()
///         && guards.matches(&params, path).next().is_some()
/// };
/// assert!(guarded("/account") && guarded("/account/7") && guarded("/%61ccount"));
/// assert!(!guarded("/accounts"));
/// # Ok::<(), shikra::router::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    pattern: Pattern,
    text: Box<str>,
}

impl Prefix {
    /// Parses a base path.
    ///
    /// # Errors
    ///
    /// A [`PatternError`] for whatever [`Pattern::parse`] refuses, and for optional parameters and
    /// wildcards.
    pub fn parse(prefix: &str) -> Result<Self, PatternError> {
        let pattern = Pattern::parse_prefix(prefix)?;
        let trimmed = pattern.text().strip_suffix('/').filter(|text| !text.is_empty());
        let text = trimmed.unwrap_or(pattern.text()).into();
        Ok(Self { pattern, text })
    }

    /// The text with a leading and without a trailing slash.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many segments it has; `/` has none.
    pub fn len(&self) -> usize {
        self.pattern.segments().len()
    }

    /// Tells whether it is `/`, which covers everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells which of the paths of a pattern lie under this base.
    ///
    /// ```
    /// use shikra::router::{Coverage, PathCase, Pattern, Prefix};
    ///
    /// let base = Prefix::parse("/account")?;
    /// let covers = |pattern| Ok(base.covers(&Pattern::parse(pattern)?, PathCase::Sensitive));
    /// assert_eq!(covers("/account/:id")?, Coverage::Always);
    /// assert_eq!(covers("/:page")?, Coverage::Sometimes);
    /// assert_eq!(covers("/login")?, Coverage::Never);
    /// # Ok::<(), shikra::router::PatternError>(())
    /// ```
    pub fn covers(&self, pattern: &Pattern, case: PathCase) -> Coverage {
        let shaped = |pattern: &Pattern| pattern.shaped(case, TrailingSlash::Ignore);
        let (base, pattern) = (shaped(&self.pattern), shaped(pattern));
        let mut coverage = Coverage::Always;
        for (index, wanted) in base.iter().enumerate() {
            let step = match (wanted, pattern.get(index)) {
                (_, None) => return Coverage::Never,
                // From here on the places of the two no longer correspond.
                (_, Some(Segment::Optional | Segment::Tail(_))) => return Coverage::Sometimes,
                (Segment::Static(a), Some(Segment::Static(b))) if a == b => Coverage::Always,
                (Segment::Static(_), Some(Segment::Static(_))) => Coverage::Never,
                (Segment::Param, _) => Coverage::Always,
                (Segment::Affix(affix), Some(Segment::Static(text))) => {
                    match affix.matches(text.as_bytes(), case) {
                        true => Coverage::Always,
                        false => Coverage::Never,
                    }
                }
                (a, Some(b)) if a == b => Coverage::Always,
                (Segment::Static(text), Some(Segment::Affix(affix))) => {
                    match affix.matches(text.as_bytes(), case) {
                        true => Coverage::Sometimes,
                        false => Coverage::Never,
                    }
                }
                _ => Coverage::Sometimes,
            };
            match step {
                Coverage::Never => return Coverage::Never,
                Coverage::Sometimes => coverage = Coverage::Sometimes,
                Coverage::Always => {}
            }
        }
        coverage
    }
}

/// How the paths of a pattern lie to a base path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// All of them lie under it.
    Always,
    /// It depends on the request.
    Sometimes,
    /// None of them lies under it.
    Never,
}

/// Base paths with what they stand for.
#[derive(Debug, Clone)]
pub struct PrefixSet<T> {
    case: PathCase,
    /// By length, and by registration within a length.
    entries: Vec<Entry<T>>,
}

#[derive(Debug, Clone)]
struct Entry<T> {
    segments: Vec<Segment>,
    value: T,
}

impl<T> PrefixSet<T> {
    /// Makes an empty set.
    pub fn new(case: PathCase) -> Self {
        Self { case, entries: Vec::new() }
    }

    /// Adds a base path; one that is there already gets a second value.
    pub fn insert(&mut self, prefix: &Prefix, value: T) {
        let segments = prefix.pattern.shaped(self.case, TrailingSlash::Ignore);
        let at = self.entries.partition_point(|entry| entry.segments.len() <= segments.len());
        self.entries.insert(at, Entry { segments, value });
    }

    /// The values of the base paths that the path lies under: shorter ones first, and among
    /// equally long ones in the order of registration.
    ///
    /// The segments are those that [`Router::find`](super::Router::find) or [`Params::load`] cut
    /// last; `path` is the path that they cut.
    pub fn matches<'a>(
        &'a self,
        params: &'a Params,
        path: &'a str,
    ) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let covering =
            move |entry: &&Entry<T>| lies_under(&entry.segments, self.case, params, path);
        self.entries.iter().filter(covering).map(|entry| &entry.value)
    }

    /// How many base paths there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn lies_under(base: &[Segment], case: PathCase, params: &Params, path: &str) -> bool {
    params.with_segments(path, |segments| {
        let (key, text) = (segments.key_view(path), segments.text_view(path));
        base.len() <= segments.count()
            && base.iter().enumerate().all(|(index, wanted)| match wanted {
                Segment::Static(literal) => key.segment(index) == literal.as_bytes(),
                Segment::Affix(affix) => affix.matches(text.segment(index), case),
                Segment::Param | Segment::Optional | Segment::Tail(_) => {
                    !text.segment(index).is_empty()
                }
            })
    })
}
