//! Forms that say which method they mean.

use crate::support::{answers, client, problems};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::collections::HashMap;

type Fields = HashMap<String, String>;

/// Shows the method, the pattern and what the form says.
async fn show(req: Request) -> Result<String> {
    let fields: Fields = req.form().await?;
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    Ok(format!("{} {:?} {} {}", req.method(), req.pattern(), field("_method"), field("x")))
}

fn app() -> App {
    let mut app = App::new();
    app.method_override();
    app.get("/a/:id", show).post("/a/:id", show).delete("/a/:key", show).put("/a/:id", show);
    app.any("/m", async |req: Request| req.method().to_string());
    app.method(Method::from_bytes(b"PURGE").unwrap(), "/a/:id", show);
    app
}

#[test]
fn a_form_is_routed_by_the_method_that_it_names() {
    // C23: HA-020, HA-151, HA-153, CF-41
    let client = client(app());
    let post = |fields: &[(&str, &str)]| client.post("/a/7").form(fields).send().text();
    assert_eq!(post(&[("_method", "delete"), ("x", "1")]), r#"DELETE Some("/a/:key") delete 1"#);
    assert_eq!(post(&[("x", "1"), ("_method", "PUT")]), r#"PUT Some("/a/:id") PUT 1"#);
    // Of two the first counts.
    let twice = client.post("/m").form(&[("_method", "Put"), ("_method", "delete")]);
    assert_eq!(twice.send().text(), "PUT");
    // No route takes the method, and the reply says which ones there are.
    let reply = client.post("/a/7").form(&[("_method", "PATCH")]).send();
    assert_eq!(reply.status(), 405);
    assert!(reply.header("allow").is_some_and(|allow| allow.contains("PUT")), "{reply:?}");
    let reply = client.post("/none").form(&[("_method", "PUT")]).send();
    assert_eq!(reply.status(), 404);
}

#[test]
fn what_is_no_such_form_stays_a_post() {
    // C24: HA-152, CF-41
    let client = client(app());
    let post = |fields: &[(&str, &str)]| client.post("/a/7").form(fields).send().text();
    let stays = r#"POST Some("/a/:id")"#;
    assert_eq!(post(&[("x", "1")]), format!("{stays}  1"));
    for value in ["FOO", "GET", "HEAD", "OPTIONS", "POST", "PURGE", "", "DELETE "] {
        assert_eq!(post(&[("_method", value), ("x", "1")]), format!("{stays} {value} 1"));
    }
    let json = client.post("/a/7").header("content-type", "application/json");
    let reply = json.body("_method=DELETE").send();
    assert_eq!(reply.text(), format!("{stays} DELETE "));
    let reply = client.post("/a/7").body("_method=DELETE").send();
    assert_eq!(reply.text(), format!("{stays} DELETE "));
    let multipart = client.post("/a/7").header("content-type", "multipart/form-data; boundary=b");
    assert!(multipart.body("_method=DELETE").send().text().starts_with(stays));
    // A query is no form, and only POST is looked at.
    assert!(client.post("/a/7?_method=DELETE").form(&[]).send().text().starts_with(stays));
    assert!(client.get("/a/7").form(&[("_method", "DELETE")]).send().text().starts_with("GET"));
    assert!(client.put("/a/7").form(&[("_method", "DELETE")]).send().text().starts_with("PUT"));
    let charset = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
    let reply = client.post("/a/7").header("content-type", charset).body("_method=DELETE").send();
    assert!(reply.text().starts_with("DELETE"));
    // A form of too many fields is for the handler to refuse.
    let many = vec!["a=b"; 1000].join("&") + "&_method=DELETE";
    let reply = client.post("/a/7").header("content-type", charset).body(many).send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (400, "too many form fields"));
}

#[test]
fn nothing_is_overridden_unless_the_application_says_so() {
    // HA-152, CF-41
    let mut app = App::new();
    app.post("/a/:id", show).delete("/a/:id", show);
    let reply = client(app).post("/a/7").form(&[("_method", "DELETE")]).send();
    assert!(reply.text().starts_with("POST"));
    for inside in ["mount", "host"] {
        let mut inner = App::new();
        inner.method_override();
        let mut app = App::new();
        match inside {
            "mount" => app.mount("/m", inner),
            _ => app.host("a.test", inner),
        };
        let told = problems(&app);
        assert!(told.contains("method override: a setting of the whole application"), "{told}");
        assert!(told.contains("method_override.rs:"), "{told}");
    }
}

#[test]
fn middleware_mounts_and_limits_are_those_of_the_method_that_is_meant() {
    // HA-153, CF-38
    let mut app = App::new();
    app.method_override();
    app.use_(async |req: Request, next: Next| {
        let seen = format!("{} {:?}", req.method(), req.pattern());
        next.run(req).await.with_header("x-seen", seen)
    });
    app.use_at("/m/secret", before(async |_| Some(403)));
    app.group("/m", |sub| {
        sub.delete("/:id", async |req: Request| {
            format!("{} {:?}", req.relative_path(), req.param_str("id"))
        });
        sub.not_found(async |req: Request| {
            format!("none {} {}", req.method(), req.relative_path())
        });
    });
    app.route("/small").body_bytes_max(30).delete(show);
    app.route("/small").body_bytes_max(60).post(show);
    app.route("/told")
        .get(show)
        .no_such_method(async |req: Request| format!("told {}", req.method()));
    let client = client(app);
    let delete = |path: &str| client.post(path).form(&[("_method", "DELETE")]).send();
    let reply = delete("/m/7");
    assert_eq!(
        (reply.header("x-seen"), &*reply.text()),
        (Some(r#"DELETE Some("/m/:id")"#), r#"/7 Some("7")"#)
    );
    assert_eq!(delete("/m/secret").status(), 403);
    assert_eq!(delete("/m/%73ecret").status(), 403);
    assert_eq!(delete("/m/7/8").text(), "none DELETE /7/8");
    assert_eq!(delete("/told").text(), "told DELETE");

    let small = |method: &str, len: usize| {
        let start = format!("_method={method}&x=");
        let body = format!("{start}{}", "y".repeat(len - start.len()));
        let form =
            client.post("/small").header("content-type", "application/x-www-form-urlencoded");
        form.body(body).send().status().as_u16()
    };
    assert_eq!([small("delete", 30), small("delete", 31)], [200, 413]);
    assert_eq!([small("other", 60), small("other", 61)], [200, 413]);
    let form = client.post("/small").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.chunks(["_method=delete&", "x=1234567890123456"]).send().status(), 413);
}

#[test]
fn the_form_may_come_late_or_never() {
    // HA-153
    let client = TestClient::new(app());
    let head = "POST /a/7 HTTP/1.1\r\nhost: x\r\ncontent-length: 16\r\n\
                content-type: application/x-www-form-urlencoded\r\n";
    let connection = client.connect();
    connection.write(format!("{head}expect: 100-continue\r\n\r\n"));
    client.settle();
    connection.write("_method=");
    client.settle();
    connection.write("DELETE&xGET /a/8 HTTP/1.1\r\nhost: x\r\n\r\n");
    let reply = connection.read_reply().unwrap();
    assert_eq!(reply.informational().len(), 1);
    assert!(reply.text().starts_with("DELETE"));
    assert!(
        connection.read_reply().unwrap().text().starts_with("GET"),
        "the next request is whole"
    );
    let reply = answers(&client, format!("{head}\r\n_method=DEL"));
    assert!(reply.starts_with("HTTP/1.1 400") && !reply.contains("DELETE"), "{reply}");
}
