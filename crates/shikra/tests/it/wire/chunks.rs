//! Chunked bodies: sizes, extensions, line ends, trailers.

use super::{Bench, Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![SIZES, EXTENSIONS, LINE_ENDS, TRAILERS]
}

fn chunked(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{body}")
}

#[test]
fn a_chunk_size_is_hexadecimal_and_fits_64_bits() {
    // R16, HX-307
    check(SIZES, |body| chunked("/echo", body));
}

#[test]
fn extensions_are_ignored_and_have_no_control_bytes() {
    // R17, R19
    check(EXTENSIONS, |body| chunked("/echo", body));
}

#[test]
fn every_line_end_between_chunks_is_compared() {
    // R17, VA-234
    check(LINE_ENDS, |body| chunked("/echo", body));
}

#[test]
fn trailers_are_fields_and_act_on_nothing() {
    // R18
    check(TRAILERS, |body| chunked("/echo", body));
}

#[test]
fn broken_chunks_end_the_connection_whoever_reads_them() {
    // R20, R21, R22: the same bodies for handlers that come to them late, and that never do.
    let bench = Bench::new();
    for (_, body, outcome) in tables().into_iter().flatten() {
        let cut = body.len() / 2;
        for (path, wanted) in [
            ("/late", (*outcome).to_owned()),
            ("/", unread(outcome, "200=ok")),
            ("/refuse", unread(outcome, "403=no")),
            ("/nowhere", unread(outcome, "404")),
        ] {
            let bytes = super::latin1(&chunked(path, body));
            let head_len = bytes.len() - super::latin1(body).len();
            for cuts in [vec![], vec![head_len], vec![head_len + cut]] {
                bench.check_cuts(&bytes, &wanted, &cuts);
            }
            bench.check_cuts(&bytes, &wanted, &(1..bytes.len()).collect::<Vec<_>>());
        }
    }
}

/// What is answered where the body is not read, if `outcome` is that of reading it.
fn unread(outcome: &str, answer: &str) -> String {
    match outcome.split_once(' ') {
        Some((_, "close")) => format!("{answer} end"),
        Some((_, rest)) => format!("{answer} {rest}"),
        None => panic!("{outcome:?} has no answer"),
    }
}

#[test]
fn extensions_and_trailers_have_limits() {
    // R18, R19, design: 4 KiB of extensions a body, trailers as a head
    let bench = Bench::new();
    let extension =
        |len: usize| chunked("/echo", &format!("1;{}\r\na\r\n0\r\n\r\n", "e".repeat(len - 1)));
    bench.check(extension(4096).as_bytes(), "200=a stay");
    bench.check(extension(4097).as_bytes(), "400 close");
    let many = |count: usize| chunked("/echo", &("1;e\r\na\r\n".repeat(count) + "0\r\n\r\n"));
    bench.check(many(2048).as_bytes(), "200 stay");
    bench.check(many(2049).as_bytes(), "400 close");
    let trailers =
        |count: usize| chunked("/echo", &format!("0\r\n{}\r\n", "x: y\r\n".repeat(count)));
    bench.check(trailers(128).as_bytes(), "200= stay");
    bench.check(trailers(129).as_bytes(), "431 close");
    bench.check(
        chunked("/echo", &format!("0\r\nx: {}", "y".repeat(33_000))).as_bytes(),
        "431 close",
    );
}

