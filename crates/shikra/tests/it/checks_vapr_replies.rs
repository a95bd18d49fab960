//! The checks from outside of Vapr's list, CV-28 to CV-50: replies, late handlers, bodies, streams.

use crate::checks::{Trace, ask, check};
use crate::support::{answers, client, logged, problems};
use shikra::prelude::*;
use shikra::testing::{TestClient, TestErrorKind};
use shikra::{Stack, sleep};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{fields}\r\n")
}

/// Copies the text of an error, cause included, to the body.
fn error_to_body(_: Request) -> impl FnOnce(&mut Response) + 'static {
    |res| {
        if let Some(told) = res.error().map(|error| format!("{error:?}")) {
            res.set_body(told);
        }
    }
}

#[test]
fn cv28_an_error_meant_as_a_reply() {
    // CV-28: with the text of CF-16.
    let mut app = App::new();
    app.get("/t", async |req: Request| match req.header("x-old") {
        Some(_) => Err(Error::from_status(400)),
        None => Ok(204),
    });
    let client = client(app);
    client.get("/t").header("x-old", "1").send().assert_status(400).assert_text("Bad Request");
    client.get("/t").send().assert_status(204).assert_no_header("content-length");
}

#[test]
fn cv29_forms_of_replies() {
    // CV-29
    let mut app = App::new();
    app.get("/418", async |_| 418)
        .get("/204", async |_| 204)
        .get("/old", async |_| (400, Reason("Old Client")))
        .get("/cookie", async |_| (204, [("set-cookie", "a=1")], ""))
        .get("/fine", async |_| "text".with_reason("Fine"))
        .get("/201", async |_| (201, "x"))
        .get("/299", async |_| 299);
    let client = client(app);
    for (path, status, reason, body) in [
        ("/418", 418, "I'm a teapot", ""),
        ("/204", 204, "No Content", ""),
        ("/old", 400, "Old Client", ""),
        ("/cookie", 204, "No Content", ""),
        ("/fine", 200, "Fine", "text"),
        ("/201", 201, "Created", "x"),
        // CF-47: any final status.
        ("/299", 299, "", ""),
    ] {
        let reply = client.get(path).send();
        assert_eq!(
            (reply.status().as_u16(), reply.reason(), &*reply.text()),
            (status, reason, body)
        );
    }
    client
        .get("/cookie")
        .send()
        .assert_header("set-cookie", "a=1")
        .assert_no_header("content-length");
}

#[test]
fn cv30_cv34_what_is_no_reply() {
    // CV-30: most wrong shapes do not compile (`tests/ui/handler_returns_*`); what is left is a number that is
    // no status.
    let mut app = App::new();
    app.use_(late(error_to_body));
    app.get("/cv30", async |_| (99, "x")).get("/fine", async |_| "fine");
    app.route("/late").use_(late(|_| |res| res.set_status(42))).get(async |_| "x");
    let client = client(app);
    let told = ask(&client, "GET /cv30");
    told.assert_status(500).assert_text_contains("99");
    // CV-34
    ask(&client, "GET /late").assert_status(500).assert_text_contains("42");
    check(&client, &[("GET /fine", 200, "fine")]);
}

