//! Queries and forms.

use proptest::prelude::*;
use shikra_proto::form::{self, FormError, FormLimits};
use shikra_proto::query;

// CF-35: a multi-map, and a key without `=` has an empty value.
#[test]
fn reads_pairs() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=a", &[("", "a")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a=1&a=2", &[("a", "1"), ("a", "2")]),
        ("&&a&", &[("a", "")]),
        ("a+b=c+d", &[("a b", "c d")]),
        ("a%2Bb=%26%3D", &[("a+b", "&=")]),
        ("%C3%A9=%c3%A9", &[("\u{e9}", "\u{e9}")]),
        ("a=%&b=%4&c=%zz", &[("a", "%"), ("b", "%4"), ("c", "%zz")]),
        ("a=%ff", &[("a", "\u{fffd}")]),
        ("a=%00", &[("a", "\0")]),
        ("a[]=1&b={}|^\\`\"<>", &[("a[]", "1"), ("b", "{}|^\\`\"<>")]),
        ("a;b", &[("a;b", "")]),
        ("a?b=/", &[("a?b", "/")]),
    ];
    for (text, wanted) in table {
        let pairs: Vec<_> = query::pairs(text).collect();
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.as_ref(), b.as_ref())).collect();
        assert_eq!(pairs, *wanted, "{text}");
    }
}

// R57
#[test]
fn forms_have_a_limit() {
    let limits = FormLimits::default();
    let body = |count: usize| vec!["a=b"; count].join("&");
    assert_eq!(form::decode(body(1_000).as_bytes(), &limits).unwrap().count(), 1_000);
    let refused = form::decode(body(1_001).as_bytes(), &limits).map(|_| ());
    assert_eq!(refused, Err(FormError::TooManyFields));
    assert_eq!(FormError::TooManyFields.status(), 400);
    assert_eq!(form::decode(b"", &limits).unwrap().count(), 0);
    let pairs: Vec<_> = form::decode(b"a=\xff&b", &limits).unwrap().collect();
    assert_eq!(pairs, [("a".into(), "\u{fffd}".into()), ("b".into(), "".into())]);
}

/// The naive twin, for one text.
fn naive(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).and_then(|d| {
            d.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(d, 16).unwrap())
        });
        match (bytes[at], digits) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

proptest! {
    #[test]
    fn agrees_with_the_naive_twin(text in "([a-c+&=;]|%[0-9a-f]{0,2}){0,16}") {
        let wanted: Vec<_> = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (naive(key), naive(value)))
            .collect();
        let pairs: Vec<_> =
            query::pairs(&text).map(|(a, b)| (a.into_owned(), b.into_owned())).collect();
        prop_assert_eq!(pairs, wanted);
    }
}
