//! What never reaches a handler: malformed targets and hosts.

use crate::support::answers;
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra_proto::uri::UriPolicy;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A client of an application whose handlers count, and the count.
fn counting() -> (TestClient, Arc<AtomicUsize>) {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut app = App::new();
    app.use_(async move |req: Request, next: Next| {
        counter.fetch_add(1, Ordering::Relaxed);
        next.run(req).await
    });
    app.any("*", async |req: Request| format!("at {} {:?}", req.path(), req.query_str()));
    (TestClient::new(app), ran)
}

/// The status of the reply to bytes, and whether the connection ends with it.
fn status(client: &TestClient, head: &str) -> (String, bool) {
    let all = answers(client, head);
    let status = all.split(' ').nth(1).unwrap_or_default().to_owned();
    (status, all.to_ascii_lowercase().contains("connection: close"))
}

#[test]
fn malformed_targets_are_400_and_end_the_connection() {
    // CV-55: VA-221, VA-222, VA-224, VA-225, VA-227, VA-228, CF-32, PO-102
    let (client, ran) = counting();
    let mut targets: Vec<String> =
        ["/a%", "/a%4", "/a%zz", "/%00", "/a#b", "/?#", "#", "?a", "a", "h:80"]
            .map(String::from)
            .into();
    targets.extend(
        ["http://u@h/", "http://u:p@h/", "ftp://h/", "http:///a", "http://", "*?x", "*", "http:/a"]
            .map(String::from),
    );
    for byte in "\"`<>[]{}|^\\\u{7f}\u{1}".chars() {
        targets.push(format!("/a{byte}b"));
        targets.push(format!("http://h/a{byte}b"));
    }
    targets.extend(["/ü".to_owned(), "/?ü".to_owned(), "/a\tb".to_owned(), "/a b".to_owned()]);
    for target in &targets {
        let head =
            format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n");
        assert_eq!(status(&client, &head), ("400".to_owned(), true), "{target:?}");
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    let long = |len: usize| format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(len - 1));
    assert_eq!(status(&client, &long(16 * 1024)).0, "200");
    assert_eq!(status(&client, &long(16 * 1024 + 1)), ("414".to_owned(), true));
}

#[test]
fn takes_the_target_forms_that_a_server_gets() {
    // VA-223, CF-03, CF-74, VA-226
    let (client, _) = counting();
    let ask = |line: &str| {
        let reply = answers(&client, format!("{line} HTTP/1.1\r\nhost: x\r\n\r\n"));
        let body = reply.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (reply.split(' ').nth(1).unwrap_or_default().to_owned(), body.unwrap_or_default())
    };
    let ok = |text: &str| ("200".to_owned(), text.to_owned());
    assert_eq!(ask("GET /a?b"), ok("at /a Some(\"b\")"));
    assert_eq!(ask("GET http://h/a?b"), ok("at /a Some(\"b\")"));
    assert_eq!(ask("GET HTTPS://h:1?b"), ok("at / Some(\"b\")"));
    assert_eq!(ask("GET http://[::1]:80"), ok("at / None"));
    assert_eq!(ask("OPTIONS *").0, "204");
    assert_eq!(ask("GET a:1").0, "400");
    assert_eq!(ask("CONNECT a:1").0, "405");
    // `//a` is a path like others, and not the host `a`.
    assert_eq!(ask("GET //a"), ok("at //a None"));
}

#[test]
fn empty_segments_match_no_parameter() {
    // VA-226, CF-03: distinct paths, so they are 404 where nothing is registered for them.
    let mut app = App::new();
    app.get("/a/:b", async |_| "one")
        .get("/a", async |_| "none")
        .get("/:x/:y/:z", async |_| "three");
    let client = TestClient::new(app);
    for path in ["//", "//a", "/a//", "/a//b", "/a/b//", "//a/b"] {
        assert_eq!(client.get(path).send().status(), 404, "{path}");
    }
    assert_eq!(client.get("/a/").send().text(), "none");
}

#[test]
fn queries_may_have_what_browsers_send_raw() {
    // CF-33, PO-102: the listed bytes and malformed triplets, unless the application is strict.
    let mut strict = App::new();
    strict
        .limits(|limits| limits.head.uri_policy = UriPolicy::Strict)
        .get("/", async |req: Request| req.query_str().map(str::to_owned));
    let mut app = App::new();
    app.get("/", async |req: Request| req.query_str().map(str::to_owned));
    let (strict, browser) = (TestClient::new(strict), TestClient::new(app));
    for query in ["a[]=1", "{x}", "a|b", "^", "\\", "`", "\"", "<a>", "%", "%zz", "%4"] {
        let reply = browser.get(&format!("/?{query}")).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (200, query));
        assert_eq!(strict.get(&format!("/?{query}")).send().status(), 400, "{query}");
    }
    assert_eq!(strict.get("/?a=%5B/?:@-._~!$&'()*+,;").send().status(), 200);
}

