use crate::Render;
use crate::data::{Table, Teams};
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    for (page, source) in [
        ("table", include_str!("../../pages/table.jinja")),
        ("teams", include_str!("../../pages/teams.jinja")),
    ] {
        environment.add_template(page, source).expect("the template compiles");
    }
    environment
}

pub(crate) fn from_value(page: &'static str) -> Render {
    let data = match page {
        "table" => Value::from(Serde(Table::new())),
        _ => Value::from(Serde(Teams::new())),
    };
    let environment = environment();
    Box::new(move || {
        let template = environment.get_template(page).expect("the template is there");
        template.render(&data).expect("the template renders")
    })
}

pub(crate) fn from_struct(page: &'static str, data: impl Serialize + 'static) -> Render {
    let environment = environment();
    Box::new(move || {
        let template = environment.get_template(page).expect("the template is there");
        template.render(Value::from(Serde(&data))).expect("the template renders")
    })
}
