//! Makes a document of whatever `serde` can take apart; `builder` keeps what was found.

use std::fmt::{self, Write};
use std::sync::Arc;

use serde_core::ser::{self, Serialize, SerializeMap, Serializer};

use super::builder::{Builder, Open, Wrong, is_at, narrow};
use super::document::{Key, Node, Run, Shape};
use super::{Object, Value};

/// Makes a value of data.
pub(super) fn value_of<T: Serialize + ?Sized>(data: &T) -> Result<Value, Wrong> {
    let mut builder = Builder::new();
    data.serialize(Maker { builder: &mut builder, at: 0, depth: 0 })?;
    builder.check_size()?;
    Ok(match builder.root() {
        Node::Null => Value::Null,
        Node::Bool(truth) => Value::Bool(truth),
        Node::Int(number) => Value::Int(number),
        Node::Float(number) => Value::Float(number),
        Node::Text { start, len } => Value::from(builder.parts.text(start, len)),
        Node::List { start, len } => {
            let document = builder.into_document();
            let item = |item: &Node| match item {
                Node::Object(run) => Value::from(Object::part(Arc::clone(&document), *run)),
                other => document.value(other),
            };
            Value::List(document.nodes(start, len).iter().map(item).collect())
        }
        Node::Object(run) => Value::from(Object::part(builder.into_document(), run)),
    })
}

/// Makes a node at its place; knows how deep it is.
struct Maker<'b> {
    builder: &'b mut Builder,
    at: usize,
    depth: usize,
}

impl<'b> Maker<'b> {
    #[inline(always)]
    fn set(self, node: Node) -> Result<(), Wrong> {
        self.builder.set(self.at, node);
        Ok(())
    }

