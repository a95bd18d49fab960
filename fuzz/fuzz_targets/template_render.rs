//! Pages: small limits hold, and the outcome does not depend on the pieces.
//!
//! The input is a page, then sections that begin with `--- name`: other templates, `data` as JSON,
//! and `options`, which are words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_template::{Engine, Limits, Minify, Progress, Rest, Value, context};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut sections = text.split("\n--- ");
    let page = sections.next().unwrap_or_default();
    let (mut engine, mut data) = (Engine::new().with_limits(LIMITS), any_data());
    engine.register("first", |Rest(all): Rest<Value>| all.first().cloned());
    engine.register("fails", || Err::<Value, _>("as it should"));
    let mut templates = Vec::new();
    for section in sections {
        let (name, content) = section.split_once('\n').unwrap_or((section, ""));
        match name {
            "data" => data = serde_json::from_str(content).unwrap_or(data),
            "options" => engine = with_options(engine, content),
            name => templates.push((name, content)),
        }
    }
    if engine.add("page", page).is_err() {
        return;
    }
    for (name, source) in templates {
        // What does not compile is a template that is missing.
        let _ = engine.add(name, source);
    }
    let whole = engine.render("page", &data).map_err(|error| format!("{error:#}"));
    if let Ok(page) = &whole {
        assert!(page.len() <= LIMITS.output_bytes_max);
    }
    // The same data, as it lies after it was serialized.
    let serialized = Value::from_serialize(&data).expect("values can be serialized");
    let again = engine.render("page", &serialized).map_err(|error| format!("{error:#}"));
    assert_eq!(whole, again, "from serialized data");
    for budget in [1, 64, 2 + bytes.len() % 62] {
        assert_eq!(whole, in_pieces(&engine, &data, budget), "in pieces of {budget}");
    }
});

fn in_pieces(engine: &Engine, data: &Value, budget: usize) -> Result<String, String> {
    let mut render = engine.start("page", data).map_err(|error| format!("{error:#}"))?;
    let (mut page, mut piece) = (String::new(), String::new());
    loop {
        piece.clear();
        let progress = render.resume(&mut piece, budget);
        page.push_str(&piece);
        match progress {
            Ok(Progress::More) => {}
            Ok(Progress::Done) => return Ok(page),
            Err(error) => {
                piece.clear();
                assert_eq!(render.resume(&mut piece, budget).ok(), Some(Progress::Done));
                assert!(piece.is_empty(), "nothing comes after an error");
                return Err(format!("{error:#}"));
            }
        }
    }
}

fn with_options(mut engine: Engine, words: &str) -> Engine {
    for word in words.split_whitespace() {
        engine = match word {
            "strict" => engine.strict(),
            "minify" => engine.with_minify(Minify::Html),
            "no-layouts" => engine.without_layouts(),
            "no-components" => engine.without_components(),
            _ => engine,
        };
    }
    engine
}

/// Where the input has no data that can be read: something of every kind.
fn any_data() -> Value {
    context! {
        a: "A <b> & 'c'",
        b: vec![Value::from(1), Value::from(-0.5), Value::from("ä€𝄞"), Value::Null],
        c: context! { d: vec![vec![1, 2], vec![], vec![3]], e: context! { f: true, g: "" } },
        n: 9_007_199_254_740_993_i64,
        x: 1e21,
    }
}

const LIMITS: Limits = Limits {
    steps_max: 20_000,
    output_bytes_max: 4_096,
    depth_max: 6,
    value_bytes_max: 2_048,
    source_bytes_max: 16_384,
};
