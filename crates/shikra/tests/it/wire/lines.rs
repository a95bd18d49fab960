//! The request line: its three words, methods, versions, and what comes before it.

use super::{Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![WORDS, METHODS, VERSIONS, LINE_ENDS]
}

#[test]
fn a_request_line_is_three_words() {
    // R05, VA-221, VA-235, HX-307
    check(WORDS, |line| format!("{line}\r\nhost: a\r\n\r\n"));
}

#[test]
fn methods_are_tokens_and_letter_case_counts() {
    // R06, CF-74
    check(METHODS, |words| format!("{words} HTTP/1.1\r\nhost: a\r\n\r\n"));
}

#[test]
fn there_is_one_version_and_its_older_sister() {
    // R05, R21, HX-307
    check(VERSIONS, |version| format!("GET / {version}\r\nhost: a\r\n\r\n"));
}

#[test]
fn lines_end_with_both_bytes() {
    // R03, R11, VA-234
    check(LINE_ENDS, str::to_owned);
}

#[test]
fn the_longest_method_has_32_bytes() {
    // R06, RFC 9112 §3
    let bench = super::Bench::new();
    let request = |len: usize| format!("{} /only HTTP/1.1\r\nhost: a\r\n\r\n", "M".repeat(len));
    bench.check(request(32).as_bytes(), "405 stay");
    bench.check(request(33).as_bytes(), "501 close");
}

const WORDS: &[Row] = &[
    ("9112 §3", "GET / HTTP/1.1", "200=ok stay"),
    ("9112 §3", "GET  / HTTP/1.1", "400 close"),
    ("9112 §3", "GET /  HTTP/1.1", "400 close"),
    ("9112 §3", "GET / HTTP/1.1 ", "400 close"),
    ("9112 §3", "GET / HTTP/1.1\t", "400 close"),
    ("9112 §3", " GET / HTTP/1.1", "400 close"),
    ("9112 §3", "\tGET / HTTP/1.1", "400 close"),
    ("9112 §3", "GET\t/ HTTP/1.1", "400 close"),
    ("9112 §3", "GET /\tHTTP/1.1", "400 close"),
    ("9112 §3", "GET\u{b}/ HTTP/1.1", "400 close"),
    ("9112 §3", "GET /\u{b}HTTP/1.1", "400 close"),
    ("9112 §3", "GET\u{c}/ HTTP/1.1", "400 close"),
    ("9112 §3", "GET\u{a0}/ HTTP/1.1", "400 close"),
    ("9112 §3", "GET / x HTTP/1.1", "400 close"),
    ("9112 §3", "GET / HTTP/1.1 x", "400 close"),
    ("9112 §3", "GET HTTP/1.1", "400 close"),
    ("9112 §3", "GET", "400 close"),
    ("9112 §3", "GET ", "400 close"),
    ("9112 §3", "GET /", "400 close"),
    ("9112 §3", "GET / ", "400 close"),
    ("9112 §3", "", "400 close"),
    ("9112 §3", "/ HTTP/1.1", "400 close"),
    ("9112 §3", "GET/ HTTP/1.1", "400 close"),
    ("9112 §3", "host: a", "400 close"),
    ("9112 §3", "GET / HTTP/1.1\0", "400 close"),
    ("9112 §3", "GET /\0 HTTP/1.1", "400 close"),
    ("9112 §3", "GET\0 / HTTP/1.1", "400 close"),
    ("9112 §3", "\0GET / HTTP/1.1", "400 close"),
    ("9112 §2.2", "\u{ef}\u{bb}\u{bf}GET / HTTP/1.1", "400 close"),
    ("9112 §3", "HTTP/1.1 200 OK", "400 close"),
    // What belongs to other protocols: TLS, HTTP/2, SOCKS, SSH, the PROXY protocol, RTSP, SIP.
    ("9112 §3", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}", "400 close"),
    ("9112 §3", "PRI * HTTP/2.0\r\n\r\nSM\r\n", "400 close"),
    ("9112 §3", "\u{5}\u{1}\0", "400 close"),
    ("9112 §3", "SSH-2.0-OpenSSH_9.9", "400 close"),
    ("9112 §3", "PROXY TCP4 192.0.2.1 192.0.2.2 1 80", "400 close"),
    ("9112 §2.3", "OPTIONS / RTSP/1.0", "400 close"),
    ("9112 §2.3", "OPTIONS / SIP/2.0", "400 close"),
];

