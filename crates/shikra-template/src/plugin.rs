//! Plugins: Rust functions that templates call by name.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::marker::PhantomData;

use crate::error::{Error, ErrorKind};
use crate::text::Text;
use crate::value::{Object, Value};

/// A function that templates can call: a closure whose arguments are [`Argument`]s and whose
/// result is a [`PluginResult`].
///
/// Arguments are checked: a wrong count or kind is an error that names plugin and argument. Such
/// an error, like one that the function returns, is reported and the call gives undefined; in
/// strict mode it fails the page.
///
/// ```
/// use shikra_template::{Engine, Rest, Value, context};
///
/// # fn main() -> Result<(), shikra_template::Error> {
/// let mut engine = Engine::new();
/// engine
///     .register("sum", |a: f64, b: f64| a + b)
///     .register("and", |Rest(all): Rest<Value>| all.iter().all(Value::is_true))
///     .register("half", |n: i64| if n % 2 == 0 { Ok(n / 2) } else { Err("an odd number") });
/// engine.add("index", "{{ sum(4, 38) }} {{ and(1, 'x') }} {{ half(84) }} [{{ half(3) }}]")?;
/// assert_eq!(engine.render("index", &context! {})?, "42 true 42 []");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a plugin",
    note = "a plugin is a closure whose arguments implement `Argument` and whose result \
            implements `PluginResult`; write the types of its arguments: `|n: f64| n * 2.0`"
)]
pub trait Plugin<Args>: 'static {
    /// Calls the function with the values that a template passes.
    ///
    /// # Errors
    ///
    /// Says which argument is wrong, or what the function failed with.
    fn call(&self, args: &[Value]) -> Result<Value, Failure>;
}

/// Why a plugin gave no value.
#[derive(Debug)]
pub struct Failure {
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    fn new(message: String) -> Self {
        Self { message, cause: None }
    }

    pub(crate) fn into_error(self, plugin: &str) -> Error {
        let error = Error::new(ErrorKind::Plugin, format!("plugin `{plugin}`: {}", self.message));
        match self.cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

/// The arguments of a call that have not been taken yet.
#[derive(Debug)]
pub struct Args<'v> {
    values: &'v [Value],
    taken: usize,
}

impl<'v> Args<'v> {
    fn new(values: &'v [Value]) -> Self {
        Self { values, taken: 0 }
    }

    fn next(&mut self) -> Option<&'v Value> {
        let value = self.values.get(self.taken);
        self.taken += 1;
        value
    }

    fn finish(self) -> Result<(), Failure> {
        if self.values.len() <= self.taken {
            return Ok(());
        }
        let (taken, given) = (self.taken, self.values.len());
        Err(Failure::new(format!("takes {}, got {given}", arguments(taken))))
    }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }
}

/// A type that an argument of a plugin can have.
///
/// Numbers, `bool`, `String`, [`Text`], `char`, [`Value`], `Vec<T>`, `BTreeMap<String, T>` and
/// [`Object`] are; so is `Option<T>` for arguments that may be absent or left out, and [`Rest`]
/// for any number of them. Nothing is converted: a number is no text.
pub trait Argument: Sized {
    /// What error messages call the type: `a number`.
    const KIND: &'static str;

    /// Converts one value, if it is of the right kind.
    fn from_value(value: &Value) -> Option<Self>;

    /// Takes what the argument needs from those of the call.
    ///
    /// # Errors
    ///
    /// Says which argument is missing or of the wrong kind.
    fn take(args: &mut Args<'_>) -> Result<Self, Failure> {
        let at = args.taken + 1;
        let Some(value) = args.next() else {
            return Err(Failure::new(format!("argument {at} is missing, it wants {}", Self::KIND)));
        };
        Self::from_value(value).ok_or_else(|| wrong(at, Self::KIND, value))
    }
}

fn wrong(at: usize, wanted: &str, value: &Value) -> Failure {
    Failure::new(format!("argument {at} wants {wanted}, got {}", value.kind()))
}

/// Takes all the arguments that are left, as the last argument of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest<T>(pub Vec<T>);

impl<T: Argument> Argument for Rest<T> {
    const KIND: &'static str = T::KIND;

    fn from_value(value: &Value) -> Option<Self> {
        T::from_value(value).map(|value| Self(vec![value]))
    }

    fn take(args: &mut Args<'_>) -> Result<Self, Failure> {
        let mut all = Vec::new();
        while args.taken < args.values.len() {
            all.push(T::take(args)?);
        }
        Ok(Self(all))
    }
}

impl<T: Argument> Argument for Option<T> {
    const KIND: &'static str = T::KIND;

    fn from_value(value: &Value) -> Option<Self> {
        if value.is_absent() { Some(None) } else { T::from_value(value).map(Some) }
    }

    fn take(args: &mut Args<'_>) -> Result<Self, Failure> {
        let at = args.taken + 1;
        let Some(value) = args.next() else { return Ok(None) };
        Self::from_value(value).ok_or_else(|| wrong(at, T::KIND, value))
    }
}

macro_rules! argument {
    ($($type:ty, $kind:literal, $value:ident => $convert:expr;)*) => {$(
        impl Argument for $type {
            const KIND: &'static str = $kind;

            fn from_value($value: &Value) -> Option<Self> {
                $convert
            }
        }
    )*};
}

