//! The test client: what it sends, what it gives back, and what it says when a test is wrong.

use shikra::testing::{TestClient, TestErrorKind, TestFile};
use shikra::{App, IntoResponse, Json, Method, Next, Request, StatusCode};
use std::time::Duration;

/// Answers with all that it sees of a request: request line, fields, an empty line, the body.
async fn mirror(req: Request) -> shikra::Result<String> {
    let body = req.text_lossy().await?;
    let query = req.query_str().map(|query| format!("?{query}")).unwrap_or_default();
    let mut text = format!("{} {}{query} {:?}\n", req.method(), req.path(), req.version());
    for (name, value) in req.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
    }
    Ok(format!("{text}\n{body}"))
}

fn mirror_client() -> TestClient {
    TestClient::new(App::new().any("/", mirror).any("/*", mirror))
}

/// The fields of a mirrored request, without `host`.
fn fields(text: &str) -> Vec<&str> {
    let head = text.split("\n\n").next().unwrap();
    head.lines().skip(1).filter(|line| !line.starts_with("host: ")).collect()
}

/// The message that a panic carries.
fn message(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(run).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast_ref::<&str>().expect("a text")).to_owned(),
    }
}

// HA-290: the whole application answers, and nothing listens.
#[test]
fn the_whole_application_runs_without_a_server() {
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        let path = req.path().to_owned();
        next.run(req).await.with_header("x-outer", &path)
    });
    app.use_at("/admin", async |_, _: Next| 401);
    app.get("/", async |_| "home").get("/admin/x", async |_| "secret");
    app.not_found(async |_| (404, "nobody here"));
    let client = TestClient::new(app);
    assert_eq!(client.addr(), None);
    client.get("/").send().assert_status(200).assert_text("home").assert_header("x-outer", "/");
    client.get("/admin/x").send().assert_status(401).assert_header("x-outer", "/admin/x");
    client.get("/no").send().assert_status(404).assert_text("nobody here");
    client.post("/").send().assert_status(405).assert_header("allow", "GET, HEAD, OPTIONS");
}

// HA-291
#[test]
fn all_methods_go_out_with_their_target() {
    let client = mirror_client();
    for (request, line) in [
        (client.get("/a?b=c"), "GET /a?b=c HTTP/1.1"),
        (client.post("/a"), "POST /a HTTP/1.1"),
        (client.put("/a"), "PUT /a HTTP/1.1"),
        (client.patch("/a"), "PATCH /a HTTP/1.1"),
        (client.delete("/a"), "DELETE /a HTTP/1.1"),
        (client.options("/a"), "OPTIONS /a HTTP/1.1"),
        (client.request(Method::from_bytes(b"BREW").unwrap(), "/a"), "BREW /a HTTP/1.1"),
        (client.get("/a").http_10(), "GET /a HTTP/1.0"),
    ] {
        let reply = request.send();
        assert_eq!(reply.text().lines().next(), Some(line));
    }
    // A HEAD has no body, but the length of one.
    let reply = client.head("/a").send();
    assert_eq!((reply.bytes(), reply.header("content-length")), (&b""[..], Some("29")));
}

// HA-292
#[test]
fn queries_are_encoded_and_replace_their_name() {
    let client = mirror_client();
    let line = |request: shikra::testing::TestRequest<'_>| {
        let text = request.send().text();
        text.split(' ').nth(1).map(str::to_owned).unwrap()
    };
    assert_eq!(line(client.get("/a").query("q", "R&D +%ä")), "/a?q=R%26D+%2B%25%C3%A4");
    assert_eq!(line(client.get("/a?x=1").query("y", 2)), "/a?x=1&y=2");
    assert_eq!(line(client.get("/a?x=1&y=2").query("x", 3)), "/a?y=2&x=3");
    assert_eq!(line(client.get("/a").query("x", 1).query("x", 2)), "/a?x=2");
    assert_eq!(line(client.get("/a").query("a b", 1).query("a b", 2)), "/a?a+b=2");
    assert_eq!(line(client.get("/a?x=0").query_all("x", [1, 2])), "/a?x=1&x=2");
    assert_eq!(line(client.get("/a?x=0").query_all("x", [0; 0])), "/a");
}

