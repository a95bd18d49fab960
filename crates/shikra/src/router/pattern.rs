//! The text of a route, parsed once at start.

use std::fmt;
use std::str::FromStr;

use super::error::{PatternError, PatternProblem};
use super::path::{PathCase, TrailingSlash, decode_segment, fold};
use super::prefix::Prefix;

/// The path of a route: literal text, parameters and at most one wildcard.
///
/// | written | takes |
/// |---|---|
/// | `/users` | exactly this text, decoded and in normal form C |
/// | `/users/:id` | one segment that is not empty |
/// | `/users/:id?` | the same, or nothing if what follows still matches |
/// | `/films/:title.mp4`, `/api/v:major` | one segment with text around the value |
/// | `/files/*`, `/files/*rest` | one or more segments, the value is the whole rest |
/// | `/files/*?`, `/files/*rest?` | zero or more segments |
/// | `*` | every path |
///
/// Names are `[A-Za-z_][A-Za-z0-9_]*`; an unnamed wildcard is called `*`. The leading slash may be
/// left out. A character with a meaning is written as a triplet where it is text: `%2A` for a
/// star, `%3A` for a colon, and so is what is not ASCII: `/caf%C3%A9`. Braces are reserved.
///
/// ```
/// use shikra::router::Pattern;
///
/// let pattern = Pattern::parse("/users/:user/books/:book?")?;
/// assert_eq!(pattern.names().collect::<Vec<_>>(), ["user", "book"]);
/// assert_eq!(pattern.static_prefix(), "/users");
/// # Ok::<(), shikra::router::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    segments: Vec<Segment>,
    names: Vec<Box<str>>,
    slash: Slash,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// A [`PatternError`] that shows the place, for anything outside of the table above, a name
    /// used twice, and more than 2048 bytes, 64 segments or 8 optional parameters.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        Parser::new(pattern, Grammar::Route).parse()
    }

    /// Parses a base path, in which nothing may be optional.
    pub(super) fn parse_prefix(prefix: &str) -> Result<Self, PatternError> {
        Parser::new(prefix, Grammar::Prefix).parse()
    }

    /// The pattern that this one becomes below a mount; exactly one slash joins the two.
    ///
    /// ```
    /// use shikra::router::{Pattern, Prefix};
    ///
    /// let mount = Prefix::parse("admin")?;
    /// assert_eq!(Pattern::parse("/:id")?.under(&mount)?.text(), "/admin/:id");
    /// assert_eq!(Pattern::parse("/")?.under(&mount)?.text(), "/admin");
    /// assert_eq!(Pattern::parse("*")?.under(&mount)?.text(), "/admin/*?");
    /// # Ok::<(), shikra::router::PatternError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`PatternError`] if both have the same parameter name or are too long together.
    pub fn under(&self, mount: &Prefix) -> Result<Self, PatternError> {
        match (mount.text(), &*self.text) {
            ("/", _) => Ok(self.clone()),
            (base, "/") => Self::parse(base),
            (base, "*") => Self::parse(&format!("{base}/*?")),
            (base, text) => Self::parse(&format!("{base}{text}")),
        }
    }

    /// The text that was parsed, with a leading slash.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the parameters in the order in which they are written.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The part of the written text before the first segment that is not literal, `/` at least.
    pub fn static_prefix(&self) -> &str {
        let literal = self.segments.iter().take_while(|s| matches!(s, Segment::Static(_))).count();
        if literal == self.segments.len() {
            let end = self.text.len() - usize::from(self.slash == Slash::With);
            return &self.text[..end.max(1)];
        }
        let cut = self.text.match_indices('/').nth(literal).map_or(0, |(at, _)| at);
        if cut == 0 { "/" } else { &self.text[..cut] }
    }

    pub(super) fn name_list(&self) -> &[Box<str>] {
        &self.names
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn slash(&self) -> Slash {
        self.slash
    }

    /// The segments as a table with these settings compares them.
    pub(super) fn shaped(&self, case: PathCase, trailing: TrailingSlash) -> Vec<Segment> {
        let mut shaped: Vec<_> = self.segments.iter().map(|s| s.folded(case)).collect();
        if trailing == TrailingSlash::Strict && self.slash == Slash::With {
            // A final slash that counts is a last segment without text.
            shaped.push(Segment::Static("".into()));
        }
        shaped
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, PatternError> {
        Self::parse(pattern)
    }
}

/// One segment of a pattern. The order of the variants is the order of specificity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    Static(Box<str>),
    Affix(Affix),
    Param,
    Optional,
    Tail(Tail),
}

