//! Ids of requests, the access log, and the watchdog of development mode.

use crate::support::{answers, client, logged, logged_lines, problems};
use shikra::prelude::*;
use shikra::testing::{TestClient, TestReply};
use shikra::{AccessLog, RequestIds, TrustedProxies};
use std::collections::HashSet;
use std::hint::spin_loop;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn with_ids(ids: RequestIds) -> App {
    let mut app = App::new();
    app.request_ids(ids)
        .post("/limited", async |_| "small")
        .get("/panic", async |_| -> &str { panic!("with an id") })
        .get("/own", async |_| "own".with_header("x-request-id", "the handler's"))
        .get("/", async |req| req.id().map(str::to_owned));
    app.route("/limited").body_bytes_max(1).put(async |_| "never seen");
    app
}

fn id(reply: &TestReply) -> String {
    let ids = reply.header_all("x-request-id");
    assert_eq!(ids.len(), 1, "{reply:?}");
    ids.first().copied().unwrap_or_default().to_owned()
}

#[test]
fn every_reply_says_the_id_of_its_request() {
    let client = client(with_ids(RequestIds::new()));
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let reply = client.get("/").header("x-request-id", "mine").send();
        let id = id(&reply);
        assert_eq!(reply.text(), id);
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(seen.insert(id));
    }
    // Whatever the reply is and however early it is made.
    let rows = [
        (client.get("/none").send(), 404),
        (client.delete("/").send(), 405),
        (client.get("/panic").send(), 500),
        (client.get("/own").send(), 200),
        (client.put("/limited").body("12").send(), 413),
        (client.get("/%ff").send(), 400),
        (client.options("/").send(), 204),
    ];
    for (reply, status) in rows {
        assert_eq!(reply.status(), status);
        assert!(seen.insert(id(&reply)), "{reply:?}");
    }
    assert_eq!(id(&client.head("/").send()).len(), 32);
}

#[test]
fn takes_an_id_along_if_it_is_trusted_short_and_harmless() {
    let client = client(with_ids(RequestIds::new().trust_any_client()));
    let longest = "x".repeat(128);
    for given in ["1", "a-B_c.9:/+=~", &*longest] {
        let reply = client.get("/").header("x-request-id", given).send();
        assert_eq!((id(&reply), reply.text()), (given.to_owned(), given.to_owned()));
    }
    let too_long = "x".repeat(129);
    for given in ["", "a b", "a\"b", "<b>", "a,b", "caf\u{e9}", "a\tb", &*too_long] {
        let reply = client.get("/").header("x-request-id", given).send();
        assert_eq!(id(&reply).len(), 32, "{given}");
    }
    // Two are none.
    let two = client.get("/").header("x-request-id", "a").header("x-request-id", "b").send();
    assert_eq!(id(&two).len(), 32);
}

#[test]
fn trusts_the_peers_that_the_application_trusts() {
    // The pipe in memory has no address, so nobody there is trusted.
    let nowhere = client(with_ids(RequestIds::new().trust_peers(|_| true)));
    assert_eq!(id(&nowhere.get("/").header("x-request-id", "mine").send()).len(), 32);
    for (trusted, expected) in [("127.0.0.1", "mine"), ("127.0.0.2", "")] {
        let trusted: IpAddr = trusted.parse().unwrap();
        let mut app = with_ids(RequestIds::new().trust_peers(move |peer| peer == trusted));
        let server = app.workers(1).start("127.0.0.1:0").unwrap();
        let text = over_tcp(server.addr(), "GET / HTTP/1.0\r\nx-request-id: mine\r\n\r\n");
        assert_eq!(text.contains("\r\nx-request-id: mine\r\n"), expected == "mine", "{text}");
        server.stop();
        server.wait();
    }
}

#[test]
fn ids_of_trusted_proxies_are_taken_along() {
    for (networks, expected) in [(["127.0.0.1"], true), (["10.0.0.0/8"], false)] {
        let mut app = with_ids(RequestIds::new().trust_proxies());
        app.trust_proxy(TrustedProxies::x_forwarded(networks));
        let server = app.workers(1).start("127.0.0.1:0").unwrap();
        let request = "GET / HTTP/1.0\r\nx-request-id: mine\r\nx-forwarded-for: 127.0.0.1\r\n\r\n";
        let text = over_tcp(server.addr(), request);
        assert_eq!(text.contains("\r\nx-request-id: mine\r\n"), expected, "{text}");
        server.stop();
        server.wait();
    }
    // Whom it means has to be said.
    let line = line!() + 2;
    let mut app = App::new();
    app.request_ids(RequestIds::new().trust_proxies());
    let text = problems(&app);
    assert!(
        text.contains(&format!("observing.rs:{line}:")) && text.contains("trust_proxy"),
        "{text}"
    );
}

