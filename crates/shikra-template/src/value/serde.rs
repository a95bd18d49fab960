//! Values from and to whatever `serde` knows.
//!
//! Field names of structs are literals of the program and cost nothing. Enum variants follow the
//! form that JSON has for them: a name alone, or an object with the name as its only key.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, Serializer};

use super::{Object, Value};
use crate::error::{Error, ErrorKind};
use crate::text::Text;

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
        data.serialize(Maker { depth: 0 })
            .map_err(|Wrong(message)| Error::new(ErrorKind::Data, message))
    }
}

/// Makes values; knows how deep it is.
#[derive(Clone, Copy)]
struct Maker {
    depth: usize,
}

impl Maker {
    fn inner(self) -> Result<Self, Wrong> {
        if self.depth >= DEPTH_MAX {
            return Err(Wrong(format!("data is deeper than {DEPTH_MAX} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

#[derive(Debug)]
struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl ser::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

macro_rules! from {
    ($($method:ident $type:ty;)*) => {$(
        fn $method(self, value: $type) -> Result<Value, Wrong> {
            Ok(Value::from(value))
        }
    )*};
}

impl Serializer for Maker {
    type Ok = Value;
    type Error = Wrong;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    from! {
        serialize_bool bool; serialize_i8 i8; serialize_i16 i16; serialize_i32 i32;
        serialize_i64 i64; serialize_i128 i128; serialize_u8 u8; serialize_u16 u16;
        serialize_u32 u32; serialize_u64 u64; serialize_u128 u128; serialize_f32 f32;
        serialize_f64 f64; serialize_char char; serialize_str &str;
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Wrong> {
        Ok(Value::from(bytes))
    }

    fn serialize_none(self) -> Result<Value, Wrong> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Wrong> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Wrong> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Wrong> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Wrong> {
        Ok(Value::Text(Text::from_static(variant)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Wrong> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Wrong> {
        let inner = value.serialize(self.inner()?)?;
        Ok(wrapped(Some(variant), inner))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Wrong> {
        let items = Vec::with_capacity(len.unwrap_or(0).min(CAPACITY_MAX));
        Ok(Items { maker: self.inner()?, variant: None, items })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, Wrong> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, Wrong> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, Wrong> {
        Ok(Items { variant: Some(variant), ..self.serialize_seq(Some(len))? })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries, Wrong> {
        let object = Object::with_capacity(len.unwrap_or(0).min(CAPACITY_MAX));
        Ok(Entries { maker: self.inner()?, variant: None, key: Text::default(), object })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Entries, Wrong> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries, Wrong> {
        Ok(Entries { variant: Some(variant), ..self.serialize_map(Some(len))? })
    }
}

fn wrapped(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::object([(Text::from_static(variant), value)]),
        None => value,
    }
}

struct Items {
    maker: Maker,
    variant: Option<&'static str>,
    items: Vec<Value>,
}

impl Items {
    fn add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Wrong> {
        self.items.push(item.serialize(self.maker)?);
        Ok(())
    }

    fn done(self) -> Value {
        wrapped(self.variant, Value::List(self.items.into()))
    }
}

macro_rules! items {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Items {
            type Ok = Value;
            type Error = Wrong;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Wrong> {
                self.add(item)
            }

            fn end(self) -> Result<Value, Wrong> {
                Ok(self.done())
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

struct Entries {
    maker: Maker,
    variant: Option<&'static str>,
    key: Text,
    object: Object,
}

impl Entries {
    fn add<T: Serialize + ?Sized>(&mut self, key: Text, value: &T) -> Result<(), Wrong> {
        let value = value.serialize(self.maker)?;
        self.object.insert_value(key, value);
        Ok(())
    }

    fn done(self) -> Value {
        wrapped(self.variant, Value::from(self.object))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Wrong;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Wrong> {
        self.key = match key.serialize(self.maker)? {
            Value::Text(key) => key,
            key @ (Value::Int(_) | Value::Float(_) | Value::Bool(_)) => key.to_string().into(),
            other => return Err(Wrong(format!("a key is {}", other.kind()))),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Wrong> {
        let key = std::mem::take(&mut self.key);
        self.add(key, value)
    }

    fn end(self) -> Result<Value, Wrong> {
        Ok(self.done())
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = Value;
    type Error = Wrong;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        self.add(Text::from_static(key), value)
    }

    fn end(self) -> Result<Value, Wrong> {
        Ok(self.done())
    }
}

impl ser::SerializeStructVariant for Entries {
    type Ok = Value;
    type Error = Wrong;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        self.add(Text::from_static(key), value)
    }

    fn end(self) -> Result<Value, Wrong> {
        Ok(self.done())
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

const DEPTH_MAX: usize = 128;

/// What a type claims about its length is believed up to here.
const CAPACITY_MAX: usize = 4096;
