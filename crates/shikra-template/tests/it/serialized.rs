//! Data that was serialized lies in one piece: it behaves as the values do that it stands for.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::SerializeMap;
use shikra_template::{Engine, Object, Value, context};

#[derive(Serialize)]
struct Page {
    title: &'static str,
    rows: Vec<Row>,
    empty: Vec<u8>,
    void: Vec<u8>,
    first: Row,
}

#[derive(Clone, Serialize)]
struct Row {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    cells: Vec<u32>,
}

fn row(name: &str, note: Option<&'static str>) -> Row {
    Row { name: name.to_owned(), note, cells: vec![1, 2] }
}

fn page() -> Page {
    let rows = vec![row("a", None), row("b", Some("<")), row("c", None), row("d", Some(">"))];
    Page { title: "T&T", first: rows[1].clone(), rows, empty: vec![], void: vec![] }
}

fn render(source: &str, data: &impl Serialize) -> String {
    let mut engine = Engine::new();
    engine.register("same", |a: Value, b: Value| a == b);
    engine.add("index", source).expect("a template");
    engine.add("card", "[{{ row.name }}{{ name }}{{ title }}]").expect("a template");
    engine
        .add("components/list", "@for r in rows\n{{ r.name }}\n@endfor{{ rows.length }}")
        .expect("a template");
    let serialized = Value::from_serialize(data).expect("data");
    let page = engine.render("index", &serialized).expect("a page");
    let plain = plain(&serialized);
    assert_eq!(engine.render("index", &plain).expect("a page"), page, "{source}");
    page
}

/// The same data as values of their own.
fn plain(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().map(plain)),
        Value::Object(object) => {
            let mut own = Object::new();
            for (name, value) in object.iter() {
                own.insert(name.as_str(), plain(value));
            }
            Value::from(own)
        }
        other => other.clone(),
    }
}

#[test]
fn structs_of_one_type_may_leave_out_fields() {
    let shown = r#"{"name":"a","cells":[1,2]},{"name":"b","note":"<","cells":[1,2]},{"name":"c","cells":[1,2]},{"name":"d","note":">","cells":[1,2]}"#;
    let value = Value::from_serialize(&page().rows).expect("data");
    assert_eq!(value.to_string(), shown);
    assert_eq!(render("{{ raw(rows) }}", &page()), shown);
    assert_eq!(
        render("@for r in rows\n{{ r.name }}{{ r.note }}\n@endfor", &page()),
        "ab&lt;cd&gt;"
    );
}

// HA-122: a list or an object equals itself alone.
#[test]
fn identity_is_that_of_values() {
    for (source, expected) in [
        (
            "{{ rows === rows }} {{ rows[0] == rows[0] }} {{ rows[0] === rows[1] }}",
            "true true false",
        ),
        ("{{ empty === empty }} {{ empty === void }} {{ rows[1] === first }}", "true false false"),
        (
            "@set r = rows[2] @endset{{ r === rows[2] }} {{ r.cells === rows['2'].cells }}",
            "true true",
        ),
        ("@for r in rows\n{{ rows.indexOf(r) }}{{ r === r }}\n@endfor", "0true1true2true3true"),
        (
            "@for r in rows\n{{ rows.includes(r.cells) }}{{ [r][0] === r }}\n@endfor",
            "falsetruefalsetruefalsetruefalsetrue",
        ),
        ("@for [at, r] in rows\n{{ rows[at] === r }}\n@endfor", "truetruetruetrue"),
        (
            "@for [key, value] in first\n{{ key }}{{ first[key] === value }}\n@endfor",
            "nametruenotetruecellstrue",
        ),
    ] {
        assert_eq!(render(source, &page()), expected, "{source}");
    }
}

#[test]
fn loops_calls_and_plugins_see_it() {
    for (source, expected) in [
        ("@for row in rows\n@import('card')\n@endfor", "[aT&amp;T][bT&amp;T][cT&amp;T][dT&amp;T]"),
        (
            "@for x in rows\n@import('card', { row: x })\n@endfor",
            "[aT&amp;T][bT&amp;T][cT&amp;T][dT&amp;T]",
        ),
        ("@import('card', { ...first, row: first })", "[bbT&amp;T]"),
        ("@component('list')@for rows in [rows]\n@component('list')\n@endfor", "abcd4abcd4"),
        ("{{ same(rows[1], first) }}{{ same(rows, [first]) }}", "truefalse"),
        ("{{ title.toUpperCase() + title[0] }}{{ rows[0].cells.join('-') }}", "T&amp;TT1-2"),
        ("@for c in first.cells\n{{ c + 1 }}\n@endfor{{ first?.cells?.1 }}{{ nope?.x }}", "232"),
        (
            "@if empty.length || !rows\nno\n@elseif first.note\nyes\n@endif{{ [...empty, ...first.cells] }}",
            "\nyes\n1,2",
        ),
    ] {
        assert_eq!(render(source, &page()), expected, "{source}");
    }
}

