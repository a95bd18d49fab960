//! Data from and to `serde`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::SerializeSeq;
use shikra_template::{Engine, ErrorKind, Value, context};

#[derive(Serialize)]
struct User {
    name: String,
    age: u8,
    tags: Vec<&'static str>,
    mail: Option<String>,
    role: Role,
    place: (f32, f64),
    unit: (),
    numbers: BTreeMap<i32, bool>,
}

#[derive(Serialize)]
enum Role {
    Guest,
    Member(u32),
    Pair(u8, char),
    Admin { level: i64 },
}

fn user(role: Role) -> User {
    User {
        name: "Ann".into(),
        age: 30,
        tags: vec!["a", "b"],
        mail: None,
        role,
        place: (0.1, -2.0),
        unit: (),
        numbers: BTreeMap::from([(2, true), (1, false)]),
    }
}

#[test]
fn structs_and_enums_become_objects_in_their_order() {
    let value = Value::from_serialize(&user(Role::Guest)).expect("data");
    assert_eq!(
        value.to_string(),
        r#"{"name":"Ann","age":30,"tags":["a","b"],"mail":null,"role":"Guest","place":[0.1,-2],"unit":null,"numbers":{"1":false,"2":true}}"#
    );
    for (role, shown) in [
        (Role::Member(7), r#"{"Member":7}"#),
        (Role::Pair(1, 'x'), r#"{"Pair":[1,"x"]}"#),
        (Role::Admin { level: -1 }, r#"{"Admin":{"level":-1}}"#),
    ] {
        assert_eq!(Value::from_serialize(&role).expect("data").to_string(), shown);
    }
}

#[test]
fn templates_use_serialized_data() {
    let engine = Engine::new();
    engine
        .add("index", "{{ name }} {{ tags[1] }} {{ role.Member }}@for [k, v] in numbers\n {{ k }}{{ v }}\n@endfor")
        .expect("a template");
    let data = Value::from_serialize(&user(Role::Member(7))).expect("data");
    assert_eq!(engine.render("index", &data).expect("a page"), "Ann b 71false2true");
}

// HA-127: the order of JSON objects is kept.
#[test]
fn json_goes_in_and_out_unchanged() {
    let text = r#"{"z":1,"a":[null,true,-2.5,"x\n"],"m":{"10":1,"2":18446744073709551615}}"#;
    let value: Value = serde_json::from_str(text).expect("JSON");
    let shown = serde_json::to_string(&value).expect("JSON");
    assert_eq!(shown, text.replace("18446744073709551615", "\"18446744073709551615\""));
}

#[test]
fn what_cannot_be_data_is_an_error() {
    let deep = (0..200).fold(Value::Null, |inner, _| Value::list([inner]));
    let error = Value::from_serialize(&deep).expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Data);
    let keys = BTreeMap::from([(vec![1], 2)]);
    let error = Value::from_serialize(&keys).expect_err("a list as a key");
    assert_eq!(error.message(), "a key is a list");
    assert!(Value::from_serialize(&context! { a: 1 }).is_ok());
}

/// A list that fails after its first item.
struct Torn;

impl Serialize for Torn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(2))?;
        items.serialize_element(&"lost")?;
        Err(serde::ser::Error::custom("torn"))
    }
}

/// Goes on after an item that failed.
struct Patient;

impl Serialize for Patient {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(None)?;
        items.serialize_element(&[1, 2])?;
        assert!(items.serialize_element(&Torn).is_err());
        items.serialize_element(&vec![vec![3], vec![], vec![4, 5]])?;
        items.end()
    }
}

#[test]
fn a_list_that_is_given_up_leaves_nothing_behind() {
    let value = Value::from_serialize(&Patient).expect("data");
    assert_eq!(value, Value::list([Value::list([1, 2]), value_of(&[vec![3], vec![], vec![4, 5]])]));
    let error = Value::from_serialize(&Torn).expect_err("it fails");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Data, "torn"));
}

fn value_of(lists: &[Vec<i32>]) -> Value {
    Value::list(lists.iter().map(|list| Value::list(list.iter().copied())))
}
