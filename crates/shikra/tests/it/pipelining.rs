//! Many requests on one connection: answered in order, however their bytes arrive.

use crate::support::{answers, client, logged};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::yield_now;

/// An app with fast and slow handlers, one that panics, and one that reads a body.
fn app() -> App {
    let mut app = App::new();
    app.get("/fast/:n", async |req| req.param_str("n").map(str::to_owned))
        .get("/slow/:n", async |req| {
            for _ in 0..20 {
                yield_now().await;
            }
            req.param_str("n").map(str::to_owned)
        })
        .get("/stream/:n", async |req| {
            stream(async move |out| {
                out.write("streamed ").await?;
                out.flush().await?;
                yield_now().await;
                out.write(req.param::<String>("n")?).await
            })
        })
        .get("/panic/:n", async |req| -> &'static str { panic!("pipelined {}", req.path()) })
        .post("/body", async |req| req.text().await)
        .post("/ignored", async |_| "ignored");
    app
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// The bodies of the replies to `count` requests in `bytes`.
fn bodies(client: &TestClient, bytes: &str, count: usize) -> Vec<String> {
    let connection = client.connect();
    connection.write(bytes);
    (0..count).map(|_| connection.read_reply().unwrap().text()).collect()
}

#[test]
fn answers_in_order_however_long_the_handlers_take() {
    // HX-308
    let client = client(app());
    let paths: Vec<_> = (0..300)
        .map(|n| match n % 3 {
            0 => format!("/slow/{n}"),
            1 => format!("/fast/{n}"),
            _ => format!("/stream/{n}"),
        })
        .collect();
    let bytes: String = paths.iter().map(|path| get(path)).collect();
    let expected = (0..300).map(|n| match n % 3 {
        2 => format!("streamed {n}"),
        _ => n.to_string(),
    });
    assert_eq!(bodies(&client, &bytes, 300), expected.collect::<Vec<_>>());
}

#[test]
fn answers_ten_thousand_in_one_write() {
    let client = client(app());
    let bytes = get("/fast/7").repeat(10_000);
    let connection = client.connect();
    // More than both directions hold, so writing goes on only while replies are read.
    let (mut sent, mut read, mut tail) = (0, 0, Vec::new());
    while read < 10_000 {
        sent += connection.write_some(&bytes[sent..]);
        let came = connection.read_some().unwrap();
        assert!(!came.is_empty(), "the connection ended after {read} replies");
        tail.extend(came);
        let whole = tail.windows(5).filter(|window| window == b"\r\n\r\n7").count();
        read += whole;
        let keep = tail.len().min(4);
        tail.drain(..tail.len() - keep);
    }
    assert_eq!((sent, read), (bytes.len(), 10_000));
}

const MIXED: &str = "GET /fast/1 HTTP/1.1\r\nhost: x\r\n\r\n\
    POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nfirst\
    POST /ignored HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nlost\r\n0\r\n\r\n\
    POST /body HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n\
    3;a=b\r\nsec\r\n3\r\nond\r\n0\r\nx-t: 1\r\n\r\n\
    GET /stream/2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

const MIXED_BODIES: [&str; 5] = ["1", "first", "ignored", "second", "streamed 2"];

#[test]
fn answers_the_same_when_every_byte_comes_alone() {
    let client = client(app());
    let connection = client.connect();
    for byte in MIXED.as_bytes() {
        connection.write([*byte]);
    }
    for body in MIXED_BODIES {
        assert_eq!(connection.read_reply().unwrap().text(), body);
    }
    assert_eq!(connection.read_to_end(), Ok(Vec::new()));
}

#[test]
fn answers_the_same_wherever_the_bytes_are_split() {
    let client = client(app());
    assert_eq!(bodies(&client, MIXED, 5), MIXED_BODIES);
    for at in 1..MIXED.len() {
        let connection = client.connect();
        connection.write(&MIXED[..at]);
        connection.write(&MIXED[at..]);
        for body in MIXED_BODIES {
            assert_eq!(connection.read_reply().unwrap().text(), body, "split at {at}");
        }
        assert_eq!(connection.read_to_end(), Ok(Vec::new()), "split at {at}");
    }
}

#[test]
fn a_malformed_request_ends_the_connection_after_the_replies_before_it() {
    let after = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&after);
    let mut app = app();
    app.get("/after", async move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        "after"
    });
    let client = client(app);
    let bad = [
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        "GET  /a HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /a HTTP/1.1\nhost: x\n\n",
        "GET /a HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost : x\r\n\r\n",
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\n",
        "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
        "\0",
    ];
    for bad in bad {
        let bytes = [&get("/fast/1"), &get("/slow/2"), bad, &get("/after")].concat();
        let all = answers(&client, bytes);
        let statuses: Vec<_> = all.split("HTTP/1.1 ").skip(1).map(|reply| &reply[..3]).collect();
        assert_eq!(statuses, ["200", "200", "400"], "{bad:?}: {all}");
        assert_eq!(all.matches("connection: close\r\n").count(), 1, "{bad:?}: {all}");
    }
    assert_eq!(after.load(Ordering::Relaxed), 0);
}