// HA-293
#[test]
fn headers_are_set_added_and_removed() {
    let client = mirror_client();
    let text = client.get("/").header("x-a", "1").header("X-A", "2").send().text();
    assert_eq!(fields(&text), ["x-a: 1", "X-A: 2"]);
    let text = client.get("/").header("x-a", "1").set_header("X-A", "2").send().text();
    assert_eq!(fields(&text), ["X-A: 2"]);
    let text = client.get("/").header("x-a", "1").remove_header("X-a").send().text();
    assert_eq!(fields(&text), [""; 0]);
    let text = client.get("/").header("host", "else.where").send().text();
    assert!(text.contains("\nhost: else.where\n") && !text.contains("host: test"), "{text}");
    let text = client.post("/").json(&1).header("content-type", "application/x+json").send().text();
    assert_eq!(fields(&text), ["content-type: application/x+json", "content-length: 1"]);
}

// HA-294
#[test]
fn raw_bodies_have_a_length_and_no_type() {
    let client = mirror_client();
    let text = client.post("/").body("grüße").send().text();
    assert_eq!(fields(&text), ["content-length: 7"]);
    assert!(text.ends_with("\n\ngrüße"));
    let client = TestClient::new(App::new().post("/", async |req| req.bytes().await));
    assert_eq!(client.post("/").body(vec![0, 255, 13, 10]).send().bytes(), [0, 255, 13, 10]);
    let text = mirror_client().post("/").text("hi").send().text();
    assert_eq!(fields(&text), ["content-type: text/plain; charset=utf-8", "content-length: 2"]);
}

// HA-295
#[test]
fn json_is_a_value_or_text() {
    let client = mirror_client();
    let value = serde_json::json!({"a": 1});
    for request in [client.post("/").json(&value), client.post("/").json_text(r#"{"a":1}"#)] {
        let text = request.send().text();
        assert_eq!(fields(&text), ["content-type: application/json", "content-length: 7"]);
        assert!(text.ends_with("\n\n{\"a\":1}"), "{text}");
    }
    let error = client.post("/").json_text("{a: 1}").try_send().unwrap_err();
    assert_eq!(error.kind(), TestErrorKind::Request);
    assert!(error.to_string().starts_with("POST /: json_text() got no JSON: "), "{error}");
}

#[test]
fn forms_are_pairs_or_structs() {
    #[derive(serde::Serialize)]
    struct Login<'a> {
        name: &'a str,
        tags: Vec<u8>,
    }
    let client = mirror_client();
    let text = client.post("/").form(&[("a", "1 2"), ("a", "&")]).send().text();
    assert_eq!(fields(&text)[0], "content-type: application/x-www-form-urlencoded");
    assert!(text.ends_with("\n\na=1+2&a=%26"), "{text}");
    let text = client.post("/").form_value(&Login { name: "ada", tags: vec![1, 2] }).send().text();
    assert!(text.ends_with("\n\nname=ada&tags=1&tags=2"), "{text}");
}

/// Mirrors a multipart request and splits the body at its boundary, which the content type names.
fn parts(request: shikra::testing::TestRequest<'_>) -> Vec<String> {
    let text = request.send().text();
    let (_, body) = text.split_once("\n\n").unwrap();
    let content_type = fields(&text)[0].to_owned();
    let boundary = content_type.strip_prefix("content-type: multipart/form-data; boundary=");
    let boundary = format!("--{}", boundary.expect(&content_type));
    let mut parts: Vec<_> = body.split(&boundary).map(str::to_owned).collect();
    // RFC 2046 §5.1.1: nothing before the first delimiter, two hyphens at the last.
    assert_eq!((parts.remove(0), parts.pop().as_deref()), (String::new(), Some("--\r\n")));
    for part in &mut parts {
        *part = part.strip_prefix("\r\n").unwrap().strip_suffix("\r\n").unwrap().to_owned();
    }
    parts
}

