use crate::Render;
use crate::data::{Table, Teams};
use serde::Serialize;
use tera::{Context, Tera};

fn engine() -> Tera {
    let mut engine = Tera::default();
    engine
        .add_raw_templates([
            ("table.html", include_str!("../../pages/table.jinja")),
            ("teams.html", include_str!("../../pages/teams.jinja")),
        ])
        .expect("the templates compile");
    engine
}

fn name(page: &str) -> &'static str {
    if page == "table" { "table.html" } else { "teams.html" }
}

pub(crate) fn from_value(page: &'static str) -> Render {
    let data = match page {
        "table" => Context::from_serialize(Table::new()),
        _ => Context::from_serialize(Teams::new()),
    };
    let (engine, data) = (engine(), data.expect("the data is serializable"));
    Box::new(move || engine.render(name(page), &data).expect("the template renders"))
}

pub(crate) fn from_struct(page: &'static str, data: impl Serialize + 'static) -> Render {
    let engine = engine();
    Box::new(move || {
        let data = Context::from_serialize(&data).expect("the data is serializable");
        engine.render(name(page), &data).expect("the template renders")
    })
}
