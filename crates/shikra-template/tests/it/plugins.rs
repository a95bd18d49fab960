//! The plugins that the cases use.

use shikra_template::{Engine, Rest, Value};

pub(crate) fn register(engine: &mut Engine) {
    engine
        .register("uppercase", |text: String| text.to_uppercase())
        .register("sum", |a: f64, b: f64| a + b)
        .register("equals", |a: Value, b: Value| a == b)
        .register("and", |Rest(all): Rest<Value>| all.iter().all(Value::is_true))
        .register("reverse", |list: Vec<Value>| list.into_iter().rev().collect::<Vec<_>>())
        .register("join", |list: Vec<Value>, separator: String| {
            list.iter().map(ToString::to_string).collect::<Vec<_>>().join(&separator)
        })
        .register("filterBy", |list: Vec<Value>, key: String, wanted: Value| {
            let keeps = |item: &Value| match item {
                Value::Object(object) => object.get(&key) == Some(&wanted),
                _ => false,
            };
            list.into_iter().filter(keeps).collect::<Vec<_>>()
        })
        .register("currency", |amount: f64| format!("${amount:.2}"))
        .register("identity", |value: Value| value)
        .register("nothing", || Value::Null)
        .register("fails", || -> Result<Value, &str> { Err("out of order") })
        .register("shout", |text: String, mark: Option<String>| {
            text + mark.as_deref().unwrap_or("!")
        });
}
