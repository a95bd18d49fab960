//! The parameters of a route, as serde reads them.
//!
//! A value that does not parse is the client's fault and names its parameter. A type that asks for what the
//! pattern does not have is the program's.

use crate::error::{Error, Result};
use crate::request::Request;
use serde_core::de::value::BorrowedStrDeserializer;
use serde_core::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};
use std::fmt;

/// Reads all parameters of the request's route as one value.
pub(super) fn decode<T: DeserializeOwned>(req: &Request) -> Result<T> {
    T::deserialize(All { req }).map_err(|error| error.of(req))
}

/// Whether the route has no parameters, or all of them are left out.
pub(super) fn are_absent(req: &Request) -> bool {
    All { req }.present().next().is_none()
}

/// Why parameters have not become a value.
#[derive(Debug)]
enum ParamError {
    /// The client sent what does not parse.
    Value { index: Option<usize>, why: String },
    /// The handler asks for something else than the route has.
    Shape(String),
}

impl ParamError {
    fn value(why: impl fmt::Display) -> Self {
        Self::Value { index: None, why: why.to_string() }
    }

    /// The same error, at this parameter unless it has a place already.
    fn at(self, index: usize) -> Self {
        match self {
            Self::Value { index: None, why } => Self::Value { index: Some(index), why },
            error => error,
        }
    }

    fn of(self, req: &Request) -> Error {
        let (index, why) = match self {
            Self::Value { index, why } => (index, why),
            Self::Shape(why) => {
                let route = req.pattern().unwrap_or("that did not match");
                let text = format!("parameters of the route {route}: {why}");
                return Error::from(std::io::Error::other(text));
            }
        };
        let name = index.and_then(|index| req.param_names().get(index).copied());
        match name {
            Some(name) => Error::new(400, format!("parameter `{name}`: {why}")),
            None => Error::new(400, format!("parameters: {why}")),
        }
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { why, .. } | Self::Shape(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ParamError {}

impl de::Error for ParamError {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::value(why)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Shape(format!("there is no `{field}` here"))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Shape(format!("the type has no field `{field}`"))
    }

    // Parameters are text whatever the client sends, so it is the type that does not go with them.
    fn invalid_type(what: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::Shape(format!("the type takes {wanted}, there is {what}"))
    }

    fn invalid_length(len: usize, _: &dyn de::Expected) -> Self {
        Self::Shape(format!("the type takes another number than {len}"))
    }
}

/// All parameters of a route.
#[derive(Clone, Copy)]
struct All<'de> {
    req: &'de Request,
}

impl<'de> All<'de> {
    fn len(self) -> usize {
        self.req.router_params().len()
    }

    fn param(self, index: usize) -> Param<'de> {
        Param { index, text: self.req.param_at(index) }
    }

    fn params(self) -> impl Iterator<Item = Param<'de>> {
        (0..self.len()).map(move |index| self.param(index))
    }

    fn present(self) -> impl Iterator<Item = Param<'de>> {
        self.params().filter(|param| param.text.is_some())
    }

    fn only(self) -> Result<Param<'de>, ParamError> {
        match self.len() {
            1 => Ok(self.param(0)),
            len => Err(ParamError::Shape(format!("the type takes one, there are {len}"))),
        }
    }
}

/// One parameter; an optional one may have no text.
struct Param<'de> {
    index: usize,
    text: Option<&'de str>,
}

impl<'de> Param<'de> {
    fn text(&self) -> Result<&'de str, ParamError> {
        self.text.ok_or_else(|| {
            ParamError::Shape("an optional one is left out, and the type is no `Option`".to_owned())
        })
    }

    fn read<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ParamError> {
        let index = self.index;
        seed.deserialize(self).map_err(|error| error.at(index))
    }
}

/// Methods of `All` for values that are one parameter.
macro_rules! only {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            self.only()?.$method(visitor).map_err(|error| error.at(0))
        }
    )+};
}

impl<'de> Deserializer<'de> for All<'de> {
    type Error = ParamError;

    only! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_identifier deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.only()?.deserialize_enum(name, variants, visitor).map_err(|error| error.at(0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        match self.present().next() {
            Some(_) => visitor.visit_some(self),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_seq(Elements(self.present()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        if len != self.len() {
            let why = format!("the type takes {len}, there are {}", self.len());
            return Err(ParamError::Shape(why));
        }
        visitor.visit_seq(Elements(self.params()))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let names = self.req.param_names();
        visitor.visit_map(Entries { names, params: self.present(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }
}

struct Elements<I>(I);

impl<'de, I: Iterator<Item = Param<'de>>> de::SeqAccess<'de> for Elements<I> {
    type Error = ParamError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ParamError> {
        self.0.next().map(|param| param.read(seed)).transpose()
    }
}

struct Entries<'de, I> {
    names: Vec<&'de str>,
    params: I,
    value: Option<Param<'de>>,
}

impl<'de, I: Iterator<Item = Param<'de>>> de::MapAccess<'de> for Entries<'de, I> {
    type Error = ParamError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ParamError> {
        self.value = self.params.next();
        let name = self.value.as_ref().and_then(|param| self.names.get(param.index));
        name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ParamError> {
        match self.value.take() {
            Some(param) => param.read(seed),
            None => Err(ParamError::Shape("a value was asked for before its name".to_owned())),
        }
    }
}

/// Methods of `Param` for values that are parsed from text.
macro_rules! parsed {
    ($($method:ident $visit:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            visitor.$visit(self.text()?.parse().map_err(ParamError::value)?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Param<'de> {
    type Error = ParamError;

    parsed! {
        deserialize_bool visit_bool
        deserialize_char visit_char
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
        deserialize_f32 visit_f32
        deserialize_f64 visit_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_borrowed_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        match self.text {
            Some(_) => visitor.visit_some(self),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        BorrowedStrDeserializer::new(self.text()?).deserialize_enum(name, variants, visitor)
    }

    serde_core::forward_to_deserialize_any! {
        str string identifier ignored_any unit unit_struct seq tuple tuple_struct map struct
    }
}
