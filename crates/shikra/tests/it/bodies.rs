//! Bodies of requests: collected, parsed, streamed, ignored, refused.

use crate::support::{answers, client};
use bytes::Bytes;
use serde::Deserialize;
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{Body, BodyError};
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tokio::task::yield_now;

async fn len(req: Request) -> Result<String> {
    Ok(req.bytes().await?.len().to_string())
}

async fn stream_len(req: Request) -> Result<String> {
    let mut body = req.body();
    let mut len = 0;
    while let Some(chunk) = body.next().await {
        len += chunk?.len();
    }
    Ok(len.to_string())
}

#[derive(Debug, Deserialize)]
struct Book {
    title: String,
    #[serde(default)]
    authors: Vec<Author>,
}

#[derive(Debug, Deserialize)]
struct Author {
    age: u8,
}

#[test]
fn tells_malformed_json_from_json_of_another_shape() {
    // CF-40, VA-129
    let mut app = App::new();
    app.post("/", async |req| {
        let book: Book = req.json().await?;
        Ok(format!("{} {}", book.title, book.authors.iter().map(|a| u32::from(a.age)).sum::<u32>()))
    });
    let client = client(app);
    let row = |body: &str, status: u16, words: &[&str]| {
        let reply = client.post("/").body(body.to_owned()).send();
        assert_eq!(reply.status(), status, "{body}: {reply:?}");
        for word in words {
            assert!(reply.text().contains(word), "{body}: {reply:?}");
        }
    };
    row(r#"{"title":"t","authors":[{"age":7},{"age":8}]}"#, 200, &["t 15"]);
    row("", 400, &["EOF", "line 1 column 0"]);
    row(r#"{"title":"#, 400, &["line 1 column 9"]);
    row("{\"title\":\"t\",\n oops}", 400, &["line 2 column 2"]);
    row(r#"{"title":"t"} x"#, 400, &["trailing characters", "column 15"]);
    row(r#"{"title":7}"#, 422, &["`title`", "expected a string"]);
    row("{}", 422, &["missing field `title`"]);
    row(r#"{"title":"t","authors":[{"age":7},{"age":300}]}"#, 422, &["`authors[1].age`"]);
    row(r#"{"title":"t","authors":[{"age":1e999}]}"#, 422, &["`authors[0].age`"]);
    row(r#"["t",[],3]"#, 422, &[]);
    row("42", 422, &["expected struct Book"]);
    row("{\"title\":\"\u{7f}\"}", 200, &[]);
    row("{\"title\":\"\u{1}\"}", 400, &[]);
    let reply = client.post("/").body(&b"{\"title\":\"\xff\"}"[..]).send();
    assert_eq!(reply.status(), 400, "{reply:?}");
}

#[test]
fn reads_json_127_levels_deep() {
    let mut app = App::new();
    app.post("/", async |req| {
        req.json::<serde_json::Value>().await?;
        Ok("fine")
    });
    let client = client(app);
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(client.post("/").body(deep(127)).send().text(), "fine");
    assert_eq!(client.post("/").body(deep(128)).send().status(), 400);
    assert_eq!(client.post("/").body(deep(100_000)).send().status(), 400);
}

#[test]
fn reads_forms() {
    // HX-121
    #[derive(Deserialize)]
    struct Form {
        name: String,
        age: u8,
        #[serde(default)]
        tag: Vec<String>,
    }
    let mut app = App::new();
    app.post("/", async |req| {
        let form: Form = req.form().await?;
        Ok(format!("{} {} {}", form.name, form.age, form.tag.join("+")))
    });
    app.post("/map", async |req| {
        Ok(req.form::<HashMap<String, String>>().await?.len().to_string())
    });
    let client = client(app);
    let pairs = [("name", "Ada L. & ü"), ("age", "36"), ("tag", "a"), ("tag", "b")];
    assert_eq!(client.post("/").form(&pairs).send().text(), "Ada L. & ü 36 a+b");
    let reply = client.post("/").form(&[("name", "x"), ("age", "old")]).send();
    assert_eq!(reply.status(), 422, "{reply:?}");
    let reply = client.post("/").form(&[("age", "7")]).send();
    assert!(reply.status() == 422 && reply.text().contains("name"), "{reply:?}");
    let many = |n: usize| (0..n).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
    assert_eq!(client.post("/map").body(many(1000)).send().text(), "1000");
    assert_eq!(client.post("/map").body(many(1001)).send().status(), 400);
    assert_eq!(client.post("/map").send().text(), "0");
}

#[test]
fn reads_text_and_refuses_what_is_none() {
    let mut app = App::new();
    app.post("/", async |req| req.text().await);
    let client = client(app);
    assert_eq!(client.post("/").body("grüße").send().text(), "grüße");
    assert_eq!(client.post("/").send().text(), "");
    let reply = client.post("/").body(&b"gr\xfc\xdfe"[..]).send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (400, "the body is not UTF-8 text"));
}

#[test]
fn gives_the_collected_body_again() {
    // HX-112, HX-115
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        let first = req.bytes().await?;
        let res = next.run(req.clone()).await;
        assert_eq!(req.text().await?.as_bytes(), first);
        Ok(res)
    });
    app.post("/", async |req| {
        let (bytes, text): (Bytes, String) = (req.bytes().await?, req.clone().text().await?);
        let value: Vec<u32> = req.json().await?;
        Ok(format!("{} {text} {value:?} {:?}", bytes.len(), req.content_length()))
    });
    let client = client(app);
    assert_eq!(client.post("/").body("[1,2]").send().text(), "5 [1,2] [1, 2] Some(5)");
    assert_eq!(client.post("/").chunks(["[1", ",2]"]).send().text(), "5 [1,2] [1, 2] None");
}

/// A body that came with its head is decoded where it lies, and belongs to all who ask afterwards, as one that was
/// collected does.
#[test]
fn a_body_that_was_parsed_can_be_read_again_in_every_way() {
    async fn again(req: Request) -> Result<String> {
        let (number, text) = (req.json::<u32>().await?, req.text_lossy().await?);
        let mut streamed = Vec::new();
        for mut body in [req.body(), req.body()] {
            while let Some(chunk) = body.next().await {
                streamed.extend_from_slice(&chunk?);
            }
        }
        let bytes = req.bytes().await?;
        Ok(format!("{number} {text} {streamed:?} {bytes:?} {}", req.json::<u32>().await?))
    }
    async fn after_a_stream(req: Request) -> Result<String> {
        let first = req.body().next().await.transpose()?;
        let refused = req.json::<u32>().await.is_err();
        Ok(format!("{} {refused}", first.is_some()))
    }
    let mut app = App::new();
    app.post("/again", again).post("/stream", after_a_stream);
    app.route("/limited").body_bytes_max(1).post(async |req| req.json::<u32>().await.map(Json));
    let client = TestClient::new(app);
    assert_eq!(client.post("/again").body("17").send().text(), "17 17 [49, 55, 49, 55] b\"17\" 17");
    assert_eq!(client.post("/stream").body("17").send().text(), "true true");
    assert_eq!(client.post("/limited").body("17").send().status(), 413);
    assert_eq!(client.post("/limited").body("7").send().text(), "7");
}

#[test]
fn collects_once_for_readers_side_by_side() {
    // HX-115
    let mut app = App::new();
    app.post("/", async |req| {
        let (mut one, mut other) = (pin!(req.bytes()), pin!(req.text()));
        let (mut bytes, mut text) = (None, None);
        poll_fn(|cx| {
            if bytes.is_none()
                && let Poll::Ready(result) = one.as_mut().poll(cx)
            {
                bytes = Some(result);
            }
            if text.is_none()
                && let Poll::Ready(result) = other.as_mut().poll(cx)
            {
                text = Some(result);
            }
            if bytes.is_some() && text.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let (bytes, text) = bytes.zip(text).or_status(500)?;
        let (bytes, text) = (bytes?, text?);
        assert_eq!(bytes, text.as_bytes());
        Ok(bytes)
    });
    let client = client(app);
    let sent: Vec<_> = (b'a'..=b'z').map(|byte| vec![byte; 9_000]).collect();
    assert!(client.post("/").chunks(sent.clone()).send().bytes() == sent.concat());
    assert!(client.post("/").body(sent.concat()).send().bytes() == sent.concat());
    assert_eq!(client.post("/").body("short").send().text(), "short");
}

#[test]
fn a_reader_that_is_dropped_on_its_way_loses_nothing() {
    let mut app = App::new();
    app.post("/", async |req| {
        poll_fn(|cx| Poll::Ready(pin!(req.bytes()).poll(cx).is_pending())).await;
        req.text().await
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nfirst");
    connection.write("after");
    assert_eq!(connection.read_reply().unwrap().text(), "firstafter");
}

/// An app whose limit at `/` is `max`, with a route for each way of reading.
fn limited(max: Option<u64>) -> App {
    let mut app = App::new();
    if let Some(max) = max {
        app.body_bytes_max(max);
    }
    app.post("/bytes", len).post("/stream", stream_len);
    app
}

#[test]
fn limits_collected_bodies_to_250_000_bytes() {
    // CF-38, CF-39, HX-024
    let client = client(limited(None));
    assert_eq!(client.post("/bytes").body(vec![0; 250_000]).send().text(), "250000");
    let reply = client.post("/bytes").body(vec![0; 250_001]).send();
    assert_eq!(reply.status(), 413);
    assert!(reply.text().contains("250000 bytes") && !reply.keeps_alive(), "{reply:?}");
    let chunks = |len: usize| [vec![0; 100_000], vec![0; len - 100_000]];
    assert_eq!(client.post("/bytes").chunks(chunks(250_000)).send().text(), "250000");
    let reply = client.post("/bytes").chunks(chunks(250_001)).send();
    assert!(reply.status() == 413 && !reply.keeps_alive(), "{reply:?}");
    assert_eq!(client.post("/stream").body(vec![0; 1_000_000]).send().text(), "1000000");
    assert_eq!(client.post("/stream").chunks(vec![vec![0; 9_999]; 100]).send().text(), "999900");
}

#[test]
fn a_set_limit_holds_for_every_body_and_before_middleware() {
    // CF-38, HX-069, HX-116, HX-117
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut app = limited(Some(10));
    app.use_(async move |req: Request, next: Next| {
        counter.fetch_add(1, Ordering::Relaxed);
        next.run(req).await
    });
    app.route("/route").body_bytes_max(4).post(stream_len);
    app.route("/wide").body_bytes_max(1_000_000).post(len);
    app.route("/zero").body_bytes_max(0).post(stream_len);
    app.group("/group", |group| {
        group.body_bytes_max(20).post("/bytes", len).group("/in", |inner| {
            inner.post("/bytes", len);
        });
    });
    let client = client(app);
    let rows = [
        ("/bytes", 10),
        ("/stream", 10),
        ("/route", 4),
        ("/wide", 1_000_000),
        ("/zero", 0),
        ("/group/bytes", 20),
        ("/group/in/bytes", 20),
    ];
    for (path, max) in rows {
        let body = |len: usize| vec![b'x'; len];
        let before = ran.load(Ordering::Relaxed);
        let reply = client.post(path).body(body(max + 1)).send();
        assert!(reply.status() == 413 && !reply.keeps_alive(), "{path}: {reply:?}");
        assert_eq!(ran.load(Ordering::Relaxed), before, "{path}: refused before anything runs");
        assert_eq!(client.post(path).body(body(max)).send().text(), max.to_string(), "{path}");
        assert_eq!(client.post(path).chunks([body(max)]).send().text(), max.to_string(), "{path}");
        let reply = client.post(path).chunks([body(max), body(1)]).send();
        assert!(reply.status() == 413 && !reply.keeps_alive(), "{path}: {reply:?}");
    }
}

#[test]
fn a_refused_body_still_reaches_the_error_handler() {
    let mut app = limited(Some(1));
    app.on_error(async |_, err| (err.status(), format!("own {}", err.status().as_u16())));
    let client = client(app);
    let reply = client.post("/bytes").body("too long").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (413, "own 413"));
    assert!(!reply.keeps_alive());
}

#[test]
fn half_a_body_read_leaves_the_connection_usable() {
    let mut app = App::new();
    app.post("/half", async |req| {
        let chunk = req.body().next().await;
        Ok(chunk.or_status(400)??.first().map_or(0, |byte| *byte).to_string())
    });
    app.get("/next", async |_| "next");
    let client = client(app);
    let chunks = || (1..=20_u8).map(|n| vec![n; 10_000]);
    for _ in 0..3 {
        let reply = client.post("/half").body(chunks().flatten().collect::<Vec<_>>()).send();
        assert!(reply.text() == "1" && reply.keeps_alive(), "{reply:?}");
        assert_eq!(client.get("/next").send().text(), "next");
        assert_eq!(client.post("/half").chunks(chunks()).send().text(), "1");
        assert_eq!(client.get("/next").send().text(), "next");
    }
}

#[test]
fn an_ignored_body_is_read_over_up_to_the_limit() {
    // HX-120, VA-137
    let mut app = App::new();
    app.post("/", async |_| "ignored").get("/", async |_| "next");
    app.limits(|limits| limits.drain_bytes_max = 100_000);
    let client = client(app);
    let raw = |head: &str, body: &[u8]| {
        let next = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n");
        let connection = client.connect();
        connection.write([head.as_bytes(), body, next.as_bytes()].concat());
        connection.finish();
        let all = connection.read_to_end().unwrap();
        String::from_utf8(all).unwrap().matches("HTTP/1.1 200").count()
    };
    assert_eq!(raw("content-length: 5", b"12345"), 2);
    assert_eq!(raw("transfer-encoding: chunked", b"5\r\n12345\r\n0\r\n\r\n"), 2);
    assert_eq!(raw("content-length: 100000", &vec![b'x'; 100_000]), 2);
    let chunk = [b"186A0\r\n", &vec![b'x'; 100_000][..], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(raw("transfer-encoding: chunked", &chunk), 2);
    assert_eq!(raw("content-length: 1000000", &vec![b'x'; 1_000_000]), 1);
    let chunk = [b"F4240\r\n", &vec![b'x'; 1_000_000][..], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(raw("transfer-encoding: chunked", &chunk), 1);
    assert_eq!(raw("transfer-encoding: chunked", b"5\r\n12345XX0\r\n\r\n"), 1, "broken framing");
}

#[test]
fn answers_before_the_body_has_come() {
    // HX-005, HX-120, VA-130
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let pieces = (0..1_600).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        piece.clone()
    });
    let mut app = App::new();
    app.post("/", async |_| Err::<&str, _>(Error::new(401, "log in first")));
    let client = client(app);
    let reply = client.post("/").chunks(pieces).send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (401, "log in first"));
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked < 20, "{asked} pieces of 64 KiB were sent before the reply was there");
}

#[test]
fn a_window_of_tiny_chunks_comes_in_few_pieces() {
    let mut app = App::new();
    app.post("/", async |req| {
        let (mut body, mut pieces, mut len) = (req.body(), 0, 0);
        while let Some(piece) = body.next().await {
            pieces += 1;
            len += piece?.len();
        }
        Ok(format!("{len} {}", if pieces < 100 { "few" } else { "many" }))
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    // The handler waits: what follows is read in windows.
    client.settle();
    connection.write("1\r\nx\r\n".repeat(50_000) + "0\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), "50000 few");
}

#[test]
fn echoes_a_large_body_while_it_comes() {
    // HX-122
    let mut app = App::new();
    app.post("/", async |req| {
        let mut body = req.body();
        stream(async move |out| {
            while let Some(chunk) = body.next().await {
                out.write(chunk?).await?;
            }
            Ok(())
        })
    });
    let client = client(app);
    let sent: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let reply = client.post("/").body(sent.clone()).send();
    assert!(reply.bytes() == sent && reply.keeps_alive());
    let reply =
        client.post("/").chunks(sent.chunks(7_777).map(<[u8]>::to_vec).collect::<Vec<_>>()).send();
    assert!(reply.bytes() == sent && reply.keeps_alive());
}

#[test]
fn a_body_that_ends_early_is_an_error() {
    // HX-118, HX-119
    let mut app = App::new();
    app.post("/", async |req| {
        let error = req.bytes().await.unwrap_err();
        assert_eq!(error.downcast_ref::<BodyError>(), Some(&BodyError::Closed));
        Err::<&str, _>(error)
    });
    let client = client(app);
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let body = format!("POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n5\r\n123");
        let all = answers(&client, body);
        assert!(all.starts_with("HTTP/1.1 400 ") && all.contains("connection: close"), "{all}");
        assert!(all.ends_with("the body ended before it was whole"), "{all}");
    }
}

#[test]
fn broken_chunks_are_an_error() {
    let client = client(App::new().post("/", len).get("/", async |_| "smuggled"));
    let bodies = [
        "x\r\n",
        "5\r\n12345XX0\r\n\r\n",
        "-1\r\n\r\n",
        "5 \r\n12345\r\n0\r\n\r\n",
        "5\n12345\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "0\r\nbad trailer\r\n\r\n",
    ];
    for body in bodies {
        let head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        let all = answers(&client, format!("{head}{body}GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert!(all.starts_with("HTTP/1.1 400 "), "{body:?}: {all}");
        assert!(all.contains("connection: close") && !all.contains("smuggled"), "{body:?}: {all}");
    }
}

#[test]
fn reads_over_trailers() {
    let client = client(
        App::new().post("/", len).get("/", async |req| format!("{:?}", req.header("x-trailer"))),
    );
    let head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = "3;ext=\"1\"\r\nabc\r\n0\r\nx-trailer: 1\r\ncontent-length: 7\r\n\r\n";
    let all = answers(&client, format!("{head}{body}GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    assert_eq!(all.matches("HTTP/1.1 200").count(), 2, "{all}");
    assert!(all.contains("\r\n\r\n3HTTP/1.1") && all.ends_with("None"), "{all}");
}

#[test]
fn invites_a_body_once_and_only_when_it_is_wanted() {
    // VA-139, HX-309
    let mut app = App::new();
    app.post("/read", stream_len)
        .post("/known", async |_| Err::<&str, _>(Error::new(401, "no")))
        .post("/later", async |req| {
            for _ in 0..10 {
                yield_now().await;
            }
            len(req).await
        });
    app.route("/small").body_bytes_max(1).post(len);
    let client = client(app);
    let head = |path: &str, version: &str| {
        let fields = "host: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
        format!("POST {path} HTTP/{version}\r\n{fields}")
    };
    for path in ["/read", "/later"] {
        let connection = client.connect();
        connection.write(head(path, "1.1"));
        assert_eq!(connection.read_some().unwrap(), b"HTTP/1.1 100 Continue\r\n\r\n");
        connection.write("ab");
        connection.write("cd");
        let reply = connection.read_reply().unwrap();
        assert_eq!((reply.text(), reply.informational()), ("4".to_owned(), &[][..]));
        assert!(reply.keeps_alive());
    }
    for (path, status) in [("/known", 401), ("/small", 413)] {
        let connection = client.connect();
        connection.write(head(path, "1.1"));
        let reply = connection.read_reply().unwrap();
        assert_eq!((reply.status().as_u16(), reply.informational()), (status, &[][..]), "{path}");
        assert!(!reply.keeps_alive(), "nobody knows whether the body will come");
    }
    let connection = client.connect();
    connection.write(head("/read", "1.1") + "abcd");
    let reply = connection.read_reply().unwrap();
    assert_eq!((reply.text(), reply.informational()), ("4".to_owned(), &[][..]));
    let connection = client.connect();
    connection.write(head("/read", "1.0"));
    connection.write("abcd");
    let reply = connection.read_reply().unwrap();
    assert_eq!((reply.text(), reply.informational()), ("4".to_owned(), &[][..]));
    let all = answers(&client, head("/read", "1.1").replace("100-continue", "200-ok"));
    assert!(all.starts_with("HTTP/1.1 417 "), "{all}");
}

thread_local! {
    static KEPT: RefCell<Option<(Request, Body)>> = const { RefCell::new(None) };
}

/// Two requests on one connection: what the first kept is looked at during the second.
fn kept(first_body: &str) -> (TestClient, String) {
    let mut app = App::new();
    app.post("/keep/:id", async |req| {
        KEPT.set(Some((req.clone(), req.body())));
        "kept"
    });
    app.post("/look", async |req| {
        let (old, mut body) = KEPT.take().or_status(404)?;
        let next = match body.next().await {
            None => "end".to_owned(),
            Some(Ok(chunk)) => format!("{chunk:?}"),
            Some(Err(error)) => error.to_string(),
        };
        let head = format!("{} {} {:?}", old.method(), old.target(), old.header("x-id"));
        let id: u32 = old.param("id")?;
        let collected = old.bytes().await.is_ok_and(|bytes| !bytes.is_empty());
        assert!(!collected, "the body went with its exchange");
        Ok(format!("{head} {id}; {next}; {}", req.text().await?))
    });
    let client = client(app);
    let reply = client.post("/keep/7?q").header("x-id", "first").body(first_body.to_owned()).send();
    assert_eq!(reply.text(), "kept");
    let text = client.post("/look").header("x-id", "second").body("the second's").send().text();
    (client, text)
}

#[test]
fn handles_kept_after_their_exchange_show_the_head_and_no_other_body() {
    // VA-135, HX-313
    let (client, text) = kept("the first's");
    let over = "the exchange of this body has ended";
    assert_eq!(text, format!("POST /keep/7?q Some(\"first\") 7; {over}; the second's"));
    assert_eq!(client.connections(), 1, "both came on one connection");
    let (_, text) = kept("");
    assert_eq!(text, "POST /keep/7?q Some(\"first\") 7; end; the second's");
    let (_, text) = kept(&"long ".repeat(40_000));
    assert_eq!(text, format!("POST /keep/7?q Some(\"first\") 7; {over}; the second's"));
}

#[test]
fn a_body_may_be_read_in_another_task() {
    let mut app = App::new();
    app.post("/", async |req| {
        let reader = tokio::task::spawn_local(async move { req.bytes().await.map(|b| b.len()) });
        Ok(reader.await??.to_string())
    });
    let client = client(app);
    assert_eq!(client.post("/").body(vec![0; 200_000]).send().text(), "200000");
    assert_eq!(client.post("/").chunks(vec![vec![0; 1_000]; 200]).send().text(), "200000");
}

#[test]
fn readers_in_two_tasks_both_hear_of_the_end() {
    // HX-115
    let mut app = App::new();
    app.post("/", async |req| {
        let other = req.clone();
        let other = tokio::task::spawn_local(async move { other.text().await });
        yield_now().await;
        let own = req.text().await?;
        Ok(format!("{own} {}", other.await??))
    });
    let client = client(app);
    for at in 0..10 {
        let connection = client.connect();
        connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n");
        connection.write(&"0123456789"[..at]);
        client.settle();
        connection.write(&"0123456789"[at..]);
        assert_eq!(connection.read_reply().unwrap().text(), "0123456789 0123456789");
    }
}
