//! Settings of the server and of bodies, and what breaches of its limits lead to.

use super::sockets::{connect, read_reply, read_rest, send, wait_for};
use super::support::{answers, client, problems};
use shikra::router::{PathCase, TrailingSlash};
use shikra::testing::TestClient;
use shikra::{App, Error, Oversize, Request, UriPolicy, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

async fn len(req: Request) -> shikra::Result<String> {
    Ok(req.bytes().await?.len().to_string())
}

async fn stream_len(req: Request) -> shikra::Result<String> {
    let (mut body, mut len) = (req.body(), 0);
    while let Some(chunk) = body.next().await {
        len += chunk?.len();
    }
    Ok(len.to_string())
}

#[test]
fn all_options_of_an_application_are_set_where_it_is_made() {
    // VA-009
    let (failures, told) = channel();
    let mut app = App::new();
    app.path_case(PathCase::Insensitive)
        .trailing_slash(TrailingSlash::Strict)
        .default_port(8080)
        .logger(move |failure| failures.send(failure.to_string()).unwrap());
    app.get("/Books/", async |_| "books").get("/fails", async |_| {
        Err::<&str, _>(Error::from(std::io::Error::other("disk on fire")))
    });
    app.host("shop.example", App::new().get("/", async |_| "shop"));
    let client = TestClient::new(app);
    client.get("/bOOKS/").send().assert_text("books"); // the case of letters
    client.get("/books").send().assert_status(404); // the slash
    let shop = |host: &str| client.get("/").header("host", host).send();
    shop("shop.example:8080").assert_text("shop"); // the port
    shop("shop.example").assert_status(404);
    assert!(told.try_recv().is_err(), "a 404 is no failure");
    client.get("/fails").send().assert_status(500);
    assert!(told.recv().unwrap().contains("disk on fire")); // the logger
}

#[test]
fn settings_that_cannot_be_meant_are_found_at_start_with_their_lines() {
    // HX-031
    let mut app = App::new();
    let first = line!() + 1;
    app.connections_max(0);
    app.backlog(0);
    app.workers(1025);
    app.limits(|limits| limits.head_timeout = Duration::ZERO);
    app.limits(|limits| {
        limits.head_timeout = Duration::from_secs(1);
        limits.requests_per_turn_max = 0;
    });
    let text = problems(&app);
    let wanted = [
        (0, "connections_max is 0"),
        (1, "backlog of 0"),
        (2, "1025 workers"),
        (3, "`without_head_timeout`"),
        (4, "requests_per_turn_max is 0"),
    ];
    for (after, what) in wanted {
        let place = format!("settings.rs:{}:", first + after);
        let mut lines = text.lines();
        assert!(lines.any(|line| line.contains(&place) && line.contains(what)), "{what}: {text}");
    }
    assert_eq!(text.lines().count(), 6, "{text}");
    // At the limits.
    let mut app = App::new();
    app.connections_max(1).backlog(1).workers(1024).limits(|limits| {
        limits.without_first_byte_timeout();
        limits.without_head_timeout();
        limits.without_keep_alive_timeout();
        limits.without_body_speed();
        limits.without_body_idle_timeout();
        limits.without_write_stall_timeout();
        limits.without_shutdown_timeout();
    });
    assert!(app.routes().is_ok());
}

#[test]
fn a_part_of_an_application_has_no_settings_of_the_server() {
    // HX-031
    let line = line!() + 2;
    let mut part = App::new();
    part.limits(|limits| limits.head.fields_max = 5);
    let mut app = App::new();
    app.mount("/a", part.clone()).host("b.example", part);
    let text = problems(&app);
    assert!(text.contains(&format!("settings.rs:{line}:")), "{text}");
    // The same line of the same part, once.
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_limit_that_is_switched_off_never_comes() {
    // HX-304, HX-305: each of the defaults is 60 s at most.
    let mut app = App::new();
    app.limits(|limits| {
        limits.without_first_byte_timeout();
        limits.without_head_timeout();
        limits.without_keep_alive_timeout();
        limits.without_body_speed();
        limits.without_body_idle_timeout();
    });
    app.post("/", len);
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    for part in ["POST / HT", "TP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na", "bc"] {
        client.advance(Duration::from_secs(90));
        connection.write(part);
    }
    assert_eq!(connection.read_reply().unwrap().text(), "3");
    client.advance(Duration::from_secs(90));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), "0");
}

