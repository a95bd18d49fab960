//! Bodies where one does not expect them, and bodies that nobody reads.

use super::{Bench, Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![METHODS, STREAMED]
}

#[test]
fn a_body_belongs_to_its_request_whatever_the_method() {
    // R20, VA-234
    check(METHODS, |text| {
        let hidden = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(hidden.len(), 0x23);
        text.replace("{length}", "host: a\r\ncontent-length: 35\r\n\r\n")
            .replace("{chunked}", "host: a\r\ntransfer-encoding: chunked\r\n\r\n23\r\n")
            .replace("{hidden}", hidden)
    });
}

#[test]
fn streamed_replies_are_framed_like_any_other() {
    // R26, R31
    check(STREAMED, str::to_owned);
}

#[test]
fn a_body_of_3_mb_that_nobody_reads_hides_no_request() {
    // R20, R30
    let bench = Bench::new();
    let hidden = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n".repeat(90_000);
    for (path, status) in [("/", "200=ok"), ("/only", "405"), ("/nowhere", "404"), ("/echo", "413")]
    {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n", hidden.len());
        let bytes = format!("{head}\r\n{hidden}").into_bytes();
        for cuts in [vec![], vec![head.len() + 2], vec![head.len() + 100_000, 1_000_000]] {
            let wanted = format!("{status} close");
            bench.check_cuts(&bytes, &wanted, &cuts);
        }
    }
}

const METHODS: &[Row] = &[
    ("9110 §9.3.1", "GET / HTTP/1.1\r\n{length}{hidden}", "200=ok stay"),
    ("9110 §9.3.1", "GET / HTTP/1.1\r\n{chunked}{hidden}\r\n0\r\n\r\n", "200=ok stay"),
    ("9110 §9.3.2", "HEAD / HTTP/1.1\r\n{length}{hidden}", "200- stay"),
    ("9110 §9.3.2", "HEAD / HTTP/1.1\r\n{chunked}{hidden}\r\n0\r\n\r\n", "200- stay"),
    ("9110 §9.3.5", "DELETE / HTTP/1.1\r\n{length}{hidden}", "200=ok stay"),
    ("9110 §9.3.7", "OPTIONS * HTTP/1.1\r\n{length}{hidden}", "204 stay"),
    ("9110 §9.3.7", "OPTIONS /only HTTP/1.1\r\n{chunked}{hidden}\r\n0\r\n\r\n", "204 stay"),
    ("9110 §9.3.8", "TRACE /only HTTP/1.1\r\n{length}{hidden}", "405 stay"),
    ("9110 §9.1", "BREW / HTTP/1.1\r\n{length}{hidden}", "200=ok stay"),
    ("9110 §15.3.5", "GET /none HTTP/1.1\r\n{length}{hidden}", "204 stay"),
    ("9110 §15.4.5", "GET /same HTTP/1.1\r\n{chunked}{hidden}\r\n0\r\n\r\n", "304 stay"),
    ("9110 §9.3.6", "CONNECT a:1 HTTP/1.1\r\n{length}{hidden}", "405 close"),
    ("9110 §9.3.6", "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n{hidden}", "405 close"),
    ("9112 §9.3", "POST /panic HTTP/1.1\r\n{chunked}{hidden}\r\n0\r\n\r\n", "500 stay"),
    ("9112 §9.6", "POST / HTTP/1.1\r\nconnection: close\r\n{length}{hidden}", "200=ok close"),
    ("9112 §9.6", "POST /nowhere HTTP/1.1\r\nconnection: close\r\n{length}{hidden}", "404 close"),
];

const STREAMED: &[Row] = &[
    ("9112 §7.1", "GET /stream HTTP/1.1\r\nhost: a\r\n\r\n", "200=! stay"),
    ("9110 §9.3.2", "HEAD /stream HTTP/1.1\r\nhost: a\r\n\r\n", "200- stay"),
    ("9112 §6.3", "GET /stream HTTP/1.0\r\n\r\n", "200=! close"),
    ("9112 §9.3", "GET /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", "200=! close"),
    ("9112 §9.6", "GET /stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "200=! close"),
    (
        "9112 §7.1",
        "POST /stream HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "200=abc! stay",
    ),
    (
        "9112 §6.3",
        "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        "200=abc! stay",
    ),
];