fn over_tcp(addr: std::net::SocketAddr, request: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(addr).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn ids_are_off_unless_asked_for_and_need_not_be_said() {
    let mut plain = App::new();
    plain.get("/", async |req| req.id().map(str::to_owned));
    let reply = client(plain).get("/").header("x-request-id", "mine").send();
    assert_eq!((reply.status().as_u16(), reply.header("x-request-id")), (404, None));
    let quiet = client(with_ids(RequestIds::new().without_echo()));
    let reply = quiet.get("/").send();
    assert_eq!((reply.text().len(), reply.header("x-request-id")), (32, None));
    assert_eq!(quiet.get("/own").send().header("x-request-id"), Some("the handler's"));
}

fn with_access_log(log: AccessLog) -> App {
    let mut app = App::new();
    app.access_log(log)
        .request_ids(RequestIds::new().trust_any_client())
        .get("/al/text/:n", async |_| "five!")
        .get("/al/empty", async |_| (204, "five!"))
        .get("/al/fails", async |_| (503, "out"))
        .get("/al/stream", async |_| {
            stream(async |out| {
                out.write("abc").await?;
                out.flush().await?;
                sleep(Duration::from_secs(2)).await;
                out.write("defg").await
            })
        })
        .get("/al/waits", async |_| {
            sleep(Duration::from_secs(60)).await;
            "never"
        });
    app
}

#[test]
fn logs_each_request_once_when_its_reply_has_left() {
    let client = client(with_access_log(AccessLog::new()));
    let rows = [
        (Method::GET, "/al/text/1?secret=1", "/al/text/1", 200, 5, Some("/al/text/:n")),
        (Method::HEAD, "/al/text/2", "/al/text/2", 200, 0, Some("/al/text/:n")),
        (Method::GET, "/al/empty", "/al/empty", 204, 0, Some("/al/empty")),
        (Method::GET, "/al/fails", "/al/fails", 503, 3, Some("/al/fails")),
        (Method::GET, "/al/none", "/al/none", 404, 9, None),
    ];
    for (method, target, path, status, body_bytes, route) in rows {
        let id = format!("al{}", target.len());
        let reply = client.request(method.clone(), target).header("x-request-id", &id).send();
        assert_eq!(reply.status(), status);
        assert_eq!(reply.bytes().len(), body_bytes);
        client.settle();
        let mut texts = vec![
            format!("method={method} path={path} status={status} body_bytes={body_bytes} "),
            format!("request_id={id} aborted=false"),
            "duration_us=".to_owned(),
        ];
        texts.extend(route.map(|route| format!("route={route} ")));
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        assert_eq!(logged(&texts), 1, "{target}");
        assert_eq!(logged(&[&format!("path={path} "), "duration_us="]), 1, "{target}");
    }
    assert_eq!(logged(&["path=/al/text", "secret"]), 0);
}

#[test]
fn the_access_log_may_name_the_query() {
    let client = client(with_access_log(AccessLog::new().with_query()));
    assert_eq!(client.get("/al/text/q?page=7").send().status(), 200);
    client.settle();
    assert_eq!(logged(&["path=/al/text/q query=page=7 status=200"]), 1);
}

#[test]
fn logs_a_streamed_reply_at_its_true_end() {
    let client = TestClient::with_virtual_time(with_access_log(AccessLog::new()));
    let connection = client.connect();
    let request = "GET /al/stream HTTP/1.1\r\nhost: x\r\nx-request-id: streamed\r\n\r\n";
    connection.write(request);
    client.settle();
    assert_eq!(logged(&["request_id=streamed"]), 0, "the stream has not ended");
    client.advance(Duration::from_secs(2));
    assert_eq!(connection.read_reply().unwrap().text(), "abcdefg");
    let whole = ["path=/al/stream status=200 body_bytes=7 ", "request_id=streamed aborted=false"];
    assert_eq!(logged(&whole), 1);
    // Its two seconds, and what virtual time is rounded to.
    assert_eq!(logged(&["request_id=streamed", "duration_us=20"]), 1);
}

#[test]
fn logs_clients_that_leave_as_aborted() {
    let client = TestClient::with_virtual_time(with_access_log(AccessLog::new()));
    let rows = [("/al/waits", "waiter", ""), ("/al/stream", "half", "status=200 body_bytes=3 ")];
    for (path, id, reply) in rows {
        let connection = client.connect();
        connection.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\n\r\n"));
        client.settle();
        connection.reset();
        client.settle();
        let expected = [&format!("path={path} {reply}"), &format!("request_id={id} aborted=true")];
        assert_eq!(logged(&expected.map(String::as_str)), 1, "{path}");
    }
    assert_eq!(logged(&["request_id=waiter", "status="]), 0, "there was none");
}

#[test]
fn logs_heads_that_never_became_requests() {
    let client = TestClient::with_virtual_time(with_access_log(AccessLog::new().with_query()));
    let long = format!("GET /al/long HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(40_000));
    // Method, path and query are there as far as they could be read.
    let rows = [
        ("GET /al/bad\u{fc} HTTP/1.1\r\n\r\n", "method=GET path= status=400", "", "target"),
        (
            "HEAD /al/two HTTP/2.0\r\n\r\n",
            "method=HEAD path= status=505 body_bytes=0 ",
            "",
            "version",
        ),
        (
            "PUT /al/host?q=1 HTTP/1.1\r\n\r\n",
            "method=PUT path=/al/host query=q=1 status=400",
            "",
            "host",
        ),
        (&*long, "method=GET path=/al/long status=431", "", "head"),
        ("\0\r\n\r\n", "path= status=400", "method=", "request line"),
    ];
    for (request, line, absent, why) in rows {
        answers(&client, request);
        let found = logged_lines(&[line, "duration_us=", "refused="]);
        let found: Vec<_> = found
            .iter()
            .filter(|found| found.to_lowercase().contains(why))
            .filter(|found| absent.is_empty() || !found.contains(absent))
            .collect();
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].contains("aborted=false") && !found[0].contains("request_id="));
    }
    let connection = client.connect();
    connection.write("DELETE /al/slow HTTP/1.1\r\nhost");
    client.advance(Duration::from_secs(11));
    assert_eq!(connection.read_reply().unwrap().status(), 408);
    let slow = ["method=DELETE path=/al/slow status=408", "duration_us=10", "refused=", "slowly"];
    assert_eq!(logged(&slow), 1);
}