// HA-296, HA-297, HA-298
#[test]
fn multipart_bodies_hold_fields_and_files_in_order() {
    let client = mirror_client();
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one.txt"), dir.path().join("two.unknown"));
    std::fs::write(&one, "first\r\n").unwrap();
    std::fs::write(&two, "").unwrap();
    let picture = TestFile::from_bytes("pi\"c.png", "png!");
    let request = client.post("/").file("picture", picture).field("n", 7).field("n", "ä\"");
    let request = request.files("docs", [&one, &two]).file("copy", one.to_str().unwrap());
    assert_eq!(
        parts(request),
        [
            "Content-Disposition: form-data; name=\"picture\"; filename=\"pi%22c.png\"\r\n\
             Content-Type: image/png\r\n\r\npng!",
            "Content-Disposition: form-data; name=\"n\"\r\n\r\n7",
            "Content-Disposition: form-data; name=\"n\"\r\n\r\nä\"",
            "Content-Disposition: form-data; name=\"docs\"; filename=\"one.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nfirst\r\n",
            "Content-Disposition: form-data; name=\"docs\"; filename=\"two.unknown\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            "Content-Disposition: form-data; name=\"copy\"; filename=\"one.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nfirst\r\n",
        ]
    );
    let named = TestFile::from_path(&one).with_name("a\r\nb").with_content_type("text/x");
    assert_eq!(
        parts(client.post("/").file("f\n", named)),
        ["Content-Disposition: form-data; name=\"f%0A\"; filename=\"a%0D%0Ab\"\r\n\
          Content-Type: text/x\r\n\r\nfirst\r\n"]
    );
    // Each body has a boundary of its own.
    let boundary = || fields(&client.post("/").field("a", 1).send().text())[0].to_owned();
    assert_ne!(boundary(), boundary());
}

// HA-299
#[test]
fn two_kinds_of_body_are_a_mistake_that_names_both() {
    let client = mirror_client();
    let file = || TestFile::from_bytes("a", "");
    for (request, message) in [
        (client.post("/").json(&1).field("a", 1), "field() after json()"),
        (client.post("/").field("a", 1).json(&1), "json() after field()"),
        (client.post("/").file("a", file()).json(&1), "json() after file()"),
        (client.post("/").json(&1).files("a", [file()]), "files() after json()"),
        (client.post("/").json(&1).body("x"), "body() after json()"),
        (client.post("/").field("a", 1).body("x"), "body() after field()"),
        (client.post("/").form(&[("a", "b")]).text("x"), "text() after form()"),
        (client.post("/").chunks(["a"]).json_text("1"), "json_text() after chunks()"),
        (client.post("/").body("x").json(&1).field("a", 1), "json() after body()"),
    ] {
        let error = request.try_send().unwrap_err();
        let expected = format!("POST /: cannot use {message}: a request has one kind of body");
        assert_eq!((error.kind(), error.to_string()), (TestErrorKind::Request, expected));
    }
    // Nothing was sent, so no connection was opened either.
    assert_eq!(client.connections(), 0);
    let text = message(|| drop(mirror_client().post("/").body("x").stream()));
    assert!(text.contains("cannot use stream() after body()"), "{text}");
}

// HA-300
#[test]
fn a_missing_file_is_named() {
    let client = mirror_client();
    let error =
        client.post("/").field("a", 1).file("f", "/no/such/file.txt").try_send().unwrap_err();
    assert_eq!(error.to_string(), "POST /: file not found at path: /no/such/file.txt");
    let dir = tempfile::tempdir().unwrap();
    let error = client.post("/").file("f", dir.path()).try_send().unwrap_err();
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
    assert_eq!(client.connections(), 0);
}

