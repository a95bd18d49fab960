//! The methods of text, lists and numbers. A method that a value does not have gives undefined.
//!
//! Positions in text count characters, and the text that `replace` puts in has no special signs.

use super::number::{is_space, to_fixed, to_number};
use super::ops::{Exhausted, Fuel, same};
use super::{Value, print};

/// The methods that values have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    ToUpperCase,
    ToLowerCase,
    Trim,
    Includes,
    StartsWith,
    EndsWith,
    Slice,
    Split,
    Replace,
    IndexOf,
    Join,
    ToFixed,
}

impl Method {
    pub(crate) fn of(name: &str) -> Option<Self> {
        METHODS.iter().find(|(other, _)| *other == name).map(|(_, method)| *method)
    }

    pub(crate) fn name(self) -> &'static str {
        METHODS.iter().find(|(_, other)| *other == self).map_or("", |(name, _)| name)
    }
}

/// Calls a method.
pub(crate) fn call(
    method: Method,
    base: &Value,
    args: &[Value],
    fuel: &mut Fuel,
) -> Result<Value, Exhausted> {
    match base {
        Value::Text(text) => {
            fuel.spend_bytes(text.len())?;
            of_text(method, text, args, fuel)
        }
        Value::List(items) => {
            fuel.spend(items.len())?;
            of_list(method, items, args, fuel)
        }
        Value::Int(_) | Value::Float(_) if method == Method::ToFixed => {
            let decimals = args.first().map_or(0.0, to_integer);
            Ok(count(decimals)
                .filter(|decimals| *decimals <= FIXED_DECIMALS_MAX)
                .map_or(Value::Undefined, |decimals| {
                    Value::from(to_fixed(to_number(base), decimals))
                }))
        }
        _ => Ok(Value::Undefined),
    }
}

fn of_text(
    method: Method,
    text: &str,
    args: &[Value],
    fuel: &mut Fuel,
) -> Result<Value, Exhausted> {
    let mut needle = String::new();
    let mut arg = |at: usize| -> Result<String, Exhausted> {
        let text = text_of(args.get(at).unwrap_or(&Value::Undefined), fuel.value_bytes_max)?;
        fuel.spend_bytes(text.len())?;
        Ok(text)
    };
    if !matches!(method, Method::Slice | Method::Split) && !args.is_empty() {
        needle = arg(0)?;
    } else if args.is_empty() {
        needle.push_str("undefined");
    }
    Ok(match method {
        Method::ToUpperCase => Value::from(text.to_uppercase()),
        Method::ToLowerCase => Value::from(text.to_lowercase()),
        Method::Trim => Value::from(text.trim_matches(is_space)),
        Method::Includes => Value::Bool(from_char(text, args.get(1)).contains(&needle)),
        Method::StartsWith => Value::Bool(from_char(text, args.get(1)).starts_with(&needle)),
        Method::EndsWith => {
            let end = args.get(1).filter(|end| !matches!(end, Value::Undefined));
            let text = end.map_or(text, |end| &text[..char_offset(text, to_integer(end))]);
            Value::Bool(text.ends_with(&needle))
        }
        Method::Slice => {
            let (start, end) = range(text.chars().count(), args);
            let from = nth_char(text, start);
            Value::from(&text[from..from + nth_char(&text[from..], end.saturating_sub(start))])
        }
        Method::Split => return split(text, args, fuel),
        Method::Replace => Value::from(text.replacen(&needle, &arg(1)?, 1)),
        Method::IndexOf => {
            let skipped = text.len() - from_char(text, args.get(1)).len();
            text[skipped..]
                .find(&needle)
                .map_or(Value::Int(-1), |at| Value::from(text[..skipped + at].chars().count()))
        }
        Method::Join | Method::ToFixed => Value::Undefined,
    })
}