#[test]
fn cv31_a_late_handler_makes_the_body() {
    // CV-31
    struct Point(u8, u8);
    let mut app = App::new();
    app.use_(late(|_| {
        |res| {
            if let Some(Point(x, y)) = res.take_value() {
                res.set_body(format!(r#"{{"x":{x},"y":{y}}}"#));
                res.set_content_type("json");
            }
        }
    }));
    app.get("/s", async |_| Response::from_value(Point(1, 2)));
    let reply = ask(&client(app), "GET /s");
    reply.assert_status(200).assert_text(r#"{"x":1,"y":2}"#).assert_header("content-length", "13");
    reply.assert_header("content-type", "application/json");
}

/// A middleware that notes its name on the way in, and in capitals on the way out.
fn both_ways(
    trace: &Trace,
    name: &'static str,
) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static {
    let trace = trace.clone();
    late(move |_| {
        trace.note(name);
        let trace = trace.clone();
        move |_: &mut Response| trace.note(name.to_uppercase())
    })
}

#[test]
fn cv32_order_of_steps() {
    // CV-32: VA-097, VA-098, VA-099, VA-104
    let trace = Trace::default();
    let waits = trace.clone();
    let d = async move |req: Request, next: Next| {
        sleep(Duration::from_millis(1)).await;
        waits.note("d");
        let res = next.run(req).await;
        sleep(Duration::from_millis(1)).await;
        waits.note("D");
        res
    };
    let nested = Stack::of((both_ways(&trace, "b"), Stack::of(both_ways(&trace, "c"))));
    let mut app = App::new();
    app.use_all((both_ways(&trace, "a"), nested));
    let e = trace.clone();
    app.route("/")
        .use_(d)
        .use_(before(async move |_| {
            e.note("e");
            Some("replied")
        }))
        .use_(both_ways(&trace, "f"))
        .get(trace.handler("handler"));
    check(&client(app), &[("GET /", 200, "replied")]);
    assert_eq!(trace.take(), "a b c d e D C B A");
}

#[test]
fn cv33_late_handlers_replace_the_reply() {
    // CV-33: CF-85
    let trace = Trace::default();
    let seen = trace.clone();
    let mut app = App::new();
    app.use_(late(move |_| {
        let seen = seen.clone();
        move |res: &mut Response| {
            let error = res.error().map(Error::to_string);
            seen.note(format!("{} {error:?} {:?}", res.status().as_u16(), res.header("x-first")));
        }
    }))
    .use_(late(|_| |res| *res = 304.into_response()))
    .use_(late(|_| |res| *res = Error::new(503, "Busy").into_response()))
    .get("/", async |_| "first".with_header("x-first", "1"));
    let all = answers(&client(app), get("/", ""));
    assert!(all.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{all}");
    assert!(!all.contains("x-first") && !all.contains("Busy"), "{all}");
    assert_eq!(trace.take(), "304 None None");
}

#[test]
fn cv35_cv36_what_late_handlers_may_set() {
    let mut app = App::new();
    app.use_at("/404", late(|_| |res| res.set_status(404)))
        .get("/404/plain", async |_| 200)
        .get("/404/own", async |_| (200, Reason("Custom")));
    app.use_at("/bad", late(|_| |res| res.set_header("x-a", "a\r\nb: injected")));
    app.get("/bad", async |_| "never sent");
    app.use_at(
        "/tried",
        late(|_| {
            |res| {
                assert!(res.try_set_header("x-a", "a\r\nb: injected").is_err());
                res.append_header("set-cookie", "a=1");
                res.append_header("set-cookie", "b=2");
            }
        }),
    );
    app.get("/tried", async |_| "sent");
    let client = client(app);
    // CV-35
    for (path, reason) in [("/404/plain", "Not Found"), ("/404/own", "Custom")] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), reply.reason()), (404, reason), "{path}");
    }
    // CV-36
    let all = answers(&client, get("/bad", ""));
    assert!(all.starts_with("HTTP/1.1 500 ") && !all.contains("injected"), "{all}");
    let reply = client.get("/tried").send();
    reply.assert_status(200).assert_no_header("x-a").assert_no_header("b");
    assert_eq!(reply.header_all("set-cookie"), ["a=1", "b=2"]);
}

