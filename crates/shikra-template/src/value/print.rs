//! The printed form of values: text as it is, numbers as JavaScript prints them, lists joined
//! with commas, objects as JSON.

use std::fmt;

use super::{Node, Ref, Value, number};
use crate::escape;

/// How values go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Escaped,
    Raw,
}

/// A value that is too deep or too long to be printed.
#[derive(Debug)]
pub(crate) struct TooLarge;

/// Appends the printed form of a value, as long as `out` stays within `len_max` bytes.
pub(crate) fn print(
    value: &Value,
    form: Form,
    out: &mut String,
    len_max: usize,
) -> Result<(), TooLarge> {
    match value {
        Value::Undefined | Value::Null => {}
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => number::write_int(*number, out),
        Value::Float(number) => number::write_float(*number, out),
        Value::Text(text) => print_text(text, form, out),
        Value::List(_) | Value::Object(_) => {
            let mut text = String::new();
            join_into(value, &mut text, len_max.saturating_sub(out.len()), 0)?;
            print_text(&text, form, out);
        }
    }
    if out.len() > len_max { Err(TooLarge) } else { Ok(()) }
}

/// Appends the printed form of a value where it lies.
pub(crate) fn print_ref(
    value: Ref<'_>,
    form: Form,
    out: &mut String,
    len_max: usize,
) -> Result<(), TooLarge> {
    match value {
        Ref::Value(value) => return print(value, form, out, len_max),
        Ref::Node(_, Node::Int(number)) => number::write_int(*number, out),
        Ref::Node(document, Node::Text { start, len }) => {
            print_text(document.text(*start, *len), form, out);
        }
        Ref::Node(document, node) => return print(&document.value(node), form, out, len_max),
    }
    if out.len() > len_max { Err(TooLarge) } else { Ok(()) }
}

fn print_text(text: &str, form: Form, out: &mut String) {
    match form {
        Form::Escaped => escape::escape(text, out),
        Form::Raw => out.push_str(text),
    }
}

/// The printed form as text of its own.
pub(crate) fn to_text(value: &Value, len_max: usize) -> Result<String, TooLarge> {
    let mut text = String::new();
    print(value, Form::Raw, &mut text, len_max)?;
    Ok(text)
}

/// Appends list items with a separator between them; absent items are empty.
pub(crate) fn join(
    items: &[Value],
    separator: &str,
    out: &mut String,
    len_max: usize,
) -> Result<(), TooLarge> {
    join_items(items, separator, out, len_max, 0)
}

fn join_items(
    items: &[Value],
    separator: &str,
    out: &mut String,
    len_max: usize,
    depth: usize,
) -> Result<(), TooLarge> {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        match item {
            Value::List(_) | Value::Object(_) => join_into(item, out, len_max, depth + 1)?,
            scalar => print(scalar, Form::Raw, out, len_max)?,
        }
        if out.len() > len_max {
            return Err(TooLarge);
        }
    }
    Ok(())
}

fn join_into(
    value: &Value,
    out: &mut String,
    len_max: usize,
    depth: usize,
) -> Result<(), TooLarge> {
    if depth > DEPTH_MAX {
        return Err(TooLarge);
    }
    match value {
        Value::List(items) => join_items(items, ",", out, len_max, depth),
        other => json(other, out, len_max, depth),
    }
}

/// Appends a value as JSON: undefined members are left out, what JSON cannot say is null.
fn json(value: &Value, out: &mut String, len_max: usize, depth: usize) -> Result<(), TooLarge> {
    if depth > DEPTH_MAX || out.len() > len_max {
        return Err(TooLarge);
    }
    match value {
        Value::Undefined | Value::Null => out.push_str("null"),
        Value::Float(number) if !number.is_finite() => out.push_str("null"),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            print(value, Form::Raw, out, usize::MAX)?;
        }
        Value::Text(text) => json_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                json(item, out, len_max, depth + 1)?;
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            let present = object.iter().filter(|(_, value)| **value != Value::Undefined);
            for (at, (name, value)) in present.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                json_text(name, out);
                out.push(':');
                json(value, out, len_max, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                out.push_str("\\u00");
                out.push(if c < '\u{10}' { '0' } else { '1' });
                out.push(char::from_digit(u32::from(c) % 16, 16).unwrap_or('0'));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match to_text(self, usize::MAX) {
            Ok(text) => f.pad(&text),
            Err(TooLarge) => Err(fmt::Error),
        }
    }
}

/// Lists in lists and objects in objects are printed down to this depth.
const DEPTH_MAX: usize = 256;
