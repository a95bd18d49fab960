//! Where templates come from that were not added by hand.

use std::error::Error as StdError;

/// Gives the engine the source of a template by its name.
///
/// Closures are loaders: `|name: &str| Ok::<_, std::io::Error>(sources.get(name).cloned())`.
pub trait Loader: Send + Sync + 'static {
    /// Gives the source of the template, or nothing if there is none of this name.
    ///
    /// Names are paths with `/`, without empty parts, `.` and `..`, and without backslashes and
    /// control characters.
    ///
    /// # Errors
    ///
    /// What kept the loader from finding out.
    fn load(&self, name: &str) -> Result<Option<String>, Box<dyn StdError + Send + Sync>>;
}

impl<F, E> Loader for F
where
    F: Fn(&str) -> Result<Option<String>, E> + Send + Sync + 'static,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    fn load(&self, name: &str) -> Result<Option<String>, Box<dyn StdError + Send + Sync>> {
        self(name).map_err(Into::into)
    }
}
