//! Errors, and the places in templates that they point at.

use std::error::Error as StdError;
use std::fmt;

use crate::text::Text;

/// Says what went wrong, and where in which template.
///
/// `Display` prints one line, place first. The alternate form, `{:#}`, adds the line of the
/// template with a mark below it and the templates that led there.
///
/// ```
/// use shikra_template::Engine;
///
/// let error = Engine::new().add("index", "<p>\n  {{ user. }}\n</p>").unwrap_err();
/// assert_eq!(error.to_string(), "index:2:12: expected a member after `.`");
/// assert_eq!(
///     format!("{error:#}"),
///     "index:2:12: expected a member after `.`\n  |   {{ user. }}\n  |            ^"
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    place: Option<Place>,
    trail: Vec<Place>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// Tells errors apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text of a template does not follow the language.
    Syntax,
    /// No template has this name.
    NotFound,
    /// A template name leaves its directory, is absolute, or holds what names may not hold.
    Name,
    /// The loader failed.
    Load,
    /// A loop got something that is no list, or no object.
    NotIterable,
    /// A limit was passed: steps, output, depth, size of a value, size of a template.
    Limit,
    /// In strict mode, or as a notice: a name that nothing defines, or a member of something absent.
    Unknown,
    /// In strict mode, or as a notice: a call of a plugin that is not registered.
    UnknownPlugin,
    /// In strict mode, or as a notice: a plugin failed, or got arguments that it does not take.
    Plugin,
    /// A layout or a component is used, but the engine has no directory for them.
    NoDirectory,
    /// Data could not be turned into a value.
    Data,
    /// The writer that takes the output failed.
    Output,
}

/// Names a position in a template.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    template: Text,
    line: usize,
    column: usize,
    excerpt: String,
    mark: usize,
}

impl Error {
    /// Makes an error without a place, for those who look templates up.
    ///
    /// ```
    /// use shikra_template::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::NotFound, "no such page");
    /// assert_eq!(error.to_string(), "no such page");
    /// ```
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { kind, message, place: None, trail: Vec::new(), cause: None }))
    }

    /// Adds the innermost place; an error that has one already keeps it.
    pub(crate) fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        if self.0.place.is_none() {
            self.0.place = Some(place());
        }
        self
    }

    pub(crate) fn with_trail(mut self, trail: Vec<Place>) -> Self {
        self.0.trail.extend(trail);
        self
    }

    pub(crate) fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Gives the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Gives the message alone, without its place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Gives the place in the template, where the error has one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// Gives the places that led there, innermost first: the imports, components and layouts.
    #[must_use]
    pub fn trail(&self) -> &[Place] {
        &self.0.trail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.0.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.0.message)?;
        if !f.alternate() {
            return Ok(());
        }
        if let Some(place) = &self.0.place {
            write!(f, "\n  | {}\n  | {:mark$}^", place.excerpt, "", mark = place.mark)?;
        }
        for place in &self.0.trail {
            write!(f, "\n  from {place}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("place", &self.0.place)
            .field("trail", &self.0.trail)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

impl Place {
    /// Finds line and column of a byte offset, and cuts the line out.
    pub(crate) fn new(template: &Text, source: &str, offset: usize) -> Self {
        let mut offset = offset.min(source.len());
        while !source.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = source[line_start..offset].chars().count();
        // Of a long line only the part around the place is shown.
        let skip = column.saturating_sub(EXCERPT_CHARS_MAX / 2);
        let excerpt: String = source[line_start..]
            .chars()
            .take_while(|c| !matches!(c, '\n' | '\r'))
            .skip(skip)
            .take(EXCERPT_CHARS_MAX)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        Self {
            template: template.clone(),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            excerpt,
            mark: column - skip,
        }
    }

    /// Gives the name of the template.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Gives the line; the first is 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Gives the column in characters; the first is 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Gives the line of the template around the place, at most 120 characters of it.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.template, self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const EXCERPT_CHARS_MAX: usize = 120;