const SIZES: &[Row] = &[
    ("9112 §7.1", "5\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1", "0\r\n\r\n", "200= stay"),
    ("9112 §7.1", "0000\r\n\r\n", "200= stay"),
    ("9112 §7.1", "0000000000000000\r\n\r\n", "200= stay"),
    ("9112 §7.1", "0000000000000005\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1", "a\r\n0123456789\r\n0\r\n\r\n", "200=0123456789 stay"),
    ("9112 §7.1", "A\r\n0123456789\r\n0\r\n\r\n", "200=0123456789 stay"),
    ("9112 §7.1", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "200=abc stay"),
    ("9112 §7.1", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "200=0\r\n\r\n stay"),
    ("9112 §7.1", "\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "\r\n\r\n", "400 close"),
    ("9112 §7.1", ";\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", " 5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "\t5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "+5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "-5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "-1\r\n\r\n", "400 close"),
    ("9112 §7.1", "0x5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "0X5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5h\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "g\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "1_0\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5.0\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5,5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "\"5\"\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "\0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\0\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "\u{b2}\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "hello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "10000000000000000\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "10000000000000005\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "00000000000000005\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "4\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "6\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §8", "5\r\nhel", "400 cut"),
    ("9112 §8", "5\r\nhello\r\n", "400 cut"),
    ("9112 §8", "5\r\nhello\r\n0\r\n", "400 cut"),
    ("9112 §8", "5\r\nhello\r\n0\r\n\r", "400 cut"),
    ("9112 §8", "5", "400 cut"),
    ("9112 §8", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "400 cut"),
];

const EXTENSIONS: &[Row] = &[
    ("9112 §7.1.1", "5;a\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1.1", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "200=hello stay"),
    ("9112 §7.1.1", "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1.1", "5 ; a = b\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1.1", "5\t;a\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1.1", "5;a=\u{e9}\r\nhello\r\n0\r\n\r\n", "200=hello stay"),
    ("9112 §7.1.1", "5 \r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5\t\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5 a\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5 5\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5;a\nb\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5;a\rb\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5;a\0\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5;\u{1}\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5;a\u{7f}\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1.1", "5;a=\"\r\nhello\r\n0\r\n\r\n\"", "200=hello 400 close"),
    // A line end in an extension hides a request from a reader that stops there.
    (
        "9112 §7.1.1",
        "2;\nxx\r\n33\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "400 close",
    ),
    (
        "9112 §7.1.1",
        "2;\rxx\r\n33\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "400 close",
    ),
    ("9112 §7.1.1", "0;\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
];

const LINE_ENDS: &[Row] = &[
    ("9112 §7.1", "5\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\rhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\r\nhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\n\rhello\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\r0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhelloXX0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\rX0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\n\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\r\n\r\n0\r\n\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\r\n0\n\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\r\n0\r\r\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\r\n0\r\n\n", "400 close"),
    ("9112 §7.1", "5\r\nhello\r\n0\r\n\r\r", "400 close"),
    ("9112 §7.1", "5\r\nhello\r\n0\r\n\rGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §7.1", "0\r\n\rX", "400 close"),
    ("9112 §7.1", "0\r\nXX", "400 cut"),
    ("9112 §7.1", "0\r\rXGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §7.1", "0\r\n\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    // An empty line too much behind the body is one before the next request.
    ("9112 §2.2", "5\r\nhello\r\n0\r\n\r\n\r\n", "200=hello stay"),
    ("9112 §7.1", "5\r\n\r\nabc\r\n0\r\n\r\n", "200=\r\nabc stay"),
    ("9112 §7.1", "23\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n\r\n0\r\n\r\n", "200 stay"),
];

const TRAILERS: &[Row] = &[
    ("9112 §7.1.2", "0\r\nx: y\r\n\r\n", "200= stay"),
    ("9112 §7.1.2", "0\r\nx:\r\nz: \t\r\n\r\n", "200= stay"),
    ("9110 §6.5.1", "0\r\ncontent-length: 50\r\n\r\n", "200= stay"),
    ("9110 §6.5.1", "0\r\ntransfer-encoding: chunked\r\n\r\n", "200= stay"),
    ("9110 §6.5.1", "0\r\nhost: b\r\n\r\n", "200= stay"),
    ("9110 §6.5.1", "0\r\nconnection: close\r\n\r\n", "200= stay"),
    ("9110 §6.5.1", "0\r\nexpect: 200-maybe\r\n\r\n", "200= stay"),
    ("9112 §7.1.2", "0\r\nx : y\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\n: y\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\n x: y\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx: y\r\n z\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx: y\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx: y\rz: a\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx: y\r\n\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx: y\r\n\rz", "400 close"),
    ("9112 §7.1.2", "0\r\nx: \0\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx\u{e9}: y\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx(y): z\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §7.1.2", "0\r\nx: y\r\nGET /smuggled HTTP/1.1\r\n\r\n", "400 close"),
];
