//! What the operators do: JavaScript's results on values without effects.
//!
//! Lists and objects are equal only to themselves, are not a number in arithmetic, and join as
//! their printed form with `+`.

use std::sync::Arc;

use super::Value;
use super::number::{EXACT_INT_MAX, from_float, int_to_float, parse, to_number};
use super::print::{self, TooLarge};
use crate::text::Text;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Same,
    NotSame,
    Equal,
    NotEqual,
}

impl Binary {
    /// Says whether it is one of `==`, `!=`, `===` and `!==`.
    pub(crate) const fn is_equality(self) -> bool {
        matches!(self, Self::Same | Self::NotSame | Self::Equal | Self::NotEqual)
    }

    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Same => "===",
            Self::NotSame => "!==",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

/// Bounds the work and the memory of one rendering.
#[derive(Clone, Debug)]
pub(crate) struct Fuel {
    pub(crate) steps_left: u64,
    pub(crate) value_bytes_max: usize,
}

/// Why an operation was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exhausted {
    Steps,
    ValueBytes,
}

impl From<TooLarge> for Exhausted {
    fn from(_: TooLarge) -> Self {
        Self::ValueBytes
    }
}

impl Fuel {
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        match self.steps_left.checked_sub(steps as u64) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                self.steps_left = 0;
                Err(Exhausted::Steps)
            }
        }
    }

    /// Work that goes through text costs a step for every 16 bytes.
    pub(crate) fn spend_bytes(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.spend(bytes / 16)
    }
}

pub(crate) fn unary(op: Unary, value: &Value) -> Value {
    match (op, value) {
        (Unary::Not, value) => Value::Bool(!value.is_true()),
        (Unary::Minus, Value::Int(number)) if *number != 0 => {
            number.checked_neg().map_or_else(|| Value::Float(-int_to_float(*number)), Value::Int)
        }
        (Unary::Minus, value) => from_float(-to_number(value)),
    }
}

pub(crate) fn binary(
    op: Binary,
    left: &Value,
    right: &Value,
    fuel: &mut Fuel,
) -> Result<Value, Exhausted> {
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        fuel.spend_bytes(left.len().min(right.len()))?;
    } else if let (Value::Text(text), _) | (_, Value::Text(text)) = (left, right) {
        fuel.spend_bytes(text.len())?;
    }
    Ok(match op {
        Binary::Add => return add(left, right, fuel),
        Binary::Subtract => arithmetic(left, right, i64::checked_sub, |l, r| l - r),
        Binary::Multiply => arithmetic(left, right, i64::checked_mul, |l, r| l * r),
        Binary::Divide => from_float(to_number(left) / to_number(right)),
        Binary::Remainder => from_float(to_number(left) % to_number(right)),
        Binary::Less => Value::Bool(compare(left, right, std::cmp::Ordering::is_lt)),
        Binary::LessOrEqual => Value::Bool(compare(left, right, std::cmp::Ordering::is_le)),
        Binary::Greater => Value::Bool(compare(left, right, std::cmp::Ordering::is_gt)),
        Binary::GreaterOrEqual => Value::Bool(compare(left, right, std::cmp::Ordering::is_ge)),
        Binary::Same => Value::Bool(same(left, right)),
        Binary::NotSame => Value::Bool(!same(left, right)),
        Binary::Equal => Value::Bool(equal(left, right)),
        Binary::NotEqual => Value::Bool(!equal(left, right)),
    })
}

fn arithmetic(
    left: &Value,
    right: &Value,
    whole: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Value {
    if let (Value::Int(l), Value::Int(r)) = (left, right) {
        // Beyond 2^53 JavaScript's numbers have gaps; a zero may have to be -0.
        let exact = |n: i64| (-EXACT_INT_MAX..=EXACT_INT_MAX).contains(&n);
        if let Some(result) = whole(*l, *r).filter(|n| exact(*l) && exact(*r) && exact(*n))
            && (result != 0 || (*l >= 0 && *r >= 0))
        {
            return Value::Int(result);
        }
    }
    from_float(float(to_number(left), to_number(right)))
}

fn add(left: &Value, right: &Value, fuel: &mut Fuel) -> Result<Value, Exhausted> {
    let joins = |value: &Value| matches!(value, Value::Text(_) | Value::List(_) | Value::Object(_));
    if !joins(left) && !joins(right) {
        return Ok(arithmetic(left, right, i64::checked_add, |l, r| l + r));
    }
    let mut text = String::new();
    for side in [left, right] {
        match side {
            Value::Undefined => text.push_str("undefined"),
            Value::Null => text.push_str("null"),
            side => print::print(side, print::Form::Raw, &mut text, fuel.value_bytes_max)?,
        }
    }
    fuel.spend_bytes(text.len())?;
    Ok(Value::from(text))
}

/// Compares texts by code point, everything else as numbers; nothing compares with NaN.
fn compare(left: &Value, right: &Value, holds: fn(std::cmp::Ordering) -> bool) -> bool {
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (left, right) => to_number(left).partial_cmp(&to_number(right)),
    };
    order.is_some_and(holds)
}

/// `===`: no conversion, but one kind of number.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            to_number(left) == to_number(right)
        }
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::List(left), Value::List(right)) => Arc::ptr_eq(left, right),
        (Value::Object(left), Value::Object(right)) => Arc::ptr_eq(left, right),
        _ => false,
    }
}

/// `==`: also equates null with undefined, and compares text and truth values as numbers.
fn equal(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_));
    match (left, right) {
        (left, right) if left.is_absent() || right.is_absent() => {
            left.is_absent() && right.is_absent()
        }
        (Value::Text(text), other) if number(other) => parse(text) == to_number(other),
        (other, Value::Text(text)) if number(other) => parse(text) == to_number(other),
        (left, right) if number(left) && number(right) => to_number(left) == to_number(right),
        (left, right) => same(left, right),
    }
}

/// Puts the entries of a value into an object, as `{...value}` does.
pub(crate) fn spread_into(
    object: &mut super::Object,
    value: &Value,
    fuel: &mut Fuel,
) -> Result<(), Exhausted> {
    match value {
        Value::Object(entries) => {
            fuel.spend(entries.len())?;
            for (name, value) in entries.iter() {
                object.insert_value(name.clone(), value.clone());
            }
        }
        Value::List(items) => {
            fuel.spend(items.len())?;
            for (at, item) in items.iter().enumerate() {
                object.insert_value(Text::from(at.to_string()), item.clone());
            }
        }
        _ => {}
    }
    Ok(())
}
