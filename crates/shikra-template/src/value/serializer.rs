//! Makes a document of whatever `serde` can take apart; `builder` keeps what was found.

use std::fmt::{self, Write};
use std::sync::Arc;

use serde::ser::{self, Serialize, SerializeMap, Serializer};

use super::builder::{Builder, Open, Wrong, is_at, narrow};
use super::document::{Key, Node, Run, Shape};
use super::{Object, Value};

/// Makes a value of data.
pub(super) fn value_of<T: Serialize + ?Sized>(data: &T) -> Result<Value, Wrong> {
    let mut builder = Builder::new();
    let root = data.serialize(Maker { builder: &mut builder, depth: 0 })?;
    builder.check_size()?;
    Ok(match root {
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

/// Makes nodes; knows how deep it is.
struct Maker<'b> {
    builder: &'b mut Builder,
    depth: usize,
}

impl<'b> Maker<'b> {
    fn inner(self) -> Result<Self, Wrong> {
        if self.depth >= DEPTH_MAX {
            return Err(Wrong::new(format!("data is deeper than {DEPTH_MAX} levels")));
        }
        Ok(Self { builder: self.builder, depth: self.depth + 1 })
    }

    fn again(&mut self) -> Maker<'_> {
        Maker { builder: self.builder, depth: self.depth }
    }

    /// Puts a part into a list or object. One that fails leaves nothing there.
    #[inline]
    fn add<T: Serialize + ?Sized>(&mut self, open: &mut Open, part: &T) -> Result<(), Wrong> {
        let keys_mark = self.builder.parts.open_keys.len();
        match part.serialize(self.again()) {
            Ok(node) => {
                self.builder.put(open, node);
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
        let maker = self.inner()?;
        let open = maker.builder.open(len);
        Ok(Items { maker, variant, open })
    }

    #[inline]
    fn wrapped(self, variant: Option<&'static str>, node: Node) -> Result<Node, Wrong> {
        match variant {
            Some(variant) => self.under(variant, node),
            None => Ok(node),
        }
    }

    /// An object with one entry, as variants are.
    fn under(self, variant: &'static str, node: Node) -> Result<Node, Wrong> {
        let parts = &mut self.builder.parts;
        let run = Run { keys: narrow(parts.keys.len()), start: narrow(parts.nodes.len()), len: 1 };
        parts.keys.push(Key::Static(variant));
        parts.nodes.push(node);
        Ok(Node::Object(run))
    }

    #[inline]
    fn fields(
        self,
        name: &'static str,
        len: usize,
        variant: Option<&'static str>,
    ) -> Result<Fields<'b>, Wrong> {
        let maker = self.inner()?;
        let name = variant.unwrap_or(name);
        let (follows, keys_mark) = (maker.builder.shape(name), maker.builder.parts.open_keys.len());
        let open = maker.builder.open(len);
        Ok(Fields { maker, variant, name, follows, open, keys_mark })
    }
}

macro_rules! ints {
    ($($method:ident $type:ty;)*) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result<Node, Wrong> {
            Ok(Node::Int(i64::from(number)))
        }
    )*};
}

macro_rules! large_ints {
    ($($method:ident $type:ty;)*) => {$(
        fn $method(self, number: $type) -> Result<Node, Wrong> {
            match i64::try_from(number) {
                Ok(number) => Ok(Node::Int(number)),
                Err(_) => self.collect_str(&number),
            }
        }
    )*};
}

impl<'b> Serializer for Maker<'b> {
    type Ok = Node;
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

    fn serialize_bool(self, truth: bool) -> Result<Node, Wrong> {
        Ok(Node::Bool(truth))
    }

    fn serialize_f32(self, number: f32) -> Result<Node, Wrong> {
        let Value::Float(number) = Value::from(number) else { return Ok(Node::Null) };
        Ok(Node::Float(number))
    }

    fn serialize_f64(self, number: f64) -> Result<Node, Wrong> {
        Ok(Node::Float(number))
    }

    fn serialize_char(self, c: char) -> Result<Node, Wrong> {
        let start = self.builder.parts.text.len();
        self.builder.parts.text.push(c);
        Ok(self.builder.text_from(start))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<Node, Wrong> {
        let start = self.builder.parts.text.len();
        self.builder.parts.text.push_str(text);
        Ok(self.builder.text_from(start))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, text: &T) -> Result<Node, Wrong> {
        let start = self.builder.parts.text.len();
        let written = write!(self.builder.parts.text, "{text}");
        written.map_err(|_| Wrong::new("a text could not be printed".to_owned()))?;
        Ok(self.builder.text_from(start))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Node, Wrong> {
        let mut items = self.items(bytes.len(), None)?;
        bytes.iter().try_for_each(|byte| items.add(byte))?;
        items.done()
    }

    fn serialize_none(self) -> Result<Node, Wrong> {
        Ok(Node::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Node, Wrong> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Node, Wrong> {
        Ok(Node::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Node, Wrong> {
        Ok(Node::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Node, Wrong> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Node, Wrong> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Node, Wrong> {
        let mut maker = self.inner()?;
        let node = value.serialize(maker.again())?;
        maker.wrapped(Some(variant), node)
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
    variant: Option<&'static str>,
    open: Open,
}

impl Items<'_> {
    #[inline]
    fn add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Wrong> {
        self.maker.add(&mut self.open, item)
    }

    #[inline]
    fn done(self) -> Result<Node, Wrong> {
        let (start, len) = self.maker.builder.close(&self.open)?;
        self.maker.wrapped(self.variant, Node::List { start, len })
    }
}

macro_rules! items {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = Node;
            type Error = Wrong;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Wrong> {
                self.add(item)
            }

            fn end(self) -> Result<Node, Wrong> {
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
    type Ok = Node;
    type Error = Wrong;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Wrong> {
        let start = self.maker.builder.parts.text.len();
        let node = key.serialize(self.maker.again());
        // A key that fails leaves none of its own behind.
        let known = self.keys_mark + self.open.len;
        self.maker.builder.parts.open_keys.truncate(known);
        let printed = match node? {
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

    fn end(mut self) -> Result<Node, Wrong> {
        let builder = self.maker.builder;
        builder.unite_names(&mut self.open, self.keys_mark);
        let keys = builder.close_keys(self.keys_mark);
        let (start, len) = builder.close(&self.open)?;
        Ok(Node::Object(Run { keys, start, len }))
    }
}

/// The fields of a struct. As long as they are those of the last one of its type, or begin as
/// they did, no keys are kept.
struct Fields<'b> {
    maker: Maker<'b>,
    variant: Option<&'static str>,
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
    fn done(mut self) -> Result<Node, Wrong> {
        let keys = match self.follows {
            Some(shape) => shape.keys,
            None => self.close_keys(),
        };
        let (start, len) = self.maker.builder.close(&self.open)?;
        self.maker.wrapped(self.variant, Node::Object(Run { keys, start, len }))
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
    type Ok = Node;
    type Error = Wrong;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        self.add(key, value)
    }

    fn end(self) -> Result<Node, Wrong> {
        self.done()
    }
}

impl ser::SerializeStructVariant for Fields<'_> {
    type Ok = Node;
    type Error = Wrong;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        self.add(key, value)
    }

    fn end(self) -> Result<Node, Wrong> {
        self.done()
    }
}

const DEPTH_MAX: usize = 128;

/// The room where a type does not tell its length.
const ROOM_UNTOLD: usize = 4;
