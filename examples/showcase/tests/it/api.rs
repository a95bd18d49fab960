//! The board as JSON.

use crate::client;
use serde_json::{Value, json};
use shikra::testing::TestClient;

fn draft(text: &str) -> Value {
    json!({"text": text, "author": "Ada", "color": "green"})
}

#[track_caller]
fn check_refused(client: &TestClient, value: &Value, status: u16, detail: &str) {
    let reply = client.post("/api/notes").json(value).send();
    assert_eq!(reply.status(), status, "{value}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem: Value = reply.json();
    assert_eq!(problem["status"], status);
    let told = problem["detail"].as_str().unwrap();
    assert!(told.contains(detail), "{told}");
}

#[test]
fn begins_empty() {
    assert_eq!(client().get("/api/notes").send().json::<Value>(), json!([]));
}

#[test]
fn adds_shows_changes_and_deletes_a_note() {
    let client = client();
    let reply = client.post("/api/notes").json(&draft("Lunch at noon")).send();
    assert_eq!((reply.status().as_u16(), reply.header("location")), (201, Some("/api/notes/1")));
    let note: Value = reply.json();
    assert_eq!((&note["id"], &note["text"]), (&json!(1), &json!("Lunch at noon")));
    assert_eq!((&note["author"], &note["color"]), (&json!("Ada"), &json!("green")));
    assert_eq!(client.get("/api/notes/1").send().json::<Value>(), note);

    let reply = client.put("/api/notes/1").json(&draft("Lunch at one")).send();
    assert_eq!(reply.status(), 200);
    let changed: Value = reply.json();
    assert_eq!((&changed["text"], &changed["created"]), (&json!("Lunch at one"), &note["created"]));

    let reply = client.delete("/api/notes/1").send();
    assert_eq!((reply.status().as_u16(), reply.bytes()), (204, &b""[..]));
    for reply in [
        client.get("/api/notes/1").send(),
        client.put("/api/notes/1").json(&draft("too late")).send(),
        client.delete("/api/notes/1").send(),
    ] {
        assert_eq!(reply.status(), 404);
        assert_eq!(reply.json::<Value>()["detail"], "There is no note 1.");
    }
}

#[test]
fn lists_the_newest_first_and_never_gives_an_id_again() {
    let client = client();
    for text in ["one", "two", "three"] {
        assert_eq!(client.post("/api/notes").json(&draft(text)).send().status(), 201);
    }
    assert_eq!(client.delete("/api/notes/3").send().status(), 204);
    assert_eq!(client.post("/api/notes").json(&draft("four")).send().status(), 201);
    let notes: Vec<Value> = client.get("/api/notes").send().json();
    let ids: Vec<_> = notes.iter().map(|note| note["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [4, 2, 1]);
}

#[test]
fn refuses_what_is_no_note() {
    let client = client();
    check_refused(&client, &draft(" \n "), 422, "write something");
    check_refused(&client, &json!({"text": "a", "author": " ", "color": "pink"}), 422, "who you");
    check_refused(&client, &json!({"text": "a", "author": "b", "color": "red"}), 422, "`color`");
    check_refused(&client, &json!({"text": "a", "color": "pink"}), 422, "author");
    for (body, detail) in [("{", "JSON: EOF"), (r#"{"text":"#, "JSON at `text`: EOF")] {
        let reply = client.post("/api/notes").body(body).send();
        assert_eq!(reply.status(), 400);
        let problem: Value = reply.json();
        assert!(problem["detail"].as_str().unwrap().starts_with(detail), "{problem}");
    }
    assert_eq!(client.get("/api/notes/x").send().status(), 400);
}

#[test]
fn limits_are_in_characters() {
    let client = client();
    let with = |text: usize, author: usize| json!({"text": "é".repeat(text), "author": "é".repeat(author), "color": "blue"});
    assert_eq!(client.post("/api/notes").json(&with(500, 40)).send().status(), 201);
    check_refused(&client, &with(501, 40), 422, "at most 500 characters");
    check_refused(&client, &with(500, 41), 422, "at most 40 characters");
}

#[test]
fn a_full_board_is_a_conflict() {
    let client = client();
    for _ in 0..500 {
        assert_eq!(client.post("/api/notes").json(&draft("one of many")).send().status(), 201);
    }
    check_refused(&client, &draft("one too many"), 409, "full with 500 notes");
    assert_eq!(client.delete("/api/notes/7").send().status(), 204);
    assert_eq!(client.post("/api/notes").json(&draft("room again")).send().status(), 201);
}

#[test]
fn unknown_paths_and_methods_are_problems_too() {
    let client = client();
    let reply = client.get("/api/nope").header("accept", "text/html").send();
    assert_eq!(reply.status(), 404);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let reply = client.patch("/api/notes/1").send();
    assert_eq!((reply.status().as_u16(), reply.header("allow").is_some()), (405, true));
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let reply = client.post("/api/notes").body(vec![b' '; 16 * 1024 + 1]).send();
    assert_eq!(reply.status(), 413);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
}
