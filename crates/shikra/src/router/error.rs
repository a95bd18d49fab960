//! What can be wrong with a pattern or a table of routes.
//!
//! All of these are mistakes of the program, found while it starts; requests never cause one.

use std::fmt;

use super::method::MethodMatch;

/// A pattern that cannot be parsed: its text, the place and the reason.
///
/// ```
/// use shikra::router::Pattern;
///
/// let error = Pattern::parse("/users/{id}").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "braces are reserved, write `:id` for a parameter\n  /users/{id}\n         ^",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pattern: Box<str>,
    at: usize,
    problem: PatternProblem,
}

/// The reason why a pattern was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternProblem {
    /// The pattern has no text.
    Empty,
    /// The pattern has more than [`PATTERN_BYTES_MAX`](super::PATTERN_BYTES_MAX) bytes.
    TooLong,
    /// The pattern has more than [`PATTERN_SEGMENTS_MAX`](super::PATTERN_SEGMENTS_MAX) segments.
    TooManySegments,
    /// The pattern has more than [`PATTERN_OPTIONALS_MAX`](super::PATTERN_OPTIONALS_MAX) optional
    /// parameters.
    TooManyOptionals,
    /// Two slashes stand side by side.
    EmptySegment,
    /// A brace, which is reserved.
    Brace,
    /// A character with a meaning elsewhere, or one that no path can hold.
    Reserved(char),
    /// A character outside of ASCII, which no path on the wire has: it is written as triplets.
    NotAscii(char),
    /// A percent sign without two hexadecimal digits.
    Triplet,
    /// A segment that is not UTF-8 once it is decoded.
    NotUtf8,
    /// A colon without a name behind it.
    MissingName,
    /// A second parameter in one segment.
    TwoParams,
    /// A question mark behind a parameter that shares its segment with text.
    OptionalAffix,
    /// A star anywhere but in a last segment of its own.
    Star,
    /// A parameter name that the pattern already has.
    DuplicateName,
    /// An optional parameter or a wildcard in a base path.
    NotInPrefix,
}

impl PatternError {
    pub(super) fn new(pattern: &str, at: usize, problem: PatternProblem) -> Self {
        Self { pattern: pattern.into(), at, problem }
    }

    /// The text of the refused pattern.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The byte offset at which the problem starts.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The reason.
    pub fn problem(&self) -> PatternProblem {
        self.problem
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.pattern.char_indices().take_while(|(at, _)| *at < self.at).count();
        // A tab or a line break would move the caret away from its place.
        let shown = self.pattern.replace(char::is_control, "\u{fffd}");
        write!(f, "{}\n  {shown}\n  {:column$}^", self.problem, "")
    }
}

impl std::error::Error for PatternError {}

impl fmt::Display for PatternProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a pattern needs at least a `/`",
            Self::TooLong => "a pattern has at most 2048 bytes",
            Self::TooManySegments => "a pattern has at most 64 segments",
            Self::TooManyOptionals => "a pattern has at most 8 optional parameters",
            Self::EmptySegment => "a pattern has no empty segments",
            Self::Brace => "braces are reserved, write `:id` for a parameter",
            Self::Reserved(found) => return write_encoded(f, *found, "is reserved, as text it"),
            Self::NotAscii(found) => return write_encoded(f, *found, "is not ASCII, in a path it"),
            Self::Triplet => {
                "`%` needs two hexadecimal digits, a literal percent sign is written `%25`"
            }
            Self::NotUtf8 => "this segment is not UTF-8 once it is decoded",
            Self::MissingName => {
                "`:` starts a parameter and needs a name of letters, digits and `_` that does \
                 not begin with a digit, a literal colon is written `%3A`"
            }
            Self::TwoParams => "a segment holds at most one parameter",
            Self::OptionalAffix => {
                "a parameter that shares its segment with text cannot be optional, register the \
                 path without that segment as a second route"
            }
            Self::Star => {
                "a wildcard is the last segment and stands alone there (`/*`, `/*?`, `/*rest`), a \
                 literal star is written `%2A`"
            }
            Self::DuplicateName => "this parameter name is already taken in the pattern",
            Self::NotInPrefix => "a base path has no optional parameters and no wildcards",
        })
    }
}

fn write_encoded(f: &mut fmt::Formatter<'_>, found: char, why: &str) -> fmt::Result {
    let shown = if found.is_control() { '\u{fffd}' } else { found };
    write!(f, "`{shown}` {why} is written `")?;
    let mut utf8 = [0; 4];
    for byte in found.encode_utf8(&mut utf8).bytes() {
        write!(f, "%{byte:02X}")?;
    }
    f.write_str("`")
}

/// A route that the table cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsertError<T> {
    /// The same method and the same shape are already there; parameter names do not distinguish.
    Duplicate {
        /// The method of both routes.
        method: MethodMatch,
        /// The text of the pattern that was there first.
        first_pattern: String,
        /// The value of the route that was there first.
        first: T,
        /// The text of the refused pattern.
        second_pattern: String,
        /// The value of the refused route.
        second: T,
    },
    /// More than [`EXTENSION_METHODS_MAX`](super::EXTENSION_METHODS_MAX) different methods outside
    /// of RFC 9110 and RFC 5789.
    TooManyMethods {
        /// The method that was one too many.
        method: MethodMatch,
        /// The value of the refused route.
        value: T,
    },
}

impl<T> fmt::Display for InsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { method, first_pattern, second_pattern, .. } => {
                write!(f, "{method} {second_pattern} is already registered")?;
                if first_pattern != second_pattern {
                    write!(f, " as {first_pattern}")?;
                }
                Ok(())
            }
            Self::TooManyMethods { method, .. } => {
                write!(f, "{method} is one extension method too many")
            }
        }
    }
}

impl<T: fmt::Debug> std::error::Error for InsertError<T> {}
