//! Escaping: wherever a text comes from, it goes out as a simple twin says, and can be read back.
#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;
use shikra_template::{Engine, Value, context};

thread_local! {
    static ENGINE: LazyCell<Engine> = LazyCell::new(|| {
        let mut engine = Engine::new();
        engine.register("same", |value: Value| value);
        for (name, source) in SOURCES {
            engine.add(name, source).expect("they compile");
        }
        engine
    });
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let escaped: String = text.chars().map(twin).collect();
    let data = context! {
        text: text.as_ref(),
        list: vec![text.as_ref(), text.as_ref()],
        object: Value::object([(text.as_ref(), text.as_ref())]),
    };
    ENGINE.with(|engine| {
        for (name, _) in SOURCES {
            let page = engine.render(name, &data).expect("nothing is refused");
            assert_eq!(page, format!("<{escaped}><{escaped}>"), "{name}");
        }
    });
    assert!(!escaped.contains(['<', '>', '"', '\'', '`', '=', '/']));
    let mut back = escaped;
    for special in "<>\"'`=/&".chars() {
        back = back.replace(&twin(special), &special.to_string());
    }
    assert_eq!(back, text);
});

fn twin(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#039;".to_owned(),
        '`' => "&#96;".to_owned(),
        '=' => "&#61;".to_owned(),
        '/' => "&#47;".to_owned(),
        other => other.to_string(),
    }
}

const SOURCES: [(&str, &str); 7] = [
    ("name", "<{{ text }}><{{ text }}>"),
    ("member", "<{{ list[0] }}><{{ list.1 }}>"),
    ("loop", "@for item in list\n<{{ item }}>@endfor"),
    ("entry", "@for [key, value] in object\n<{{ key }}><{{ value }}>@endfor"),
    ("slot", "@set made = text + '' @endset<{{ made }}><{{ text.slice(0) }}>"),
    ("plugin", "<{{ same(text) }}><{{ text ? text : raw(text) + '' }}>"),
    ("choice", "<{{ text || '' }}><{{ none ?? text }}>"),
];
