//! How far a body has come, who reads it, and what is refused of it.

use crate::support::{client, logged};
use serde_json::{Map, Value};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn tells_how_far_the_body_has_come() {
    // HX-111, HX-123
    let mut app = App::new();
    app.post("/", async |req: Request| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let note = |what: String| log.borrow_mut().push(what);
        let state = |req: &Request| format!("{}/{}", req.is_body_received(), req.is_body_paused());
        note(state(&req));
        let (at_end, of_hook) = (Rc::clone(&log), req.clone());
        req.on_body_received(move |len| {
            at_end.borrow_mut().push(format!("{len} bytes, {}", of_hook.is_body_received()));
        });
        let mut body = req.body();
        while let Some(chunk) = body.next().await {
            note(format!("{} {}", chunk?.len(), state(&req)));
        }
        note(state(&req));
        let late = Rc::clone(&log);
        req.on_body_received(move |len| late.borrow_mut().push(format!("again {len}")));
        Ok::<_, Error>(log.take().join(", "))
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n");
    client.settle();
    connection.write("ab");
    client.settle();
    connection.write("cdef");
    let text = connection.read_reply().unwrap().text();
    assert_eq!(text, "false/true, 2 false/true, 6 bytes, true, 4 true/false, true/false, again 6");
    assert_eq!(client.post("/").send().text(), "true/false, 0 bytes, true, true/false, again 0");
    let reply = client.post("/").chunks(["abc", "de"]).send();
    assert!(
        reply.text().contains("5 bytes, true") && reply.text().ends_with("again 5"),
        "{reply:?}"
    );
}

#[test]
fn a_body_that_breaks_off_is_never_received() {
    // HX-123, VA-136: the read fails, late halves see that the client has gone, and nothing is logged.
    let received = Arc::new(AtomicBool::new(false));
    let closed = Arc::new(AtomicUsize::new(0));
    let (noted, late_noted) = (Arc::clone(&received), Arc::clone(&closed));
    let mut app = App::new();
    app.use_(late(move |req: Request| {
        let late_noted = Arc::clone(&late_noted);
        move |res: &mut Response| {
            assert!(req.is_closed() && res.status() == 400);
            late_noted.fetch_add(1, Ordering::Relaxed);
        }
    }));
    app.post("/breaks-off", async move |req: Request| {
        let noted = Arc::clone(&noted);
        req.on_body_received(move |_| noted.store(true, Ordering::Relaxed));
        let all = req.bytes().await?;
        Ok::<_, Error>(all.len().to_string())
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST /breaks-off HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc");
    client.settle();
    connection.finish();
    client.settle();
    assert_eq!((received.load(Ordering::Relaxed), closed.load(Ordering::Relaxed)), (false, 1));
    assert_eq!(logged(&["/breaks-off"]), 0);
}

#[test]
fn the_client_s_leaving_can_be_seen() {
    // VA-077
    let mut app = App::new();
    let seen = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&seen);
    app.get("/", async move |req: Request| {
        assert!(!req.is_closed());
        req.closed().await;
        assert!(req.is_closed());
        noted.fetch_add(1, Ordering::Relaxed);
        204
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    connection.finish();
    client.settle();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[test]
fn nothing_is_read_before_somebody_asks() {
    // VA-127, VA-140: the client feels that nobody reads.
    let mut app = App::new();
    app.post("/", async |req: Request| {
        let mut body = req.body();
        let mut len = 0;
        req.closed().await;
        while let Some(chunk) = body.next().await {
            len += chunk?.len();
        }
        Ok::<_, Error>(len.to_string())
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n");
    client.settle();
    let mut taken = 0;
    loop {
        let written = connection.write_some(vec![b'x'; 65_536]);
        client.settle();
        if written == 0 {
            break;
        }
        taken += written;
    }
    // What stands between is the pipe's buffer and at most a window of the server's.
    assert!(taken <= 192 * 1024, "{taken} bytes were taken from the client");
}

#[test]
fn the_body_is_a_stream_for_a_loop() {
    // VA-132, VA-133, VA-138, CF-38: a loop may be left early, and a stream has no limit of its own.
    let mut app = App::new();
    app.post("/all", async |req: Request| {
        let mut body = req.body();
        let (mut len, mut chunks) = (0, 0);
        while let Some(chunk) = body.next().await {
            len += chunk?.len();
            chunks += 1;
        }
        assert!(body.next().await.is_none(), "it stays at its end");
        Ok::<_, Error>(format!("{len} {}", chunks > 0))
    });
    app.post("/first", async |req: Request| {
        let first = req.body().next().await.or_status(400)??;
        Ok::<_, Error>(first.len().to_string())
    });
    let client = client(app);
    assert_eq!(client.post("/all").send().text(), "0 false");
    assert_eq!(client.get("/all").send().status(), 405);
    assert_eq!(client.post("/all").body(vec![0; 1_000_000]).send().text(), "1000000 true");
    let connection = client.connect();
    connection.write("POST /first HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc");
    client.settle();
    connection.write("defPOST /all HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nxy");
    assert_eq!(connection.read_reply().unwrap().text(), "3");
    assert_eq!(connection.read_reply().unwrap().text(), "2 true", "the rest was read over");
}

#[test]
fn a_middleware_parses_once_for_all() {
    // VA-128
    struct Parsed(Value);
    async fn parse(req: Request) -> Result<()> {
        let value = req.json().await?;
        req.meta().insert(Parsed(value));
        Ok(())
    }
    let mut app = App::new();
    app.use_(before(parse));
    app.post("/", async |req: Request| {
        let parsed = req.meta().get::<Parsed>().or_status(500)?;
        Ok(parsed.0["a"].to_string())
    });
    let client = client(app);
    assert_eq!(client.post("/").body(r#"{"a":[1,2]}"#).send().text(), "[1,2]");
    assert_eq!(client.post("/").body("{bad").send().status(), 400);
}

#[test]
fn a_body_is_parsed_as_what_it_says_it_is() {
    // HX-301: each kind if its type matches, several beside one another, and a limit with 413.
    #[derive(Default)]
    struct Parsed {
        json: Option<Value>,
        text: Option<String>,
        raw: Option<Bytes>,
    }
    async fn parse(req: Request) -> Result<()> {
        let mut parsed = Parsed::default();
        if req.is("json") {
            parsed.json = Some(req.json().await?);
        } else if req.is("text") {
            parsed.text = Some(req.text().await?);
        } else if req.is("bytes") {
            parsed.raw = Some(req.bytes().await?);
        }
        req.meta().insert(parsed);
        Ok(())
    }
    let mut app = App::new();
    app.body_bytes_max(100).use_(before(parse));
    app.post("/", async |req: Request| {
        let parsed = req.meta().get::<Parsed>().or_status(500)?;
        Ok(format!("{:?} {:?} {:?}", parsed.json, parsed.text, parsed.raw))
    });
    let client = client(app);
    let post = |media: &str, body: String| {
        let reply = client.post("/").header("content-type", media).body(body).send();
        (reply.status().as_u16(), reply.text())
    };
    let told = |text: &str| (200, text.to_owned());
    assert_eq!(
        post("application/json; charset=UTF-8", "7".into()),
        told("Some(Number(7)) None None")
    );
    assert_eq!(post("text/plain", "7".into()), told(r#"None Some("7") None"#));
    assert_eq!(post("application/octet-stream", "7".into()), told(r#"None None Some(b"7")"#));
    assert_eq!(post("image/png", "7".into()), told("None None None"));
    assert_eq!(post("text/plain", "x".repeat(100)).0, 200);
    assert_eq!(post("text/plain", "x".repeat(101)).0, 413);
}

#[test]
fn a_body_may_be_verified_and_its_charset_is_checked() {
    // HX-303: a refused request does not reach the handler.
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut app = App::new();
    app.use_(before(async |req: Request| {
        if req.bytes().await?.starts_with(b"evil") {
            bail!(403, "not verified");
        }
        Ok(())
    }));
    app.post("/text", async move |req: Request| {
        let text = req.text().await?;
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Error>(text)
    });
    // Only objects: the type says so.
    app.post("/json", async |req: Request| Ok(Json(req.json::<Map<String, Value>>().await?)));
    app.post("/json-or", async |req: Request| Ok(Json(req.json_or(7_u8).await?)));
    app.post("/form", async |req: Request| Ok(Json(req.form::<Map<String, Value>>().await?)));
    let client = client(app);
    let post = |path: &str, media: &str, body: &[u8]| {
        client.post(path).header("content-type", media).body(body.to_vec()).send().status().as_u16()
    };
    assert_eq!(post("/text", "text/plain", b"evil"), 403);
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    for charset in ["utf-8", "UTF8", "\"Utf-8\"", "us-ascii"] {
        assert_eq!(
            post("/text", &format!("text/plain; charset={charset}"), b"good"),
            200,
            "{charset}"
        );
    }
    let other = "application/json; charset=utf-16le";
    for path in ["/text", "/json", "/json-or", "/form"] {
        assert_eq!(post(path, other, b"{}"), 415, "{path}");
        assert_eq!(post(path, "text/plain; charset=koi8-r", b"{}"), 415, "{path}");
    }
    assert_eq!(post("/text", "text/plain", b"\xff"), 400);
    assert_eq!(post("/text", "text/plain; format=flowed", b"good"), 200);
    assert_eq!(
        [post("/json", "application/json", b"{}"), post("/json", "application/json", b"{")],
        [200, 400]
    );
    assert_eq!(post("/json", "application/json", b"7"), 422);
    assert_eq!(ran.load(Ordering::Relaxed), 5);
    let reply = TestClient::new(App::new().post("/", async |req: Request| req.text().await));
    let reply =
        reply.post("/").header("content-type", "text/plain; charset=latin1").body("a").send();
    assert_eq!(reply.text(), "the charset `latin1` is not known, UTF-8 is");
}
