//! Lists and objects in the making, where a literal has a spread.

use crate::text::Text;
use crate::value::ops::{Exhausted, Fuel, spread_into};
use crate::value::{Object, Value};

pub(super) enum Builder {
    List(Vec<Value>),
    Object(Object),
}

impl Builder {
    /// Adds one value, or all of what it holds.
    pub(super) fn add(
        &mut self,
        name: Option<&Text>,
        value: Value,
        spread: bool,
        fuel: &mut Fuel,
    ) -> Result<(), Exhausted> {
        match (self, value) {
            (Self::List(items), Value::List(more)) if spread => {
                fuel.spend(more.len())?;
                items.extend(more.iter().cloned());
            }
            (Self::List(items), Value::Text(text)) if spread => {
                fuel.spend(text.len())?;
                items.extend(text.chars().map(Value::from));
            }
            (Self::List(_), _) if spread => {}
            (Self::List(items), value) => items.push(value),
            (Self::Object(object), value) if spread => spread_into(object, &value, fuel)?,
            (Self::Object(object), value) => {
                if let Some(name) = name {
                    object.insert_value(name.clone(), value);
                }
            }
        }
        Ok(())
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Self::List(items) => Value::List(items.into()),
            Self::Object(object) => Value::from(object),
        }
    }
}
