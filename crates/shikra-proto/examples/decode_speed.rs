//! Measures how long it takes to decode a head.
//!
//! `cargo run --release -p shikra-proto --example decode_speed` prints nanoseconds;
//! with an argument (`plain`, `browser`, `reply`) it runs that case 100,000 times and prints nothing, for instruction counters.

use std::hint::black_box;
use std::time::Instant;

use http::{StatusCode, Version};
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{
    ConnectionOption, HeadDecoder, HeadLimits, ReplyFraming, ReplyHead, RequestHead, Trailers,
    encode_reply_head,
};

const PLAIN: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n\r\n";
const BROWSER: &[u8] = b"GET /articles/1742/comments?page=3&sort=newest HTTP/1.1\r\n\
Host: www.example.com\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
Accept-Language: en-US,en;q=0.5\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Referer: https://www.example.com/articles/1742\r\n\
Cookie: session=7f3a9c0e4b1d4f6e8a2c5d7e9f0b1a3c; theme=dark; consent=1%2C2%2C4\r\n\
Connection: keep-alive\r\n\
If-None-Match: W/\"5d41402abc4b2a76b9719d911017c592-1f4\"\r\n\r\n";

type Case = (&'static str, fn(u64));

fn main() {
    let cases: [Case; 4] = [
        ("plain", |runs| decode(PLAIN, runs)),
        ("browser", |runs| decode(BROWSER, runs)),
        ("reply", encode),
        ("nothing", |_| ()),
    ];
    let wanted = std::env::args().nth(1);
    for (name, run) in cases {
        match &wanted {
            Some(wanted) if wanted != name => {}
            Some(_) => run(100_000),
            None => report(name, run),
        }
    }
}

/// The best of several rounds: what disturbs a round only makes it slower.
fn report(name: &str, run: fn(u64)) {
    const RUNS: u32 = 200_000;
    let best = (0..15)
        .map(|_| {
            let start = Instant::now();
            run(RUNS.into());
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{name}: {:.1} ns", best.as_secs_f64() * 1e9 / f64::from(RUNS));
}

fn decode(bytes: &[u8], runs: u64) {
    let limits = HeadLimits::default();
    let mut head = RequestHead::new();
    let mut decoder = HeadDecoder::default();
    for _ in 0..runs {
        let status = decoder.decode(black_box(bytes), &limits, &mut head);
        assert!(black_box(status).is_ok());
        black_box(&head);
    }
}

fn encode(runs: u64) {
    let date = shikra_proto::date::HttpDate::at(1_800_000_000);
    let fields = FieldLines::new();
    let mut out = Vec::new();
    for _ in 0..runs {
        out.clear();
        let head = ReplyHead {
            version: Version::HTTP_11,
            status: StatusCode::OK,
            reason: None,
            date: &date,
            content_type: Some("text/plain; charset=utf-8"),
            fields: &fields,
            framing: ReplyFraming::Length(13),
            connection: ConnectionOption::Implied,
            trailers: Trailers::None,
        };
        encode_reply_head(&mut out, black_box(&head));
        black_box(&out);
    }
}
