//! Compressed bodies of requests.

use crate::support::client;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use shikra::inflate;
use shikra::prelude::*;
use shikra::testing::{TestClient, TestReply};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// RFC 7932 §9.2: an uncompressed meta-block and the last, empty one.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let head = u32::try_from(bytes.len() - 1).unwrap() << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[3]].concat()
}

fn app() -> TestClient {
    let mut app = App::new();
    app.use_(inflate());
    app.post("/", async |req: Request| Ok(format!("{} bytes", req.bytes().await?.len())));
    app.post("/text", async |req: Request| req.text().await);
    app.post("/json", async |req: Request| Ok(Json(req.json::<Vec<u8>>().await?)));
    app.post("/stream", async |req: Request| {
        let mut body = req.body();
        let mut all = Vec::new();
        while let Some(chunk) = body.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok::<_, Error>(all)
    });
    app.route("/twice").use_(inflate()).post(async |req: Request| req.text().await);
    app.route("/small")
        .body_bytes_max(1000)
        .post(async |req: Request| Ok(format!("{} bytes", req.bytes().await?.len())));
    app.route("/large")
        .body_bytes_max(100_000_000)
        .post(async |req: Request| Ok(format!("{} bytes", req.bytes().await?.len())));
    client(app)
}

fn post(client: &TestClient, path: &str, coding: &str, body: Vec<u8>) -> TestReply {
    client.post(path).header("content-encoding", coding).body(body).send()
}

#[test]
fn every_reader_gets_the_inflated_body() {
    // HX-302
    let client = app();
    let text = "hello ".repeat(50);
    for (coding, body) in [
        ("gzip", gzip(text.as_bytes())),
        ("GZip", gzip(text.as_bytes())),
        ("x-gzip", [gzip(&text.as_bytes()[..100]), gzip(&text.as_bytes()[100..])].concat()),
        ("deflate", zlib(text.as_bytes())),
        ("br", brotli(text.as_bytes())),
        ("identity", text.as_bytes().to_vec()),
    ] {
        for path in ["/text", "/stream", "/twice"] {
            assert_eq!(post(&client, path, coding, body.clone()).text(), text, "{coding} {path}");
        }
    }
    assert_eq!(post(&client, "/json", "gzip", gzip(b"[1,2]")).text(), "[1,2]");
    assert_eq!(client.post("/text").body("plain").send().text(), "plain");
    assert_eq!(post(&client, "/", "gzip", Vec::new()).text(), "0 bytes");
}

#[test]
fn unknown_codings_are_415_and_broken_bodies_400() {
    // HX-302
    let client = app();
    for coding in ["zstd", "compress", "gzip, gzip", "gzip, br", "x"] {
        let reply = post(&client, "/", coding, gzip(b"abc"));
        assert_eq!(reply.status(), 415, "{coding}");
        assert_eq!(reply.header("accept-encoding"), Some("gzip, deflate, br"));
    }
    for (coding, whole) in
        [("gzip", gzip(b"abcdef")), ("deflate", zlib(b"abcdef")), ("br", brotli(b"abcdef"))]
    {
        for len in 1..whole.len() {
            let reply = post(&client, "/", coding, whole[..len].to_vec());
            assert_eq!(reply.status(), 400, "{coding} cut to {len} bytes");
        }
        let reply = post(&client, "/", coding, [&whole[..], b"x"].concat());
        assert_eq!(reply.status(), 400, "{coding} with something after it");
        assert_eq!(post(&client, "/", coding, b"no such thing".to_vec()).status(), 400, "{coding}");
    }
    // The checksum is at the end.
    let mut wrong = gzip(b"abcdef");
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    assert_eq!(post(&client, "/", "gzip", wrong).status(), 400);
}

#[test]
fn limits_hold_for_the_inflated_bytes() {
    // HX-302, CF-38
    let client = app();
    let noise =
        |len: usize| (0..len).flat_map(|n| u8::try_from(n * n / 7 % 251)).collect::<Vec<_>>();
    for (coding, encode) in
        [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("deflate", zlib), ("br", brotli)]
    {
        let text = |len: usize| post(&client, "/small", coding, encode(&b"ab".repeat(len)[..len]));
        if coding != "br" {
            assert_eq!(text(1000).text(), "1000 bytes", "{coding}");
            assert_eq!(
                text(1001).text(),
                "the inflated body is larger than 1000 bytes",
                "{coding}"
            );
        }
        let reply = text(1001);
        assert!(reply.status() == 413 && !reply.keeps_alive(), "{coding}: {reply:?}");
    }
    assert_eq!(post(&client, "/", "gzip", gzip(&noise(250_000))).text(), "250000 bytes");
    assert_eq!(post(&client, "/", "gzip", gzip(&noise(250_001))).status(), 413);
    // The compressed body has the same limit, before anything is inflated.
    assert_eq!(post(&client, "/small", "gzip", vec![0; 1001]).status(), 413);
}

#[test]
fn a_body_grows_a_hundredfold_and_no_more() {
    // HX-302: a bomb costs what it may grow to, whatever the limit of the route is.
    let client = app();
    assert_eq!(post(&client, "/large", "gzip", gzip(&[0; 65_536])).text(), "65536 bytes");
    let bomb = gzip(&vec![0; 50_000_000]);
    assert!(bomb.len() > 40_000 && bomb.len() < 60_000, "{}", bomb.len());
    let reply = post(&client, "/large", "gzip", bomb.clone());
    assert_eq!(reply.status(), 413);
    assert_eq!(
        reply.text(),
        format!("the inflated body is larger than {} bytes", bomb.len() * 100)
    );
    assert_eq!(
        post(&client, "/", "gzip", bomb).text(),
        "the inflated body is larger than 250000 bytes"
    );
}

#[test]
fn a_window_that_the_standard_does_not_know_is_refused() {
    // HX-302: large windows would let a few bytes ask for a gigabyte.
    let reply = post(&app(), "/large", "br", vec![0x11, 0x1e, 0x03]);
    assert_eq!(reply.status(), 400);
}
