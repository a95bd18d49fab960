//! The values of the second implementation: all numbers are doubles, as in JavaScript.

use std::rc::Rc;

use shikra_template::Value;

#[derive(Clone, Debug)]
pub(crate) enum V {
    Undef,
    Null,
    Bool(bool),
    Num(f64),
    Str(String),
    List(Rc<Vec<V>>),
    Obj(Rc<Vec<(String, V)>>),
}

impl V {
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Undef | Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Num(number) => *number != 0.0 && !number.is_nan(),
            Self::Str(text) => !text.is_empty(),
            Self::List(_) | Self::Obj(_) => true,
        }
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(truth) => f64::from(u8::from(*truth)),
            Self::Num(number) => *number,
            Self::Str(text) if text.trim().is_empty() => 0.0,
            Self::Str(text) => text.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    pub(super) fn print(&self) -> String {
        match self {
            Self::Undef | Self::Null => String::new(),
            Self::Bool(truth) => truth.to_string(),
            Self::Num(number) => print_number(*number),
            Self::Str(text) => text.clone(),
            Self::List(items) => items.iter().map(Self::print).collect::<Vec<_>>().join(","),
            Self::Obj(_) => self.json(),
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Undef | Self::Null => "null".into(),
            Self::Num(number) if !number.is_finite() => "null".into(),
            Self::Str(text) => serde_json::to_string(text).expect("text is JSON"),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::json).collect::<Vec<_>>().join(","))
            }
            Self::Obj(entries) => {
                let present = entries.iter().filter(|(_, value)| !matches!(value, Self::Undef));
                let entry = |(key, value): &(String, V)| {
                    format!("{}:{}", Self::Str(key.clone()).json(), value.json())
                };
                format!("{{{}}}", present.map(entry).collect::<Vec<_>>().join(","))
            }
            other => other.print(),
        }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undef, Self::Undef) | (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Num(a), Self::Num(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => Rc::ptr_eq(a, b),
            (Self::Obj(a), Self::Obj(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    pub(super) fn loosely_same(&self, other: &Self) -> bool {
        use V::{Bool, Null, Num, Str, Undef};
        match (self, other) {
            (Undef | Null, Undef | Null) => true,
            (Num(_) | Bool(_), Str(_) | Num(_) | Bool(_)) | (Str(_), Num(_) | Bool(_)) => {
                self.number() == other.number()
            }
            _ => self.same(other),
        }
    }

    /// A member by name or position.
    pub(super) fn member(&self, key: &str) -> Self {
        let position = key.parse::<usize>().ok().filter(|at| at.to_string() == key);
        match self {
            Self::Obj(entries) => {
                entries.iter().find(|(name, _)| name == key).map_or(Self::Undef, |(_, v)| v.clone())
            }
            Self::List(items) if key == "length" => count(items.len()),
            Self::Str(text) if key == "length" => count(text.chars().count()),
            Self::List(items) => {
                position.and_then(|at| items.get(at).cloned()).unwrap_or(Self::Undef)
            }
            Self::Str(text) => position
                .and_then(|at| text.chars().nth(at))
                .map_or(Self::Undef, |c| Self::Str(c.into())),
            _ => Self::Undef,
        }
    }

    /// The same with null wherever something is undefined.
    pub(crate) fn without_undefined(&self) -> Self {
        match self {
            Self::Undef => Self::Null,
            Self::List(items) => {
                Self::List(Rc::new(items.iter().map(Self::without_undefined).collect()))
            }
            Self::Obj(entries) => {
                let entries = entries.iter();
                let entries =
                    entries.map(|(name, value)| (name.clone(), value.without_undefined()));
                Self::Obj(Rc::new(entries.collect()))
            }
            other => other.clone(),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Undef => Value::Undefined,
            Self::Null => Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Num(number) => (*number).into(),
            Self::Str(text) => text.into(),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Obj(entries) => {
                Value::object(entries.iter().map(|(name, value)| (name, value.to_value())))
            }
        }
    }
}

pub(super) fn count(n: usize) -> V {
    V::Num(f64::from(u32::try_from(n).expect("small tests")))
}

fn print_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    if number == 0.0 {
        return "0".into();
    }
    if number.abs() >= 1e21 || number.abs() < 1e-6 {
        let text = format!("{number:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    number.to_string()
}