fn split(text: &str, args: &[Value], fuel: &mut Fuel) -> Result<Value, Exhausted> {
    let limit = match args.get(1) {
        None | Some(Value::Undefined) => usize::MAX,
        Some(limit) => count(to_integer(limit)).unwrap_or(usize::MAX),
    };
    let separator = match args.first() {
        None | Some(Value::Undefined) => return Ok(Value::list([text].into_iter().take(limit))),
        Some(separator) => text_of(separator, fuel.value_bytes_max)?,
    };
    // Each piece is an allocation of its own, so it costs more than the bytes of the text.
    if separator.is_empty() {
        fuel.spend(text.len())?;
        return Ok(Value::list(text.chars().take(limit)));
    }
    fuel.spend(text.matches(&separator).count())?;
    Ok(Value::list(text.split(&separator).take(limit)))
}

fn of_list(
    method: Method,
    items: &[Value],
    args: &[Value],
    fuel: &mut Fuel,
) -> Result<Value, Exhausted> {
    let wanted = args.first().unwrap_or(&Value::Undefined);
    let (from, _) = range(items.len(), args.get(1..).unwrap_or_default());
    let nan = |value: &Value| matches!(value, Value::Float(number) if number.is_nan());
    Ok(match method {
        Method::Includes => Value::Bool(
            items[from..].iter().any(|item| same(item, wanted) || (nan(item) && nan(wanted))),
        ),
        Method::IndexOf => items[from..]
            .iter()
            .position(|item| same(item, wanted))
            .map_or(Value::Int(-1), |at| Value::from(from + at)),
        Method::Join => {
            let separator = match wanted {
                Value::Undefined => ",".to_owned(),
                other => text_of(other, fuel.value_bytes_max)?,
            };
            let mut text = String::new();
            print::join(items, &separator, &mut text, fuel.value_bytes_max)?;
            fuel.spend_bytes(text.len())?;
            Value::from(text)
        }
        Method::Slice => {
            let (start, end) = range(items.len(), args);
            Value::from(&items[start..end.max(start)])
        }
        _ => Value::Undefined,
    })
}

/// An argument as text; here absent values have names.
fn text_of(value: &Value, len_max: usize) -> Result<String, Exhausted> {
    Ok(match value {
        Value::Undefined => "undefined".to_owned(),
        Value::Null => "null".to_owned(),
        other => print::to_text(other, len_max)?,
    })
}

fn to_integer(value: &Value) -> f64 {
    let number = to_number(value);
    if number.is_nan() { 0.0 } else { number.trunc() }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
fn count(number: f64) -> Option<usize> {
    (0.0..=9e15).contains(&number).then_some(number as usize)
}

/// The start and end that `slice` means: negative ones count from the end.
fn range(len: usize, args: &[Value]) -> (usize, usize) {
    let position = |arg: Option<&Value>, default: usize| match arg {
        None | Some(Value::Undefined) => default,
        Some(value) => {
            let number = to_integer(value);
            if number < 0.0 {
                count(-number).map_or(0, |back| len.saturating_sub(back))
            } else {
                count(number).map_or(len, |at| at.min(len))
            }
        }
    };
    (position(args.first(), 0), position(args.get(1), len))
}

/// The text from a character on; positions before the start are the start.
fn from_char<'t>(text: &'t str, start: Option<&Value>) -> &'t str {
    start.map_or(text, |start| &text[char_offset(text, to_integer(start))..])
}

fn char_offset(text: &str, position: f64) -> usize {
    if position <= 0.0 { 0 } else { count(position).map_or(text.len(), |at| nth_char(text, at)) }
}

/// The byte offset of a character, or the length.
fn nth_char(text: &str, at: usize) -> usize {
    text.char_indices().nth(at).map_or(text.len(), |(offset, _)| offset)
}

const FIXED_DECIMALS_MAX: usize = 100;

const METHODS: [(&str, Method); 12] = [
    ("toUpperCase", Method::ToUpperCase),
    ("toLowerCase", Method::ToLowerCase),
    ("trim", Method::Trim),
    ("includes", Method::Includes),
    ("startsWith", Method::StartsWith),
    ("endsWith", Method::EndsWith),
    ("slice", Method::Slice),
    ("split", Method::Split),
    ("replace", Method::Replace),
    ("indexOf", Method::IndexOf),
    ("join", Method::Join),
    ("toFixed", Method::ToFixed),
];
