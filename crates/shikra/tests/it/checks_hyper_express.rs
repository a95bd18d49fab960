//! The checks from outside of HyperExpress's list, CK-01 to CK-20: the server, routes, middleware.

use crate::checks::{Trace, ask, check, check_raw};
use crate::sockets::{ask as ask_socket, connect, read_reply, read_rest, send, wait_for};
use crate::support::{answers, client, problems};
use shikra::prelude::*;
use shikra::router::TrailingSlash;
use shikra::testing::TestClient;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn hello() -> App {
    let mut app = App::new();
    app.workers(1).get("/", async |_| "Hello World").get("/slow", async |_| {
        sleep(Duration::from_millis(400)).await;
        "slow"
    });
    app
}

#[test]
fn ck01_ck02_listening() {
    // CK-01
    let server = hello().start(0_u16).unwrap();
    assert!(server.addr().ip().is_unspecified() && server.addr().port() != 0);
    let reply = ask_socket(&mut connect(([127, 0, 0, 1], server.addr().port()).into()), "/");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("\r\ncontent-length: 11\r\n") && reply.ends_with("Hello World"));
    server.stop();
    server.wait();
    // CK-02: the application is started once, so its clone is what is tried again.
    let app = hello();
    let error = app.clone().start("203.0.113.1:0").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert!(error.to_string().contains("203.0.113.1"), "{error}");
    let server = app.clone().start("127.0.0.1:0").unwrap();
    assert!(ask_socket(&mut connect(server.addr()), "/").ends_with("Hello World"));
    server.stop();
    server.wait();
}

