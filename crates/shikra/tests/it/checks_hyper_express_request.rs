//! The checks from outside of HyperExpress's list, CK-21 to CK-32: what a request says, and its body.

use crate::checks::{Trace, check};
use crate::sockets::{connect, read_reply, send};
use crate::support::{answers, client};
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{Oversize, SetCookie, TrustedProxies};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

async fn dump(req: Request) -> Result<String> {
    let query: Vec<_> = req.query().get_all("query1").collect();
    let lines = [
        format!("{} {}", req.method(), req.target()),
        format!("{} {:?}", req.path(), req.query_str()),
        format!("{:?} {:?}", req.header("x-test-value"), req.headers().map(|(n, _)| n).nth(1)),
        format!("{:?} {:?}", req.cookie("n"), req.cookie("m")),
        format!("{} {}", req.param::<String>("p1")?, req.param::<String>("p2")?),
        format!("{query:?} {:?}", req.query().get("query2")),
        format!("{:?} {:?}", req.client_ip(), req.client_ips()),
    ];
    Ok(lines.join("\n"))
}

#[test]
fn ck21_properties() {
    // CK-21: CF-76, of two cookies of a name the first. Names compare without case, and are listed as sent.
    let server = App::new().any("/tests/request/:p1/:p2", dump).start("127.0.0.1:0").unwrap();
    let mut stream = connect(server.addr());
    let target = "/tests/request/a/b?query1=x&query2=y%20z&query1=w";
    let fields = "X-Test-Value: v\r\nCookie: n=1; m=%7Ba%7D; n=2\r\n";
    send(&mut stream, &format!("POST {target} HTTP/1.1\r\nhost: x\r\n{fields}\r\n"));
    let reply = read_reply(&mut stream);
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    let wanted = [
        &format!("POST {target}"),
        r#"/tests/request/a/b Some("query1=x&query2=y%20z&query1=w")"#,
        r#"Some("v") Some("X-Test-Value")"#,
        r#"Some("1") Some("{a}")"#,
        "a b",
        r#"["x", "w"] Some("y z")"#,
        "Some(127.0.0.1) [127.0.0.1]",
    ];
    assert_eq!(body.lines().collect::<Vec<_>>(), wanted);
    server.stop();
    server.wait();
}