const METHODS: &[Row] = &[
    ("9110 §9.3.1", "GET /only", "200=only stay"),
    ("9110 §9.3.2", "HEAD /only", "200- stay"),
    ("9110 §9.3.7", "OPTIONS /only", "204 stay"),
    ("9110 §15.5.6", "POST /only", "405 stay"),
    ("9110 §15.5.6", "PUT /only", "405 stay"),
    ("9110 §15.5.6", "DELETE /only", "405 stay"),
    ("9110 §15.5.6", "PATCH /only", "405 stay"),
    ("9110 §9.3.8", "TRACE /only", "405 stay"),
    ("9110 §9.1", "get /only", "405 stay"),
    ("9110 §9.1", "Get /only", "405 stay"),
    ("9110 §9.1", "GETS /only", "405 stay"),
    ("9110 §9.1", "GE /only", "405 stay"),
    ("9110 §9.1", "PROPFIND /only", "405 stay"),
    ("9110 §9.1", "M-SEARCH /only", "405 stay"),
    ("9110 §5.6.2", "!#$%&'*+-.^_`|~ /only", "405 stay"),
    ("9110 §5.6.2", "7 /only", "405 stay"),
    ("9110 §9.3.1", "GET /nowhere", "404 stay"),
    ("9110 §9.3.2", "HEAD /nowhere", "404- stay"),
    ("9110 §5.6.2", "G(T /only", "400 close"),
    ("9110 §5.6.2", "GET,POST /only", "400 close"),
    ("9110 §5.6.2", "\"GET\" /only", "400 close"),
    ("9110 §5.6.2", "GET: /only", "400 close"),
    ("9110 §5.6.2", "G/T /only", "400 close"),
    ("9110 §5.6.2", "G=T /only", "400 close"),
    ("9110 §5.6.2", "G\u{7f}T /only", "400 close"),
    ("9110 §5.6.2", "G\u{e9}T /only", "400 close"),
    ("9110 §5.6.2", "{GET} /only", "400 close"),
    ("9110 §9.3.6", "CONNECT a:1", "405 close"),
    ("9112 §3.2.3", "CONNECT [::1]:443", "405 close"),
    ("9112 §3.2.3", "CONNECT a", "400 close"),
    ("9112 §3.2.3", "CONNECT a:", "400 close"),
    ("9112 §3.2.3", "CONNECT :1", "400 close"),
    ("9112 §3.2.3", "CONNECT u@a:1", "400 close"),
    ("9112 §3.2.3", "CONNECT a:65536", "400 close"),
    ("9112 §3.2.3", "CONNECT /", "400 close"),
    ("9112 §3.2.3", "CONNECT *", "400 close"),
    ("9112 §3.2.3", "CONNECT http://a:1/", "400 close"),
    ("9112 §3.2.4", "OPTIONS *", "204 stay"),
    ("9112 §3.2.4", "GET *", "400 close"),
    ("9112 §3.2.4", "HEAD *", "400- close"),
    ("9112 §3.2.4", "options *", "400 close"),
    ("9112 §3.2.4", "OPTIONS *?a", "400 close"),
    ("9112 §3.2.4", "OPTIONS **", "400 close"),
    ("9112 §3.2.4", "OPTIONS */", "400 close"),
];

const VERSIONS: &[Row] = &[
    ("9112 §9.3", "HTTP/1.0", "200=ok close"),
    // RFC 9110 §2.5: a higher minor version is read as the highest that is known.
    ("9110 §2.5", "HTTP/1.2", "200=ok stay"),
    ("9110 §2.5", "HTTP/1.9", "200=ok stay"),
    ("9110 §15.6.6", "HTTP/2.0", "505 close"),
    ("9110 §15.6.6", "HTTP/3.0", "505 close"),
    ("9110 §15.6.6", "HTTP/9.9", "505 close"),
    ("9110 §15.6.6", "HTTP/0.9", "505 close"),
    ("9110 §15.6.6", "HTTP/0.0", "505 close"),
    ("9112 §2.3", "HTTP/2", "400 close"),
    ("9112 §2.3", "HTTP/1", "400 close"),
    ("9112 §2.3", "HTTP/1.", "400 close"),
    ("9112 §2.3", "HTTP/.1", "400 close"),
    ("9112 §2.3", "HTTP/", "400 close"),
    ("9112 §2.3", "HTTP", "400 close"),
    ("9112 §2.3", "HTTP/1.10", "400 close"),
    ("9112 §2.3", "HTTP/1.01", "400 close"),
    ("9112 §2.3", "HTTP/01.1", "400 close"),
    ("9112 §2.3", "HTTP/10.1", "400 close"),
    ("9112 §2.3", "HTTP/1.1.1", "400 close"),
    ("9112 §2.3", "HTTP/1,1", "400 close"),
    ("9112 §2.3", "HTTP/1:1", "400 close"),
    ("9112 §2.3", "HTTP/1.x", "400 close"),
    ("9112 §2.3", "HTTP/x.1", "400 close"),
    ("9112 §2.3", "HTTP/+1.1", "400 close"),
    ("9112 §2.3", "HTTP/-1.1", "400 close"),
    ("9112 §2.3", "HTTP/1 .1", "400 close"),
    ("9112 §2.3", "HTTP/1. 1", "400 close"),
    ("9112 §2.3", "HTTP /1.1", "400 close"),
    ("9112 §2.3", "HTTP 1.1", "400 close"),
    ("9112 §2.3", "http/1.1", "400 close"),
    ("9112 §2.3", "Http/1.1", "400 close"),
    ("9112 §2.3", "HTTPS/1.1", "400 close"),
    ("9112 §2.3", "HTP/1.1", "400 close"),
    ("9112 §2.3", "XHTTP/1.1", "400 close"),
    ("9112 §2.3", "ICE/1.1", "400 close"),
    ("9112 §2.3", "\"HTTP/1.1\"", "400 close"),
    ("9112 §2.3", "HTTP/1.\u{b9}", "400 close"),
];

const LINE_ENDS: &[Row] = &[
    ("9112 §2.2", "\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "200=ok stay"),
    ("9112 §2.2", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "200=ok stay"),
    ("9112 §2.2", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "\rGET / HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "\r\n\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "\r\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "\r\n GET / HTTP/1.1\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\rhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\r\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\n\rhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\r\nhost: a\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\r\nhost: a\r\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\r\nhost: a\r\n\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\r\nhost: a\r\n\rGET /smuggled HTTP/1.1", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\nhost: a\n\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\rhost: a\r\r", "400 close"),
    ("9112 §2.2", "GET /\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET /\n", "400 close"),
    ("9112 §2.2", "GET\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\r\n", "cut"),
    ("9112 §8", "GET / HTTP/1.1\r\nhost: a\r\n", "cut"),
    ("9112 §8", "GET / HTTP/1.1\r\nhost: a\r\n\r", "cut"),
    ("9112 §8", "G", "cut"),
    ("9112 §8", "\r\n\r\n", "cut"),
];
