//! Works out what is known before anything is rendered.

use crate::ast::{Expr, Form, Logic};
use crate::value::Value;
use crate::value::ops::{self, Fuel};

/// Gives the value of an expression made of literals alone.
///
/// Lists and objects are left to the machine: each evaluation makes one that equals only itself.
pub(super) fn fold(expr: &Expr) -> Option<Value> {
    match &expr.form {
        Form::Literal(value) => Some(value.clone()),
        Form::Unary { op, value } => Some(ops::unary(*op, &fold(value)?)),
        Form::Binary { op, left, right } => {
            let (left, right) = (fold(left)?, fold(right)?);
            // More text than this is not worth keeping with the template.
            let mut fuel = Fuel { steps_left: 10_000, value_bytes_max: 10_000 };
            ops::binary(*op, &left, &right, &mut fuel).ok()
        }
        Form::Logic { op, left, right } => {
            let left = fold(left)?;
            let keeps = match op {
                Logic::And => !left.is_true(),
                Logic::Or => left.is_true(),
                Logic::Else => !left.is_absent(),
            };
            if keeps { Some(left) } else { fold(right) }
        }
        Form::Choice { condition, yes, no } => {
            if fold(condition)?.is_true() {
                fold(yes)
            } else {
                fold(no)
            }
        }
        _ => None,
    }
}