#[test]
fn ck03_ck04_stopping() {
    let app = hello();
    // CK-03
    let server = app.clone().start("127.0.0.1:0").unwrap();
    let mut slow = connect(server.addr());
    send(&mut slow, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    wait_for(|| server.requests() == 1);
    assert!(server.stop_accepting());
    wait_for(|| TcpStream::connect(server.addr()).is_err());
    assert!(!server.stop_accepting());
    assert!(read_reply(&mut slow).ends_with("slow"));
    // CK-04, without its WebSocket.
    let mut kept = slow;
    send(&mut kept, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    wait_for(|| server.requests() == 2);
    server.stop();
    server.stop();
    let reply = read_reply(&mut kept);
    assert!(reply.contains("\r\nconnection: close\r\n") && reply.ends_with("slow"), "{reply}");
    let mut rest = Vec::new();
    assert_eq!(kept.read_to_end(&mut rest).unwrap(), 0, "no late request is served");
    assert_eq!(server.wait(), server.wait());
    let again = app.clone().start("127.0.0.1:0").unwrap();
    assert!(ask_socket(&mut connect(again.addr()), "/").ends_with("Hello World"));
    again.stop_now();
    again.wait();
}

#[test]
fn ck05_to_ck07_paths() {
    // CK-05: CF-02, by a setting.
    let mut app = App::new();
    app.trailing_slash(TrailingSlash::Strict).get("/a", async |_| "1").get("/a/", async |_| "2");
    check(
        &client(app),
        &[
            ("GET /a", 200, "1"),
            ("GET /a/", 200, "2"),
            ("GET /A", 404, "Not found"),
            ("GET /a?x=1", 200, "1"),
            ("GET /a/b", 404, "Not found"),
        ],
    );
    let mut app = App::new();
    app.get("/api/v1/users/:action/:id", async |req| {
        let raw = req.param_raw("action").or_status(500)?;
        Ok(format!("{} {} {raw}", req.param::<String>("action")?, req.param::<u8>("id")?))
    })
    .get("/x/*", async |_| "w")
    .get("/x/:p", async |_| "p")
    .get("/x/s", async |_| "s")
    .any("/x/t", async |_| "any")
    .get("/x/s/:q/end", async |_| "deep");
    check(
        &client(app),
        &[
            // CK-06
            ("GET /api/v1/users/block/42", 200, "block 42 block"),
            ("GET /api/v1/users/block/", 404, "Not found"),
            ("GET /api/v1/users/a%20b/7", 200, "a b 7 a%20b"),
            // CK-07: CF-07, a wildcard takes at least one segment, so `/x/` is not its own. HX-062
            ("GET /x/s", 200, "s"),
            ("GET /x/other", 200, "p"),
            ("GET /x/other/more", 200, "w"),
            ("GET /x/", 404, "Not found"),
            ("POST /x/t", 200, "any"),
            ("GET /x/s/1/end", 200, "deep"),
            ("GET /x/s/1/nope", 200, "w"),
        ],
    );
}

#[test]
fn ck08_ck09_methods() {
    // CK-08, without its WebSocket route.
    let mut app = App::new();
    app.get("/dup", async |_| "first")
        .get("/both", async |_| "got")
        .post("/both", async |_| "posted");
    check(&client(app.clone()), &[("GET /both", 200, "got"), ("POST /both", 200, "posted")]);
    app.get("/dup", async |_| "second");
    let told = problems(&app);
    assert!(told.contains("GET /dup is already registered"), "{told}");
    // CK-09
    let mut app = App::new();
    app.any("/m", async |req: Request| req.method().to_string());
    let client = client(app);
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        check(&client, &[(&format!("{method} /m"), 200, method)]);
    }
    check(&client, &[("HEAD /m", 200, "")]);
}

#[test]
fn ck10_not_found() {
    // CK-10
    let app = |status: u16| {
        let mut app = App::new();
        app.use_(late(|_| |res| res.set_header("x-mw", "1")));
        app.not_found(async move |_| (status, "Not Found"));
        client(app)
    };
    for (client, status) in [(app(404), 404), (app(410), 410)] {
        for line in ["GET /nothing", "POST /nothing"] {
            let reply = ask(&client, line);
            reply.assert_status(status).assert_text("Not Found").assert_header("x-mw", "1");
        }
    }
    // CF-16: the default has a short text.
    check(&client(App::new()), &[("GET /nothing", 404, "Not found")]);
}

async fn fails(message: &'static str) -> Result<&'static str> {
    tokio::task::yield_now().await;
    Err(std::io::Error::other(message))?
}

#[test]
fn ck11_ck12_error_handlers() {
    // CK-11
    let mut app = App::new();
    app.get("/boom", async |_| Err::<&str, _>(std::io::Error::other("secret detail").into()))
        .get("/boom2", async |_| fails("secret detail").await)
        .get("/", async |_| "served");
    let ise = "Internal Server Error";
    check(
        &client(app.clone()),
        &[("GET /boom", 500, ise), ("GET /boom2", 500, ise), ("GET /", 200, "served")],
    );
    // CK-12, without its file.
    let trace = Trace::default();
    let noted = trace.clone();
    app.get("/panic", async |_| -> &str { panic!("panicked") })
        .use_at("/middle", async |_: Request, _: Next| fails("middle").await)
        .get("/middle", async |_| "never seen")
        .get("/thrown", async |_| Error::new(500, "thrown"))
        .on_error(async move |_, error| {
            noted.note("once");
            let cause = error.cause().map(ToString::to_string);
            (500, format!("E:{}", cause.unwrap_or_else(|| error.message().to_owned())))
        });
    let client = client(app);
    for (line, told) in [
        ("GET /boom", "E:secret detail"),
        ("GET /boom2", "E:secret detail"),
        ("GET /panic", "E:panicked"),
        ("GET /middle", "E:middle"),
        ("GET /thrown", "E:thrown"),
    ] {
        let reply = ask(&client, line);
        assert_eq!(reply.status(), 500, "{line}");
        assert!(reply.text().contains(&told[2..]) && reply.text().starts_with("E:"), "{reply:?}");
        assert_eq!(trace.take(), "once", "{line}");
    }
}

#[test]
fn ck13_ck14_mounts_and_their_handlers() {
    // CK-13: HX-072. What is mounted is a value, so all of it is there before the mount.
    let mut child = App::new();
    child.get("/users/:id", async |req| req.param::<String>("id")).get("/late", async |_| "late");
    child.use_(late(|_| |res| res.set_header("x-c", "1")));
    let mut parent = App::new();
    parent.mount("/v1", child.clone());
    let mut app = App::new();
    app.mount("/api", parent).mount("/mirror", child);
    app.route("/r").get(async |_| "got").post(async |_| "posted");
    let client_of_app = client(app);
    for (line, text) in
        [("GET /api/v1/users/5", "5"), ("GET /mirror/users/5", "5"), ("GET /api/v1/late", "late")]
    {
        ask(&client_of_app, line).assert_status(200).assert_text(text).assert_header("x-c", "1");
    }
    check(
        &client_of_app,
        &[("GET /users/5", 404, "Not found"), ("GET /r", 200, "got"), ("POST /r", 200, "posted")],
    );
    // CK-14
    let named = |name: &'static str| {
        let mut app = App::new();
        app.get("/boom", async |_| fails("boom").await)
            .not_found(async move |_| format!("{name} misses"))
            .on_error(async move |req, _| match (name, req.query_str()) {
                ("child", Some("worse")) => Err(Error::new(501, "worse")),
                _ => Ok((500, format!("{name} fails"))),
            });
        app
    };
    let mut parent = named("parent");
    parent.mount("/v1", named("child"));
    let mut app = named("server");
    app.mount("/api", parent);
    check(
        &client(app),
        &[
            ("GET /api/v1/boom", 500, "child fails"),
            ("GET /api/v1/boom?worse", 500, "parent fails"),
            ("GET /api/boom", 500, "parent fails"),
            ("GET /boom", 500, "server fails"),
            ("GET /api/v1/none", 404, "child misses"),
            ("GET /api/none", 404, "parent misses"),
            ("GET /none", 404, "server misses"),
            ("GET /api-x", 404, "server misses"),
        ],
    );
}

#[test]
fn ck15_ck16_what_there_is_and_what_cannot_be() {
    // CK-15: routes, the port and the head as it was sent.
    let mut app = App::new();
    app.get("/a", async |req: Request| {
        let fields = req.headers().map(|(name, value)| format!("{name}={}", value.escape_ascii()));
        fields.collect::<Vec<_>>().join(" ")
    });
    app.post("/b/:id", async |_| "b");
    let routes = app.routes().unwrap();
    let routes: Vec<_> = routes.iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(routes, ["GET /a", "POST /b/:id"]);
    let head = "GET /a HTTP/1.1\r\nX-Two: 1\r\nhost: x\r\nx-two: 2\r\n\r\n";
    assert!(answers(&client(app), head).ends_with("X-Two=1 host=x x-two=2"));
    // CK-16: what the types do not rule out is found at the start.
    for pattern in ["", "/a\0b"] {
        let told = problems(App::new().get(pattern, async |_| ""));
        assert!(told.contains("checks_hyper_express.rs:"), "{told}");
    }
    let told =
        problems(App::new().use_at("/a/*", async |req: Request, next: Next| next.run(req).await));
    assert!(told.contains("no optional parameters and no wildcards"), "{told}");
    let mut app = App::new();
    let _ = app.route("/without-handler");
    let told = problems(&app);
    assert!(told.contains("/without-handler"), "{told}");
    assert_eq!(hello().start("127.0.0.1:70000").unwrap_err().kind(), ErrorKind::InvalidInput);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    assert_eq!(hello().start(addr).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(taken);
    let error =
        hello().on_start(async || Err(Error::new(500, "no start"))).start(addr).unwrap_err();
    assert!(error.to_string().contains("no start"), "{error}");
    assert!(TcpStream::connect(addr).is_err(), "nobody listens after a failed start");
}

#[test]
fn ck17_ck18_order_and_reach_of_middleware() {
    // CK-17: HX-078, HX-086
    let trace = Trace::default();
    let mut app = App::new();
    let noted = trace.clone();
    app.use_(trace.step("A")).get("/list", trace.handler("H")).get("/quick", async |_| "quick");
    app.use_(async move |req: Request, next: Next| {
        if req.path() != "/quick" {
            sleep(Duration::from_millis(150)).await;
            noted.note("B");
        }
        next.run(req).await
    });
    app.route("/routed").use_(trace.step("C")).use_(trace.step("D")).get(trace.handler("H"));
    let virtual_time = TestClient::with_virtual_time(app);
    let mut pending = virtual_time.get("/routed").begin();
    virtual_time.settle();
    virtual_time.get("/quick").send().assert_text("quick");
    virtual_time.advance(Duration::from_millis(140));
    assert!(!pending.is_done());
    virtual_time.advance(Duration::from_millis(20));
    pending.wait().assert_text("H");
    assert_eq!(trace.take(), "A A B C D H");
    // CK-18
    let mark = late(|_| |res| res.set_header("x-m", "1"));
    let mut app = App::new();
    app.route("/p").post(async |_| "").use_(mark).get(async |_| "");
    app.get("/q", async |_| "");
    let client = client(app);
    let marked = |line: &str| ask(&client, line).header("x-m").is_some();
    assert_eq!(["GET /p", "POST /p", "GET /q"].map(marked), [true, false, false]);
}

#[test]
fn ck19_ck20_going_on_and_boundaries() {
    // CK-19: going on twice does not compile (`tests/ui/next_is_run_twice.rs`). HX-083, HX-085
    let trace = Trace::default();
    let mut app = App::new();
    app.route("/done").use_(before(async |_| Some((401, "done")))).get(trace.handler("H"));
    app.route("/err")
        .use_(before(async |_| Err::<(), _>(Error::new(409, "stopped"))))
        .get(trace.handler("H"));
    app.on_error(async |_, error| (error.status(), format!("handler: {}", error.message())));
    check(&client(app), &[("GET /done", 401, "done"), ("GET /err", 409, "handler: stopped")]);
    assert_eq!(trace.take(), "");
    // CK-20
    let mut app = App::new();
    app.use_at("/api", late(|_| |res| res.set_header("x-api", "1")));
    for path in ["/api", "/api/x", "/api-x", "/apix"] {
        app.get(path, async |_| "");
    }
    let client = client(app);
    for (line, marked) in [
        ("GET /api", true),
        ("GET /api/x", true),
        ("GET /api-x", false),
        ("GET /apix", false),
        ("GET /api/none", true),
    ] {
        assert_eq!(ask(&client, line).header("x-api").is_some(), marked, "{line}");
    }
}

#[test]
fn ck80_strictness_of_the_connection() {
    // CK-80: the slow body is answered with 408, so its exchange ends in order and is not aborted.
    let mut app = App::new();
    app.get("/", async |req: Request| format!("{:?}", req.peer_addr()))
        .post("/", async |req| Ok(req.bytes().await?.len().to_string()));
    let client = TestClient::with_virtual_time(app.clone());
    for (fields, start) in [
        ("".to_owned(), "HTTP/1.1 400 "),
        ("host: a\r\nhost: a\r\n".to_owned(), "HTTP/1.1 400 "),
        (
            "host: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n".to_owned(),
            "HTTP/1.1 400 ",
        ),
        ("host: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n".to_owned(), "HTTP/1.1 400 "),
        ("host: a\r\ntransfer-encoding: gzip\r\n".to_owned(), "HTTP/1.1 400 "),
        ("host : a\r\n".to_owned(), "HTTP/1.1 400 "),
        (format!("host: a\r\nx: {}\r\n", "a".repeat(64 * 1024)), "HTTP/1.1 431 "),
        (format!("host: a\r\n{}", "x: y\r\n".repeat(500)), "HTTP/1.1 431 "),
        ("host: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab".to_owned(), "HTTP/1.1 400 "),
    ] {
        let head = format!("POST / HTTP/1.1\r\n{fields}\r\n");
        check_raw(&client, &[(head.as_bytes(), start)]);
        client.get("/").send().assert_status(200);
    }
    // Half a head, and silence.
    let silent = client.connect();
    silent.write("GET / HTTP/1.1\r\nhost: x\r\n");
    client.advance(Duration::from_secs(9));
    assert!(silent.write_some("x-a: b\r\n") > 0);
    client.advance(Duration::from_secs(2));
    let rest = String::from_utf8(silent.read_to_end().unwrap()).unwrap();
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 408 "), "{rest}");
    // A body that comes too slowly.
    let slow = client.connect();
    slow.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n");
    for _ in 0..20 {
        // Once the connection is closed nothing more is taken.
        let _ = slow.write_some("0123456789");
        client.advance(Duration::from_secs(1));
    }
    let rest = String::from_utf8(slow.read_to_end().unwrap_or_default()).unwrap();
    assert!(rest.starts_with("HTTP/1.1 408 "), "{rest}");
    // What a proxy would say of its client is no request while nobody expects it.
    let server = app.workers(1).start("127.0.0.1:0").unwrap();
    let mut stream = connect(server.addr());
    std::io::Write::write_all(&mut stream, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x01\x02\x03\x04\0\x01\0\x02GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let rest = read_rest(&mut stream);
    assert!(!rest.contains("1.2.3.4") && !rest.starts_with("HTTP/1.1 200"), "{rest}");
    assert!(ask_socket(&mut connect(server.addr()), "/").contains("127.0.0.1"));
    server.stop();
    server.wait();
}