#[test]
fn cv37_cv38_secrets_and_silence() {
    let trace = Trace::default();
    let seen = trace.clone();
    let mut app = App::new();
    app.use_(late(move |_| {
        let seen = seen.clone();
        move |res: &mut Response| {
            if res.status().as_u16() >= 400 {
                seen.note(res.error().map_or(String::new(), |error| format!("{error:?}")));
            }
        }
    }))
    .get("/secret", async |_| Err::<&str, _>(std::io::Error::other("vapr-secret").into()))
    .get("/works", async |_| "works");
    let client = client(app);
    // CV-37: VA-120. CF-48 gives the body.
    check(&client, &[("GET /secret", 500, "Internal Server Error")]);
    assert!(trace.take().contains("vapr-secret"));
    assert_eq!(logged(&["path=/secret", "vapr-secret"]), 1);
    check(&client, &[("GET /works", 200, "works")]);
    assert_eq!(trace.take(), "");
    // CV-38: CF-84, a route that never answers does not start; a reply of `false` does not compile.
    let mut app = App::new();
    let _ = app.route("/silent").use_(late(|_| |_| ()));
    let told = problems(&app);
    assert!(told.contains("/silent"), "{told}");
}

#[test]
fn cv39_cv40_bodies_read_and_unread() {
    let mut app = App::new();
    app.post("/json", async |req| Ok(Json(req.json::<serde_json::Value>().await?)));
    app.post("/picky", async |req: Request| {
        if req.content_length().is_some_and(|len| len > 5) {
            bail!(413, "too much");
        }
        if !req.is("json") {
            bail!(415, "no JSON");
        }
        Ok("taken")
    });
    app.get("/next", async |_| "next");
    let client = client(app);
    // CV-39
    client.post("/json").json_text(r#"{"a":[1,2]}"#).send().assert_text(r#"{"a":[1,2]}"#);
    // CF-40
    client.post("/json").body("{bad").send().assert_status(400);
    client.post("/json").send().assert_status(400);
    // CV-40: CF-39, a 413 ends the connection; after any other refusal the unread body is passed over.
    let post = |body: &str| {
        let len = body.len();
        let head = format!("POST /picky HTTP/1.1\r\nhost: x\r\ncontent-length: {len}\r\n\r\n");
        let connection = client.connect();
        connection.write(format!("{head}{body}{}", get("/next", "")));
        connection
    };
    let connection = post("0123456789");
    connection.read_reply().unwrap().assert_status(413).assert_text("too much");
    assert!(connection.read_to_end().unwrap().is_empty());
    let connection = post("text");
    connection.read_reply().unwrap().assert_status(415).assert_text("no JSON");
    connection.read_reply().unwrap().assert_status(200).assert_text("next");
}

#[test]
fn cv41_a_body_is_read_once() {
    // CV-41: collecting twice gives the same again; what was streamed cannot be collected.
    let trace = Trace::default();
    let noted = trace.clone();
    let mut app = App::new();
    app.use_(late(error_to_body));
    app.post("/twice", async |req| Ok(format!("{}{}", req.text().await?, req.text().await?)));
    app.post("/cv41", async |req| {
        req.body().next().await.transpose()?;
        req.text().await
    });
    app.post("/afterwards", async move |req: Request| {
        let (noted, kept) = (noted.clone(), req.clone());
        req.detach(async move {
            while !kept.is_finished() {
                tokio::task::yield_now().await;
            }
            noted.note(match kept.bytes().await {
                Ok(bytes) => format!("{bytes:?}"),
                Err(error) => error.cause().map_or(String::new(), ToString::to_string),
            });
        });
        204
    });
    let client = client(app);
    client.post("/twice").body("ab").send().assert_text("abab");
    let reply = client.post("/cv41").body("ab").send();
    reply.assert_status(500).assert_text_contains("read as a stream already");
    client.post("/afterwards").body("ab").send().assert_status(204);
    client.settle();
    assert_eq!(trace.take(), "the exchange of this body has ended");
}

#[test]
fn cv42_a_client_that_leaves_during_its_upload() {
    // CV-42
    let trace = Trace::default();
    let (in_handler, in_late, in_logger) = (trace.clone(), trace.clone(), trace.clone());
    let mut app = App::new();
    app.logger(move |failure| in_logger.note(failure.to_string()));
    app.use_(late(move |req: Request| {
        let in_late = in_late.clone();
        move |_: &mut Response| in_late.note(format!("closed={}", req.is_closed()))
    }));
    app.post("/", async move |req: Request| {
        let read = req.bytes().await;
        in_handler.note(if read.is_err() { "failed" } else { "read" });
        read
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc");
    client.settle();
    connection.finish();
    client.settle();
    assert_eq!(trace.take(), "failed closed=true");
}

#[test]
fn cv43_a_body_becomes_the_reply() {
    // CV-43
    async fn upper(req: Request) -> Response {
        let mut body = req.body();
        stream(async move |out| {
            while let Some(chunk) = body.next().await {
                out.write(chunk?.to_ascii_uppercase()).await?;
            }
            Ok(())
        })
    }
    let mut app = App::new();
    app.post("/upper", upper).post("/loop", async |req| {
        let (mut body, mut all) = (req.body(), Vec::new());
        while let Some(chunk) = body.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    });
    let client = client(app);
    let reply = client.post("/upper").chunks(["ab", "cd"]).send();
    reply.assert_text("ABCD").assert_header("transfer-encoding", "chunked");
    client.post("/loop").chunks(["ab", "cd"]).send().assert_text("abcd");
}

#[test]
fn cv44_too_much_and_not_asked_for() {
    // CV-44
    let mut app = App::new();
    app.post("/collect", async |req| Ok(req.bytes().await?.len().to_string()));
    app.post("/refuse", async |_| 415);
    let client = client(app);
    client.post("/collect").body(vec![0; 300_000]).send().assert_status(413);
    let head =
        "POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    let all = answers(&client, head);
    assert!(all.starts_with("HTTP/1.1 415 "), "{all}");
    assert_eq!(all.matches("HTTP/1.1 ").count(), 1, "{all}");
}

#[test]
fn cv45_long_and_endless_streams() {
    // CV-45
    const ITEMS: u64 = 200_000;
    let made = Arc::new(AtomicU64::new(0));
    let trace = Trace::default();
    let (count, ticker, failures) = (Arc::clone(&made), trace.clone(), trace.clone());
    let mut app = App::new();
    app.logger(move |failure| failures.note(failure.to_string()));
    app.get("/long", async move |_| {
        let count = Arc::clone(&count);
        stream(async move |out| {
            let item = Bytes::from(vec![b'x'; 1024]);
            for _ in 0..ITEMS {
                out.write(item.clone()).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    app.get("/ticks", async move |_| {
        let guard = ticker.on_drop("freed");
        stream(async move |out| {
            let _guard = guard;
            loop {
                out.write("tick\n").await?;
                sleep(Duration::from_secs(1)).await;
            }
        })
    });
    let client = TestClient::with_virtual_time(app);
    let mut exchange = client.get("/long").open();
    exchange.head().assert_status(200);
    client.settle();
    let held = made.load(Ordering::Relaxed);
    assert!((1..1024).contains(&held), "{held} items wait for a client that does not read");
    let mut len = 0_u64;
    while let Some(piece) = exchange.read() {
        len += piece.len() as u64;
    }
    assert_eq!(len, ITEMS * 1024);
    let mut exchange = client.get("/ticks").open();
    for _ in 0..3 {
        assert_eq!(exchange.read().as_deref(), Some(&b"tick\n"[..]));
        client.advance(Duration::from_secs(1));
    }
    exchange.reset();
    client.advance(Duration::from_millis(900));
    assert_eq!(trace.take(), "freed");
}

#[test]
fn cv46_cv47_streams_that_fail() {
    let trace = Trace::default();
    let (of_route, of_app) = (trace.clone(), trace.clone());
    let mut app = App::new();
    app.logger(move |failure| of_app.note(format!("app: {failure}")));
    // CV-46: an item that is no bytes does not compile; what can still go wrong is the source.
    app.get("/items", async |_| {
        stream(async |out| {
            out.write("a").await?;
            out.write("").await?;
            out.write(Bytes::from_static(b"b")).await
        })
    });
    app.route("/fails").logger(move |failure| of_route.note(format!("route: {failure}"))).get(
        async |_| {
            stream(async |out| {
                out.write("one").await?;
                out.flush().await?;
                sleep(Duration::from_millis(5)).await;
                bail!(500, "vapr-breaks")
            })
        },
    );
    let client = client(app);
    let all = answers(&client, get("/items", ""));
    assert!(all.ends_with("\r\n0\r\n\r\n"), "{all}");
    check(&client, &[("GET /items", 200, "ab")]);
    // CV-47: CF-50
    let mut exchange = client.get("/fails").open();
    exchange.head().assert_status(200);
    assert_eq!(exchange.read().as_deref(), Some(&b"one"[..]));
    assert_eq!(exchange.try_read().unwrap_err().kind(), TestErrorKind::Reset);
    let told = trace.take();
    assert!(told.starts_with("route: ") && told.contains("vapr-breaks"), "{told}");
    assert!(!told.contains("app: "), "{told}");
}

#[test]
fn cv48_http_1_0() {
    // CV-48
    let mut app = App::new();
    app.get("/stream", async |_| {
        stream(async |out| {
            out.write("one").await?;
            out.write("two").await?;
            out.write("three").await
        })
    });
    app.get("/text", async |_| "text");
    let client = client(app);
    for (fields, keeps) in [("", false), ("connection: keep-alive\r\n", true)] {
        let all = answers(&client, format!("GET /stream HTTP/1.0\r\n{fields}\r\n"));
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "onetwothree");
        assert!(head.contains("\r\nconnection: close"), "{head}");
        assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
        let text = format!("GET /text HTTP/1.0\r\n{fields}\r\n");
        let all = answers(&client, format!("{text}{text}"));
        assert!(all.contains("\r\ncontent-length: 4\r\n"), "{all}");
        assert_eq!(all.matches("\r\n\r\ntext").count(), if keeps { 2 } else { 1 }, "{all}");
    }
}

#[test]
fn cv49_framing_is_not_the_handler_s() {
    // CV-49
    let lying = [("content-length", "99")];
    let both = [("content-length", "99"), ("transfer-encoding", "gzip")];
    let mut app = App::new();
    app.get("/99", async move |_| (200, lying, "abc"))
        .get("/gzip", async |_| (200, [("transfer-encoding", "gzip")], "abc"))
        .get("/304", async move |_| (304, both, ""))
        .get("/204", async move |_| (204, both, ""))
        .get("/205", async |_| (205, "body"));
    let client = client(app);
    let framing = |path: &str| {
        let all = answers(&client, get(path, ""));
        let fields = all.lines().filter(|line| {
            line.starts_with("content-length") || line.starts_with("transfer-encoding")
        });
        let body = all.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (fields.collect::<Vec<_>>().join(","), body.unwrap())
    };
    let row = |fields: &str, body: &str| (fields.to_owned(), body.to_owned());
    assert_eq!(framing("/99"), row("content-length: 3", "abc"));
    // No reply has a transfer coding of its handler's: framing is the connection's alone.
    assert_eq!(framing("/gzip"), row("content-length: 3", "abc"));
    assert_eq!(framing("/304"), row("content-length: 99", ""));
    assert_eq!(framing("/204"), row("", ""));
    assert_eq!(framing("/205"), row("content-length: 0", ""));
}

#[test]
fn cv50_what_cannot_be_sent() {
    // CV-50
    struct Unsendable;
    let mut app = App::new();
    app.get("/date", async |_| "x".with_header("date", "nope"))
        .get("/struct", async |_| Response::from_value(Unsendable))
        .get("/fine", async |_| "fine");
    let client = client(app);
    let all = answers(&client, get("/date", ""));
    assert_eq!(all.matches("\r\ndate: ").count(), 1, "{all}");
    assert!(!all.contains("nope"), "{all}");
    check(&client, &[("GET /struct", 500, "Internal Server Error"), ("GET /fine", 200, "fine")]);
    assert_eq!(logged(&["path=/struct", "Unsendable"]), 1);
}
