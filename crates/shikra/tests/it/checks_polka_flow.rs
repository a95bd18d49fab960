//! The checks from outside of Polka's list, CP-29 to CP-53: errors, mounts, the server.

use crate::checks::{Trace, ask, check};
use crate::sockets::{ask as ask_socket, connect, read_reply, send, wait_for};
use crate::support::{answers, client, logged, problems};
use shikra::prelude::*;
use shikra::testing::TestErrorKind;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

#[derive(Debug)]
struct Secret;

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("polka-secret-text")
    }
}

impl std::error::Error for Secret {}

async fn fails(req: Request) -> Result<&'static str> {
    match req.param_str("how") {
        Some("text") => bail!(500, "⚠ nope"),
        Some("again") => bail!(422, "Again"),
        Some("bare") => Err(Error::from_status(503)),
        Some("teapot") => bail!(418, "short and stout"),
        Some("conflict") => Err(Error::from_status(409)),
        Some("foreign") => Err(Secret)?,
        Some("panic") => panic!("polka-panic-text"),
        _ => Err(Error::new(402, "pay")),
    }
}

#[test]
fn cp29_to_cp32_errors() {
    let trace = Trace::default();
    let mut app = App::new();
    app.use_(before(async |req: Request| match req.param_str("how") {
        Some("ok") | None => Ok(None),
        Some(_) => fails(req).await.map(Some),
    }))
    .get("/:how", trace.handler("route"));
    let client = client(app);
    let ise = "Internal Server Error";
    check(
        &client,
        &[
            // CP-29
            ("GET /text", 500, "⚠ nope"),
            // CP-30
            ("GET /again", 422, "Again"),
            ("GET /bare", 503, "Service Unavailable"),
            // CP-31: an error has one status, and a foreign error none, so there is nothing to choose from.
            ("GET /teapot", 418, "short and stout"),
            ("GET /conflict", 409, "Conflict"),
            // CP-32: CF-48, what nobody meant as a reply is told to the log alone.
            ("GET /foreign", 500, ise),
            ("GET /panic", 500, ise),
        ],
    );
    assert_eq!(trace.take(), "", "an error leaves the chain");
    check(&client, &[("GET /ok", 200, "route")]);
    assert_eq!(logged(&["path=/foreign", "polka-secret-text"]), 1);
    assert_eq!(logged(&["path=/panic", "polka-panic-text"]), 1);
}

#[test]
fn cp33_an_error_handler_sees_all() {
    // CP-33
    let mut app = App::new();
    app.get("/pay/:how", fails);
    app.on_error(async |_, error| {
        (error.status(), Json([error.status().to_string(), error.message().to_owned()]))
    });
    let client = client(app);
    let reply = ask(&client, "GET /pay/402");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let none = r#"["404 Not Found","Not found"]"#;
    check(
        &client,
        &[("GET /pay/402", 402, r#"["402 Payment Required","pay"]"#), ("GET /none", 404, none)],
    );
}

#[test]
fn cp34_going_on_after_an_error() {
    // CP-34: what a step may go on after is caught by the step around it, which still holds `next`; an error
    // that has come to the error handler is answered there.
    async fn step(req: &Request) -> Result<()> {
        match req.query_str() {
            Some("soft") => bail!(400, "soft"),
            Some("hard") => bail!(400, "hard"),
            _ => Ok(()),
        }
    }
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        match step(&req).await {
            Err(error) if error.message() != "soft" => return Err(error),
            _ => {}
        }
        Ok(next.run(req).await)
    })
    .get("/", async |_| "route");
    check(&client(app), &[("GET /?soft", 200, "route"), ("GET /?hard", 400, "hard")]);
}

#[test]
fn cp35_a_not_found_handler_chooses_its_status() {
    // CP-35
    let mut app = App::new();
    app.not_found(async |req: Request| {
        (405, format!("{} {}", req.method(), req.query_str().unwrap_or_default()))
    });
    check(&client(app), &[("POST /none?a=1", 405, "POST a=1")]);
}

/// What a step below a mount sees: path, prefix, rest, whole target, query.
fn seen(req: &Request) -> String {
    let query = req.query_str().map_or(String::new(), |query| format!("?{query}"));
    format!("{:?}|{}{query}|{}", req.mount_path(), req.relative_path(), req.target())
}

fn users() -> App {
    let mut users = App::new();
    users.get("/", async |req: Request| format!("index {} {}", req.path(), seen(&req))).get(
        "/:id",
        async |req: Request| {
            Ok(format!("{} {} {}", req.param::<u8>("id")?, req.path(), seen(&req)))
        },
    );
    users
}