// HA-301, PO-054
#[test]
fn replies_show_status_headers_and_body() {
    let mut app = App::new();
    app.get("/", async |_| {
        Json([("name", "john")].into_iter().collect::<std::collections::BTreeMap<_, _>>())
    });
    app.get("/cookies", async |_| {
        let mut reply = "hi".into_response();
        reply.append_header("set-cookie", "a=1; Path=/; SameSite=Lax");
        reply.append_header("set-cookie", "b=2%203; Path=/; SameSite=Lax");
        reply
    });
    let client = TestClient::new(app);
    let reply = client.get("/").send();
    assert_eq!((reply.status(), reply.reason()), (StatusCode::OK, "OK"));
    reply.assert_header("content-length", "15").assert_header("content-type", "application/json");
    assert_eq!((reply.bytes(), &*reply.text()), (&br#"{"name":"john"}"#[..], r#"{"name":"john"}"#));
    assert_eq!(reply.json::<serde_json::Value>()["name"], "john");
    assert_eq!(reply.headers().len(), 3, "with the date: {reply:?}");
    let reply = client.get("/cookies").send();
    assert_eq!(
        reply.header_all("set-cookie"),
        ["a=1; Path=/; SameSite=Lax", "b=2%203; Path=/; SameSite=Lax"]
    );
    let cookie = reply.cookie("b").unwrap();
    assert_eq!((&*cookie.value(), cookie.raw(), cookie.path()), ("2 3", "2%203", "/"));
    assert_eq!((cookie.same_site(), cookie.is_secure()), (Some("Lax"), false));
    assert!(reply.cookie("c").is_none());
}

// HA-302
#[test]
fn each_request_begins_clean() {
    let before = std::env::var_os("ENV");
    let client = mirror_client();
    let request = client.post("/").header("authorization", "Bearer x").query("a", 1).json(&1);
    let text = request.send().text();
    assert_eq!(fields(&text).len(), 3, "{text}");
    let text = client.post("/").send().text();
    assert_eq!((text.lines().next(), fields(&text)), (Some("POST / HTTP/1.1"), vec![]));
    assert_eq!(std::env::var_os("ENV"), before);
}

#[test]
fn assertions_show_what_came() {
    let client = TestClient::new(
        App::new()
            .get("/", async |_| {
                Json(serde_json::json!({"a": [1, {"b c": null}], "x": "y"})).with_status(201)
            })
            .get("/long", async |_| "z".repeat(2005)),
    );
    let reply = client.get("/").query("q", 1).send();
    reply.assert_status(201).assert_success().assert_no_header("x-a").assert_text_contains("b c");
    reply.assert_json(&serde_json::json!({"x": "y", "a": [1, {"b c": null}]}));
    let head = "\n\nGET /?q=1\nHTTP/1.1 201 Created\ndate: ";
    let body = "content-type: application/json\r\ncontent-length: 30\r\n\n{\"a\":[1,{\"b c\":null}],\"x\":\"y\"}\n";
    let fails = |text: String, expected: &str| {
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains(head) && text.ends_with(body), "{text:?}");
    };
    let failed = |check: fn(&shikra::testing::TestReply)| {
        let reply = reply.clone();
        message(std::panic::AssertUnwindSafe(move || check(&reply)))
    };
    fails(failed(|reply| _ = reply.assert_status(200)), "expected status 200 OK, got 201 Created");
    fails(
        failed(|reply| _ = reply.assert_header("content-type", "text/html")),
        "expected content-type: text/html, got application/json",
    );
    fails(
        failed(|reply| _ = reply.assert_header("x-a", "1")),
        "expected x-a: 1, but there is no such field",
    );
    fails(
        failed(|reply| _ = reply.assert_no_header("content-type")),
        "expected no field content-type, got application/json",
    );
    fails(
        failed(|reply| _ = reply.assert_text("{\"b")),
        "expected the body \"{\\\"b\"; it differs from byte 2 on",
    );
    fails(
        failed(|reply| _ = reply.assert_text_contains("zz")),
        "expected a body that contains \"zz\"",
    );
    fails(
        failed(|reply| _ = reply.assert_redirect("/x")),
        "expected a redirect to \"/x\", got 201 Created",
    );
    fails(
        failed(|reply| {
            let value = serde_json::json!({"a": [2, {}, 3], "y": 1});
            _ = reply.assert_json(&value);
        }),
        "the JSON differs:\n  at $.a[0]: expected 2, got 1\n  \
         at $.a[1][\"b c\"]: expected nothing, got null\n  \
         at $.a[2]: expected 3, got nothing\n  \
         at $.y: expected 1, got nothing\n  \
         at $.x: expected nothing, got \"y\"",
    );
    let long = client.get("/long").send();
    let text = message(std::panic::AssertUnwindSafe(|| _ = long.assert_success().assert_json(&1)));
    assert!(text.starts_with("expected JSON, but the body is none: "), "{text}");
    assert!(text.ends_with("zz\n… and 5 more bytes\n"), "{text}");
    let text = message(std::panic::AssertUnwindSafe(|| _ = long.assert_status(500)));
    assert!(text.starts_with("expected status 500 Internal Server Error, got 200 OK"), "{text}");
}

#[test]
fn a_timeout_names_what_was_waited_for() {
    let mut app = App::new();
    app.get("/head", async |_| std::future::pending::<&str>().await);
    app.get("/body", async |_| {
        shikra::stream(async |out| {
            out.write("12345").await?;
            std::future::pending().await
        })
    });
    app.post("/unread", async |_| std::future::pending::<&str>().await);
    let client = TestClient::new(app);
    let error = |request: shikra::testing::TestRequest<'_>| {
        let error = request.timeout(Duration::from_millis(80)).try_send().unwrap_err();
        assert_eq!(error.kind(), TestErrorKind::Timeout);
        error.to_string()
    };
    assert_eq!(
        error(client.get("/head")),
        "GET /head: nothing within 80ms; waited for the head of the reply; the request has been sent"
    );
    assert_eq!(
        error(client.get("/body")),
        "GET /body: nothing within 80ms; waited for the rest of the body of the reply, of which 5 \
         bytes came"
    );
    assert_eq!(
        error(client.post("/unread").body(vec![0; 1_000_000])),
        "POST /unread: nothing within 80ms; waited for the application to read the request"
    );
}