#[test]
fn nothing_after_a_close_is_answered() {
    let client = client(app());
    let last = get("/slow/2").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let all = answers(&client, [get("/fast/1"), last, get("/fast/3")].concat());
    assert_eq!(all.matches("HTTP/1.1 200").count(), 2, "{all}");
    assert!(all.ends_with("\r\n\r\n2"), "{all}");
}

#[test]
fn a_panic_in_the_middle_keeps_the_connection() {
    let client = client(app());
    let bytes = [get("/fast/1"), get("/panic/x"), get("/slow/2"), get("/panic/y"), get("/fast/3")];
    let expected = ["1", "Internal Server Error", "2", "Internal Server Error", "3"];
    assert_eq!(bodies(&client, &bytes.concat(), 5), expected);
    assert_eq!(logged(&["pipelined /panic/x"]), 1);
}

#[test]
fn skips_empty_lines_before_a_request() {
    // RFC 9112 §2.2: a client may send a line end too much after a body.
    let client = client(app());
    let bytes = ["\r\n", &get("/fast/1"), "\r\n", &get("/fast/2")].concat();
    assert_eq!(bodies(&client, &bytes, 2), ["1", "2"]);
}

#[test]
fn a_client_that_closes_its_half_gets_all_its_replies() {
    let client = client(app());
    let bytes: String = (0..100).map(|n| get(&format!("/slow/{n}"))).collect();
    let all = answers(&client, bytes);
    assert_eq!(all.matches("HTTP/1.1 200").count(), 100);
}

#[test]
fn connections_do_not_wait_for_each_other() {
    let mut app = app();
    app.get("/stuck", async |_| std::future::pending::<&str>().await);
    let client = client(app);
    let stuck = client.connect();
    stuck.write(get("/stuck") + &get("/fast/1"));
    for _ in 0..10 {
        assert_eq!(client.get("/fast/2").send().text(), "2");
    }
    assert_eq!(client.connections(), 2);
    stuck.reset();
    assert_eq!(client.get("/slow/3").send().text(), "3");
    assert_eq!(client.connections(), 1);
}

/// The blocks of exchanges are used again, and so is the state of what decodes into them.
#[test]
fn a_head_that_was_refused_leaves_nothing_to_the_next_connection() {
    let client = client(app());
    let parts = [
        ["\r\nGET /fast/1 HT", "TQ/1.1\r\n\r\n"],
        ["GET /fast/1 HTTP/1.1\r\nhost: x\r\ncookie: a=b\r\n", "no field\r\n\r\n"],
        ["GET /fast/1 HTTP/1.1\r\nhost: x\r\n", "host: y\r\n\r\n"],
        ["PUT /fast/1 HTTP/1.0\r\nconnection: keep-alive\r\n", "content-length: x\r\n\r\n"],
    ];
    for [first, second] in parts {
        let connection = client.connect();
        connection.write(first);
        connection.write(second);
        let refusal = connection.read_to_end().unwrap();
        assert!(refusal.starts_with(b"HTTP/1.1 400"), "{first}{second}");
        for n in 2..4 {
            let reply = client.get(&format!("/fast/{n}")).send();
            assert_eq!((reply.text(), reply.status().as_u16()), (n.to_string(), 200));
        }
    }
}
