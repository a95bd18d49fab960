//! Rust's own types as values.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Object, Value};
use crate::text::Text;

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

macro_rules! from_small_int {
    ($($int:ty)*) => {$(
        impl From<$int> for Value {
            fn from(number: $int) -> Self {
                Self::Int(i64::from(number))
            }
        }
    )*};
}

macro_rules! from_large_int {
    ($($int:ty)*) => {$(
        impl From<$int> for Value {
            fn from(number: $int) -> Self {
                match i64::try_from(number) {
                    Ok(number) => Self::Int(number),
                    Err(_) => Self::Text(number.to_string().into()),
                }
            }
        }
    )*};
}

from_small_int!(i8 i16 i32 i64 u8 u16 u32);
from_large_int!(u64 i128 u128 usize isize);

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        // By way of the shortest decimal form, so that 0.1 stays 0.1.
        if number.is_finite() {
            Self::Float(number.to_string().parse().unwrap_or_else(|_| f64::from(number)))
        } else {
            Self::Float(f64::from(number))
        }
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<char> for Value {
    fn from(c: char) -> Self {
        Self::Text(c.into())
    }
}

impl From<Object> for Value {
    #[inline]
    fn from(object: Object) -> Self {
        Self::Object(Arc::new(object))
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        items.into_iter().collect()
    }
}

impl<V: Into<Value>, const N: usize> From<[V; N]> for Value {
    fn from(items: [V; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<V: Clone + Into<Value>> From<&[V]> for Value {
    fn from(items: &[V]) -> Self {
        items.iter().cloned().collect()
    }
}

impl<V: Into<Value>> FromIterator<V> for Value {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<N: Into<Text>, V: Into<Value>> From<BTreeMap<N, V>> for Value {
    fn from(entries: BTreeMap<N, V>) -> Self {
        Self::object(entries)
    }
}

/// The order of a `HashMap` differs from run to run; where it shows, a `BTreeMap` is better.
impl<N: Into<Text>, V: Into<Value>, S> From<HashMap<N, V, S>> for Value {
    fn from(entries: HashMap<N, V, S>) -> Self {
        Self::object(entries)
    }
}

/// Makes the data of a template: names with values, or names alone for variables of that name.
///
/// ```
/// use shikra_template::{Engine, context};
///
/// # fn main() -> Result<(), shikra_template::Error> {
/// let engine = Engine::new();
/// engine.add("index", "{{ title }}: {{ user.name }}")?;
/// let title = "Prices";
/// let data = context! { title, user: context! { name: "Ann" } };
/// assert_eq!(engine.render("index", &data)?, "Prices: Ann");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! context {
    ($($name:ident $(: $value:expr)?),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut object = $crate::Object::new();
        $(object.insert(
            $crate::Text::from_static(::core::stringify!($name)),
            $crate::context!(@value $name $($value)?),
        );)*
        $crate::Value::from(object)
    }};
    (@value $name:ident $value:expr) => { $crate::Value::from($value) };
    (@value $name:ident) => { $crate::Value::from($name) };
}
