//! What the benchmark asks for.

use crate::client;
use conformance::{Options, app};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

#[test]
fn answers_plain_text_alone_and_behind_middleware() {
    let client = client();
    for path in ["/plaintext", "/mw"] {
        let reply = client.get(path).send();
        assert_eq!(reply.text(), "Hello, World!");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(reply.header("content-length"), Some("13"));
        assert!(reply.header("date").is_some());
    }
}

#[test]
fn renders_a_page_with_the_time() {
    let reply = client().get("/html").send();
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let text = reply.text();
    let (_, rest) = text.split_once("Now: ").unwrap();
    let ms: u128 = rest.split('<').next().unwrap().parse().unwrap();
    assert!(ms <= SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis());
}

#[test]
fn finds_two_parameters_among_200_other_routes() {
    assert!(app(&Options::default()).routes().unwrap().len() > 200);
    let client = client();
    let text = |path| client.get(path).send().text();
    assert_eq!(
        text("/users/4711/books/the-art-of-computing"),
        "user 4711 book the-art-of-computing"
    );
    assert_eq!(text("/api/v3/res99/list"), "list");
    assert_eq!(text("/api/v2/res98/item/7"), "7");
    assert_eq!(client.get("/api/v0/res99/list").send().status(), 404);
}

#[test]
fn parses_and_serialises_an_order() {
    let order = json!({
        "id": 7, "name": "Ada", "email": "ada@example.com", "tags": ["a", "b"],
        "price": 12.5, "active": true, "note": "",
    });
    let client = client();
    let reply = client.post("/json").json(&order).send();
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json::<Value>(), order);
    assert_eq!(client.post("/json").body("{").send().status(), 400);
    assert_eq!(client.post("/json").json(&json!({"id": 7})).send().status(), 422);
}

#[test]
fn counts_an_upload_that_is_longer_than_a_collected_body_may_be() {
    assert_eq!(client().post("/upload").body(vec![b'x'; 1_048_576]).send().text(), "1048576");
}

#[test]
fn sends_a_mebibyte_from_memory() {
    let reply = client().get("/blob").send();
    assert_eq!(reply.bytes().len(), 1024 * 1024);
    assert_eq!(reply.bytes().get(..9), Some(&[0, 31, 62, 93, 124, 155, 186, 217, 248][..]));
    assert_eq!(reply.bytes().get(9), Some(&28));
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
}
