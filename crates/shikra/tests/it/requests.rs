//! What a request says of itself.

use crate::support::{answers, client, logged};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All that the row of checks asks for, one to a line.
async fn dump(req: Request) -> String {
    let cookies: Vec<_> = req.cookies().collect();
    let params: BTreeMap<_, _> = req.params().collect();
    let all: Vec<_> = req.query().get_all("query1").collect();
    [
        format!("{} {:?} {}", req.method(), req.version(), req.is_secure()),
        format!("{} | {} | {:?}", req.target(), req.path(), req.query_str()),
        format!("{:?} {:?}", req.header("X-TEST-VALUE"), req.header_map().get("x-test-value")),
        format!("{cookies:?} {:?} {:?}", req.cookie("n"), req.cookie("m")),
        format!("{params:?} {:?}", req.param_str("p1")),
        format!("{all:?} {:?} {:?}", req.query().get("query2"), req.query().get_last("query1")),
        format!("{:?}", req.peer_addr().map(|addr| addr.ip())),
    ]
    .join("\n")
}

#[test]
fn shows_its_properties() {
    // CK-21: HX-096, HX-097, HX-098, HX-099, HX-100, HX-101, HX-103, HX-104, HX-105; HA-020, HA-186,
    // HA-187, PO-094, PO-097, VA-073
    let mut app = App::new();
    app.post("/tests/request/:p1/:p2", dump);
    let server = app.start("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let head = "POST /tests/request/a/b?query1=x&query2=y%20z&query1=w HTTP/1.1\r\nhost: x\r\n\
                X-Test-Value: v\r\nCookie: n=1; m=%7Ba%7D; n=2\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    let lines = [
        "POST HTTP/1.1 false",
        "/tests/request/a/b?query1=x&query2=y%20z&query1=w | /tests/request/a/b | \
         Some(\"query1=x&query2=y%20z&query1=w\")",
        r#"Some("v") Some("v")"#,
        r#"[("n", "1"), ("m", "{a}"), ("n", "2")] Some("1") Some("{a}")"#,
        r#"{"p1": "a", "p2": "b"} Some("a")"#,
        r#"["x", "w"] Some("y z") Some("w")"#,
        "Some(127.0.0.1)",
    ];
    assert_eq!(body.lines().collect::<Vec<_>>(), lines);
    server.stop();
    server.wait();
}

#[test]
fn decodes_queries_and_never_fails() {
    // PO-095, PO-096, VA-076, CF-34, CF-35
    let mut app = App::new();
    app.get("/", async |req| format!("{:?}", req.query()));
    let client = client(app);
    let pairs = |query: &str| client.get(&format!("/{query}")).send().text();
    assert_eq!(pairs(""), "{}");
    assert_eq!(pairs("?"), "{}");
    assert_eq!(pairs("?a=1+2%203&b&c=&&a=b=c"), r#"{"a": "1 2 3", "b": "", "c": "", "a": "b=c"}"#);
    assert_eq!(pairs("?a[]=1&a[b]=2"), r#"{"a[]": "1", "a[b]": "2"}"#);
    assert_eq!(pairs("?a=%zz%&=1&%ff=1"), "{\"a\": \"%zz%\", \"\": \"1\", \"\u{fffd}\": \"1\"}");
    assert_eq!(pairs("?__proto__=1"), r#"{"__proto__": "1"}"#);
    let many =
        |count: usize| client.get(&format!("/?{}", vec!["a"; count].join("&"))).send().status();
    assert_eq!((many(1_000).as_u16(), many(1_001).as_u16()), (200, 400));
}

#[test]
fn tells_fields_that_are_absent_from_those_that_are_empty() {
    // VA-067, VA-068, VA-070, VA-071, HX-291, PO-101
    let mut app = App::new();
    app.get("/", async |req| {
        let names: Vec<_> = req.header_map().keys().map(ToString::to_string).collect();
        let spaces = req.header("X-Padded").map(str::to_owned);
        format!(
            "{:?} {:?} {spaces:?} {}",
            req.header("x-EMPTY"),
            req.header("x-none"),
            names.join(" ")
        )
    });
    app.get("/from", async |req| {
        format!("{:?} {:?}", req.header("Referer"), req.header("referrer"))
    });
    let client = client(app);
    let head = "GET / HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nX-Padded:  a \u{a0}\t\r\n\r\n";
    let reply = answers(&client, head);
    let shown = "Some(\"\") None Some(\"a \\u{a0}\") host x-empty x-padded";
    assert!(reply.ends_with(shown), "{reply}");
    for name in ["Referer", "referrer"] {
        let reply = client.get("/from").header(name, "a").send();
        assert_eq!(reply.text(), r#"Some("a") Some("a")"#, "{name}");
    }
    assert_eq!(client.get("/from").send().text(), "None None");
}

// Target, host, URL.

fn shows_target() -> App {
    let mut app = App::new();
    app.not_found(async |req| {
        let (host, port) = (req.host(), req.port());
        format!("{} {host:?} {port:?} {} {:?}", req.scheme(), req.path(), req.query_str())
    });
    app.get("/url", async |req| req.url()).options("/url", async |req| req.url());
    app
}

#[test]
fn takes_the_target_apart() {
    // VA-074, VA-075, CV-27: the port is the default one where none is named (CF-44).
    let client = client(shows_target());
    let show = |target: &str, host: &str| client.get(target).header("host", host).send().text();
    let whole = |host: &str, rest: &str| format!("http Some({host:?}) Some({rest}");
    assert_eq!(
        show("/P%41/?a=1", "Site.TEST:080"),
        whole("site.test", r#"80) /P%41/ Some("a=1")"#)
    );
    assert_eq!(show("/p?", "a"), whole("a", r#"80) /p Some("")"#));
    assert_eq!(show("/p", "a:"), whole("a", "80) /p None"));
    assert_eq!(show("/p", "a.b:8443"), whole("a.b", "8443) /p None"));
    assert_eq!(show("/p", "127.0.0.1:1"), whole("127.0.0.1", "1) /p None"));
    assert_eq!(show("/p", "[2001:DB8::1]"), whole("[2001:db8::1]", "80) /p None"));
    assert_eq!(show("/p", "[::1]:8080"), whole("[::1]", "8080) /p None"));
    assert_eq!(show("http://Other:81/p", "a"), whole("other", "81) /p None"));
    assert_eq!(show("/p", ""), "http None None /p None");
}

#[test]
fn takes_a_request_of_http_1_0_without_a_host() {
    let client = client(shows_target());
    let reply = answers(&client, "GET /p HTTP/1.0\r\n\r\n");
    assert!(reply.ends_with("http None None /p None"), "{reply}");
    assert!(answers(&client, "GET /url HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 404"));
}

#[test]
fn tells_the_whole_url() {
    // HA-021
    let client = client(shows_target());
    let url = |target: &str, host: &str| client.get(target).header("host", host).send().text();
    assert_eq!(url("/url", "a.test"), "http://a.test/url");
    assert_eq!(url("/%75rl/?b=%20&c", "A.test:80"), "http://a.test/%75rl/?b=%20&c");
    assert_eq!(url("/url?", "a.test:443"), "http://a.test:443/url?");
    assert_eq!(url("/url", "[::1]:81"), "http://[::1]:81/url");
    assert_eq!(url("http://b.test/url?x", "a.test"), "http://b.test/url?x");
}

// Header fields.

#[test]
fn reads_header_fields_as_values() {
    let mut app = App::new();
    app.get("/number", async |req| Ok(format!("{:?}", req.header_parse::<u8>("x-number")?)));
    app.get("/date", async |req| format!("{:?}", req.header_date("x-date").map(unix_s)));
    app.get("/joined", async |req| {
        format!("{:?} {:?}", req.header_joined("x-list"), req.header_joined("cookie"))
    });
    let client = client(app);

    let number = |value: &[u8]| {
        let reply = client.get("/number").header("X-Number", value).send();
        (reply.status().as_u16(), reply.text())
    };
    assert_eq!(client.get("/number").send().text(), "None");
    assert_eq!(number(b"7"), (200, "Some(7)".to_owned()));
    let message = "header `x-number`: number too large to fit in target type";
    assert_eq!(number(b"256"), (400, message.to_owned()));
    assert_eq!(number(b"\xff"), (400, "header `x-number`: not UTF-8 text".to_owned()));

    let date = |value: &str| client.get("/date").header("x-date", value).send().text();
    assert_eq!(client.get("/date").send().text(), "None");
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(date(text), "Some(784111777)", "{text}");
    }
    assert_eq!(date("Wed, 31 Dec 1969 23:59:59 GMT"), "Some(-1)");
    assert_eq!(date("yesterday"), "None");

    // HX-100, VA-072: all occurrences are kept, in order, and joined on demand.
    assert_eq!(client.get("/joined").send().text(), "None None");
    let request = client.get("/joined").header("x-list", "a").header("cookie", "b=1");
    assert_eq!(request.send().text(), r#"Some("a") Some("b=1")"#);
    let request = client.get("/joined").header("x-list", "a").header("cookie", "b=1");
    let request = request.header("X-List", "c").header("cookie", "d=2").header("x-list", "e");
    assert_eq!(request.send().text(), r#"Some("a, c, e") Some("b=1; d=2")"#);
}

fn unix_s(date: SystemTime) -> i128 {
    match date.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::from(after.as_secs()),
        Err(before) => -i128::from(before.duration().as_secs()),
    }
}

#[test]
fn tells_the_media_type_of_the_body() {
    // HX-294, VA-131: it can be refused before a byte of the body is read.
    let mut app = App::new();
    app.post("/type", async |req| {
        let content_type = req.content_type()?;
        Some(format!("{} {:?}", content_type.essence(), content_type.charset().as_deref()))
    });
    app.post("/is", async |req| {
        let types = ["json", "html", "text", "form", "text/*", "*/*", "+xml", "Text/Html", "+html"];
        types.into_iter().filter(|media_type| req.is(media_type)).collect::<Vec<_>>().join(" ")
    });
    let client = client(app);
    let ask = |path: &str, content_type: &str| {
        client.post(path).header("content-type", content_type).send().text()
    };
    assert_eq!(ask("/type", "Text/Plain; Charset=\"utf-8\""), r#"Text/Plain Some("utf-8")"#);
    assert_eq!(ask("/type", "image/png"), "image/png None");
    assert_eq!(client.post("/type").send().status(), 404);
    assert_eq!(client.post("/type").header("content-type", "text").send().status(), 404);
    assert_eq!(ask("/is", "application/JSON;charset=utf-8"), "json */*");
    assert_eq!(ask("/is", "application/problem+json"), "json */*");
    assert_eq!(ask("/is", "text/html"), "html text/* */* Text/Html");
    assert_eq!(ask("/is", "text/plain"), "text text/* */*");
    assert_eq!(ask("/is", "application/x-www-form-urlencoded"), "form */*");
    assert_eq!(ask("/is", "image/svg+XML"), "*/* +xml");
    assert_eq!(client.post("/is").send().text(), "");
}

#[test]
fn chooses_what_the_client_prefers() {
    // HX-292, CK-32
    let mut app = App::new();
    app.get("/type", async |req| {
        let accepts = |offers: &[&'static str]| req.accepts(offers).unwrap_or("none");
        format!("{} {} {}", accepts(&["json", "html"]), accepts(&["xml"]), accepts(&[]))
    });
    app.get("/coding", async |req| {
        req.accepts_encoding(&["gzip", "br", "identity"]).unwrap_or("none")
    });
    app.get("/language", async |req| req.accepts_language(&["en", "de-CH"]).unwrap_or("none"));
    let client = client(app);

    let types = |accept: &str| client.get("/type").header("accept", accept).send().text();
    assert_eq!(types("application/json;q=0.8, text/html;q=0.9"), "html none none");
    assert_eq!(types("text/html, application/json"), "json none none");
    assert_eq!(types("*/*, text/html;q=0.5"), "json xml none");
    assert_eq!(types("image/*"), "none none none");
    assert_eq!(types(""), "json xml none");
    assert_eq!(client.get("/type").send().text(), "json xml none");
    // A list may come in several lines.
    let request = client.get("/type").header("accept", "text/*;q=0.1");
    assert_eq!(request.header("accept", "text/html").send().text(), "html none none");

    let coding =
        |accept: &str| client.get("/coding").header("accept-encoding", accept).send().text();
    assert_eq!(coding("gzip;q=0.8, br"), "br");
    assert_eq!(coding("gzip, br"), "gzip");
    assert_eq!(coding("GZIP;q=0.1"), "gzip");
    assert_eq!(coding("*;q=0.5, gzip;q=0.2"), "br");
    assert_eq!(coding("zstd"), "identity");
    assert_eq!(coding("gzip;q=0.5, identity"), "identity");
    assert_eq!(coding("identity;q=0"), "none");
    assert_eq!(coding("*;q=0"), "none");
    assert_eq!(coding(""), "identity");
    assert_eq!(client.get("/coding").send().text(), "identity");

    let language =
        |accept: &str| client.get("/language").header("accept-language", accept).send().text();
    assert_eq!(language("de, en;q=0.9"), "de-CH");
    assert_eq!(language("de-AT, en;q=0.9"), "en");
    assert_eq!(language("en-GB"), "en");
    assert_eq!(language("en-GB;q=0.9, en;q=0.1, de;q=0.5"), "de-CH");
    assert_eq!(language("eng, *;q=0.1"), "en");
    assert_eq!(language("fr"), "none");
    assert_eq!(client.get("/language").send().text(), "en");
}

// The body.

#[test]
fn falls_back_on_a_default_for_what_is_no_json() {
    // CF-40, HX-114, CK-22
    let mut app = App::new();
    type Map = BTreeMap<String, u8>;
    let default = || Map::from([("d".to_owned(), 1)]);
    app.post("/j", async |req| Ok(Json(req.json_or(Map::new()).await?)));
    app.post("/jd", async move |req| Ok(Json(req.json_or(default()).await?)));
    app.post("/js", async |req| Ok(Json(req.json::<Option<bool>>().await?)));
    app.post("/both", async |req| {
        // One caller's default is not another's.
        let (one, two) = (req.json_or(1_u8).await?, req.json_or(2_u8).await?);
        Ok(format!("{one} {two}"))
    });
    app.route("/small").body_bytes_max(2).post(async |req| Ok(Json(req.json_or(0_u8).await?)));
    let client = client(app);
    let post = |path: &str, body: &'static str| {
        let reply = client.post(path).body(body).send();
        (reply.status().as_u16(), reply.text())
    };
    let ok = |text: &str| (200, text.to_owned());
    for (path, default) in [("/j", "{}"), ("/jd", r#"{"d":1}"#)] {
        assert_eq!(post(path, r#"{"a":1}"#), ok(r#"{"a":1}"#));
        assert_eq!(post(path, "{bad"), ok(default));
        assert_eq!(post(path, ""), ok(default));
        // JSON of another shape is the client's mistake, and it should hear of it.
        assert_eq!(post(path, "[1]").0, 422);
        assert_eq!(post(path, r#"{"a":-1}"#).0, 422);
    }
    assert_eq!(post("/js", "false"), ok("false"));
    assert_eq!(post("/js", "null"), ok("null"));
    assert_eq!(post("/js", "{bad").0, 400);
    assert_eq!(post("/js", "").0, 400);
    assert_eq!(post("/both", "x"), ok("1 2"));
    assert_eq!(post("/small", "12"), ok("12"));
    assert_eq!(client.post("/small").chunks(["1", "23"]).send().status(), 413);
}

#[test]
fn reads_text_that_is_not_utf_8() {
    // HX-113
    let mut app = App::new();
    app.post("/lossy", async |req| req.text_lossy().await);
    app.post("/strict", async |req| req.text().await);
    let client = client(app);
    let body = &b"\xef\xbb\xbfa\xffb"[..];
    assert_eq!(client.post("/lossy").body(body).send().text(), "a\u{fffd}b");
    assert_eq!(client.post("/lossy").send().text(), "");
    assert_eq!(client.post("/strict").body(body).send().status(), 400);
}

/// Runs two futures in turn, as branches of one task.
async fn both<A: Future, B: Future>(one: A, two: B) -> (A::Output, B::Output) {
    fn step<F: Future>(future: Pin<&mut F>, done: &mut Option<F::Output>, cx: &mut Context<'_>) {
        if done.is_none()
            && let Poll::Ready(value) = future.poll(cx)
        {
            *done = Some(value);
        }
    }

    let (mut one, mut two) = (pin!(one), pin!(two));
    let mut done = (None, None);
    poll_fn(|cx| {
        step(one.as_mut(), &mut done.0, cx);
        step(two.as_mut(), &mut done.1, cx);
        match (&mut done.0, &mut done.1) {
            (one @ Some(_), two @ Some(_)) => Poll::Ready(one.take().zip(two.take())),
            _ => Poll::Pending,
        }
    })
    .await
    .expect("both are there")
}

/// Sends a body in two parts and gives the reply.
fn in_parts(client: &TestClient, path: &str, parts: [&str; 2]) -> String {
    let len = parts.concat().len();
    let connection = client.connect();
    connection.write(format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len}\r\n\r\n"));
    for part in parts {
        client.settle();
        connection.write(part);
    }
    connection.read_reply().unwrap().text()
}

#[test]
fn shares_one_download_between_readers() {
    // HX-112, HX-115, CK-23
    let mut app = App::new();
    app.post("/", async |req| {
        let json = async || req.json::<BTreeMap<String, String>>().await;
        let ((bytes, text), map) = both(both(req.bytes(), req.text()), json()).await;
        let again = both(both(req.bytes(), req.text()), json()).await;
        let first = format!("{:?} {:?} {:?}", bytes?, text?, map?);
        let ((bytes, text), map) = again;
        assert_eq!(first, format!("{:?} {:?} {:?}", bytes?, text?, map?));
        Ok(first)
    });
    let client = client(app);
    let all = r#"b"{\"k\":\"v\"}" "{\"k\":\"v\"}" {"k": "v"}"#;
    assert_eq!(client.post("/").body(r#"{"k":"v"}"#).send().text(), all);
    assert_eq!(in_parts(&client, "/", [r#"{"k":"#, r#""v"}"#]), all);
    assert_eq!(client.post("/").chunks([r#"{"k"#, r#"":"#, r#""v"}"#]).send().text(), all);
}

#[test]
fn tells_all_readers_why_a_body_failed() {
    let mut app = App::new();
    app.post("/", async |req| {
        let (one, two) = both(req.bytes(), req.text()).await;
        let again = req.bytes().await;
        let status = |error: Option<Error>| error.map(|error| error.status().as_u16());
        let all = [status(one.err()), status(two.err()), status(again.err())];
        (203, format!("{all:?}"))
    });
    let client = client(app);
    let chunks = vec![vec![0_u8; 100_000]; 3];
    assert_eq!(client.post("/").chunks(chunks).send().text(), "[Some(413), Some(413), Some(413)]");
}

/// Knows whether it was woken, and tells a task of it if it has one.
struct Flag {
    is_woken: AtomicBool,
    task: Option<Waker>,
}

impl Flag {
    fn new(task: Option<Waker>) -> Arc<Self> {
        Arc::new(Self { is_woken: AtomicBool::new(true), task })
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }
}

#[test]
fn loses_nothing_when_a_reader_is_dropped() {
    let mut app = App::new();
    app.post("/half", async |req| {
        {
            // It has the first part when it is dropped.
            let mut reader = pin!(req.bytes());
            let given_up = poll_fn(|cx| Poll::Ready(reader.as_mut().poll(cx).is_pending())).await;
            assert!(given_up);
        }
        req.text().await
    });
    app.post("/other", async |req| {
        // As sets of futures do it: each is polled only when its own waker was woken.
        let mut reader = pin!(req.text());
        let mut other = Some(Box::pin(req.text()));
        let flag = poll_fn(|cx| Poll::Ready(Flag::new(Some(cx.waker().clone())))).await;
        let waker = Waker::from(Arc::clone(&flag));
        poll_fn(move |_| {
            let mut poll = Poll::Pending;
            while poll.is_pending() && flag.is_woken.swap(false, Ordering::SeqCst) {
                poll = reader.as_mut().poll(&mut Context::from_waker(&waker));
            }
            if let Some(mut other) = other.take() {
                // The last that polled is not there any more when the rest comes.
                let deaf = Waker::from(Flag::new(None));
                assert!(other.as_mut().poll(&mut Context::from_waker(&deaf)).is_pending());
            }
            poll
        })
        .await
    });
    let client = client(app);
    assert_eq!(in_parts(&client, "/half", ["hal", "ves"]), "halves");
    assert_eq!(in_parts(&client, "/other", ["oth", "er"]), "other");
}

#[test]
fn streams_a_collected_body_again() {
    let mut app = App::new();
    app.post("/", async |req| {
        let text = req.text().await?;
        let (mut one, mut two) = (req.body(), req.body());
        let chunks = (one.next().await.transpose()?, two.next().await.transpose()?);
        assert!(one.next().await.is_none() && two.next().await.is_none());
        Ok(format!("{text:?} {chunks:?}"))
    });
    let client = client(app);
    assert_eq!(client.post("/").body("abc").send().text(), r#""abc" (Some(b"abc"), Some(b"abc"))"#);
    assert_eq!(client.post("/").send().text(), r#""" (None, None)"#);
}

#[test]
fn refuses_to_collect_a_body_that_was_streamed() {
    // VA-134
    let mut app = App::new();
    app.post("/streamed", async |req| {
        req.body().next().await.transpose()?;
        req.text().await
    });
    let client = client(app);
    assert_eq!(client.post("/streamed").body("ab").send().status(), 500);
    assert_eq!(logged(&["/streamed", "the body was read as a stream already"]), 1);
    // There was nothing to stream.
    assert_eq!(client.post("/streamed").send().text(), "");
}

#[test]
fn a_body_has_one_reader_and_nobody_gets_a_part_of_it() {
    // VA-147, VA-134
    let mut app = App::new();
    app.post("/beside", async |req| {
        let (mut one, mut two) = (req.body(), req.body());
        let mut all = one.next().await.transpose()?.unwrap_or_default().to_vec();
        let error = two.next().await.transpose().unwrap_err();
        assert!(two.next().await.is_none());
        while let Some(chunk) = one.next().await {
            all.extend_from_slice(&chunk?);
        }
        assert!(one.next().await.is_none());
        Ok::<_, Error>(format!("{} {error:?}", String::from_utf8_lossy(&all)))
    });
    app.post("/after", async |req| {
        drop(req.body().next().await); // who comes later has missed something
        let rest = req.body().next().await.transpose()?;
        Ok::<_, Error>(format!("{rest:?}"))
    });
    app.post("/unused", async |req| {
        let unused = req.body();
        let chunk = req.body().next().await.transpose()?;
        drop(unused); // it has taken nothing
        Ok::<_, Error>(chunk.unwrap_or_default())
    });
    let client = client(app);
    let send = |path: &str| client.post(path).chunks(["ab", "cd"]).send();
    send("/beside").assert_text("abcd Taken");
    send("/after").assert_status(500);
    assert_eq!(logged(&["/after", "another reader has taken some of this body"]), 1);
    send("/unused").assert_status(200);
}

#[test]
fn a_target_is_taken_apart_once() {
    // PO-057, VA-238: whoever asks is shown the same bytes of the one head, at the same place.
    type Places = [*const u8; 3];
    fn places(req: &Request) -> Places {
        [req.target().as_ptr(), req.path().as_ptr(), req.query_str().unwrap_or_default().as_ptr()]
    }
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        req.meta().insert::<Places>(places(&req));
        next.run(req).await
    });
    app.get("/a/:b", async |req| {
        let seen = *req.meta().get::<Places>().or_status(500)?;
        let [target, path, query] = places(&req.clone());
        let is_same = seen == [target, path, query];
        let is_view = path == target && query == target.wrapping_add("/a/b?".len());
        Ok::<_, Error>(format!("{is_same} {is_view}"))
    });
    client(app).get("/a/b?c=d").send().assert_text("true true");
}

#[test]
fn gives_the_trailers_of_a_chunked_body() {
    // VA-141, CV-58
    let mut app = App::new();
    app.post("/unread", async |req| Ok(show_trailers(&req).await?));
    app.post("/read", async |req| {
        let len = req.bytes().await?.len();
        Ok(format!("{len} {} {}", show_trailers(&req).await?, req.bytes().await?.len()))
    });
    let client = client(app);
    let ask = |path: &str| {
        let connection = client.connect();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        connection.write(head);
        client.settle();
        connection.write("2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: \t7 \r\nx-two: a\r\nX-Two: b\r\n\r\n");
        connection.read_reply().unwrap().text()
    };
    assert_eq!(ask("/unread"), r#"x-sum="7" x-two="a" x-two="b""#);
    assert_eq!(ask("/read"), r#"3 x-sum="7" x-two="a" x-two="b" 3"#);
    assert_eq!(client.post("/unread").body("ab").send().text(), "");
}

async fn show_trailers(req: &Request) -> Result<String> {
    let trailers = req.trailers().await?;
    let fields = trailers.iter().map(|(name, value)| format!("{name}={value:?}"));
    Ok(fields.collect::<Vec<_>>().join(" "))
}

#[test]
fn hears_that_a_body_ends_early() {
    // HX-119: an error, and never a short body.
    let mut app = App::new();
    app.post("/", async |req| Ok::<_, Error>((203, req.bytes().await?)));
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc");
    client.settle();
    connection.finish();
    client.advance(Duration::from_secs(1));
    let reply = connection.read_to_end().unwrap_or_default();
    assert!(!String::from_utf8_lossy(&reply).starts_with("HTTP/1.1 203"));
}
