//! The four forms of a request target, and the bytes that each may have.

use super::{Bench, Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![ORIGIN, ABSOLUTE]
}

#[test]
fn the_origin_form_is_a_path_and_a_query() {
    // R07, R08, VA-221, VA-222, VA-224, VA-225, VA-227, CF-32, CF-33
    check(ORIGIN, |target| format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
}

#[test]
fn the_absolute_form_names_the_host_itself() {
    // R01, R07, VA-223, VA-228, VA-230, VA-231
    check(ABSOLUTE, |target| format!("GET {target} HTTP/1.1\r\nhost: field\r\n\r\n"));
}

#[test]
fn a_long_target_is_taken_and_a_longer_one_is_414() {
    // R09, VA-229
    let bench = Bench::new();
    let get = |len: usize| format!("GET /t/{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(len - 3));
    bench.check(get(8_000).as_bytes(), "200 stay");
    bench.check(get(16 * 1024).as_bytes(), "200 stay");
    bench.check(get(16 * 1024 + 1).as_bytes(), "414 close");
    // Endless, and refused before its end.
    bench.check(&get(20_000).as_bytes()[..18_000], "414 close");
    bench.check(format!("GET http://a/{}", "a".repeat(18_000)).as_bytes(), "414 close");
    bench.check(format!("GET /?{}", "a".repeat(18_000)).as_bytes(), "414 close");
}

#[test]
fn no_byte_beyond_the_grammar_is_in_a_target() {
    // R07, VA-224, VA-225, VA-227, RFC 9112 §3.2
    let bench = Bench::new();
    for byte in 0..=255_u8 {
        let is_path = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte);
        let is_raw = b"[]{}|^\\`\"<>%".contains(&byte);
        let end = |is_fine: bool| if is_fine { "200 stay" } else { "400 close" };
        for (target, is_fine) in [("/t/a~b", is_path), ("/t/a?a~b", is_path || is_raw)] {
            let line = format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes();
            let line: Vec<_> = line.iter().map(|&b| if b == b'~' { byte } else { b }).collect();
            bench.check_ends(&line, end(is_fine));
        }
    }
}

const ORIGIN: &[Row] = &[
    ("9112 §3.2.1", "/", "200=ok stay"),
    ("9112 §3.2.1", "/?", "200=ok stay"),
    ("9112 §3.2.1", "/?a=b&c", "200=ok stay"),
    ("9112 §3.2.1", "/??/?", "200=ok stay"),
    ("9112 §3.2.1", "/t/a", "200=/t/a stay"),
    ("9112 §3.2.1", "/t/%61%2f%2F", "200=/t/%61%2f%2F stay"),
    ("9112 §3.2.1", "/t/-._~!$&'()*+,;=:@", "200=/t/-._~!$&'()*+,;=:@ stay"),
    ("9112 §3.2.1", "/t/a//b", "200=/t/a//b stay"),
    ("9112 §3.2.1", "/t/../smuggled", "200=/t/../smuggled stay"),
    ("9112 §3.2.1", "/t/%2e%2e/smuggled", "200=/t/%2e%2e/smuggled stay"),
    ("9112 §3.2.1", "/t/%252e", "200=/t/%252e stay"),
    ("9112 §3.2.1", "//smuggled", "404 stay"),
    ("9112 §3.2.1", "//a:80/smuggled", "404 stay"),
    ("9112 §3.2.1", "/%73muggled%2f", "404 stay"),
    ("9112 §3.2", "smuggled", "400 close"),
    ("9112 §3.2", "?a", "400 close"),
    ("9112 §3.2", "./", "400 close"),
    ("9112 §3.2", "../smuggled", "400 close"),
    ("9112 §3.2", "\\smuggled", "400 close"),
    ("9112 §3.2", "%2f", "400 close"),
    ("9112 §3.2", "a:80", "400 close"),
    ("9112 §3.2", "[::1]:80", "400 close"),
    ("9112 §3.2", "*", "400 close"),
    ("9112 §3.2", "/ a", "400 close"),
    ("9112 §3.2", "/a b", "400 close"),
    ("9112 §3.2", "/a#b", "400 close"),
    ("9112 §3.2", "/#", "400 close"),
    ("9112 §3.2", "/?a#b", "400 close"),
    ("9112 §3.2", "#", "400 close"),
    ("9112 §3.2", "/\u{7f}", "400 close"),
    ("9112 §3.2", "/\u{1}", "400 close"),
    ("9112 §3.2", "/\u{80}", "400 close"),
    ("9112 §3.2", "/\u{c3}\u{a9}", "400 close"),
    ("9112 §3.2", "/?\u{c3}\u{a9}", "400 close"),
    ("9112 §3.2", "/\\..\\smuggled", "400 close"),
    ("9112 §3.2", "/{a}", "400 close"),
    ("9112 §3.2", "/<a>", "400 close"),
    ("9112 §3.2", "/a\r/b", "400 close"),
    ("9112 §3.2", "/%", "400 close"),
    ("9112 §3.2", "/%4", "400 close"),
    ("9112 §3.2", "/%zz", "400 close"),
    ("9112 §3.2", "/%u0041", "400 close"),
    ("9112 §3.2", "/t/%00", "400 close"),
    ("9112 §3.2", "/t/%%41", "400 close"),
    ("9112 §3.2.1", "/?%zz", "200=ok stay"),
    ("9112 §3.2.1", "/?a[]={}|^\\`\"<>", "200=ok stay"),
];

const ABSOLUTE: &[Row] = &[
    ("9112 §3.2.2", "http://a/host", "200=a stay"),
    ("9112 §3.2.2", "HTTP://A.b:8080/host", "200=A.b:8080 stay"),
    ("9112 §3.2.2", "https://a/host?b", "200=a stay"),
    ("9112 §3.2.2", "http://[::1]:80/host", "200=[::1]:80 stay"),
    ("9112 §3.2.2", "http://1.2.3.4/host", "200=1.2.3.4 stay"),
    ("9112 §3.2.2", "http://a", "200=ok stay"),
    ("9112 §3.2.2", "http://a?b", "200=ok stay"),
    ("9112 §3.2.2", "http://a:/", "200=ok stay"),
    ("9112 §3.2.2", "http://a//smuggled", "404 stay"),
    ("9110 §4.2.1", "http://", "400 close"),
    ("9110 §4.2.1", "http:///", "400 close"),
    ("9110 §4.2.1", "http:///smuggled", "400 close"),
    ("9110 §4.2.1", "http://:80/", "400 close"),
    ("9110 §4.2.1", "http:/a", "400 close"),
    ("9110 §4.2.1", "http:a", "400 close"),
    ("9110 §4.2.1", "http:\\\\a\\", "400 close"),
    ("9110 §4.2.4", "http://u@a/", "400 close"),
    ("9110 §4.2.4", "http://u:p@a/", "400 close"),
    ("9110 §4.2.4", "http://@a/", "400 close"),
    ("9110 §4.2.4", "http://a\\@b/", "400 close"),
    ("9110 §4.2.1", "http://a:80:80/", "400 close"),
    ("9110 §4.2.1", "http://a:65536/", "400 close"),
    ("9110 §4.2.1", "http://a:+80/", "400 close"),
    ("9110 §4.2.1", "http://a:b/", "400 close"),
    ("9110 §4.2.1", "http://[::1/", "400 close"),
    ("9110 §4.2.1", "http://::1/", "400 close"),
    ("9110 §4.2.1", "http://[::1]a/", "400 close"),
    ("9110 §4.2.1", "http://256.1.1.1/", "400 close"),
    ("9110 §4.2.1", "http://0x7f.1/", "400 close"),
    ("9110 §4.2.1", "http://a..b/", "400 close"),
    ("9110 §4.2.1", "http://a,b/", "400 close"),
    ("9110 §4.2.1", "http://%61/", "400 close"),
    ("9110 §4.2.1", "http://a#b", "400 close"),
    ("9112 §3.2.2", "http://a/%zz", "400 close"),
    ("9112 §3.2.2", "http://a/{b}", "400 close"),
    ("9112 §3.2.2", "ftp://a/", "400 close"),
    ("9112 §3.2.2", "file:///etc/passwd", "400 close"),
    ("9112 §3.2.2", "ws://a/", "400 close"),
    ("9112 §3.2.2", "httpx://a/", "400 close"),
    ("9112 §3.2.2", "://a/", "400 close"),
    ("9112 §3.2.2", "javascript:a", "400 close"),
];
