//! Values from and to whatever `serde` knows.
//!
//! Field names of structs are literals of the program and cost nothing. Enum variants follow the
//! form that JSON has for them: a name alone, or an object with the name as its only key.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::serializer::value_of;
use super::{Object, Value};
use crate::error::{Error, ErrorKind};

impl Value {
    /// Makes a value of anything that can be serialized. Needs the feature `serde`.
    ///
    /// ```
    /// use shikra_template::{Engine, Value};
    ///
    /// #[derive(serde::Serialize)]
    /// struct User {
    ///     name: String,
    ///     age: u32,
    /// }
    ///
    /// # fn main() -> Result<(), shikra_template::Error> {
    /// let engine = Engine::new();
    /// engine.add("index", "{{ name }} is {{ age }}")?;
    /// let data = Value::from_serialize(&User { name: "Ann".into(), age: 30 })?;
    /// assert_eq!(engine.render("index", &data)?, "Ann is 30");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The type's own `Serialize` fails, a key is no text, number or truth value, or the data is
    /// deeper than 128 levels; [`ErrorKind::Data`].
    pub fn from_serialize<T: Serialize + ?Sized>(data: &T) -> Result<Self, Error> {
        value_of(data).map_err(|wrong| Error::new(ErrorKind::Data, wrong.into_message()))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Undefined | Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items.iter()),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (name, value) in object.iter() {
                    map.serialize_entry(name.as_str(), value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

macro_rules! visit {
    ($($method:ident $type:ty;)*) => {$(
        fn $method<E>(self, value: $type) -> Result<Value, E> {
            Ok(Value::from(value))
        }
    )*};
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    visit! {
        visit_bool bool; visit_i64 i64; visit_u64 u64; visit_i128 i128; visit_u128 u128;
        visit_f64 f64; visit_char char; visit_str &str; visit_string String;
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list: Vec<Value> = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            object.insert_value(name.into(), value);
        }
        Ok(Value::from(object))
    }
}