#[test]
fn connections_are_kept_as_long_as_both_sides_want() {
    // HX-304
    let mut app = App::new();
    app.limits(|limits| {
        limits.first_byte_timeout = Duration::from_secs(2);
        limits.keep_alive_timeout = Duration::from_secs(3);
    });
    app.get("/", async |_| "hello");
    let client = TestClient::with_virtual_time(app);
    let silent = client.connect();
    client.advance(Duration::from_millis(1900));
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert!(silent.read_to_end().unwrap().is_empty());
    let kept = client.connect();
    for _ in 0..3 {
        kept.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(kept.read_reply().unwrap().keeps_alive());
        client.advance(Duration::from_millis(2900));
    }
    client.advance(Duration::from_millis(200));
    assert!(kept.read_to_end().unwrap().is_empty());
    // The client's wish is honoured after the answer, and nothing later is answered.
    let closing = client.connect();
    let close = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    closing.write(format!("{close}GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    let all = String::from_utf8(closing.read_to_end().unwrap()).unwrap();
    assert!(all.contains("\r\nconnection: close\r\n") && all.ends_with("\r\n\r\nhello"), "{all}");
    assert_eq!(all.matches("HTTP/1.1 ").count(), 1);
}

#[test]
fn slow_senders_are_told_and_closed_on_time() {
    // HX-305
    let mut app = App::new();
    app.limits(|limits| {
        limits.head_timeout = Duration::from_secs(2);
        limits.body_bytes_per_second_min = 1000;
        limits.body_speed_grace = Duration::from_secs(1);
    });
    app.post("/", len);
    app.post("/think", async |req| {
        shikra::sleep(Duration::from_secs(90)).await;
        len(req).await
    });
    let client = TestClient::with_virtual_time(app);
    let slow_head = client.connect();
    slow_head.write("GET / HTTP/1.1\r\nhost:");
    client.advance(Duration::from_millis(2100));
    assert_eq!(slow_head.read_reply().unwrap().status(), 408);
    let slow_body = client.connect();
    slow_body.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n");
    for _ in 0..4 {
        client.advance(Duration::from_millis(500));
        slow_body.write([7; 100]);
    }
    assert_eq!(slow_body.read_reply().unwrap().status(), 408);
    // Nobody is hurried while the handler works.
    let waiting = client.connect();
    waiting.write("POST /think HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n");
    client.advance(Duration::from_millis(90_200));
    waiting.write("abc");
    assert_eq!(waiting.read_reply().unwrap().text(), "3");
}

#[test]
fn heads_are_limited_by_settings() {
    // HX-306
    let mut app = App::new();
    app.limits(|limits| {
        limits.head.target_bytes_max = 10;
        limits.head.head_bytes_max = 100;
        limits.head.fields_max = 3;
    });
    app.get("/*?", async |_| "hello");
    let client = client(app);
    let head = |target: &str, fields: usize, len: usize| {
        let mut head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n");
        for n in 1..fields {
            head.push_str(&format!("a{n}: b\r\n"));
        }
        // The last field fills it up.
        let padding = len.saturating_sub(head.len() + 2);
        if padding > 0 {
            head.insert_str(head.len() - 2, &"x".repeat(padding));
        }
        head + "\r\n"
    };
    let rows = [
        (head("/123456789", 1, 0), "200"),
        (head("/1234567890", 1, 0), "414"),
        (head("/", 3, 0), "200"),
        (head("/", 4, 0), "431"),
        (head("/", 2, 100), "200"),
        (head("/", 2, 101), "431"),
    ];
    for (head, status) in rows {
        let all = answers(&client, &head);
        assert_eq!(&all[9..12], status, "{head}");
        assert_eq!(all.contains("\r\nconnection: close\r\n"), status != "200", "{all}");
    }
}

#[test]
fn what_is_malformed_is_refused_and_closes() {
    // HX-307, CF-32, CF-43
    let client = client(App::new().post("/", len));
    let rows = [
        ("", "a: b\r\n", "400"),
        ("", "host:\r\nhost: x\r\n", "400"),
        ("", "host: x\r\nhost: x\r\n", "400"),
        ("", "host: a b\r\n", "400"),
        ("", "host: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n", "400"),
        ("", "host: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n", "400"),
        ("", "host: x\r\ncontent-length: +1\r\n", "400"),
        ("", "host: x\r\ntransfer-encoding: chunked, identity\r\n", "400"),
        ("", "host: x\r\ntransfer-encoding: gzip\r\n", "400"),
        ("", "host: x\r\ntransfer-encoding: gzip, chunked\r\n", "501"),
        ("", "host : x\r\n", "400"),
        ("", "host: x\r\na: b\r\n c\r\n", "400"),
        ("", "host: x\r\na: b\0c\r\n", "400"),
        ("", "host: x\na: b\r\n", "400"),
        ("POST / HTTP/2.0", "host: x\r\n", "505"),
        ("POST /a b HTTP/1.1", "host: x\r\n", "400"),
        ("POST /%zz HTTP/1.1", "host: x\r\n", "400"),
        ("POST /|a HTTP/1.1", "host: x\r\n", "400"),
        ("POST a HTTP/1.1", "host: x\r\n", "400"),
    ];
    for (line, fields, status) in rows {
        let line = if line.is_empty() { "POST / HTTP/1.1" } else { line };
        let next = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
        let all = answers(&client, format!("{line}\r\n{fields}\r\n{next}"));
        assert_eq!(&all[9..12], status, "{line} {fields:?}");
        // One reply: what follows cannot be trusted.
        assert_eq!(all.matches("HTTP/1.1 ").count(), 1, "{all}");
        assert!(all.contains("\r\nconnection: close\r\n"), "{all}");
    }
    // Chunks come after the head: the read fails.
    let bad = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nx\r\n";
    assert!(answers(&client, bad).starts_with("HTTP/1.1 400"));
    // HTTP/1.0 is served, names in any case, values without the space around them.
    let old = "POST / HTTP/1.0\r\nCONTENT-LENGTH: \t3 \r\n\r\nabc";
    assert!(answers(&client, old).ends_with("\r\n\r\n3"));
}

#[test]
fn queries_are_as_strict_as_the_policy() {
    // CF-33
    let raw = ["[", "]", "{", "}", "|", "^", "\\", "`", "\"", "<", ">", "%", "%z1"];
    let lenient = client(App::new().get("/", async |req| req.query_str().map(str::to_owned)));
    let strict = client(App::new().uri_policy(UriPolicy::Strict).get("/", async |_| "hello"));
    for text in raw {
        let request = format!("GET /?a={text} HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(answers(&lenient, &request).ends_with(&format!("\r\n\r\na={text}")), "{text}");
        assert!(answers(&strict, &request).starts_with("HTTP/1.1 400"), "{text}");
    }
    assert_eq!(strict.get("/?a=%5B1%5D").send().text(), "hello");
}

// Bodies.

/// An application that counts its handlers.
fn counting(change: impl FnOnce(&mut App)) -> (TestClient, Arc<AtomicUsize>) {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut app = App::new();
    change(&mut app);
    app.get("/", async |_| "hello").post("/bytes", len).post("/stream", stream_len);
    app.use_(async move |req: Request, next: shikra::Next| {
        counter.fetch_add(1, Ordering::SeqCst);
        next.run(req).await
    });
    (client(app), ran)
}

#[test]
fn an_oversized_body_may_end_the_connection_without_a_word() {
    // HX-023, CF-38, CF-39, HA-014
    let (client, ran) = counting(|app| _ = app.on_oversize(Oversize::Abort).body_bytes_max(10));
    let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    for path in ["/bytes", "/stream"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n");
        // At the limit.
        ran.store(0, Ordering::SeqCst);
        let exact = format!("{head}content-length: 10\r\n\r\n0123456789");
        assert!(answers(&client, exact).ends_with("\r\n\r\n10"));
        let chunks =
            format!("{head}transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
        assert!(answers(&client, chunks).ends_with("\r\n\r\n10"));
        assert_eq!(ran.swap(0, Ordering::SeqCst), 2);

        // One past it: announced, come with the head, or later. Replies before it arrive.
        let announced = format!("{get}{head}content-length: 11\r\n\r\n{get}");
        let at_once = format!("{get}{head}transfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n");
        for text in [announced, at_once] {
            let connection = client.connect();
            connection.write(text);
            let all = connection.read_to_end().unwrap_or_else(|bytes| bytes);
            let all = String::from_utf8(all).unwrap();
            assert!(all.ends_with("\r\n\r\nhello"), "{all}");
            assert_eq!(all.matches("HTTP/1.1 ").count(), 1, "{all}");
        }
        // Only the handlers of the replies before have run.
        assert_eq!(ran.swap(0, Ordering::SeqCst), 2);
        let connection = client.connect();
        connection.write(format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n"));
        client.settle();
        connection.write("6\r\n012345\r\n");
        assert!(connection.read_to_end().unwrap_or_else(|bytes| bytes).is_empty());
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    }
    assert_eq!(client.connections(), 0);
}

#[test]
fn an_aborted_upload_drops_its_handler_and_tells_its_hooks() {
    // HX-023, HX-312
    let ended = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ended);
    let mut app = App::new();
    app.on_oversize(Oversize::Abort).body_bytes_max(4).post("/", async move |req| {
        let counter = Arc::clone(&counter);
        req.on_abort(move || _ = counter.fetch_add(1, Ordering::SeqCst));
        stream(async move |out| {
            let mut body = req.body();
            while let Some(chunk) = body.next().await {
                // Whatever it makes of the error, nobody hears of it.
                out.write(chunk.unwrap_or_default()).await?;
            }
            Ok(())
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n");
    assert!(String::from_utf8(connection.read_some().unwrap()).unwrap().contains("200 OK"));
    connection.write("3\r\ncde\r\n");
    let rest = connection.read_to_end().unwrap_or_else(|bytes| bytes);
    // Neither the excess nor the last chunk, which would make it look whole.
    assert!(!rest.ends_with(b"0\r\n\r\n") && !rest.windows(3).any(|part| part == b"cde"));
    assert_eq!((ended.load(Ordering::SeqCst), client.connections()), (1, 0));
}

#[test]
fn saying_what_becomes_of_large_bodies_limits_streams_too() {
    // CF-38
    let (client, _) = counting(|app| _ = app.on_oversize(Oversize::Respond));
    assert_eq!(client.post("/stream").body(vec![0; 250_000]).send().text(), "250000");
    assert_eq!(client.post("/stream").body(vec![0; 250_001]).send().status(), 413);
    let chunks = vec![vec![0; 125_000], vec![0; 125_001]];
    assert_eq!(client.post("/stream").chunks(chunks).send().status(), 413);
}

#[test]
fn a_limit_can_be_taken_away_for_a_part_and_for_a_route() {
    // CF-38, HA-014, HX-024
    let mut app = App::new();
    app.body_bytes_max(4).post("/", len);
    app.route("/route").without_body_limit().post(len);
    app.group("/group", |group| {
        group.without_body_limit().post("/", len).route("/narrow").body_bytes_max(2).post(len);
    });
    let client = client(app);
    assert_eq!(client.post("/").body(vec![0; 5]).send().status(), 413);
    assert_eq!(client.post("/group/narrow").body(vec![0; 3]).send().status(), 413);
    for path in ["/route", "/group"] {
        // Collected beyond the 250,000 bytes that hold without any setting.
        assert_eq!(client.post(path).body(vec![0; 600_000]).send().text(), "600000");
        assert_eq!(client.post(path).chunks(vec![vec![0; 300_000]; 2]).send().text(), "600000");
    }
}

#[test]
fn a_body_that_nobody_reads_is_read_ahead_no_further_than_a_window() {
    // HX-005, HX-025, CF-37
    let mut app = App::new();
    app.post("/", async |req| {
        shikra::sleep(Duration::from_secs(10)).await;
        len(req).await
    });
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n");
    let mut sent = 0;
    loop {
        let len = connection.write_some(vec![7; 200_000 - sent]);
        client.settle();
        if len == 0 {
            break;
        }
        sent += len;
    }
    // The pipe between the two holds 64 KiB; beyond it there is one window at most.
    assert!(sent <= (64 + 64) * 1024, "{sent} bytes were taken");
    client.advance(Duration::from_secs(11));
    assert_eq!(connection.write(vec![7; 200_000 - sent]), 200_000 - sent);
    assert_eq!(connection.read_reply().unwrap().text(), "200000");
}

#[test]
fn a_body_shows_nothing_of_those_before_it() {
    // HX-022
    let client = client(App::new().post("/", async |req| req.bytes().await));
    let echo = |body: &[u8]| client.post("/").body(body.to_vec()).send().bytes().to_vec();
    for len in [60_000, 1, 5_000, 0, 100, 20_000] {
        let secret = vec![b'#'; len + 1_000];
        assert_eq!(echo(&secret), secret);
        assert_eq!(echo(&vec![b'.'; len]), vec![b'.'; len]);
    }
    // Cut off: no more than what was sent, filled up with nothing.
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nabc");
    connection.finish();
    let all = String::from_utf8(connection.read_to_end().unwrap()).unwrap();
    assert!(all.starts_with("HTTP/1.1 400") && !all.contains('#') && !all.contains("abc"), "{all}");
}

#[test]
fn aborted_transfers_leave_the_server_as_it_was() {
    // HX-311
    let mut app = App::new();
    app.workers(1).post("/", stream_len).get("/", async |_| "hello");
    app.get("/big", async |_| vec![7_u8; 4 * 1024 * 1024]);
    let server = app.start("127.0.0.1:0").unwrap();
    for _ in 0..20 {
        let mut upload = connect(server.addr());
        send(&mut upload, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\nabc");
        let mut download = connect(server.addr());
        send(&mut download, "GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
        download.peek(&mut [0; 8]).unwrap();
        drop((upload, download));
        let mut next = connect(server.addr());
        send(&mut next, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert!(read_reply(&mut next).ends_with("hello"));
        assert_eq!(read_rest(&mut next), "");
    }
    wait_for(|| server.connections() == 0);
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
}