#[test]
fn ck22_json_and_its_default() {
    // CK-22: CF-40, what is no JSON is 400 unless the handler names a default.
    type Value = serde_json::Value;
    let mut app = App::new();
    app.post("/j", async |req| Ok(Json(req.json::<Value>().await?)));
    app.post("/jd", async |req| Ok(Json(req.json_or(serde_json::json!({"d": 1})).await?)));
    let client = client(app);
    for (path, body, status, text) in [
        ("/j", r#"{"a":1}"#, 200, Some(r#"{"a":1}"#)),
        ("/j", "{bad", 400, None),
        ("/j", "", 400, None),
        ("/j", "false", 200, Some("false")),
        ("/jd", r#"{"a":1}"#, 200, Some(r#"{"a":1}"#)),
        ("/jd", "{bad", 200, Some(r#"{"d":1}"#)),
        ("/jd", "", 200, Some(r#"{"d":1}"#)),
    ] {
        let reply = client.post(path).body(body).send();
        assert_eq!(reply.status(), status, "{path} {body}");
        assert!(text.is_none_or(|text| reply.text() == text), "{path} {body}: {reply:?}");
    }
}

#[test]
fn ck23_helpers_share_one_body() {
    // CK-23
    let mut app = App::new();
    app.post("/", async |req: Request| {
        let (mut bytes, mut text) = (pin!(req.bytes()), pin!(req.text()));
        // Both wait for the body at the same time.
        let first = std::future::poll_fn(|cx| {
            let _ = text.as_mut().poll(cx).is_ready();
            bytes.as_mut().poll(cx)
        });
        let first = first.await?;
        let json: HashMap<String, String> = req.json().await?;
        Ok(format!("{first:?} {} {:?} {:?}", req.text().await?, req.bytes().await?, json["k"]))
    });
    let client = client(app);
    let sent = "{\"k\":\"✓\"}";
    let shown = format!("{:?}", Bytes::from(sent));
    let reply = client.post("/").body(sent).send();
    reply.assert_text(&format!("{shown} {sent} {shown} \"✓\""));
    let half = client.connect();
    half.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n{\"k\"");
    client.settle();
    half.finish();
    let rest = String::from_utf8(half.read_to_end().unwrap_or_default()).unwrap();
    assert!(!rest.contains("200 OK"), "{rest}");
    client.post("/").body(sent).send().assert_status(200);
}

#[test]
fn ck24_the_handler_runs_before_the_body() {
    // CK-24
    let begun = Arc::new(AtomicUsize::new(0));
    let (counts, shows) = (Arc::clone(&begun), Arc::clone(&begun));
    let mut app = App::new();
    app.post("/first", async move |req: Request| {
        counts.fetch_add(1, Ordering::SeqCst);
        req.text().await
    });
    app.get("/count", async move |_| shows.load(Ordering::SeqCst).to_string());
    app.post("/early", async |_| 401);
    let client = client(app);
    let connection = client.connect();
    connection.write("POST /first HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n");
    client.settle();
    check(&client, &[("GET /count", 200, "1")]);
    connection.write("hello");
    connection.read_reply().unwrap().assert_text("hello");
    client.post("/early").body(vec![0; 100_000]).send().assert_status(401);
}

#[test]
fn ck25_ck26_limits_of_bodies() {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let len = async |req: Request| Ok::<_, Error>(req.bytes().await?.len().to_string());
    let mut app = App::new();
    app.body_bytes_max(1000).post("/b", async move |req: Request| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(req.bytes().await?.len().to_string())
    });
    app.route("/big").body_bytes_max(10_000).post(len);
    app.route("/none").body_bytes_max(0).post(len);
    let limited = client(app.clone());
    let sent = |client: &TestClient, path: &str, len: usize| {
        client.post(path).body(vec![b'x'; len]).send().status().as_u16()
    };
    // CK-25: the refusals are told in a short text (CF-16).
    assert_eq!(sent(&limited, "/b", 1000), 200);
    assert_eq!(sent(&limited, "/b", 1001), 413);
    limited.post("/b").text(&"x".repeat(1001)).send().assert_status(413);
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    let chunks = |len: usize| vec!["x".repeat(500), "x".repeat(len - 500)];
    limited.post("/b").chunks(chunks(1000)).send().assert_text("1000");
    limited.post("/b").chunks(chunks(1001)).send().assert_status(413);
    assert_eq!(sent(&limited, "/big", 5000), 200);
    assert_eq!((sent(&limited, "/none", 1), sent(&limited, "/none", 0)), (413, 200));
    // CK-25: CF-38, 250,000 bytes are collected where nothing is set.
    let default = client(App::new().post("/b", len));
    assert_eq!((sent(&default, "/b", 250_000), sent(&default, "/b", 256_001)), (200, 413));
    // CK-26: CF-39
    app.on_oversize(Oversize::Abort);
    let client = client(app);
    let before = begun.load(Ordering::SeqCst);
    let connection = client.connect();
    connection.write("POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n");
    assert!(connection.read_to_end().unwrap_or_else(|bytes| bytes).is_empty());
    assert_eq!(begun.load(Ordering::SeqCst), before);
    assert_eq!(sent(&client, "/b", 7), 200);
}

#[test]
fn ck27_ck28_uploads_wait_for_their_reader() {
    // CK-27
    const LEN: usize = 64 << 20;
    let mut app = App::new();
    app.without_body_limit();
    app.post("/hold", async |req: Request| {
        sleep(Duration::from_secs(2)).await;
        let (mut body, mut len) = (req.body(), 0);
        while let Some(chunk) = body.next().await {
            len += chunk?.len();
        }
        Ok(len.to_string())
    });
    // CK-28
    app.post("/sum", async |req: Request| {
        let (mut body, mut sum) = (req.body(), 0_u64);
        while let Some(chunk) = body.next().await {
            for byte in chunk? {
                sum = sum.wrapping_mul(31).wrapping_add(u64::from(byte));
            }
        }
        Ok(sum.to_string())
    });
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    connection.write(format!("POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: {LEN}\r\n\r\n"));
    let block = vec![b'x'; 1 << 20];
    let mut sent = 0;
    loop {
        client.settle();
        match connection.write_some(&block) {
            0 => break,
            some => sent += some,
        }
    }
    assert!(sent < 1 << 20, "{sent} bytes were taken though nobody reads");
    client.advance(Duration::from_secs(2));
    while sent < LEN {
        let written = connection.write(&block[..block.len().min(LEN - sent)]);
        assert!(written > 0);
        sent += written;
    }
    connection.read_reply().unwrap().assert_text(&LEN.to_string());
    let whole: Vec<u8> = (0..8_u32 << 20).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let sum =
        whole.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    client.post("/sum").body(whole.clone()).send().assert_text(&sum.to_string());
    let chunks: Vec<Vec<u8>> = whole.chunks(10_000).map(<[u8]>::to_vec).collect();
    client.post("/sum").chunks(chunks).send().assert_text(&sum.to_string());
}

#[test]
fn ck29_a_client_that_leaves() {
    // CK-29: by a reset. A client that only ends its half may still read, so it is answered 400 (CV-42).
    let trace = Trace::default();
    let (noted, failures) = (trace.clone(), trace.clone());
    let mut app = App::new();
    app.logger(move |failure| failures.note(failure.to_string()));
    app.post("/u", async move |req: Request| {
        let (aborts, finishes) = (noted.clone(), noted.clone());
        req.on_abort(move || aborts.note("aborted"));
        req.on_finish(move || finishes.note("finished"));
        let read = req.bytes().await;
        noted.note(if read.is_err() { "failed" } else { "read" });
        read
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST /u HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    connection.write("x".repeat(400));
    client.settle();
    connection.reset();
    client.settle();
    let told = trace.take();
    assert!(told == "failed aborted" || told == "aborted", "{told}");
}

#[test]
fn ck31_trusted_proxies() {
    // CK-31: CF-42
    let fields = "X-Forwarded-For: 203.0.113.9, 198.51.100.2\r\nX-Forwarded-Proto: https\r\n\
                  X-Forwarded-Host: pub.example:8443\r\n";
    let mut app = App::new();
    app.workers(1).get("/", async |req: Request| {
        format!("{:?} {:?} {}", req.client_ip(), req.host(), req.scheme())
    });
    let mut trusting = app.clone();
    trusting.trust_proxy(TrustedProxies::x_forwarded(["127.0.0.1"]));
    for (mut app, wanted) in [
        (app, r#"Some(127.0.0.1) Some("own.example") http"#),
        (trusting, r#"Some(198.51.100.2) Some("pub.example") https"#),
    ] {
        let server = app.start("127.0.0.1:0").unwrap();
        let mut stream = connect(server.addr());
        send(&mut stream, &format!("GET / HTTP/1.1\r\nhost: own.example\r\n{fields}\r\n"));
        let reply = read_reply(&mut stream);
        assert!(reply.ends_with(wanted), "{reply}");
        server.stop();
        server.wait();
    }
}

#[test]
fn ck32_helpers_of_requests_and_replies() {
    // CK-32: CF-30, a request is never rewritten, so its part with a new URL is left out.
    let mut app = App::new();
    app.post("/form", async |req: Request| Ok(Json(req.form::<Vec<(String, String)>>().await?)));
    app.get("/asked", async |req: Request| {
        Ok(format!(
            "{:?} {:?} {:?} {:?} {}",
            req.accepts(&["json", "html"]),
            req.accepts(&["xml"]),
            req.accepts_encoding(&["gzip", "br"]),
            req.range(10)?,
            req.is_xhr()
        ))
    });
    app.get("/built", async |_| -> Result<Response> {
        let mut res = StatusCode::ACCEPTED.with_header("x-gone", "1");
        res.append_header("x-list", "1");
        res.append_header("x-list", "2");
        res.set_headers([("x-a", "1"), ("x-b", "2")]);
        res.remove_header("x-gone");
        res.add_link("/2", "next");
        res.add_vary("accept");
        res.set_cookie(&SetCookie::new("set", "1")?);
        res.set_cookie(&SetCookie::removal("gone")?);
        Ok(res)
    });
    let client = client(app);
    let reply = client.post("/form").form(&[("a", "1"), ("b", " "), ("a", "2")]).send();
    reply.assert_text(r#"[["a","1"],["b"," "],["a","2"]]"#);
    let fields = "accept: application/json;q=0.8, text/html;q=0.9\r\n\
                  accept-encoding: gzip;q=0.8, br\r\nrange: bytes=0-4\r\n\
                  x-requested-with: XMLHttpRequest\r\n";
    let all = answers(&client, format!("GET /asked HTTP/1.1\r\nhost: x\r\n{fields}\r\n"));
    assert!(all.ends_with(r#"Some("html") None Some("br") Some([0..5]) true"#), "{all}");
    let reply = client.get("/built").send();
    reply.assert_status(202).assert_text("").assert_no_header("x-gone");
    reply.assert_header("x-a", "1").assert_header("x-b", "2");
    assert_eq!(reply.header_all("x-list"), ["1", "2"]);
    let link = reply.header("link").unwrap_or_default().replace('"', "");
    assert_eq!((&*link, reply.header("vary")), ("</2>; rel=next", Some("accept")));
    let cookies = reply.header_all("set-cookie");
    assert!(cookies[0].starts_with("set=1; ") && cookies[1].starts_with("gone=; Max-Age=0; "));
    assert_eq!(cookies.len(), 2);
}
