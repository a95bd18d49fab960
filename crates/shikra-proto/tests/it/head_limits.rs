//! Limits of a head: at each limit, and one past it. R09.

use shikra_proto::http1::{HeadDecoder, HeadError, HeadLimits, RequestHead};

use crate::support::{Outcome, assert_refused, decode, decode_with, head};

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}

// VA-229: a target too long is 414, a head too large 431.
#[test]
fn limits_the_target() {
    let target = |len: usize| format!("/{}", "a".repeat(len - 1));
    assert_eq!(head(&get(&target(16 * 1024))).path().len(), 16 * 1024);
    assert_refused(&get(&target(16 * 1024 + 1)), HeadError::TargetTooLong);
    assert_eq!(HeadError::TargetTooLong.status(), 414);
    let query = |len: usize| format!("/?{}", "a".repeat(len - 2));
    assert_eq!(head(&get(&query(16 * 1024))).target().len(), 16 * 1024);
    assert_refused(&get(&query(16 * 1024 + 1)), HeadError::TargetTooLong);
    let absolute = |len: usize| format!("http://a/{}", "a".repeat(len - 9));
    assert_eq!(head(&get(&absolute(16 * 1024))).target().len(), 16 * 1024);
    assert_refused(&get(&absolute(16 * 1024 + 1)), HeadError::TargetTooLong);
}

#[test]
fn refuses_endless_targets_before_they_end() {
    let endless = [b"GET /".as_slice(), &[b'a'; 20_000]].concat();
    assert_refused(&endless, HeadError::TargetTooLong);
    assert!(matches!(decode(&endless[..16_000]), Outcome::Partial));
    let relative = [b"GET ".as_slice(), &[b'a'; 20_000]].concat();
    assert_refused(&relative, HeadError::TargetTooLong);
}

#[test]
fn limits_the_whole_head() {
    let with_value = |len: usize| {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(len - frame)).into_bytes()
    };
    assert_eq!(head(&with_value(32 * 1024)).fields_len(), 2);
    assert_refused(&with_value(32 * 1024 + 1), HeadError::HeadTooLarge);
    assert_eq!(HeadError::HeadTooLarge.status(), 431);
    let endless = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ".as_slice(), &[b'v'; 40_000]].concat();
    assert_refused(&endless, HeadError::HeadTooLarge);
    let endless_name = [b"GET / HTTP/1.1\r\nHost: a\r\n".as_slice(), &[b'n'; 40_000]].concat();
    assert_refused(&endless_name, HeadError::HeadTooLarge);
}

#[test]
fn finds_the_first_error_even_in_a_line_that_never_ends() {
    let mut bytes = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ".as_slice(), &[b'v'; 40_000]].concat();
    bytes[1_000] = 0;
    assert_refused(&bytes, HeadError::FieldValue);
    bytes[1_000] = b'v';
    bytes[33_000] = 0;
    assert_refused(&bytes, HeadError::HeadTooLarge);
}

#[test]
fn limits_the_fields() {
    let with_fields = |count: usize| {
        let fields = "x: y\r\n".repeat(count - 1);
        format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
    };
    assert_eq!(head(&with_fields(128)).fields_len(), 128);
    assert_refused(&with_fields(129), HeadError::TooManyFields);
    assert_eq!(HeadError::TooManyFields.status(), 431);
}

// R57
#[test]
fn limits_query_pairs_and_cookies() {
    let query = |count: usize| format!("/?{}", vec!["a"; count].join("&"));
    assert!(head(&get(&query(1_000))).query().is_some());
    assert_refused(&get(&query(1_001)), HeadError::TooManyQueryPairs);
    let cookies = |counts: &[usize]| {
        let lines: String =
            counts.iter().map(|&n| format!("Cookie: {}\r\n", vec!["a=b"; n].join("; "))).collect();
        format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes()
    };
    assert!(head(&cookies(&[100])).get("cookie").is_some());
    assert!(head(&cookies(&[50, 50])).get("cookie").is_some());
    assert_refused(&cookies(&[101]), HeadError::TooManyCookies);
    assert_refused(&cookies(&[50, 51]), HeadError::TooManyCookies);
    assert_eq!(HeadError::TooManyCookies.status(), 400);
}

#[test]
fn small_limits_hold_too() {
    let limits = HeadLimits {
        target_bytes_max: 4,
        head_bytes_max: 40,
        fields_max: 1,
        query_pairs_max: 1,
        ..HeadLimits::default()
    };
    let status = |bytes: &[u8]| match decode_with(bytes, &limits) {
        Outcome::Complete { .. } => 200,
        Outcome::Partial => 0,
        Outcome::Refused(error) => error.status().as_u16(),
    };
    assert_eq!(status(&get("/abc")), 200);
    assert_eq!(status(&get("/abcd")), 414);
    assert_eq!(status(&get("/?a&")), 400);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"), 431);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaa\r\n\r\n"), 200);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaa\r\n\r\n"), 431);
}

#[test]
fn limits_past_what_can_be_indexed_are_cut() {
    let all =
        HeadLimits { head_bytes_max: usize::MAX, fields_max: usize::MAX, ..HeadLimits::default() };
    let mut head = RequestHead::new();
    let mut decode = |count: usize| {
        let fields = "x:\r\n".repeat(count - 1);
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        HeadDecoder::default().decode(bytes.as_bytes(), &all, &mut head).map(|_| ())
    };
    assert_eq!(decode(65_535), Ok(()));
    assert_eq!(decode(65_536), Err(HeadError::TooManyFields));
}
