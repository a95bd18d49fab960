use crate::Render;
use crate::data::{Table, Teams};
use handlebars::{Context, Handlebars};
use serde::Serialize;

fn registry() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    for (page, source) in [
        ("table", include_str!("../../pages/table.hbs")),
        ("teams", include_str!("../../pages/teams.hbs")),
    ] {
        registry.register_template_string(page, source).expect("the template compiles");
    }
    registry
}

pub(crate) fn from_value(page: &'static str) -> Render {
    let data = match page {
        "table" => Context::wraps(Table::new()),
        _ => Context::wraps(Teams::new()),
    };
    let (registry, data) = (registry(), data.expect("the data is serializable"));
    Box::new(move || registry.render_with_context(page, &data).expect("the template renders"))
}

pub(crate) fn from_struct(page: &'static str, data: impl Serialize + 'static) -> Render {
    let registry = registry();
    Box::new(move || registry.render(page, &data).expect("the template renders"))
}