argument! {
    Value, "a value", value => Some(value.clone());
    bool, "a truth value", value => match value { Value::Bool(truth) => Some(*truth), _ => None };
    f64, "a number", value => float(value);
    i64, "a whole number", value => whole(value);
    i32, "a whole number", value => whole(value)?.try_into().ok();
    u8, "a whole number from 0", value => whole(value)?.try_into().ok();
    u16, "a whole number from 0", value => whole(value)?.try_into().ok();
    u32, "a whole number from 0", value => whole(value)?.try_into().ok();
    u64, "a whole number from 0", value => whole(value)?.try_into().ok();
    usize, "a whole number from 0", value => whole(value)?.try_into().ok();
    String, "text", value => value.as_str().map(str::to_owned);
    Text, "text", value => match value { Value::Text(text) => Some(text.clone()), _ => None };
    char, "one character", value => {
        let mut chars = value.as_str()?.chars();
        chars.next().filter(|_| chars.next().is_none())
    };
    Object, "an object", value => match value {
        Value::Object(object) => Some(Object::clone(object)),
        _ => None,
    };
}

impl<T: Argument> Argument for Vec<T> {
    const KIND: &'static str = "a list";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(T::from_value).collect(),
            _ => None,
        }
    }
}

impl<T: Argument> Argument for BTreeMap<String, T> {
    const KIND: &'static str = "an object";

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Object(object) = value else { return None };
        object.iter().map(|(name, value)| Some((name.to_string(), T::from_value(value)?))).collect()
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(crate::value::number::to_number(value)),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Float(number) => match crate::value::number::from_float(*number) {
            Value::Int(number) => Some(number),
            _ => None,
        },
        _ => None,
    }
}

/// A type that a plugin can return: what becomes a [`Value`], or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a plugin cannot return `{Self}`",
    note = "a plugin returns a number, text, a truth value, a list, an object, an `Option` or a \
            `Result` of these, or a `Value`"
)]
pub trait PluginResult {
    /// Converts what the plugin returned.
    ///
    /// # Errors
    ///
    /// The plugin's own error.
    fn into_result(self) -> Result<Value, Failure>;
}

macro_rules! plugin_result {
    ($($type:ty),* $(,)?) => {$(
        impl PluginResult for $type {
            fn into_result(self) -> Result<Value, Failure> {
                Ok(self.into())
            }
        }
    )*};
}

plugin_result! {
    Value, bool, i8, i16, i32, i64, u8, u16, u32, u64, i128, u128, isize, usize, f32, f64, String,
    &'static str, Text, char, Object, (),
}

impl<T: Into<Value>> PluginResult for Option<T> {
    fn into_result(self) -> Result<Value, Failure> {
        Ok(self.into())
    }
}

impl<T: Into<Value>> PluginResult for Vec<T> {
    fn into_result(self) -> Result<Value, Failure> {
        Ok(self.into())
    }
}

impl<T: PluginResult, E: Into<Box<dyn StdError + Send + Sync>>> PluginResult for Result<T, E> {
    fn into_result(self) -> Result<Value, Failure> {
        match self {
            Ok(value) => value.into_result(),
            Err(cause) => {
                let cause = cause.into();
                Err(Failure { message: cause.to_string(), cause: Some(cause) })
            }
        }
    }
}

macro_rules! plugin {
    ($($arg:ident)*) => {
        impl<F, R, $($arg,)*> Plugin<($($arg,)*)> for F
        where
            F: Fn($($arg),*) -> R + 'static,
            R: PluginResult,
            $($arg: Argument,)*
        {
            #[allow(non_snake_case, unused_mut)]
            fn call(&self, args: &[Value]) -> Result<Value, Failure> {
                let mut args = Args::new(args);
                $(let $arg = $arg::take(&mut args)?;)*
                args.finish()?;
                self($($arg),*).into_result()
            }
        }
    };
}

plugin!();
plugin!(A);
plugin!(A B);
plugin!(A B C);
plugin!(A B C D);
plugin!(A B C D E);
plugin!(A B C D E G);

/// A plugin whose types have been forgotten.
pub(crate) trait AnyPlugin {
    fn call(&self, args: &[Value]) -> Result<Value, Failure>;
}

/// Joins a function with the types of its arguments, which the function alone does not name.
pub(crate) struct Typed<P, A>(P, PhantomData<fn(A)>);

impl<P, A> Typed<P, A> {
    pub(crate) fn new(plugin: P) -> Self {
        Self(plugin, PhantomData)
    }
}

impl<A, P: Plugin<A>> AnyPlugin for Typed<P, A> {
    fn call(&self, args: &[Value]) -> Result<Value, Failure> {
        self.0.call(args)
    }
}

/// Checks the name of a plugin or default when it is registered.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let word = name.bytes().all(crate::lexer::is_name_byte)
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    let taken = ["raw", "true", "false", "null", "undefined"].contains(&name);
    match (word, taken) {
        (true, false) => Ok(()),
        (false, _) => Err(format!("`{name}` is no name that a template can write")),
        (_, true) => Err(format!("`{name}` belongs to the language")),
    }
}
