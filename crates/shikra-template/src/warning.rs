//! What is worth a second look in a template that compiles.

use std::fmt;

use crate::error::Place;

/// Points at something in a template that works, but may not do what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub(crate) kind: WarningKind,
    pub(crate) message: String,
    pub(crate) place: Place,
}

/// Tells warnings apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A value goes where escaping for HTML text does not protect: into a script, a style sheet,
    /// an event handler, the start of a link, or an attribute without quotes.
    Context,
    /// Text that looks like a directive, but is none.
    Lookalike,
    /// A layout, block or component is used, but the engine has no directory for them.
    NoDirectory,
}

impl Warning {
    /// Gives the kind of the warning.
    #[must_use]
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// Gives the message alone, without its place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Gives the place in the template.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