#[test]
fn malformed_hosts_are_400_and_end_the_connection() {
    // CV-57: VA-232, VA-233, CF-43. An underscore is of the grammar of RFC 3986, and is taken.
    let (client, ran) = counting();
    let long = format!("{}aa", "a.".repeat(127));
    for host in [
        "a b",
        "a,b",
        "u@a",
        "a/b",
        "a?b",
        "a..b",
        ".a",
        "a.1",
        "a.1-2",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.",
        "01.2.3.4",
        "[::1",
        "[::g]",
        "::1",
        "[1.2.3.4]",
        "a:65536",
        "a:000080",
        "a:b",
        ":80",
        "ü",
        "a%20b",
        &long,
    ] {
        let head = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(status(&client, &head), ("400".to_owned(), true), "{host:?}");
        // The target names the host, but a malformed field is still one.
        let head = format!("GET http://a/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(status(&client, &head), ("400".to_owned(), true), "{host:?}");
    }
    let none = "GET / HTTP/1.1\r\n\r\n";
    let two = "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n";
    assert_eq!([status(&client, none).0, status(&client, two).0], ["400", "400"]);
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    for host in
        ["", "a", "A.b.", "a: ", "1.2.3.4:80", "[::1]", "[2001:DB8::1]:65535", "a_b", "xn--a.b"]
    {
        let head = format!("GET / HTTP/1.1\r\nhost: {host} \t\r\nconnection: close\r\n\r\n");
        assert_eq!(status(&client, &head).0, "200", "{host:?}");
    }
}

#[test]
fn framing_that_two_readers_could_see_differently_is_refused() {
    // CV-57: VA-234: each is 400 and the end, so nothing behind it is taken for a request.
    let (client, ran) = counting();
    for fields in [
        "content-length: 1\r\ntransfer-encoding: chunked\r\n",
        "content-length: 1\r\ncontent-length: 2\r\n",
        "content-length: 1, 2\r\n",
        "content-length: +1\r\n",
        "content-length: -0\r\n",
        "content-length: 1 1\r\n",
        "content-length: 0x1\r\n",
        "content-length:\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length : 1\r\n",
        " content-length: 1\r\n",
        "x: a\r\n folded\r\n",
        "x: a\nbare: b\r\n",
        "x: a\rb\r\n",
        "x: \0\r\n",
        "no colon\r\n",
        ": no name\r\n",
        "x y: z\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: chunked, gzip\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: \"chunked\"\r\n",
    ] {
        let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\n{smuggled}");
        let all = answers(&client, &head);
        let code = all.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(code, "400" | "501"), "{fields:?}: {all}");
        assert_eq!(all.matches("HTTP/1.1 ").count(), 1, "{fields:?}: {all}");
    }
    for line in [
        "GET / HTTP/2.0",
        "GET / HTTP/1.10",
        "GET / http/1.1",
        "GET /",
        "GET  / HTTP/1.1",
        "G\u{1}T / HTTP/1.1",
    ] {
        let all = answers(&client, format!("{line}\r\nhost: x\r\n\r\n"));
        assert!(!all.starts_with("HTTP/1.1 2"), "{line:?}: {all}");
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

#[test]
fn the_refusal_of_a_head_request_has_no_body() {
    // RFC 9110 §9.3.2, wherever the head is refused.
    let (client, ran) = counting();
    let long = format!("/{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(20_000));
    let rows = [
        ("/ HTTP/2.0\r\nhost: x\r\n\r\n", "505"),
        ("/\u{fc} HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("/a b HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("/ HTTP/1.1\r\n\r\n", "400"),
        ("/ HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n", "400"),
        (&*long, "414"),
    ];
    for (rest, status) in rows {
        for (method, has_body) in [("HEAD", false), ("\r\nHEAD", false), ("GET", true)] {
            let all = answers(&client, format!("{method} {rest}"));
            assert!(all.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {rest}: {all}");
            assert_eq!(!all.ends_with("\r\n\r\n"), has_body, "{method} {rest}: {all}");
        }
    }
    // One that never comes.
    let client = TestClient::with_virtual_time(App::new());
    let connection = client.connect();
    connection.write("HEAD / HTTP");
    client.advance(std::time::Duration::from_secs(11));
    let all = String::from_utf8(connection.read_to_end().unwrap()).unwrap();
    assert!(all.starts_with("HTTP/1.1 408 ") && all.ends_with("\r\n\r\n"), "{all}");
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}
