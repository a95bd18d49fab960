//! Replies that are made while they are sent: order, back-pressure, lengths, failures, trailers.

use crate::support::{answers, client, logged};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts how often it was dropped.
struct CountsDrop(Arc<AtomicUsize>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn request(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{fields}\r\n")
}

#[test]
fn pieces_keep_their_order_and_empty_ones_are_nothing() {
    // HX-161, HX-170, VA-178, VA-180
    let mut app = App::new();
    app.get("/", async |_| {
        stream(async |out| {
            out.write("").await?;
            out.write("1").await?;
            out.write(vec![b'x'; 40_000]).await?;
            out.write("").await?;
            out.write(Bytes::from_static(b"2")).await?;
            out.flush().await?;
            out.write(String::from("3")).await
        })
        .with_status(203)
        .with_header("x-a", "1")
    });
    let reply = client(app).get("/").send();
    let body = ["1".to_owned(), "x".repeat(40_000), "23".to_owned()].concat();
    assert_eq!((reply.status().as_u16(), reply.header("x-a")), (203, Some("1")));
    assert_eq!(reply.text(), body);
}

#[test]
fn nothing_of_a_stream_runs_before_its_head_is_final() {
    // HX-136, PO-104
    struct Prepared;
    let mut app = App::new();
    app.use_(late(|req| {
        move |res| {
            assert!(res.is_stream() && res.body().is_none() && res.body_text().is_none());
            res.set_header("x-late", "1");
            req.meta().insert(Prepared);
        }
    }));
    app.get("/", async |req| {
        stream(async move |out| {
            let is_prepared = req.meta().get::<Prepared>().is_some();
            out.write(is_prepared.to_string()).await
        })
    });
    let reply = client(app).get("/").send();
    assert_eq!((reply.header("x-late"), &*reply.text()), (Some("1"), "true"));
}

#[test]
fn the_head_can_leave_before_the_first_byte() {
    // HX-168
    let mut app = App::new();
    app.get("/waits", async |_| stream(async |_| pending().await)).get("/flushes", async |_| {
        stream(async |out| {
            out.flush().await?;
            // What has left sees no reply to a failure.
            bail!(500, "after the head")
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection.write(request("/waits", ""));
    let head = String::from_utf8(connection.read_some().unwrap()).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let connection = client.connect();
    connection.write(request("/flushes", ""));
    connection.read_to_end().expect_err("the head has left, so only a reset tells");
    assert_eq!(logged(&["/flushes", "after the head"]), 1);
}

#[test]
fn a_writer_waits_while_the_client_does_not_read() {
    // HX-162, HX-164, HX-149, HX-137, VA-178
    const PIECE: usize = 10_000;
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let mut app = App::new();
    app.get("/", async move |_| {
        let count = Arc::clone(&count);
        stream(async move |out| {
            for _ in 0..500 {
                out.write(vec![b'x'; PIECE]).await?;
                count.store(usize::try_from(out.bytes_written())?, Ordering::SeqCst);
            }
            Ok(())
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection.write(request("/", "connection: close\r\n"));
    client.settle();
    let early = written.load(Ordering::SeqCst);
    // The pipe takes 64 KiB, and the connection and the writer hold about as much again.
    assert!((64 * 1024..300 * 1024).contains(&early), "{early} bytes were taken at once");
    client.settle();
    assert_eq!(written.load(Ordering::SeqCst), early);
    let all = connection.read_to_end().unwrap();
    assert!(all.len() > 500 * PIECE);
    assert_eq!(written.load(Ordering::SeqCst), 500 * PIECE);
}

#[test]
fn try_write_tells_sent_from_full_from_over() {
    // HX-149, HX-162
    let mut app = App::new();
    app.get("/", async |_| {
        stream(async |out| {
            let mut taken = 0;
            let back = loop {
                match out.try_write(vec![b'x'; 4096])? {
                    None => taken += 4096,
                    Some(piece) => break piece,
                }
            };
            assert_eq!((back.len(), u64::try_from(taken)?), (4096, out.bytes_written()));
            out.flush().await?;
            assert!(out.try_write("end")?.is_none());
            Ok(())
        })
    });
    let text = client(app).get("/").send().text();
    assert!(text.len() < 64 * 1024 && text.ends_with("xend"), "{}", text.len());
}

#[test]
fn a_writer_that_is_kept_learns_that_its_reply_is_over() {
    // HX-162, HX-133
    let mut app = App::new();
    app.get("/", async |req| {
        let seen = req.clone();
        stream(async move |out| {
            out.write("x").await?;
            req.detach(async move {
                seen.closed().await;
                let error = out.write("y").await.expect_err("the reply is over");
                assert!(out.try_write("y").is_err() && out.flush().await.is_err());
                tracing_line(&format!("kept writer: {error}"));
            });
            pending().await
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection.write(request("/", ""));
    assert!(!connection.read_some().unwrap().is_empty());
    connection.reset();
    client.settle();
    assert_eq!(logged(&["kept writer: Internal Server Error: broken pipe"]), 1);
}

fn tracing_line(text: &str) {
    tracing::info!(text);
}

#[test]
fn readers_are_copied_into_a_reply() {
    // HX-163, HX-179
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, repeat};
    let mut app = App::new();
    app.get("/", async |_| {
        stream(async |mut out| {
            let len = copy(&mut repeat(b'x').take(100_000), &mut out).await?;
            out.write_all(format!(" {len}").as_bytes()).await?;
            assert_eq!(out.bytes_written(), 100_007);
            Ok(out.shutdown().await?)
        })
    });
    let text = client(app).get("/").send().text();
    assert_eq!(text.len(), 100_007);
    assert!(text.ends_with("x 100000"));
}

/// A stream of chunks that ends with an error, if it has one.
struct Chunks(Vec<std::result::Result<&'static str, &'static str>>);

impl futures_core::Stream for Chunks {
    type Item = std::result::Result<&'static str, &'static str>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let next = (!self.0.is_empty()).then(|| self.0.remove(0));
        std::task::Poll::Ready(next)
    }
}

#[test]
fn a_source_is_sent_with_or_without_a_length() {
    // HX-165, HX-163, HX-166
    let mut app = App::new();
    app.get("/chunked", async |_| Response::from_chunks(Chunks(vec![Ok("ab"), Ok("c")])))
        .get("/sized", async |_| {
            Response::from_chunks(Chunks(vec![Ok("ab"), Ok("c")])).with_stream_len(3)
        })
        .get("/zero", async |_| stream(async |_| pending().await).with_stream_len(0))
        .get("/text", async |_| "text".into_response().with_stream_len(99));
    let client = client(app);
    let tail = |path: &str| {
        let all = answers(&client, request(path, ""));
        let framing = all.lines().filter(|line| {
            line.starts_with("content-length") || line.starts_with("transfer-encoding")
        });
        let framing = framing.collect::<Vec<_>>().join(",");
        (framing, all.split_once("\r\n\r\n").unwrap().1.to_owned())
    };
    let row = |framing: &str, body: &str| (framing.to_owned(), body.to_owned());
    let chunks = "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    assert_eq!(tail("/chunked"), row("transfer-encoding: chunked", chunks));
    assert_eq!(tail("/sized"), row("content-length: 3", "abc"));
    assert_eq!(tail("/zero"), row("content-length: 0", ""));
    assert_eq!(tail("/text"), row("content-length: 4", "text"));
}

#[test]
fn a_stream_that_lies_about_its_length_never_looks_whole() {
    // HX-166, VA-201
    let lies = |pieces: usize, len: u64| {
        stream(async move |out| {
            for _ in 0..pieces {
                out.write("piece").await?;
                shikra::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        })
        .with_stream_len(len)
    };
    let mut app = App::new();
    app.get("/too-short", async move |_| lies(2, 11))
        .get("/too-long", async move |_| lies(3, 11))
        .get("/as-said", async move |_| lies(2, 10));
    // The log is read below.
    drop(client(App::new()));
    let client = TestClient::with_virtual_time(app);
    for path in ["/too-short", "/too-long"] {
        let connection = client.connect();
        // The request behind it is not answered either.
        connection.write(request(path, "") + &request("/as-said", ""));
        let mut text = String::from_utf8(connection.read_some().unwrap()).unwrap();
        client.advance(Duration::from_millis(1_500));
        text.push_str(std::str::from_utf8(&connection.read_some().unwrap()).unwrap());
        assert!(text.ends_with("content-length: 11\r\n\r\npiecepiece"), "{text}");
        client.advance(Duration::from_secs(1));
        assert_eq!(connection.read_to_end(), Err(Vec::new()), "{path}");
    }
    let connection = client.connect();
    connection.write(request("/as-said", ""));
    client.advance(Duration::from_secs(3));
    assert_eq!(connection.read_reply().unwrap().text(), "piecepiece");
    assert_eq!(logged(&["/too-short", "shorter than the length"]), 1);
    assert_eq!(logged(&["/too-long", "longer than the length"]), 1);
}

#[test]
fn a_stream_that_fails_before_it_is_seen_is_answered_like_a_failing_handler() {
    // VA-183, HX-163, HX-165, HX-166
    let mut app = App::new();
    app.on_error(async |_, error| (error.status(), format!("handled: {error}")));
    app.get("/deliberate", async |_| stream(async |_| bail!(409, "too late")))
        .get("/written", async |_| {
            stream(async |out| {
                out.write("small").await?;
                bail!(409, "too late")
            })
        })
        .get("/source", async |_| Response::from_chunks(Chunks(vec![Err("no source")])))
        .get("/panic", async |_| stream(async |_| panic!("at once")))
        .get("/short", async |_| stream(async |_| Ok(())).with_stream_len(1))
        .get("/fine", async |_| "fine");
    let client = client(app);
    for (path, status, text) in [
        ("/deliberate", 409, "handled: too late"),
        ("/written", 409, "handled: too late"),
        ("/source", 500, "handled: Internal Server Error: no source"),
        ("/panic", 500, "handled: Internal Server Error: at once"),
        ("/short", 500, "handled: Internal Server Error: the stream is shorter than the length"),
    ] {
        // Replies before and after it are as they would be.
        let all =
            answers(&client, request("/fine", "") + &request(path, "") + &request("/fine", ""));
        let heads: Vec<_> =
            all.match_indices("HTTP/1.1 ").map(|(at, _)| &all[at + 9..at + 12]).collect();
        assert_eq!(heads, ["200", &*status.to_string(), "200"], "{path}: {all}");
        assert!(all.contains(text), "{path}: {all}");
        assert!(!all.contains("chunked"), "{path}: {all}");
    }
}

#[test]
fn an_error_handler_whose_stream_fails_too_is_not_asked_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut app = App::new();
    app.on_error(async move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        stream(async |_| bail!(400, "again"))
    });
    app.get("/", async |_| stream(async |_| bail!(409, "first")));
    let reply = client(app).get("/").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (400, "again"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_client_that_leaves_cancels_the_stream_and_nothing_is_logged() {
    // VA-182, HX-163, HX-165
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dropped);
    let mut app = App::new();
    app.get("/quiet-stream", async move |_| {
        let guard = CountsDrop(Arc::clone(&count));
        stream(async move |out| {
            let _guard = guard;
            loop {
                out.write("tick").await?;
                shikra::sleep(Duration::from_secs(1)).await;
            }
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection.write(request("/quiet-stream", ""));
    assert!(!connection.read_some().unwrap().is_empty());
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    connection.reset();
    client.settle();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(logged(&["quiet-stream"]), 0);
}

#[test]
fn bodies_that_are_not_sent_are_dropped_at_once() {
    // VA-206, VA-111, VA-184
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dropped);
    let mut app = App::new();
    app.use_(late(|req| {
        move |res| match req.query().get("late").as_deref() {
            Some("replace") => *res = "replaced".into_response(),
            Some("body") => res.set_body("replaced"),
            Some("204") => res.set_status(204),
            Some("bad") => res.set_header("x-bad", "\n"),
            _ => {}
        }
    }));
    app.get("/", async move |_| {
        let guard = CountsDrop(Arc::clone(&count));
        stream(async move |out| {
            let _guard = guard;
            out.write("streamed").await
        })
        .with_header("x-old", "1")
    });
    let client = client(app);
    for (method, late, body) in [
        ("GET", "replace", "replaced"),
        ("GET", "body", "replaced"),
        ("GET", "204", ""),
        ("GET", "bad", "Internal Server Error"),
        ("HEAD", "", ""),
        ("GET", "", "streamed"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply = client.request(method, &format!("/?late={late}")).send();
        assert_eq!(reply.text(), body, "{late}");
        let keeps = !matches!(late, "replace" | "bad");
        assert_eq!(reply.header("x-old").is_some(), keeps, "{late}");
        assert_eq!(dropped.swap(0, Ordering::SeqCst), 1, "{late}");
    }
}

#[test]
fn a_reader_that_stalls_is_given_up_and_counts_as_gone() {
    // HX-167: 30 s by default, and as long as the limit says.
    for limit_s in [30, 7] {
        let aborted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&aborted);
        let mut app = App::new();
        app.limits(|limits| limits.write_stall_timeout = Duration::from_secs(limit_s));
        app.get("/", async move |req| {
            let count = Arc::clone(&count);
            let guard = CountsDrop(count);
            req.on_abort(move || drop(guard));
            vec![0_u8; 1 << 20]
        });
        let client = TestClient::with_virtual_time(app);
        let connection = client.connect();
        connection.write(request("/", ""));
        client.advance(Duration::from_millis(limit_s * 1_000 - 100));
        assert_eq!((client.connections(), aborted.load(Ordering::SeqCst)), (1, 0));
        client.advance(Duration::from_millis(200));
        assert_eq!((client.connections(), aborted.load(Ordering::SeqCst)), (0, 1));
    }
}

#[test]
fn trailers_follow_for_clients_that_take_them() {
    // VA-192, VA-194, VA-197, VA-186
    let mut app = App::new();
    app.get("/fixed", async |_| {
        "body".into_response().with_trailer("X-Sum", "7").with_trailer("x-b", "8")
    });
    app.get("/late", async |_| {
        let res = stream(async |out| {
            out.write("body").await?;
            out.flush().await?;
            out.set_trailer("x-sum", "7")
        });
        res.with_header("trailer", "x-sum").with_trailer("x-b", "8")
    });
    app.get("/sized", async |_| {
        stream(async |out| {
            out.write("body").await?;
            out.set_trailer("x-sum", "7")
        })
        .with_header("trailer", "x-sum")
        .with_stream_len(4)
    });
    app.get("/204", async |_| 204.into_response().with_trailer("x-sum", "7"));
    let client = client(app);
    let te = "te: gzip;q=0.5, Trailers\r\nconnection: te\r\n";
    let framing = |all: &str| {
        let names = ["content-length", "transfer-encoding", "trailer", "x-"];
        let lines = all.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
        lines.collect::<Vec<_>>().join(",")
    };
    let chunked = "4\r\nbody\r\n0\r\n";
    let all = answers(&client, request("/fixed", te));
    let wanted = "trailer: x-sum, x-b,transfer-encoding: chunked,x-sum: 7,x-b: 8";
    assert_eq!(framing(&all), wanted);
    assert!(all.ends_with(&format!("\r\n\r\n{chunked}x-sum: 7\r\nx-b: 8\r\n\r\n")), "{all}");
    let all = answers(&client, request("/late", te));
    assert_eq!(framing(&all), "trailer: x-sum,transfer-encoding: chunked,x-b: 8,x-sum: 7");
    assert!(all.ends_with(&format!("\r\n\r\n{chunked}x-b: 8\r\nx-sum: 7\r\n\r\n")), "{all}");

    // Nobody asked: a body of known length has that length, and nothing is announced.
    for fields in ["", "te: gzip\r\n", "te: x-trailers\r\n"] {
        let all = answers(&client, request("/fixed", fields));
        assert_eq!(framing(&all), "content-length: 4");
        let all = answers(&client, request("/late", fields));
        assert_eq!(framing(&all), "transfer-encoding: chunked");
        assert!(all.ends_with(&format!("\r\n\r\n{chunked}\r\n")), "{all}");
    }
    let all = answers(&client, request("/sized", te));
    assert_eq!(framing(&all), "content-length: 4");
    assert!(all.ends_with("\r\n\r\nbody"), "{all}");
    assert_eq!(framing(&answers(&client, request("/204", te))), "");
    let head = format!("HEAD /fixed HTTP/1.1\r\nhost: x\r\n{te}\r\n");
    let all = answers(&client, head);
    assert!(all.ends_with("\r\n\r\n") && !all.contains("trailer:"), "{all}");
    // VA-197: not to HTTP/1.0, whatever it asks for.
    let all = answers(&client, format!("GET /fixed HTTP/1.0\r\n{te}\r\n"));
    assert_eq!(framing(&all), "content-length: 4");
    assert!(all.ends_with("\r\n\r\nbody"), "{all}");
    let all = answers(&client, format!("GET /late HTTP/1.0\r\n{te}\r\n"));
    assert_eq!(framing(&all), "");
    assert!(all.ends_with("\r\n\r\nbody"), "{all}");
}

#[test]
fn refuses_trailers_that_may_not_come_late() {
    // VA-193
    let names = [
        "transfer-encoding",
        "content-length",
        "host",
        "www-authenticate",
        "authorization",
        "proxy-authenticate",
        "proxy-authorization",
        "set-cookie",
        "content-encoding",
        "content-type",
        "content-range",
        "trailer",
        "age",
        "cache-control",
        "expires",
        "date",
        "location",
        "retry-after",
        "vary",
        "warning",
        "bad name",
    ];
    for name in names {
        let mut app = App::new();
        app.get("/", async move |_| "x".into_response().with_trailer(name, "1")).get(
            "/stream",
            async move |_| {
                stream(async move |out| {
                    assert!(out.set_trailer(name, "1").is_err());
                    assert!(out.set_trailer("x-a", "\r\n").is_err());
                    out.write("refused").await
                })
            },
        );
        let client = client(app);
        assert_eq!(client.get("/").send().status(), 500, "{name}");
        assert_eq!(client.get("/stream").send().text(), "refused", "{name}");
    }
    assert_eq!(logged(&["trailer `set-cookie`", "may not come after the body", ".rs:"]), 1);
}
