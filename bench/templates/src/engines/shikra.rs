use crate::Render;
use crate::data::{Table, Teams};
use serde::Serialize;
use shikra_template::{Engine, Value};

fn engine() -> Engine {
    let engine = Engine::new();
    for (page, source) in [
        ("table", include_str!("../../pages/table.shikra")),
        ("teams", include_str!("../../pages/teams.shikra")),
    ] {
        engine.add(page, source).expect("the template compiles");
    }
    engine
}

pub(crate) fn from_value(page: &'static str) -> Render {
    let engine = engine();
    let data = match page {
        "table" => Value::from_serialize(&Table::new()),
        _ => Value::from_serialize(&Teams::new()),
    };
    let data = data.expect("the data is serializable");
    Box::new(move || engine.render(page, &data).expect("the template renders"))
}

pub(crate) fn from_struct(page: &'static str, data: impl Serialize + 'static) -> Render {
    let engine = engine();
    Box::new(move || {
        let data = Value::from_serialize(&data).expect("the data is serializable");
        engine.render(page, &data).expect("the template renders")
    })
}
