//! Field lines, `Host`, and the limits of a head.

use super::{Bench, Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![FIELDS, FOLDS, HOSTS, HOST_LINES]
}

#[test]
fn field_lines_are_a_token_a_colon_and_a_value() {
    // R02, R03, VA-234, VA-235, HX-307
    check(FIELDS, |line| format!("GET / HTTP/1.1\r\nhost: a\r\n{line}\r\n\r\n"));
}

#[test]
fn a_head_is_refused_for_head_requests_too_and_without_a_body() {
    // R26, RFC 9110 §9.3.2: an answer to HEAD has no content, whatever it says.
    let bench = Bench::new();
    for (_, line, outcome) in FIELDS.iter().chain(FOLDS) {
        let outcome = outcome.replace("200=ok", "200-").replace("400", "400-");
        let bytes = format!("HEAD / HTTP/1.1\r\nhost: a\r\n{line}\r\n\r\n");
        bench.check_cuts(&super::latin1(&bytes), &outcome, &[]);
    }
}

#[test]
fn no_line_is_folded() {
    // R04, VA-234
    check(FOLDS, |lines| format!("GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n"));
}

#[test]
fn a_host_is_a_name_or_an_address_and_a_port() {
    // R01, VA-232, CF-43
    check(HOSTS, |host| format!("GET /host HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    // VA-230: the field is checked even where the target names the host.
    let bench = Bench::new();
    for (_, host, outcome) in HOSTS.iter().filter(|(_, _, outcome)| *outcome == "400 close") {
        let bytes = format!("GET http://b/host HTTP/1.1\r\nhost: {host}\r\n\r\n");
        bench.check_cuts(&super::latin1(&bytes), outcome, &[]);
    }
}

#[test]
fn a_request_has_one_host() {
    // R01, VA-233, HX-307
    check(HOST_LINES, str::to_owned);
}

#[test]
fn any_byte_in_a_name_or_a_value_is_as_the_grammar_says() {
    // R02, R03, RFC 9110 §5.1, §5.5, §5.6.2
    let bench = Bench::new();
    for byte in 0..=255_u8 {
        let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        // A colon ends the name, and what follows it is the value.
        let in_name = is_token || byte == b':';
        let in_value = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        for (line, is_fine) in [("x@y: z", in_name), ("x: y@z", in_value)] {
            let text = format!("GET / HTTP/1.1\r\nhost: a\r\n{line}\r\n\r\n");
            let bytes: Vec<_> = text.bytes().map(|b| if b == b'@' { byte } else { b }).collect();
            bench.check_ends(&bytes, if is_fine { "200=ok stay" } else { "400 close" });
        }
    }
}

#[test]
fn heads_at_their_limits_pass_and_larger_ones_are_431() {
    // R09: 32 KiB and 128 fields, refused before the end of endless ones.
    let bench = Bench::new();
    let fields =
        |count: usize| format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(count - 1));
    bench.check(fields(128).as_bytes(), "200=ok stay");
    bench.check(fields(129).as_bytes(), "431 close");
    let long = |len: usize| {
        let start = "GET / HTTP/1.1\r\nhost: a\r\nx: ";
        format!("{start}{}\r\n\r\n", "y".repeat(len - start.len() - 4))
    };
    bench.check(long(32 * 1024).as_bytes(), "200=ok stay");
    bench.check(long(32 * 1024 + 1).as_bytes(), "431 close");
    bench.check(&long(40_000).as_bytes()[..33_000], "431 close");
    let name = format!("GET / HTTP/1.1\r\nhost: a\r\n{}", "n".repeat(33_000));
    bench.check(name.as_bytes(), "431 close");
}

const FIELDS: &[Row] = &[
    ("9112 §5.1", "x: y", "200=ok stay"),
    ("9112 §5.1", "x:y", "200=ok stay"),
    ("9112 §5.1", "x:\t y \t", "200=ok stay"),
    ("9112 §5.1", "x:", "200=ok stay"),
    ("9112 §5.1", "x: \t ", "200=ok stay"),
    ("9112 §5.1", "x::", "200=ok stay"),
    ("9112 §5.1", "x: y: z", "200=ok stay"),
    ("9110 §5.6.2", "!#$%&'*+-.^_`|~09azAZ: y", "200=ok stay"),
    ("9110 §5.5", "x: \u{80}\u{ff}", "200=ok stay"),
    ("9110 §5.5", "x: a\tb", "200=ok stay"),
    ("9110 §5.5", "x: \"unclosed", "200=ok stay"),
    ("9110 §5.3", "x: a\r\nx: b", "200=ok stay"),
    ("9112 §5.1", "x : y", "400 close"),
    ("9112 §5.1", "x\t: y", "400 close"),
    ("9112 §5.1", "x\u{b}: y", "400 close"),
    ("9112 §5.1", "x\u{a0}: y", "400 close"),
    ("9112 §5", "x", "400 close"),
    ("9112 §5", "x y", "400 close"),
    ("9112 §5", "x=y", "400 close"),
    ("9112 §5", ": y", "400 close"),
    ("9112 §5", ":", "400 close"),
    ("9112 §5", ":method: GET", "400 close"),
    ("9110 §5.6.2", "x y: z", "400 close"),
    ("9110 §5.6.2", "x(y): z", "400 close"),
    ("9110 §5.6.2", "x/y: z", "400 close"),
    ("9110 §5.6.2", "x@y: z", "400 close"),
    ("9110 §5.6.2", "x,y: z", "400 close"),
    ("9110 §5.6.2", "x;y: z", "400 close"),
    ("9110 §5.6.2", "[x]: z", "400 close"),
    ("9110 §5.6.2", "{x}: z", "400 close"),
    ("9110 §5.6.2", "\"x\": z", "400 close"),
    ("9110 §5.6.2", "x\\: z", "400 close"),
    ("9110 §5.6.2", "x\u{e9}: z", "400 close"),
    ("9110 §5.6.2", "x\0: z", "400 close"),
    ("9110 §5.6.2", "x\u{1}: z", "400 close"),
    ("9110 §5.6.2", "x\u{7f}: z", "400 close"),
    ("9110 §5.6.2", "\u{ff}: z", "400 close"),
    ("9110 §5.5", "x: \0", "400 close"),
    ("9110 §5.5", "x: a\0b", "400 close"),
    ("9110 §5.5", "x: \u{1}", "400 close"),
    ("9110 §5.5", "x: \u{8}", "400 close"),
    ("9110 §5.5", "x: \u{b}", "400 close"),
    ("9110 §5.5", "x: \u{c}y", "400 close"),
    ("9110 §5.5", "x: \u{1b}[2J", "400 close"),
    ("9110 §5.5", "x: \u{7f}", "400 close"),
    ("9110 §5.5", "x: a\rb", "400 close"),
    ("9112 §2.2", "x: a\r", "400 close"),
    ("9112 §2.2", "x: a\nb: c", "400 close"),
    ("9112 §2.2", "x: a\n", "400 close"),
    ("9112 §2.2", "x\r: y", "400 close"),
    ("9112 §2.2", "x\n: y", "400 close"),
    ("9112 §2.2", "x\r\n: y", "400 close"),
    ("9112 §2.2", "x:\r\r\ny: z", "400 close"),
    ("9112 §2.2", "\rx: y", "400 close"),
    ("9112 §2.2", "\nx: y", "400 close"),
    ("9112 §2.2", "x: y\n\nGET /smuggled HTTP/1.1\r\nhost: a", "400 close"),
    ("9112 §2.2", "x: y\r\rGET /smuggled HTTP/1.1\r\nhost: a", "400 close"),
    ("9112 §2.2", "x: y\n\r\nGET /smuggled HTTP/1.1\r\nhost: a", "400 close"),
    ("9112 §2.2", "x: y\r\n\nGET /smuggled HTTP/1.1\r\nhost: a", "400 close"),
];

const FOLDS: &[Row] = &[
    ("9112 §5.2", "x: a\r\n b", "400 close"),
    ("9112 §5.2", "x: a\r\n\tb", "400 close"),
    ("9112 §5.2", "x:\r\n a", "400 close"),
    ("9112 §5.2", "x: a\r\n ", "400 close"),
    ("9112 §5.2", "x: a\r\n \r\n b", "400 close"),
    ("9112 §5.2", "x: a\r\n transfer-encoding: chunked", "400 close"),
    ("9112 §5.2", "x: a\r\n\tcontent-length: 5", "400 close"),
    ("9112 §5.2", "transfer-encoding:\r\n chunked", "400 close"),
    ("9112 §5.2", "transfer-encoding: chun\r\n ked", "400 close"),
    ("9112 §5.2", "content-length: 1\r\n 0", "400 close"),
    ("9112 §5.2", "x: a\r\n\u{b}b: c", "400 close"),
    ("9112 §2.2", " ", "400 close"),
    ("9112 §2.2", " x: y", "400 close"),
    ("9112 §2.2", "\tx: y", "400 close"),
    ("9112 §2.2", " \r\nx: y", "400 close"),
];

const HOSTS: &[Row] = &[
    ("9110 §7.2", "a", "200=a stay"),
    ("9110 §7.2", "A.Example", "200=A.Example stay"),
    ("9110 §7.2", "a.b.", "200=a.b. stay"),
    ("9110 §7.2", "a:8080", "200=a:8080 stay"),
    ("9110 §7.2", "a:", "200=a: stay"),
    ("9110 §7.2", "a:0", "200=a:0 stay"),
    ("9110 §7.2", "a:65535 \t", "200=a:65535 stay"),
    ("9110 §7.2", "a_b.c-d", "200=a_b.c-d stay"),
    ("9110 §7.2", "1.2.3.4:5", "200=1.2.3.4:5 stay"),
    ("9110 §7.2", "[::1]", "200=[::1] stay"),
    ("9110 §7.2", "[2001:db8::1]:443", "200=[2001:db8::1]:443 stay"),
    ("9110 §7.2", "[::ffff:1.2.3.4]", "200=[::ffff:1.2.3.4] stay"),
    ("9112 §3.2", "a b", "400 close"),
    ("9112 §3.2", "a\tb", "400 close"),
    ("9112 §3.2", "a, b", "400 close"),
    ("9112 §3.2", "a,a", "400 close"),
    ("9112 §3.2", "a;b", "400 close"),
    ("9112 §3.2", "http://a", "400 close"),
    ("9112 §3.2", "//a", "400 close"),
    ("9112 §3.2", "a/", "400 close"),
    ("9112 §3.2", "a/b", "400 close"),
    ("9112 §3.2", "a?b", "400 close"),
    ("9112 §3.2", "a#b", "400 close"),
    ("9112 §3.2", "a\\b", "400 close"),
    ("9112 §3.2", "u@a", "400 close"),
    ("9112 §3.2", "u:p@a", "400 close"),
    ("9112 §3.2", "a@", "400 close"),
    ("9112 §3.2", "a..b", "400 close"),
    ("9112 §3.2", ".a", "400 close"),
    ("9112 §3.2", ".", "400 close"),
    ("9112 §3.2", "a%00", "400 close"),
    ("9112 §3.2", "%61", "400 close"),
    ("9112 §3.2", "a\u{e9}", "400 close"),
    ("9112 §3.2", "<a>", "400 close"),
    ("9112 §3.2", "a'b", "400 close"),
    ("9112 §3.2", "\"a\"", "400 close"),
    ("9112 §3.2", "a:b", "400 close"),
    ("9112 §3.2", "a:+80", "400 close"),
    ("9112 §3.2", "a:-1", "400 close"),
    ("9112 §3.2", "a: 80", "400 close"),
    ("9112 §3.2", "a:65536", "400 close"),
    ("9112 §3.2", "a:000080", "400 close"),
    ("9112 §3.2", "a:80:80", "400 close"),
    ("9112 §3.2", "a::80", "400 close"),
    ("9112 §3.2", ":80", "400 close"),
    ("9112 §3.2", ":", "400 close"),
    ("9112 §3.2", "::1", "400 close"),
    ("9112 §3.2", "[::1", "400 close"),
    ("9112 §3.2", "::1]", "400 close"),
    ("9112 §3.2", "[]", "400 close"),
    ("9112 §3.2", "[::1]b", "400 close"),
    ("9112 §3.2", "[::1]:b", "400 close"),
    ("9112 §3.2", "[::g]", "400 close"),
    ("9112 §3.2", "[1.2.3.4]", "400 close"),
    ("9112 §3.2", "[::1%eth0]", "400 close"),
    ("9112 §3.2", "[v1.a]", "400 close"),
    ("9112 §3.2", "1.2.3", "400 close"),
    ("9112 §3.2", "1.2.3.4.5", "400 close"),
    ("9112 §3.2", "256.1.1.1", "400 close"),
    ("9112 §3.2", "01.2.3.4", "400 close"),
    ("9112 §3.2", "2130706433", "400 close"),
    ("9112 §3.2", "a.1", "400 close"),
];

const HOST_LINES: &[Row] = &[
    ("9112 §3.2", "GET /host HTTP/1.1\r\nHoSt:a\r\n\r\n", "200=a stay"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nhost:\r\n\r\n", "200=ok stay"),
    ("9112 §3.2", "GET / HTTP/1.1\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET http://a/ HTTP/1.1\r\n\r\n", "400 close"),
    ("9112 §3.2", "OPTIONS * HTTP/1.1\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nx-host: a\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\nHOST: b\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nhost:\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET http://a/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nhost : a\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\n host: a\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\nhost\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.0\r\n\r\n", "200=ok close"),
    ("9112 §3.2", "GET / HTTP/1.0\r\nhost: a b\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", "400 close"),
    ("9112 §3.2", "GET / HTTP/1.2\r\n\r\n", "400 close"),
];