#[test]
fn several_requests_wait_at_once() {
    let mut app = App::new();
    app.get("/:s", async |req| {
        let seconds: u64 = req.param("s")?;
        shikra::sleep(Duration::from_secs(seconds)).await;
        Ok(seconds.to_string())
    });
    app.get("/now", async |_| "now");
    let client = TestClient::with_virtual_time(app);
    let mut pending: Vec<_> =
        ["/30", "/1", "/2"].map(|target| client.get(target).begin()).into_iter().collect();
    client.settle();
    assert_eq!(client.connections(), 3);
    client.advance(Duration::from_millis(2500));
    let done: Vec<_> = pending.iter_mut().map(shikra::testing::PendingReply::is_done).collect();
    assert_eq!(done, [false, true, true]);
    // Dropping what is pending is leaving, which ends the handler after the grace of a half-close.
    drop(pending.remove(0));
    client.advance(Duration::from_secs(6));
    assert_eq!(client.connections(), 2);
    let texts: Vec<_> = pending.into_iter().map(|reply| reply.wait().text()).collect();
    assert_eq!(texts, ["1", "2"]);
    let replies = client.send_all(["/now", "/now", "/no"].map(|target| client.get(target)));
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status().as_u16()).collect();
    assert_eq!(statuses, [200, 200, 400]);
}

#[test]
fn threads_share_a_client() {
    let client = mirror_client();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let client = client.clone();
            scope.spawn(move || {
                client.get(&format!("/{n}")).send().assert_text_contains(&format!("GET /{n} "));
            });
        }
    });
    assert!((1..=8).contains(&client.connections()));
}

#[test]
fn connections_are_kept_as_http_allows() {
    let client = TestClient::new(
        App::new()
            .get("/", async |_| "hi")
            .get("/bye", async |_| "bye".with_header("connection", "close")),
    );
    let opened = |client: &TestClient| {
        client.settle();
        client.connections()
    };
    drop(client.get("/").send());
    drop(client.get("/").send());
    assert_eq!(opened(&client), 1);
    let other = client.session();
    drop(other.get("/").send());
    assert_eq!(opened(&client), 2);
    drop(other);
    assert_eq!(opened(&client), 1);
    drop(client.get("/").header("connection", "close").send());
    assert_eq!(opened(&client), 0);
    drop(client.get("/").http_10().send());
    assert_eq!(opened(&client), 0);
    drop(client.get("/").send());
    assert_eq!(opened(&client), 1);
}
