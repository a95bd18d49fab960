//! Bodies of type `application/x-www-form-urlencoded`.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::query::Pairs;

/// What a form may cost before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormLimits {
    /// Most fields, empty ones counted; more are 400. Default 1,000.
    pub fields_max: usize,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self { fields_max: 1_000 }
    }
}

/// Why a form was refused. It is the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// The form has more fields than [`FormLimits::fields_max`].
    TooManyFields,
}

impl FormError {
    /// Gives the status to answer with: 400.
    pub fn status(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many form fields")
    }
}

impl Error for FormError {}

/// Reads a whole body as pairs, by the rules of [`query::pairs`](crate::query::pairs).
///
/// # Errors
///
/// The body must not have more fields than the limit. Nothing else can be wrong with a form.
///
/// # Examples
///
/// ```
/// use shikra_proto::form::{self, FormLimits};
///
/// # fn main() -> Result<(), shikra_proto::form::FormError> {
/// let mut fields = form::decode(b"name=J%C3%BCrgen+K&age=", &FormLimits::default())?;
/// assert_eq!(fields.next(), Some(("name".into(), "Jürgen K".into())));
/// assert_eq!(fields.next(), Some(("age".into(), "".into())));
/// # Ok(())
/// # }
/// ```
pub fn decode<'a>(body: &'a [u8], limits: &FormLimits) -> Result<Pairs<'a>, FormError> {
    if !body.is_empty() && memchr::memchr_iter(b'&', body).count() >= limits.fields_max {
        return Err(FormError::TooManyFields);
    }
    Ok(Pairs::of(body))
}