/// Holds the worker, as a handler that computes does.
fn compute(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        spin_loop();
    }
}

#[test]
fn development_mode_names_handlers_that_hold_their_worker() {
    let register = |app: &mut App, at: &str| {
        app.get(&format!("/{at}/long/:n"), async |_| {
            compute(Duration::from_millis(60));
            "computed"
        });
        app.get(&format!("/{at}/stream"), async |_| {
            stream(async |out| {
                compute(Duration::from_millis(60));
                out.write("computed").await
            })
        });
        // As long, but others have their turn.
        app.get(&format!("/{at}/waits"), async |_| {
            sleep(Duration::from_millis(60)).await;
            "waited"
        });
    };
    let (mut watched, mut plain) = (App::new(), App::new());
    register(watched.development(), "watched");
    register(&mut plain, "plain");
    let (watched, plain) = (client(watched), client(plain));
    for (client, at, times) in [(watched, "watched", 1), (plain, "plain", 0)] {
        for path in ["long/1", "stream", "waits"] {
            assert_eq!(client.get(&format!("/{at}/{path}")).send().status(), 200);
        }
        let held = "a handler held its worker";
        let long = format!("path=/{at}/long/1 route=/{at}/long/:n held_ms=");
        assert_eq!(logged(&[held, &long]), times, "{at}");
        let stream = format!("path=/{at}/stream route=/{at}/stream held_ms=");
        assert_eq!(logged(&[held, &stream]), times, "{at}");
    }
}

#[test]
fn the_access_log_names_the_peer() {
    // The log of tests is set up with the first client.
    drop(client(App::new()));
    let server = with_access_log(AccessLog::new()).workers(1).start("127.0.0.1:0").unwrap();
    let text = over_tcp(server.addr(), "GET /al/text/tcp HTTP/1.0\r\n\r\n");
    assert!(text.ends_with("five!"), "{text}");
    server.stop();
    server.wait();
    assert_eq!(logged(&["path=/al/text/tcp status=200", " peer=127.0.0.1:"]), 1);
}

#[test]
fn development_mode_names_a_handler_that_does_not_come_back() {
    static RELEASED: AtomicBool = AtomicBool::new(false);
    let mut app = App::new();
    app.development().get("/stuck/:n", async |_| {
        while !RELEASED.load(Ordering::Relaxed) {
            spin_loop();
        }
        "released"
    });
    let stuck = client(app);
    let line = ["a handler holds its worker", "path=/stuck/1 route=/stuck/:n held_ms="];
    thread::scope(|scope| {
        let reply = scope.spawn(|| stuck.get("/stuck/1").send().text());
        let start = Instant::now();
        while logged(&line) == 0 && start.elapsed() < Duration::from_secs(20) {
            thread::yield_now();
        }
        RELEASED.store(true, Ordering::Relaxed);
        assert_eq!(reply.join().unwrap(), "released");
    });
    assert_eq!(logged(&line), 1, "told once, while it was held");
    assert_eq!(logged(&["a handler held its worker", "path=/stuck/1"]), 1);
}
