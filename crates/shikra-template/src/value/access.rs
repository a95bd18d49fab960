//! Members of values: `a.b`, `a["b"]`, `xs[0]`, `xs.0`, and the length of text and lists.
//!
//! Positions in text count characters (Unicode scalar values), so no index can cut one in two.

use super::{Node, Ref, Value, number};

/// What a step found: a value inside the base, a value made for the occasion, or nothing.
pub(crate) enum Found<'v> {
    In(Ref<'v>),
    Made(Value),
    Nothing,
}

impl Found<'_> {
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::In(value) => value.to_value(),
            Self::Made(value) => value,
            Self::Nothing => Value::Undefined,
        }
    }
}

/// Finds the member `key`; `index` is the same key as a position, where it is one.
pub(crate) fn member<'v>(base: Ref<'v>, key: &str, index: Option<usize>) -> Found<'v> {
    let length = |len: usize| match key {
        "length" => Found::Made(Value::from(len)),
        _ => Found::Nothing,
    };
    match base {
        Ref::Value(Value::Object(object)) => object.find(key).map_or(Found::Nothing, Found::In),
        Ref::Value(Value::List(items)) => match index {
            Some(at) => items.get(at).map_or(Found::Nothing, |item| Found::In(Ref::Value(item))),
            None => length(items.len()),
        },
        Ref::Node(document, Node::Object(run)) => {
            let node = document.get(*run, key);
            node.map_or(Found::Nothing, |node| Found::In(Ref::Node(document, node)))
        }
        Ref::Node(document, Node::List { start, len }) => match index {
            Some(at) => document
                .nodes(*start, *len)
                .get(at)
                .map_or(Found::Nothing, |item| Found::In(Ref::Node(document, item))),
            None => length(*len as usize),
        },
        other => match (other.as_str(), index) {
            (None, _) => Found::Nothing,
            (Some(text), Some(at)) => {
                text.chars().nth(at).map_or(Found::Nothing, |c| Found::Made(c.into()))
            }
            (Some(text), None) if key == "length" => length(text.chars().count()),
            (Some(_), None) => Found::Nothing,
        },
    }
}

/// Finds `base[key]` for a key that is only known while rendering.
pub(crate) fn index<'v>(base: &'v Value, key: &Value) -> Found<'v> {
    match key {
        Value::Text(key) => member(Ref::Value(base), key, position(key)),
        Value::Int(at) if !matches!(base, Value::Object(_)) => match usize::try_from(*at) {
            Ok(at) => member(Ref::Value(base), "", Some(at)),
            Err(_) => Found::Nothing,
        },
        other => {
            let mut key = String::new();
            match other {
                Value::Undefined => key.push_str("undefined"),
                Value::Null => key.push_str("null"),
                Value::Bool(truth) => key.push_str(if *truth { "true" } else { "false" }),
                Value::Int(at) => number::write_int(*at, &mut key),
                Value::Float(at) => number::write_float(*at, &mut key),
                Value::Text(_) | Value::List(_) | Value::Object(_) => return Found::Nothing,
            }
            member(Ref::Value(base), &key, position(&key))
        }
    }
}

/// Reads a key as a position: decimal digits without a needless zero in front.
pub(crate) fn position(key: &str) -> Option<usize> {
    let plain = key == "0" || (!key.starts_with('0') && key.bytes().all(|b| b.is_ascii_digit()));
    if plain { key.parse().ok() } else { None }
}
