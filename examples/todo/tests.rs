//! The to-do lists as their clients see them.

use super::todo;
use serde_json::{Value, json};
use shikra::testing::{TestClient, TestReply};

fn send(client: &TestClient, user: &str, what: &str, body: &Value) -> TestReply {
    let (method, path) = what.split_once(' ').unwrap();
    let request = client.request(method.parse().unwrap(), path);
    request.header("authorization", format!("Bearer {user}")).json(body).send()
}

#[test]
fn a_todo_is_made_changed_and_removed() {
    let client = TestClient::new(todo());
    let made = send(&client, "bob", "POST /todos", &json!({ "title": "Buy tea" }));
    made.assert_status(201).assert_header("location", "/todos/1");
    let done = json!({ "title": "Buy tea", "done": true });
    send(&client, "bob", "PUT /todos/1", &done).assert_status(200).assert_json(&done);
    send(&client, "bob", "GET /todos", &Value::Null).assert_json(&json!({ "1": done }));
    send(&client, "bob", "DELETE /todos/1", &Value::Null).assert_status(204);
    send(&client, "bob", "GET /todos", &Value::Null).assert_json(&json!({}));
}

#[test]
fn a_mistake_is_answered_with_the_name_of_its_field() {
    let client = TestClient::new(todo());
    let draft = |body: Value, why: &str| {
        send(&client, "bob", "POST /todos", &body).assert_status(422).assert_text_contains(why);
    };
    draft(json!({}), "missing field `title`");
    draft(json!({ "title": " " }), "`title`: a title may not be empty");
    draft(json!({ "title": 7 }), "`title`: invalid type");
    draft(json!({ "title": "Buy tea", "done": "yes" }), "`done`: invalid type");
    let reply = client.post("/todos").header("authorization", "Bearer bob").text("{").send();
    reply.assert_status(400);
}

#[test]
fn nobody_sees_the_todos_of_another() {
    let client = TestClient::new(todo());
    send(&client, "ada", "POST /todos", &json!({ "title": "Write" })).assert_status(201);
    send(&client, "bob", "GET /todos", &Value::Null).assert_json(&json!({}));
    send(&client, "bob", "PUT /todos/1", &json!({ "title": "Mine" })).assert_status(404);
    send(&client, "bob", "DELETE /todos/1", &Value::Null).assert_status(404);
    send(&client, "eve", "GET /todos", &Value::Null).assert_status(401);
    let reply = client.get("/nowhere").send();
    reply.assert_status(401).assert_header("www-authenticate", "Bearer");
}

#[test]
fn only_admins_count() {
    let client = TestClient::new(todo());
    send(&client, "bob", "POST /todos", &json!({ "title": "Buy tea" })).assert_status(201);
    send(&client, "bob", "GET /admin/counts", &Value::Null).assert_status(403);
    let counts = send(&client, "ada", "GET /admin/counts", &Value::Null);
    counts.assert_json(&json!({ "Bob": 1 }));
}