#[test]
fn cp36_a_mount() {
    // CP-36: CF-23, the path stays whole and the rest below the mount is an accessor (PO-036).
    let mut app = App::new();
    app.mount("users", users());
    check(
        &client(app),
        &[
            ("GET /users", 200, r#"index /users "/users"|/|/users"#),
            ("GET /users/", 200, r#"index /users/ "/users"|/|/users/"#),
            ("GET /users/5?a=1", 200, r#"5 /users/5 "/users"|/5?a=1|/users/5?a=1"#),
            ("GET /usersx", 404, "Not found"),
        ],
    );
}

#[test]
fn cp37_order_around_a_mount() {
    // CP-37
    let trace = Trace::default();
    let mut sub = App::new();
    sub.use_(trace.step("s")).use_at("/users", trace.step("u"));
    let noted = trace.clone();
    sub.get("/users/:name", async move |req| {
        noted.note("r");
        req.param::<String>("name")
    });
    let mut app = App::new();
    app.use_(trace.step("g")).use_at("/api", trace.step("v")).mount("/api", sub);
    check(&client(app), &[("GET /api/users/BOB", 200, "BOB")]);
    assert_eq!(trace.take(), "g v s u r");
}

/// A middleware that adds what it sees.
async fn noting(req: Request, next: Next) -> Response {
    let seen = seen(&req);
    let mut res = next.run(req).await;
    res.append_header("x-seen", seen);
    res
}

#[test]
fn cp38_three_levels_of_mounts() {
    // CP-38: PO-036, PO-038. One application stands in two places.
    let mut inner = App::new();
    inner.use_(noting).get("/c", async |req: Request| seen(&req));
    let mut middle = App::new();
    middle.use_(noting).mount("/b", inner.clone());
    let mut app = App::new();
    app.use_(noting).mount("/a", middle).mount("/again", inner);
    let client = client(app);
    let reply = ask(&client, "GET /a/b/c?k=1");
    assert_eq!(reply.text(), r#""/a/b"|/c?k=1|/a/b/c?k=1"#);
    assert_eq!(
        reply.header_all("x-seen"),
        [
            r#""/a/b"|/c?k=1|/a/b/c?k=1"#,
            r#""/a"|/b/c?k=1|/a/b/c?k=1"#,
            r#"""|/a/b/c?k=1|/a/b/c?k=1"#
        ]
    );
    assert_eq!(ask(&client, "GET /again/c").text(), r#""/again"|/c|/again/c"#);
}

#[test]
fn cp39_bases_and_mounts_of_one_prefix() {
    // CP-39: PO-041, PO-042
    let mut app = App::new();
    app.use_at("/s", noting).use_at("/s", noting);
    let mut sub = App::new();
    sub.get("/", async |req: Request| seen(&req)).get("/:id", async |req: Request| seen(&req));
    app.mount("/s", sub);
    let client = client(app);
    for (line, wanted) in
        [("GET /s/5?a=1", r#""/s"|/5?a=1|/s/5?a=1"#), ("GET /s?a=1", r#""/s"|/?a=1|/s?a=1"#)]
    {
        let reply = ask(&client, line);
        assert_eq!(reply.text(), wanted, "{line}");
        assert_eq!(reply.header_all("x-seen"), [wanted, wanted], "{line}");
    }
}

#[test]
fn cp40_cp41_cp44_mounts_are_merged() {
    let mut sub = App::new();
    sub.get("/x", async |_| "mounted");
    // CP-40: CF-24, a route under a mount is fine, and the same route twice is not.
    let mut app = App::new();
    app.mount("/s", sub.clone()).get("/s/y", async |_| "parent");
    // CP-41: CF-24, the most specific route, not the parent's catch-all.
    app.get("*", async |_| "any");
    // CP-44: at the root the routes are merged.
    app.mount("/", users());
    check(
        &client(app.clone()),
        &[
            ("GET /s/x", 200, "mounted"),
            ("GET /s/y", 200, "parent"),
            ("GET /s/z", 200, "any"),
            ("GET /7", 200, r#"7 /7 ""|/7|/7"#),
        ],
    );
    app.get("/s/x", async |_| "again");
    let told = problems(&app);
    assert!(told.contains("GET /s/x is already registered"), "{told}");
    // CP-44: twice on one base is a mistake (CF-10).
    let mut app = App::new();
    app.mount("/s", sub.clone()).mount("/s", sub);
    let told = problems(&app);
    assert!(told.contains("GET /s/x is already registered"), "{told}");
}

#[test]
fn cp42_cp43_handlers_of_mounts() {
    // CP-42
    let mut own = App::new();
    own.get("/boom", fails)
        .not_found(async |_| (410, "gone"))
        .on_error(async |_, error| (555, error.message().to_owned()));
    let mut silent = App::new();
    silent.get("/boom", fails);
    let mut app = App::new();
    app.mount("/s", own).mount("/silent", silent);
    check(
        &client(app.clone()),
        &[
            ("GET /s/miss", 410, "gone"),
            ("GET /s/boom", 555, "pay"),
            ("GET /miss", 404, "Not found"),
            ("GET /silent/boom", 402, "pay"),
        ],
    );
    // CP-43: CF-26, the nearest scope that has a handler.
    app.on_error(async |_, error| (error.status(), format!("parent {}", error.message())));
    check(&client(app), &[("GET /silent/boom", 402, "parent pay"), ("GET /s/boom", 555, "pay")]);
}

#[test]
fn cp45_in_process_as_over_a_socket() {
    // CP-45: PO-142
    let mut app = App::new();
    app.get("/john", async |_| {
        Response::new().with_content_type("json").with_body(r#"{"name":"john"}"#)
    });
    let in_process = client(app.clone()).get("/john").send();
    in_process.assert_status(200).assert_header("content-length", "15");
    in_process.assert_header("content-type", "application/json");
    let server = app.clone().workers(1).start("127.0.0.1:0").unwrap();
    let over_socket = ask_socket(&mut connect(server.addr()), "/john");
    let fields = |text: &str| {
        let fields = text.lines().filter(|line| !line.starts_with("date: "));
        fields.map(str::to_owned).collect::<Vec<_>>()
    };
    let raw = answers(&client(app), "GET /john HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(fields(&over_socket), fields(&raw));
    server.stop();
    server.wait();
}

#[test]
fn cp48_a_listener_of_one_s_own() {
    // CP-48 (without TLS)
    let mut app = App::new();
    app.get("/", async |_| "here").get("/slow", async |_| {
        sleep(Duration::from_millis(300)).await;
        "finished"
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let bound = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = bound.local_addr().unwrap();
    let server = app.clone().workers(1).start(bound).unwrap();
    assert_eq!(server.addr(), addr);
    assert!(ask_socket(&mut connect(addr), "/").ends_with("here"));
    let mut slow = connect(addr);
    send(&mut slow, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    wait_for(|| server.requests() == 2);
    server.stop();
    assert!(read_reply(&mut slow).ends_with("finished"));
    assert_eq!(server.wait().cut_connections, 0);
    let server = app.workers(1).start(unix).unwrap();
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    assert!(ask_socket(&mut stream, "/").ends_with("here"));
    server.stop();
    server.wait();
}

#[test]
fn cp49_a_used_port() {
    // CP-49
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = App::new().get("/", async |_| "").listen(addr).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn cp50_a_route_after_the_start() {
    // CP-50: CF-19, only an explicit swap brings it. PO-051
    let mut app = App::new();
    app.workers(1).get("/", async |_| "old");
    let mut next = app.clone();
    next.get("/late", async |_| "late");
    let server = app.start("127.0.0.1:0").unwrap();
    app.get("/late", async |_| "never seen");
    let mut stream = connect(server.addr());
    assert!(ask_socket(&mut stream, "/late").starts_with("HTTP/1.1 404"));
    server.swap(next).unwrap();
    assert!(ask_socket(&mut stream, "/late").ends_with("late"));
    server.stop();
    server.wait();
}

#[test]
fn cp51_waiting_steps_keep_their_order() {
    // CP-51: PO-067
    let trace = Trace::default();
    let waits = |name: &'static str, wait_ms: u64| {
        let trace = trace.clone();
        before(async move |_| {
            sleep(Duration::from_millis(wait_ms)).await;
            trace.note(name);
        })
    };
    let noted = trace.clone();
    let mut app = App::new();
    app.route("/x").use_(waits("first", 10)).use_(waits("second", 1)).get(async move |_| {
        sleep(Duration::from_millis(1)).await;
        noted.note("handler");
        "once"
    });
    // One that fails skips the rest.
    app.route("/fails")
        .use_(trace.step("first"))
        .use_(before(async |_| Err::<(), _>(Error::new(400, "no"))))
        .use_(trace.step("never"))
        .get(trace.handler("never"));
    let client = client(app);
    check(&client, &[("GET /x", 200, "once")]);
    assert_eq!(trace.take(), "first second handler");
    check(&client, &[("GET /fails", 400, "no")]);
    assert_eq!(trace.take(), "first");
}

#[test]
fn cp53_a_stream_that_fails() {
    // CP-53
    let mut app = App::new();
    app.get("/before", async |_| stream(async |_| bail!(500, "polka-before-any-byte"))).get(
        "/after",
        async |_| {
            stream(async |out| {
                out.write("some").await?;
                out.flush().await?;
                bail!(500, "polka-after-some")
            })
        },
    );
    let client = client(app);
    assert_eq!(ask(&client, "GET /before").status(), 500);
    let error = client.get("/after").try_send().unwrap_err();
    assert_eq!(error.kind(), TestErrorKind::Reset);
    assert_eq!(logged(&["path=/after", "polka-after-some"]), 1);
}
