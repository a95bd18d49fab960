//! The checks from outside of Harpia's list (C) about the server, routes, middleware, errors, forms, cookies
//! and the test client.

use crate::checks::{Trace, ask, check};
use crate::sockets::{ask as ask_socket, connect};
use crate::support::{client, logged, problems};
use shikra::prelude::*;
use shikra::testing::{TestErrorKind, TestFile};
use shikra::{Listener, SameSite, SetCookie};
use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn c01_listens_by_name_and_by_number() {
    // C01: the start hook is the callback. The type has a blank after its semicolon.
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut app = App::new();
    app.workers(1).get("/", async |_| "hi").on_start(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let servers = [app.clone().start("localhost:0").unwrap(), app.start(0_u16).unwrap()];
    assert_eq!(runs.load(Ordering::SeqCst), 2, "once a server, before the first request");
    for server in servers {
        let reply = ask_socket(&mut connect(([127, 0, 0, 1], server.addr().port()).into()), "/");
        assert!(
            reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\nhi"),
            "{reply}"
        );
        assert!(reply.contains("\r\ncontent-length: 2\r\n"), "{reply}");
        assert!(reply.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"), "{reply}");
        server.stop();
        server.wait();
    }
}

#[test]
fn c02_where_to_listen() {
    // C02
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut app = App::new();
    app.workers(1).get("/", async |_| "hi").on_start(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let error = app.clone().start("").unwrap_err();
    assert_eq!((error.kind(), runs.load(Ordering::SeqCst)), (ErrorKind::InvalidInput, 0));
    // CF-61: the Unix path, with a warning.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = app.start(Listener::new(addr.to_string()).prefer_unix(&path)).unwrap();
    assert!(ask_socket(&mut UnixStream::connect(&path).unwrap(), "/").ends_with("hi"));
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    server.stop();
    server.wait();
}

#[test]
fn c04_body_limit() {
    // C04: CF-38, an announced body over the limit does not reach the handler, a chunked one fails its read, so
    // the handler has begun by then.
    let begun = Arc::new(AtomicUsize::new(0));
    let read = Arc::new(AtomicUsize::new(0));
    let (begins, reads) = (Arc::clone(&begun), Arc::clone(&read));
    let mut app = App::new();
    app.body_bytes_max(10).post("/", async move |req: Request| {
        begins.fetch_add(1, Ordering::SeqCst);
        req.bytes().await?;
        reads.fetch_add(1, Ordering::SeqCst);
        Ok("")
    });
    let client = client(app);
    client.post("/").body("0123456789").send().assert_status(200);
    client.post("/").body("0123456789a").send().assert_status(413);
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    client.post("/").chunks(["01234", "56789a"]).send().assert_status(413);
    assert_eq!((begun.load(Ordering::SeqCst), read.load(Ordering::SeqCst)), (2, 1));
}

#[test]
fn c05_a_shared_port() {
    // C05
    let mut app = App::new();
    app.workers(1).get("/", async |_| "hi");
    let one = app.clone().start(Listener::new("127.0.0.1:0").shared_port()).unwrap();
    let at = one.addr();
    let other = app.clone().start(Listener::new(at.to_string()).shared_port()).unwrap();
    assert_eq!(other.addr(), at);
    let alone = app.clone().start("127.0.0.1:0").unwrap();
    assert_eq!(app.start(alone.addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert!(ask_socket(&mut connect(alone.addr()), "/").ends_with("hi"));
    for server in [one, other, alone] {
        server.stop();
        server.wait();
    }
}

#[test]
fn c06_c07_routers_and_literals() {
    let mut books = App::new();
    books
        .get("/", async |_| "list")
        .get("/:id", async |req| req.param::<String>("id"))
        .post("/", async |_| "made");
    for prefix in ["books", "/books"] {
        let mut app = App::new();
        app.mount(prefix, books.clone());
        check(
            &client(app),
            &[
                // C06: HA-035, HA-036, HA-042
                ("GET /books", 200, "list"),
                ("GET /books/", 200, "list"),
                ("GET /books/7", 200, "7"),
                ("POST /books", 200, "made"),
                ("GET /", 404, "Not found"),
                ("GET /books/7/x", 404, "Not found"),
            ],
        );
    }
    // C07: HA-039
    let (any, new) = (async |_: Request| "any", async |_: Request| "new");
    let mut one = App::new();
    one.get("/users/:id", any).get("/users/new", new);
    let mut other = App::new();
    other.get("/users/new", new).get("/users/:id", any);
    for app in [one, other] {
        check(&client(app), &[("GET /users/new", 200, "new"), ("GET /users/7", 200, "any")]);
    }
}

#[test]
fn c08_a_query_as_json() {
    // C08: CF-34, the first of equal keys, and the last by another name.
    let mut app = App::new();
    app.get("/s", async |req: Request| {
        let (query, mut all) = (req.query(), BTreeMap::new());
        for key in ["q", "x", "y"] {
            all.insert(
                key,
                (query.get(key).map(String::from), query.get_last(key).map(String::from)),
            );
        }
        Json(all)
    });
    let wanted = r#"{"q":["a b","a b"],"x":["1","2"],"y":["&","&"]}"#;
    check(&client(app), &[("GET /s?q=a+b&x=1&x=2&y=%26", 200, wanted)]);
}

#[test]
fn c09_c10_middleware() {
    let trace = Trace::default();
    let mut app = App::new();
    app.use_(trace.step("A")).use_at("/panel", trace.step("P")).use_(trace.step("B"));
    app.route("/panel/x").use_(trace.step("R")).get(trace.handler("H"));
    app.get("/other", trace.handler("H")).get("/panelx", trace.handler("H"));
    // C10
    app.route("/a").use_(before(async |_| Some((401, Json("no"))))).get(trace.handler("H"));
    // C10: CF-28, a step that neither goes on nor answers does not compile; one that answers nothing says so.
    app.route("/b").use_(async |_: Request, _: Next| 200).get(trace.handler("H"));
    let waits = async |req: Request, next: Next| {
        sleep(Duration::from_millis(5)).await;
        next.run(req).await
    };
    app.route("/c").use_(before(async |_| ())).use_(waits).get(trace.handler("H"));
    let client = client(app);
    for (line, status, body, steps) in [
        // C09: CF-20, the tiers decide: HA-044, HA-046, HA-047, HA-048
        ("GET /panel/x", 200, "H", "A B P R H"),
        ("GET /other", 200, "H", "A B H"),
        ("GET /panelx", 200, "H", "A B H"),
        // C10: HA-049
        ("GET /a", 401, "\"no\"", "A B"),
        ("GET /b", 200, "", "A B"),
        ("GET /c", 200, "H", "A B H"),
    ] {
        check(&client, &[(line, status, body)]);
        assert_eq!(trace.take(), steps, "{line}");
    }
}

#[test]
fn c11_a_failing_handler() {
    // C11: HA-050
    let mut app = App::new();
    app.get("/fails", async |_| Err::<&str, _>(std::io::Error::other("boom-42").into()))
        .get("/works", async |_| "works");
    let ise = "Internal Server Error";
    check(&client(app), &[("GET /fails", 500, ise), ("GET /works", 200, "works")]);
    assert_eq!(logged(&["path=/fails", "boom-42"]), 1);
}

#[test]
fn c23_c24_method_override() {
    async fn told(req: Request) -> Result<String> {
        let form: HashMap<String, String> = match req.is("form") {
            true => req.form().await?,
            false => HashMap::new(),
        };
        Ok(format!("{} {:?}", req.method(), form.get("x")))
    }
    let mut app = App::new();
    app.method_override().post("/", told).delete("/", told);
    let client = client(app);
    // C23
    let reply = client.post("/").form(&[("_method", "delete"), ("x", "1")]).send();
    reply.assert_text("DELETE Some(\"1\")");
    // C24
    client.post("/").json_text(r#"{"_method":"DELETE"}"#).send().assert_text("POST None");
    client.post("/").form(&[("x", "1")]).send().assert_text("POST Some(\"1\")");
    client.post("/").form(&[("_method", "FOO")]).send().assert_text("POST None");
    ask(&client, "GET /?_method=DELETE").assert_status(405);
}

#[test]
fn c25_not_found() {
    // C25
    let json = || async |_: Request| Json(BTreeMap::from([("message", "Not Found")]));
    let mut app = App::new();
    app.get("/known", async |_| "");
    // HA-158
    check(&client(app.clone()), &[("GET /zzz", 404, "Not found")]);
    let mut all = app.clone();
    all.not_found(json());
    check(&client(all.clone()), &[("GET /zzz", 404, r#"{"message":"Not Found"}"#)]);
    let mut some = app.clone();
    some.not_found_for([Method::GET], json());
    let client_of_some = client(some);
    check(
        &client_of_some,
        &[("GET /zzz", 404, r#"{"message":"Not Found"}"#), ("POST /zzz", 404, "Not found")],
    );
    // HA-156: CF-78, a second handler is a mistake, and does not silently take the place of the first.
    all.not_found(json());
    let told = problems(&all);
    assert!(told.contains("not-found handler is set twice"), "{told}");
    app.not_found(async |_| 410);
    check(&client(app), &[("GET /zzz", 410, "")]);
}

#[test]
fn c31_to_c33_cookies() {
    let mut app = App::new();
    app.get("/set", async |_| -> Result<Response> {
        let first = SetCookie::new("a", "v=1;x")?.with_path("/p")?.with_domain("example.com")?;
        let first = first.with_max_age(Duration::from_secs(3600)).with_http_only().with_secure();
        let first = first.with_same_site(SameSite::Strict);
        let mut res = Response::new().with_cookie(&first);
        res.set_cookie(&SetCookie::new("p", "q")?);
        res.set_cookie(&SetCookie::new("r", "s")?);
        // CF-53: the bytes that are not legal are encoded; a name that is no token is an error.
        assert!(SetCookie::new("a b", "").is_err());
        Ok(res)
    });
    app.get("/read", async |req: Request| {
        let show = |name: &str| format!("{:?}", req.cookie(name));
        ["a", "b", "d", "e", "none"].map(show).join(" ")
    });
    app.get("/delete", async |_| -> Result<Response> {
        let first = Response::new().with_cookie(&SetCookie::removal("userSession")?);
        Ok(first.with_cookie(&SetCookie::removal("k")?.with_path("/p")?))
    });
    let client = client(app);
    let lines = |path: &str| {
        let reply = client.get(path).send();
        let lines = reply.header_all("set-cookie").into_iter();
        let sorted = |line: &str| {
            let mut parts: Vec<_> = line.split("; ").map(str::to_owned).collect();
            parts[1..].sort_by_key(|part| part.to_ascii_lowercase());
            parts.join("; ")
        };
        lines.map(sorted).collect::<Vec<_>>()
    };
    // C31: CF-53 keeps `=`, and CF-56 adds `SameSite=Lax` to cookies without attributes.
    assert_eq!(
        lines("/set"),
        [
            "a=v=1%3Bx; Domain=example.com; HttpOnly; Max-Age=3600; Path=/p; SameSite=Strict; Secure",
            "p=q; Path=/; SameSite=Lax",
            "r=s; Path=/; SameSite=Lax",
        ]
    );
    // C32: CF-76, the first of equal names.
    let reply = client.get("/read").header("cookie", "a=1; b=x=y; d=%20z; a=2; e=%").send();
    reply.assert_text(r#"Some("1") Some("x=y") Some(" z") Some("%") None"#);
    // C33
    let past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
    assert_eq!(
        lines("/delete"),
        [
            format!("userSession=; {past}; Path=/; SameSite=Lax"),
            format!("k=; {past}; Path=/p; SameSite=Lax")
        ]
    );
}

#[test]
fn c51_what_the_test_client_sends() {
    // C51
    async fn echo(req: Request) -> Result<Response> {
        let kind = req.header("content-type").unwrap_or("none").to_owned();
        let kind = kind.split("boundary").next().unwrap_or_default().to_owned();
        let line = format!("{} {} {:?} {kind} ", req.method(), req.target(), req.header("x-sent"));
        Ok((202, [("x-method", req.method().as_str())], line + &req.text().await?).into_response())
    }
    let client = client(App::new().any("/", echo));
    let reply = client.get("/").query("q", "a b").header("x-sent", "yes").send();
    reply.assert_status(202).assert_header("x-method", "GET");
    reply.assert_text(r#"GET /?q=a+b Some("yes") none "#);
    let reply = client.post("/").json(&[1]).send();
    reply.assert_text("POST / None application/json [1]");
    let reply = client.post("/").text("words").send();
    reply.assert_text("POST / None text/plain; charset=utf-8 words");
    let file = TestFile::from_bytes("a.txt", "content");
    let text = client.post("/").field("name", "value").file("file", file).send().text();
    assert!(text.starts_with("POST / None multipart/form-data; "), "{text}");
    for part in ["name=\"name\"\r\n\r\nvalue\r\n", "filename=\"a.txt\"", "\r\n\r\ncontent\r\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    client.options("/").send().assert_header("x-method", "OPTIONS");
    client.head("/").send().assert_header("x-method", "HEAD").assert_text("");
}

#[test]
fn c52_what_the_test_client_refuses() {
    // C52: the last, `json` and then `send`, has its like in a second body.
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut app = App::new();
    app.post("/", async move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        ""
    });
    let client = client(app);
    for request in [
        client.post("/").json(&1).field("a", 1),
        client.post("/").field("a", 1).json(&1),
        client.post("/").json(&1).body("more"),
        client.post("/").file("a", "no/such/file"),
    ] {
        let error = request.try_send().unwrap_err();
        assert_eq!(error.kind(), TestErrorKind::Request, "{error}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}
