//! What protocol testers ask for.

use crate::client;
use conformance::{Options, app};
use shikra::testing::TestClient;
use std::time::Duration;

#[test]
fn greets() {
    assert_eq!(client().get("/").send().text(), "hello");
}

#[test]
fn repeats_the_id() {
    assert_eq!(client().get("/users/a%20b").send().text(), "a b");
}

#[test]
fn echoes_a_body_of_either_framing() {
    let client = client();
    assert_eq!(client.post("/echo").body("one two").send().text(), "one two");
    assert_eq!(client.post("/echo").chunks(["one", " ", "two"]).send().text(), "one two");
    assert_eq!(client.post("/echo").send().text(), "");
}

#[test]
fn counts_a_body_of_either_framing() {
    let client = client();
    assert_eq!(client.post("/count").body(vec![0; 300_000]).send().text(), "300000");
    assert_eq!(client.post("/count").chunks(["123", "45"]).send().text(), "5");
    assert_eq!(client.post("/count").send().text(), "0");
}

#[test]
fn refuses_a_body_past_the_limit() {
    let client = TestClient::new(app(&Options { body_bytes_max: 4, ..Options::default() }));
    assert_eq!(client.post("/count").body("1234").send().text(), "4");
    assert_eq!(client.post("/count").body("12345").send().status(), 413);
    assert_eq!(client.post("/count").chunks(["123", "45"]).send().status(), 413);
}

#[test]
fn streams_ten_chunks_one_a_second() {
    let client = TestClient::with_virtual_time(app(&Options::default()));
    let connection = client.connect();
    connection.write("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
    client.advance(Duration::from_millis(8500));
    let so_far = String::from_utf8(connection.read_some().unwrap()).unwrap();
    assert!(so_far.contains("chunk 8\n") && !so_far.contains("chunk 9\n"), "{so_far}");
    client.advance(Duration::from_secs(1));
    let rest = String::from_utf8(connection.read_some().unwrap()).unwrap();
    assert!(rest.contains("chunk 9\n") && rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[test]
fn streams_as_fast_as_asked() {
    let reply = client().get("/stream?ms=0").send();
    assert_eq!(reply.text().lines().count(), 10);
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
}

#[test]
fn waits_as_long_as_asked() {
    let client = TestClient::with_virtual_time(app(&Options::default()));
    for (query, ms) in [("", 150), ("?ms=60000", 60_000)] {
        let connection = client.connect();
        connection.write(format!("GET /slow{query} HTTP/1.1\r\nhost: x\r\n\r\n"));
        // The runtime's timers are exact to a millisecond.
        client.advance(Duration::from_millis(ms + 1));
        assert_eq!(connection.read_reply().unwrap().text(), format!("after {ms} ms"));
    }
}

#[test]
fn refuses_pauses_that_are_too_long_or_no_number() {
    let client = client();
    for path in ["/slow", "/stream"] {
        assert_eq!(client.get(path).query("ms", 60_001).send().status(), 400);
        assert_eq!(client.get(path).query("ms", "soon").send().status(), 400);
    }
}

#[test]
fn answers_with_any_final_status() {
    let client = client();
    for code in [200, 204, 205, 301, 304, 404, 418, 500, 599, 999] {
        let reply = client.get(&format!("/status/{code}")).send();
        assert_eq!((reply.status().as_u16(), reply.bytes().len()), (code, 0));
    }
    for code in ["100", "199", "1000", "ok"] {
        assert_eq!(client.get(&format!("/status/{code}")).send().status(), 400, "{code}");
    }
}

#[test]
fn sets_a_header_or_refuses_its_value() {
    let client = client();
    let reply = client.get("/header").query("v", "a b%").send();
    assert_eq!((reply.status().as_u16(), reply.header("x-value")), (200, Some("a b%")));
    for value in ["a\r\nset-cookie: b", "a\nb", "a\rb", "a\0b"] {
        let reply = client.get("/header").query("v", value).send();
        assert_eq!((reply.status().as_u16(), reply.header("x-value")), (400, None), "{value:?}");
    }
    assert_eq!(client.get("/header").send().status(), 400);
}

#[test]
fn goes_on_after_a_panic() {
    let client = client();
    assert_eq!(client.get("/panic").send().status(), 500);
    assert_eq!(client.get("/").send().status(), 200);
}