impl Segment {
    /// The place in the order of specificity: the smaller, the more specific.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Static(_) => 0,
            Self::Affix(_) => 1,
            Self::Param => 2,
            Self::Optional => 3,
            Self::Tail(Tail::OneOrMore) => 4,
            Self::Tail(Tail::ZeroOrMore) => 5,
        }
    }

    fn folded(&self, case: PathCase) -> Self {
        match self {
            Self::Static(text) if case == PathCase::Insensitive => {
                Self::Static(fold(text).into_boxed_str())
            }
            // Text around a value ignores the case of ASCII letters only, see `Affix::matches`.
            Self::Affix(Affix { prefix, suffix }) if case == PathCase::Insensitive => {
                Self::Affix(Affix {
                    prefix: prefix.to_ascii_lowercase().into_boxed_str(),
                    suffix: suffix.to_ascii_lowercase().into_boxed_str(),
                })
            }
            other => other.clone(),
        }
    }
}

/// Literal text on one or both sides of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Affix {
    pub(super) prefix: Box<str>,
    pub(super) suffix: Box<str>,
}

impl Affix {
    /// Tells whether the decoded text of a segment has both sides and a value between them.
    ///
    /// Where case is ignored it is that of ASCII letters only: the value is then cut out of the
    /// decoded text by lengths, which lower-casing other letters could change.
    pub(super) fn matches(&self, text: &[u8], case: PathCase) -> bool {
        let (prefix, suffix) = (self.prefix.as_bytes(), self.suffix.as_bytes());
        if text.len() <= prefix.len() + suffix.len() {
            return false;
        }
        let (start, end) = (&text[..prefix.len()], &text[text.len() - suffix.len()..]);
        match case {
            // Byte by byte: text around values is short, and a call of `memcmp` for it made the
            // lookup of `/movies/:title.mp4` cost 117 ns in place of 30.
            PathCase::Sensitive => start.iter().eq(prefix) && end.iter().eq(suffix),
            PathCase::Insensitive => {
                start.eq_ignore_ascii_case(prefix) && end.eq_ignore_ascii_case(suffix)
            }
        }
    }

    /// Sorts the one with more text first, then the one with the longer prefix.
    pub(super) fn specificity(&self) -> impl Ord + use<'_> {
        use std::cmp::Reverse;
        let len = self.prefix.len() + self.suffix.len();
        (Reverse(len), Reverse(self.prefix.len()), &self.prefix, &self.suffix)
    }
}

/// How much a wildcard takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Tail {
    OneOrMore,
    ZeroOrMore,
}

/// Whether a pattern or a path ends in a slash; the root counts as without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Slash {
    #[default]
    Without,
    With,
}

/// What the text is a pattern of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grammar {
    Route,
    Prefix,
}