#[test]
fn many_names_are_found() {
    for count in [12_u32, 13, 64, 65, 1000] {
        let many: BTreeMap<String, u32> = (0..count).map(|at| (format!("n{at:04}"), at)).collect();
        let data = BTreeMap::from([("many", many)]);
        let source =
            format!("{{{{ many.n{:04} }}}}{{{{ many['n0003'] }}}}{{{{ many.nope }}}}", count - 1);
        assert_eq!(render(&source, &data), format!("{}3", count - 1));
        let root = &data["many"];
        assert_eq!(render(&format!("{{{{ n{:04} }}}}", count - 1), root), (count - 1).to_string());
    }
}

/// A map that says some names twice, and goes on after a key that failed.
struct Twice(usize);

impl Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        assert!(map.serialize_key(&vec![1, 2]).is_err());
        for at in 0..self.0 {
            map.serialize_entry(&format!("k{}", at % 10), &at)?;
        }
        map.end()
    }
}

#[test]
fn the_last_value_of_a_name_counts_in_the_place_of_the_first() {
    let value = Value::from_serialize(&Twice(12)).expect("data");
    let expected = r#"{"k0":10,"k1":11,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9}"#;
    assert_eq!(value.to_string(), expected);
    assert_eq!(render("{{ raw(a) }}", &BTreeMap::from([("a", Twice(12))])), expected);
    let value = Value::from_serialize(&Twice(95)).expect("data");
    let Value::Object(object) = value else { panic!("an object") };
    assert_eq!(
        (object.len(), object.get("k4"), object.get("k5")),
        (10, Some(&94.into()), Some(&85.into()))
    );
}

#[test]
fn objects_can_be_read_copied_and_changed() {
    let value = Value::from_serialize(&page()).expect("data");
    let Value::Object(object) = &value else { panic!("an object") };
    assert_eq!((object.len(), object.is_empty()), (5, false));
    assert_eq!(object.get("title"), Some(&Value::from("T&T")));
    assert_eq!(object.get("nope"), None);
    assert_eq!(
        object.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["title", "rows", "empty", "void", "first"]
    );
    let mut changed = Object::clone(object);
    assert_eq!(changed.insert("title", 1), Some(Value::from("T&T")));
    assert_eq!(changed.insert("more", 2), None);
    assert_eq!((changed.len(), object.len()), (6, 5));
    assert_eq!(value, plain(&value));
    assert_eq!(Value::from_serialize(&value).expect("data"), value);
}

// What was serialized may be a part of other data, and be used by several threads at once.
#[test]
fn it_is_shared_between_threads_and_other_data() {
    let rows = Value::from_serialize(&page().rows).expect("data");
    let engine = Engine::new();
    let source = "@for r in rows\n{{ r.name }}{{ r.cells.join() }}{{ rows.indexOf(r) }}{{ r.cells === r.cells }}\n@endfor";
    engine.add("index", source).expect("a template");
    let data = context! { rows };
    std::thread::scope(|scope| {
        let render = || engine.render("index", &data).expect("a page");
        let pages: Vec<_> = (0..4).map(|_| scope.spawn(render)).collect();
        for page in pages {
            assert_eq!(page.join().expect("no panic"), "a1,20trueb1,21truec1,22trued1,23true");
        }
    });
}

/// The keys of a page's structs are kept for the next page of the thread, where other structs may have
/// their name, more fields, fewer, or the same in another order.
#[test]
fn structs_of_one_name_do_not_share_their_fields() {
    type Page = (fn() -> Value, &'static str);

    fn first() -> Value {
        #[derive(Serialize)]
        struct Same {
            a: u8,
            b: u8,
        }
        Value::from_serialize(&[Same { a: 1, b: 2 }, Same { a: 3, b: 4 }]).unwrap()
    }
    fn second() -> Value {
        #[derive(Serialize)]
        struct Same {
            b: u8,
            a: u8,
            c: u8,
        }
        Value::from_serialize(&[Same { b: 1, a: 2, c: 3 }, Same { b: 4, a: 5, c: 6 }]).unwrap()
    }
    fn third() -> Value {
        #[derive(Serialize)]
        struct Same {
            a: u8,
        }
        Value::from_serialize(&[Same { a: 1 }, Same { a: 2 }]).unwrap()
    }
    let pages: [Page; 3] = [
        (first, r#"[{"a":1,"b":2},{"a":3,"b":4}]"#),
        (second, r#"[{"b":1,"a":2,"c":3},{"b":4,"a":5,"c":6}]"#),
        (third, r#"[{"a":1},{"a":2}]"#),
    ];
    // Every order of two, over and over, since what is kept is bounded.
    for round in 0..100 {
        for at in [0, 0, 1, 1, 2, 2, 0, 2, 1, 0] {
            let (page, expected) = pages[at];
            let data = page();
            let Value::List(rows) = &data else { panic!("a list") };
            let row = |row: &Value| {
                let Value::Object(row) = row else { panic!("an object") };
                let fields: Vec<_> =
                    row.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            };
            let shown: Vec<_> = rows.iter().map(row).collect();
            assert_eq!(format!("[{}]", shown.join(",")), expected, "round {round}");
        }
    }
}
