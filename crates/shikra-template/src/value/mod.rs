//! The values that templates work with, and how Rust's own types become values.
//!
//! `number` reads and prints numbers as JavaScript does, `print` gives the printed form of any
//! value, `access` answers members and indices. What operators and methods do stands in
//! `ops` and `method`. Data that was serialized lies in a `document`, and `reference` is how
//! templates look at it and at values alike.

mod access;
#[cfg(feature = "serde")]
mod builder;
mod convert;
#[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "documents are serialized data"))]
mod document;
pub(crate) mod method;
pub(crate) mod number;
mod object;
pub(crate) mod ops;
pub(crate) mod print;
mod reference;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "serde")]
mod serializer;

use std::sync::Arc;

use crate::text::Text;
pub(crate) use access::{Found, index, member, position};
pub(crate) use document::{Document, Node, Run};
pub(crate) use object::Hint;
pub use object::Object;
pub(crate) use reference::Ref;

/// Holds what a template can work with: nothing, a truth, a number, text, a list or an object.
///
/// Clones are cheap: text, lists and objects are counted, never copied.
///
/// ```
/// use shikra_template::{Value, context};
///
/// let data = context! { title: "Prices", numbers: vec![3, 5], missing: None::<i32> };
/// let Value::Object(data) = data else { unreachable!() };
/// assert_eq!(data.get("title"), Some(&Value::from("Prices")));
/// assert_eq!(data.get("missing"), Some(&Value::Null));
/// ```
///
/// Whole numbers beyond `i64` (`u64`, `i128`, `u128`) become text with all their digits, so that
/// an identifier never loses some. An `f32` becomes the `f64` that prints the same.
///
/// `==` in Rust compares by content, and `Int(3)` equals `Float(3.0)`.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// What a missing name or member gives.
    #[default]
    Undefined,
    /// Nothing, on purpose.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, and what arithmetic gives beyond 2^53.
    Float(f64),
    /// Text.
    Text(Text),
    /// A list.
    List(Arc<[Value]>),
    /// Names and values in order.
    Object(Arc<Object>),
}

impl Value {
    /// Makes an object of names and values, in their order.
    ///
    /// ```
    /// use shikra_template::Value;
    ///
    /// let totals = Value::object([("zeta", 1), ("alpha", 2)]);
    /// assert_eq!(totals.to_string(), r#"{"zeta":1,"alpha":2}"#);
    /// ```
    pub fn object<N: Into<Text>, V: Into<Value>>(
        entries: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::from(entries.into_iter().collect::<Object>())
    }

    /// Makes a list of values.
    pub fn list<V: Into<Value>>(items: impl IntoIterator<Item = V>) -> Self {
        items.into_iter().collect()
    }

    /// Says whether a condition takes the value for true: everything but `false`, `0`, NaN, empty
    /// text, null and undefined.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) => *number != 0,
            Self::Float(number) => number::is_true(*number),
            Self::Text(text) => !text.is_empty(),
            Self::List(_) | Self::Object(_) => true,
        }
    }

    /// Says whether the value is null or undefined.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Undefined | Self::Null)
    }

    /// Gives the text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Names the kind of the value, as error messages do: `a list`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(left), Self::List(right)) => left == right,
            (Self::Object(left), Self::Object(right)) => left == right,
            (left, right) => ops::same(left, right),
        }
    }
}