struct Parser<'a> {
    text: &'a str,
    grammar: Grammar,
    segments: Vec<Segment>,
    names: Vec<Box<str>>,
    optionals: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, grammar: Grammar) -> Self {
        Self { text, grammar, segments: Vec::new(), names: Vec::new(), optionals: 0 }
    }

    fn parse(mut self) -> Result<Pattern, PatternError> {
        if self.text.is_empty() {
            return Err(self.error(0, PatternProblem::Empty));
        }
        if self.text.len() > PATTERN_BYTES_MAX {
            return Err(self.error(PATTERN_BYTES_MAX, PatternProblem::TooLong));
        }
        if self.text == "*" && self.grammar == Grammar::Route {
            self.segments.push(Segment::Tail(Tail::ZeroOrMore));
            return Ok(self.finish("*".into(), vec!["*".into()], Slash::Without));
        }
        let body = self.text.strip_prefix('/').unwrap_or(self.text);
        let (inner, slash) = match body.strip_suffix('/') {
            Some(inner) => (inner, Slash::With),
            None => (body, Slash::Without),
        };
        if !body.is_empty() {
            let mut at = self.text.len() - body.len();
            for segment in inner.split('/') {
                self.segment(segment, at)?;
                at += segment.len() + 1;
            }
            if slash == Slash::With && matches!(self.segments.last(), Some(Segment::Tail(_))) {
                return Err(self.error(self.text.len() - 1, PatternProblem::Star));
            }
        }
        let names = std::mem::take(&mut self.names);
        let text = format!("/{body}").into_boxed_str();
        Ok(self.finish(text, names, slash))
    }

    fn finish(self, text: Box<str>, names: Vec<Box<str>>, slash: Slash) -> Pattern {
        Pattern { text, segments: self.segments, names, slash }
    }

    fn segment(&mut self, segment: &str, at: usize) -> Result<(), PatternError> {
        if segment.is_empty() {
            return Err(self.error(at, PatternProblem::EmptySegment));
        }
        if self.segments.len() == PATTERN_SEGMENTS_MAX {
            return Err(self.error(at, PatternProblem::TooManySegments));
        }
        if matches!(self.segments.last(), Some(Segment::Tail(_))) {
            return Err(self.error(at - 1, PatternProblem::Star));
        }
        let parsed = if let Some(rest) = segment.strip_prefix('*') {
            self.tail(rest, at)?
        } else if let Some(colon) = segment.find(':') {
            self.param(segment, colon, at)?
        } else {
            Segment::Static(self.literal(segment, at)?)
        };
        self.segments.push(parsed);
        Ok(())
    }

    /// `*`, `*?`, `*name` and `*name?`.
    fn tail(&mut self, rest: &str, at: usize) -> Result<Segment, PatternError> {
        if self.grammar == Grammar::Prefix {
            return Err(self.error(at, PatternProblem::NotInPrefix));
        }
        let (name, tail) = match rest.strip_suffix('?') {
            Some(name) => (name, Tail::ZeroOrMore),
            None => (rest, Tail::OneOrMore),
        };
        if name.len() != name_len(name) {
            return Err(self.error(at, PatternProblem::Star));
        }
        self.name(if name.is_empty() { "*" } else { name }, at + 1)?;
        Ok(Segment::Tail(tail))
    }

    /// A segment with a colon: `:name`, `:name?`, and text on one or both sides of `:name`.
    fn param(&mut self, segment: &str, colon: usize, at: usize) -> Result<Segment, PatternError> {
        let prefix = self.literal(&segment[..colon], at)?;
        let behind = &segment[colon + 1..];
        let (name, rest) = behind.split_at(name_len(behind));
        if name.is_empty() {
            return Err(self.error(at + colon, PatternProblem::MissingName));
        }
        self.name(name, at + colon + 1)?;
        let rest_at = at + segment.len() - rest.len();
        if let Some(mark) = rest.find(['?', ':']) {
            if rest == "?" && prefix.is_empty() {
                return self.optional(rest_at);
            }
            let problem = match rest.as_bytes()[mark] {
                b':' => PatternProblem::TwoParams,
                _ if mark == 0 || mark + 1 == rest.len() => PatternProblem::OptionalAffix,
                _ => PatternProblem::Reserved('?'),
            };
            return Err(self.error(rest_at + mark, problem));
        }
        let suffix = self.literal(rest, rest_at)?;
        if prefix.is_empty() && suffix.is_empty() {
            return Ok(Segment::Param);
        }
        Ok(Segment::Affix(Affix { prefix, suffix }))
    }

    fn optional(&mut self, at: usize) -> Result<Segment, PatternError> {
        if self.grammar == Grammar::Prefix {
            return Err(self.error(at, PatternProblem::NotInPrefix));
        }
        self.optionals += 1;
        if self.optionals > PATTERN_OPTIONALS_MAX {
            return Err(self.error(at, PatternProblem::TooManyOptionals));
        }
        Ok(Segment::Optional)
    }

    fn name(&mut self, name: &str, at: usize) -> Result<(), PatternError> {
        if self.names.iter().any(|taken| **taken == *name) {
            return Err(self.error(at, PatternProblem::DuplicateName));
        }
        self.names.push(name.into());
        Ok(())
    }

    /// Literal text, decoded and composed as the segments of requests are.
    fn literal(&self, text: &str, at: usize) -> Result<Box<str>, PatternError> {
        for (offset, found) in text.char_indices() {
            let problem = match found {
                '{' | '}' => PatternProblem::Brace,
                '*' => PatternProblem::Star,
                '%' if !is_triplet(&text.as_bytes()[offset..]) => PatternProblem::Triplet,
                '%' if text[offset..].starts_with("%00") => PatternProblem::Reserved('\0'),
                _ if found.is_control() || RESERVED.contains(found) => {
                    PatternProblem::Reserved(found)
                }
                _ if !found.is_ascii() => PatternProblem::NotAscii(found),
                _ => continue,
            };
            return Err(self.error(at + offset, problem));
        }
        let mut decoded = String::new();
        match decode_segment(text, &mut Vec::new(), &mut decoded) {
            Ok(()) => Ok(decoded.into_boxed_str()),
            Err(_) => Err(self.error(at, PatternProblem::NotUtf8)),
        }
    }

    fn error(&self, at: usize, problem: PatternProblem) -> PatternError {
        PatternError::new(self.text, at, problem)
    }
}

/// How many bytes at the start are a name.
fn name_len(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

fn is_triplet(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

/// Characters of regular expressions and those that a request target cannot hold (RFC 3986 §3.3):
/// a pattern with one of them unescaped is a mistake.
const RESERVED: &str = "?+()[]|^\\\"<>`# ";

/// The most bytes that a pattern may have.
pub const PATTERN_BYTES_MAX: usize = 2048;

/// The most segments that a pattern may have.
pub const PATTERN_SEGMENTS_MAX: usize = 64;

/// The most optional parameters that a pattern may have.
pub const PATTERN_OPTIONALS_MAX: usize = 8;