    fn inner(self) -> Result<Self, Wrong> {
        if self.depth >= DEPTH_MAX {
            return Err(Wrong::new(format!("data is deeper than {DEPTH_MAX} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn again(&mut self, at: usize) -> Maker<'_> {
        Maker { builder: self.builder, at, depth: self.depth }
    }

    /// Puts a part into a list or object. One that fails leaves nothing there.
    #[inline]
    fn add<T: Serialize + ?Sized>(&mut self, open: &mut Open, part: &T) -> Result<(), Wrong> {
        let keys_mark = self.builder.parts.open_keys.len();
        let at = self.builder.next(open);
        match part.serialize(self.again(at)) {
            Ok(()) => {
                open.len += 1;
                Ok(())
            }
            Err(wrong) => {
                self.builder.parts.open_keys.truncate(keys_mark);
                Err(wrong)
            }
        }
    }

    #[inline]
    fn items(self, len: usize, variant: Option<&'static str>) -> Result<Items<'b>, Wrong> {
        let maker = self.inner()?.under(variant);
        let open = maker.builder.open(len);
        Ok(Items { maker, open })
    }

    /// In an object with one entry, as what belongs to a variant is.
    #[inline]
    fn under(mut self, variant: Option<&'static str>) -> Self {
        if let Some(variant) = variant {
            let at = self.builder.place();
            let keys = self.builder.parts.keys.len();
            self.builder.parts.keys.push(Key::Static(variant));
            let run = Run { keys: narrow(keys), start: narrow(at), len: 1 };
            self.builder.set(self.at, Node::Object(run));
            self.at = at;
        }
        self
    }

    #[inline]
    fn fields(
        self,
        name: &'static str,
        len: usize,
        variant: Option<&'static str>,
    ) -> Result<Fields<'b>, Wrong> {
        let maker = self.inner()?.under(variant);
        let name = variant.unwrap_or(name);
        let (follows, keys_mark) = (maker.builder.shape(name), maker.builder.parts.open_keys.len());
        let open = maker.builder.open(len);
        Ok(Fields { maker, name, follows, open, keys_mark })
    }
}

macro_rules! ints {
    ($($method:ident $type:ty;)*) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result<(), Wrong> {
            self.set(Node::Int(i64::from(number)))
        }
    )*};
}

macro_rules! large_ints {
    ($($method:ident $type:ty;)*) => {$(
        fn $method(self, number: $type) -> Result<(), Wrong> {
            match i64::try_from(number) {
                Ok(number) => self.set(Node::Int(number)),
                Err(_) => self.collect_str(&number),
            }
        }
    )*};
}

impl<'b> Serializer for Maker<'b> {
    type Ok = ();
    type Error = Wrong;
    type SerializeSeq = Items<'b>;
    type SerializeTuple = Items<'b>;
    type SerializeTupleStruct = Items<'b>;
    type SerializeTupleVariant = Items<'b>;
    type SerializeMap = Entries<'b>;
    type SerializeStruct = Fields<'b>;
    type SerializeStructVariant = Fields<'b>;

    ints! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32;
    }

    large_ints! { serialize_u64 u64; serialize_i128 i128; serialize_u128 u128; }

    fn serialize_bool(self, truth: bool) -> Result<(), Wrong> {
        self.set(Node::Bool(truth))
    }

    fn serialize_f32(self, number: f32) -> Result<(), Wrong> {
        self.set(match Value::from(number) {
            Value::Float(number) => Node::Float(number),
            _ => Node::Null,
        })
    }

    fn serialize_f64(self, number: f64) -> Result<(), Wrong> {
        self.set(Node::Float(number))
    }

    fn serialize_char(self, c: char) -> Result<(), Wrong> {
        let start = self.builder.parts.text.len();
        self.builder.parts.text.push(c);
        self.builder.text_from(self.at, start);
        Ok(())
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Wrong> {
        let start = self.builder.parts.text.len();
        self.builder.parts.text.push_str(text);
        self.builder.text_from(self.at, start);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, text: &T) -> Result<(), Wrong> {
        let start = self.builder.parts.text.len();
        let written = write!(self.builder.parts.text, "{text}");
        written.map_err(|_| Wrong::new("a text could not be printed".to_owned()))?;
        self.builder.text_from(self.at, start);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Wrong> {
        let mut items = self.items(bytes.len(), None)?;
        bytes.iter().try_for_each(|byte| items.add(byte))?;
        items.done()
    }

    fn serialize_none(self) -> Result<(), Wrong> {
        self.set(Node::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Wrong> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Wrong> {
        self.set(Node::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Wrong> {
        self.set(Node::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Wrong> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        value.serialize(self.inner()?.under(Some(variant)))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'b>, Wrong> {
        self.items(len.unwrap_or(ROOM_UNTOLD), None)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'b>, Wrong> {
        self.items(len, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'b>, Wrong> {
        self.items(len, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'b>, Wrong> {
        self.items(len, Some(variant))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'b>, Wrong> {
        let maker = self.inner()?;
        let keys_mark = maker.builder.parts.open_keys.len();
        let open = maker.builder.open(len.unwrap_or(ROOM_UNTOLD));
        Ok(Entries { maker, key: Key::Static(""), open, keys_mark })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'b>, Wrong> {
        self.fields(name, len, None)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'b>, Wrong> {
        self.fields(name, len, Some(variant))
    }
}

/// The items of a list.
struct Items<'b> {
    maker: Maker<'b>,
    open: Open,
}

impl Items<'_> {
    #[inline]
    fn add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Wrong> {
        self.maker.add(&mut self.open, item)
    }

    #[inline]
    fn done(self) -> Result<(), Wrong> {
        let (start, len) = self.maker.builder.close(&self.open)?;
        self.maker.set(Node::List { start, len })
    }
}

macro_rules! items {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = Wrong;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Wrong> {
                self.add(item)
            }

            fn end(self) -> Result<(), Wrong> {
                self.done()
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

/// The entries of a map.
struct Entries<'b> {
    maker: Maker<'b>,
    key: Key,
    open: Open,
    keys_mark: usize,
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Wrong;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Wrong> {
        let start = self.maker.builder.parts.text.len();
        let at = self.maker.builder.place();
        let made = key.serialize(self.maker.again(at));
        let parts = &mut self.maker.builder.parts;
        // A key that fails leaves none of its own behind.
        parts.open_keys.truncate(self.keys_mark + self.open.len);
        let node = parts.nodes.get(at).copied().unwrap_or(Node::Null);
        parts.nodes.truncate(at);
        let printed = match made.map(|()| node)? {
            Node::Text { start, len } => {
                self.key = Key::Part { start, len };
                return Ok(());
            }
            Node::Int(number) => Value::Int(number),
            Node::Float(number) => Value::Float(number),
            Node::Bool(truth) => Value::Bool(truth),
            Node::Null => return Err(Wrong::new(format!("a key is {}", Value::Null.kind()))),
            Node::List { .. } => return Err(Wrong::new("a key is a list".to_owned())),
            Node::Object(_) => return Err(Wrong::new("a key is an object".to_owned())),
        };
        let text = &mut self.maker.builder.parts.text;
        text.push_str(&printed.to_string());
        self.key = Key::Part { start: narrow(start), len: narrow(text.len() - start) };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Wrong> {
        let key = std::mem::replace(&mut self.key, Key::Static(""));
        self.maker.add(&mut self.open, value)?;
        self.maker.builder.parts.open_keys.push(key);
        Ok(())
    }

    fn end(mut self) -> Result<(), Wrong> {
        let builder = &mut *self.maker.builder;
        builder.unite_names(&mut self.open, self.keys_mark);
        let keys = builder.close_keys(self.keys_mark);
        let (start, len) = builder.close(&self.open)?;
        self.maker.set(Node::Object(Run { keys, start, len }))
    }
}

/// The fields of a struct. As long as they are those of the last one of its type, or begin as
/// they did, no keys are kept.
struct Fields<'b> {
    maker: Maker<'b>,
    name: &'static str,
    follows: Option<Shape>,
    open: Open,
    keys_mark: usize,
}

impl Fields<'_> {
    #[inline]
    fn add<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Wrong> {
        let at = self.open.len;
        self.maker.add(&mut self.open, value)?;
        if let Some(shape) = self.follows {
            let known = self.maker.builder.parts.keys.get(shape.keys as usize + at);
            if at < shape.len as usize
                && let Some(Key::Static(known)) = known
                && is_at(known, key)
            {
                return Ok(());
            }
        }
        self.keep_key(key, at);
        Ok(())
    }

    /// Keeps a key, and those before it if they were followed.
    #[inline(never)]
    fn keep_key(&mut self, key: &'static str, at: usize) {
        let parts = &mut self.maker.builder.parts;
        if let Some(shape) = self.follows.take() {
            let first = shape.keys as usize;
            parts.open_keys.extend_from_slice(&parts.keys[first..first + at]);
        }
        parts.open_keys.push(Key::Static(key));
    }

    #[inline]
    fn done(mut self) -> Result<(), Wrong> {
        let keys = match self.follows {
            Some(shape) => shape.keys,
            None => self.close_keys(),
        };
        let (start, len) = self.maker.builder.close(&self.open)?;
        self.maker.set(Node::Object(Run { keys, start, len }))
    }

    #[inline(never)]
    fn close_keys(&mut self) -> u32 {
        let builder = &mut *self.maker.builder;
        builder.unite_names(&mut self.open, self.keys_mark);
        let keys = builder.close_keys(self.keys_mark);
        builder.keep_shape(Shape { name: self.name, keys, len: narrow(self.open.len) });
        keys
    }
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Wrong;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        self.add(key, value)
    }

    fn end(self) -> Result<(), Wrong> {
        self.done()
    }
}

impl ser::SerializeStructVariant for Fields<'_> {
    type Ok = ();
    type Error = Wrong;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        self.add(key, value)
    }

    fn end(self) -> Result<(), Wrong> {
        self.done()
    }
}

const DEPTH_MAX: usize = 128;

/// The room where a type does not tell its length.
const ROOM_UNTOLD: usize = 4;
