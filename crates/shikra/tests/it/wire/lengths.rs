//! How long a body is: `Content-Length`, `Transfer-Encoding`, and both.

use super::{Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![REFUSED, LENGTHS, CODINGS]
}

#[test]
fn a_length_that_two_readers_could_take_differently_is_refused() {
    // R13, R14, R15, R21, VA-234, VA-235, HX-307
    for path in ["/", "/echo"] {
        check(REFUSED, |fields| {
            let hidden = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
            format!("POST {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\n{hidden}")
        });
    }
}

#[test]
fn a_length_is_one_number() {
    // R13, R20, R22
    check(LENGTHS, |text| format!("POST {text}"));
}

#[test]
fn a_coding_is_one_chunked() {
    // R14
    check(CODINGS, |fields| {
        let hidden = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        let len = hidden.len();
        let body = format!("{len:x}\r\n{hidden}\r\n0\r\n\r\n");
        format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n{body}")
    });
}

const REFUSED: &[Row] = &[
    // Content-Length that is no number.
    ("9110 §8.6", "content-length:", "400 close"),
    ("9110 §8.6", "content-length: \t", "400 close"),
    ("9110 §8.6", "content-length: +5", "400 close"),
    ("9110 §8.6", "content-length: -5", "400 close"),
    ("9110 §8.6", "content-length: -0", "400 close"),
    ("9110 §8.6", "content-length: 5.0", "400 close"),
    ("9110 §8.6", "content-length: 5e0", "400 close"),
    ("9110 §8.6", "content-length: 0x5", "400 close"),
    ("9110 §8.6", "content-length: 5h", "400 close"),
    ("9110 §8.6", "content-length: 5_0", "400 close"),
    ("9110 §8.6", "content-length: a", "400 close"),
    ("9110 §8.6", "content-length: \"5\"", "400 close"),
    ("9110 §8.6", "content-length: 5 5", "400 close"),
    ("9110 §8.6", "content-length: 5\t5", "400 close"),
    ("9110 §8.6", "content-length: 5;", "400 close"),
    ("9110 §8.6", "content-length: 5\u{a0}", "400 close"),
    ("9110 §8.6", "content-length: \u{b2}", "400 close"),
    ("9110 §8.6", "content-length: 5\0", "400 close"),
    ("9110 §8.6", "content-length: \u{b}5", "400 close"),
    ("9110 §8.6", "content-length: 5\u{c}", "400 close"),
    ("9110 §8.6", "content-length: 18446744073709551616", "400 close"),
    ("9110 §8.6", "content-length: 18446744073709551621", "400 close"),
    ("9110 §8.6", "content-length: 99999999999999999999999999999999", "400 close"),
    // Content-Length that is several numbers.
    ("9110 §8.6", "content-length: 5, 6", "400 close"),
    ("9110 §8.6", "content-length: 5,", "400 close"),
    ("9110 §8.6", "content-length: ,5", "400 close"),
    ("9110 §8.6", "content-length: 5,,5", "400 close"),
    ("9110 §8.6", "content-length: 5, a", "400 close"),
    ("9110 §8.6", "content-length: 5\r\ncontent-length: 6", "400 close"),
    ("9110 §8.6", "content-length: 0\r\nx: y\r\nContent-Length: 44", "400 close"),
    ("9110 §8.6", "content-length: 5\r\ncontent-length:", "400 close"),
    ("9110 §8.6", "content-length: 5\r\ncontent-length: +5", "400 close"),
    // Content-Length that is hidden from a lenient reader.
    ("9112 §5.1", "content-length : 5", "400 close"),
    ("9112 §5.2", " content-length: 5", "400 close"),
    ("9112 §5.1", "content-length\0: 5", "400 close"),
    ("9112 §5", "content-length 5", "400 close"),
    ("9112 §2.2", "x: y\ncontent-length: 5", "400 close"),
    ("9112 §2.2", "x: y\rcontent-length: 5", "400 close"),
    // Both: CL.TE, TE.CL.
    ("9112 §6.1", "content-length: 5\r\ntransfer-encoding: chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\r\ncontent-length: 5", "400 close"),
    ("9112 §6.1", "content-length: 0\r\ntransfer-encoding: chunked", "400 close"),
    ("9112 §6.1", "content-length: 5\r\ntransfer-encoding: identity", "400 close"),
    ("9112 §6.1", "content-length: 5\r\ntransfer-encoding:", "400 close"),
    ("9112 §6.1", "content-length: 5\r\ntransfer-encoding: x", "400 close"),
    ("9112 §6.1", "content-length: a\r\ntransfer-encoding: chunked", "400 close"),
    ("9112 §6.1", "Content-LENGTH: 5\r\nTransfer-ENCODING: CHUNKED", "400 close"),
    // TE.TE: a coding that one reader sees and another does not.
    ("9112 §6.1", "transfer-encoding:", "400 close"),
    ("9112 §6.1", "transfer-encoding: ,", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked,", "400 close"),
    ("9112 §6.1", "transfer-encoding: ,chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked, chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\r\ntransfer-encoding: chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\r\ntransfer-encoding: identity", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\r\ntransfer-encoding:", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked, identity", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked, gzip", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked;q=1", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked;", "400 close"),
    ("9112 §6.1", "transfer-encoding: \"chunked\"", "400 close"),
    ("9112 §6.3", "transfer-encoding: 'chunked'", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked x", "400 close"),
    ("9112 §6.1", "transfer-encoding: x chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: \u{b}chunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\u{c}", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\0", "400 close"),
    ("9112 §6.1", "transfer-encoding: chunked\u{a0}", "400 close"),
    ("9112 §6.1", "transfer-encoding: c\u{ff}hunked", "400 close"),
    ("9112 §6.1", "transfer-encoding: (chunked)", "400 close"),
    ("9112 §6.3", "transfer-encoding: identity", "400 close"),
    ("9112 §6.3", "transfer-encoding: gzip", "400 close"),
    ("9112 §6.1", "transfer-encoding: gzip, chunked", "501 close"),
    ("9112 §6.1", "transfer-encoding: identity, chunked", "501 close"),
    ("9112 §6.1", "transfer-encoding: identity\r\ntransfer-encoding: chunked", "501 close"),
    ("9112 §6.3", "transfer-encoding: xchunked", "400 close"),
    ("9112 §6.3", "transfer-encoding: chunkedx", "400 close"),
    ("9112 §6.3", "transfer-encoding: chunke", "400 close"),
    ("9112 §6.3", "transfer-encoding: chunked-x", "400 close"),
    ("9112 §6.3", "transfer-encoding: cow", "400 close"),
    ("9112 §5.1", "transfer-encoding : chunked", "400 close"),
    ("9112 §5.1", "transfer-encoding\t: chunked", "400 close"),
    ("9112 §5.1", "transfer-encoding\u{b}: chunked", "400 close"),
    ("9112 §5.1", "transfer-encoding\0: chunked", "400 close"),
    ("9112 §5.2", " transfer-encoding: chunked", "400 close"),
    ("9112 §5.2", "x: y\r\n transfer-encoding: chunked", "400 close"),
    ("9112 §5.2", "transfer-encoding\r\n : chunked", "400 close"),
    ("9112 §5.2", "transfer-encoding: x\r\n chunked", "400 close"),
    ("9112 §5", "transfer-encoding chunked", "400 close"),
    ("9112 §5", "transfer-encoding= chunked", "400 close"),
    ("9112 §2.2", "x: y\ntransfer-encoding: chunked", "400 close"),
    ("9112 §2.2", "x: y\rtransfer-encoding: chunked", "400 close"),
    ("9112 §2.2", "transfer-encoding: chunked\r", "400 close"),
];

const LENGTHS: &[Row] = &[
    ("9112 §6.3", "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello", "200=hello stay"),
    ("9112 §6.3", "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", "200= stay"),
    (
        "9112 §6.3",
        "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 00005\r\n\r\nhello",
        "200=hello stay",
    ),
    (
        "9110 §8.6",
        "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5, 5\r\n\r\nhello",
        "200=hello stay",
    ),
    (
        "9110 §8.6",
        "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 05\r\n\r\nhello",
        "200=hello stay",
    ),
    ("9112 §6.3", "/echo HTTP/1.1\r\nhost: a\r\n\r\n", "200= stay"),
    ("9112 §6.3", "/ HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello", "200=ok stay"),
    // CL.0: what nobody reads is no request either.
    (
        "9112 §9.3",
        "/ HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: abcdef\r\n\r\n",
        "200=ok stay",
    ),
    (
        "9112 §9.3",
        "/nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "404 stay",
    ),
    (
        "9112 §9.3",
        "/only HTTP/1.1\r\nhost: a\r\ncontent-length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "405 stay",
    ),
    (
        "9112 §9.3",
        "/refuse HTTP/1.1\r\nhost: a\r\ncontent-length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "403=no stay",
    ),
    (
        "9112 §9.3",
        "/none HTTP/1.1\r\nhost: a\r\ncontent-length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "204 stay",
    ),
    (
        "9112 §9.3",
        "/panic HTTP/1.1\r\nhost: a\r\ncontent-length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "500 stay",
    ),
    ("9112 §9.3", "/late HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc", "200=abc stay"),
    ("9112 §8", "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nhello", "400 cut"),
    ("9112 §8", "/ HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nhello", "200=ok cut"),
    // Far more than will ever come: answered, and then nothing more.
    (
        "9112 §9.3",
        "/ HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551615\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        "200=ok close",
    ),
    (
        "9110 §15.5.14",
        "/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551615\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        "413 close",
    ),
    // RFC 9112 §9.2: a body in HTTP/1.0 has a length like any other.
    ("9112 §6.3", "/echo HTTP/1.0\r\ncontent-length: 5\r\n\r\nhello", "200=hello close"),
    ("9112 §6.1", "/echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "400 close"),
    ("9112 §6.1", "/echo HTTP/1.0\r\ntransfer-encoding: identity\r\n\r\n", "400 close"),
    (
        "9112 §6.1",
        "/echo HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "400 close",
    ),
];

const CODINGS: &[Row] = &[
    ("9112 §7.1", "transfer-encoding: chunked", "200=ok stay"),
    ("9112 §7.1", "Transfer-Encoding:chunked", "200=ok stay"),
    ("9112 §7.1", "TRANSFER-ENCODING: Chunked", "200=ok stay"),
    ("9112 §7.1", "transfer-encoding: CHUNKED", "200=ok stay"),
    ("9112 §7.1", "transfer-encoding:\t chunked \t", "200=ok stay"),
    ("9110 §10.1.4", "te: chunked\r\ntransfer-encoding: chunked", "200=ok stay"),
    ("9112 §7.1", "transfer-encoding: chunked\r\ntrailer: content-length", "200=ok stay"),
    ("9112 §6.1", "x-transfer-encoding: gzip\r\ntransfer-encoding: chunked", "200=ok stay"),
    ("9112 §6.1", "content_length: 5\r\ntransfer-encoding: chunked", "200=ok stay"),
    ("9110 §8.4", "content-encoding: chunked\r\ntransfer-encoding: chunked", "200=ok stay"),
];
