//! Path segments.

use proptest::prelude::*;
use shikra_proto::uri::{PathError, decode_segment, has_dot_segments, segments};

// VA-041, VA-042, VA-043, VA-044, VA-045
#[test]
fn decodes_segments_once_and_composes_them() {
    let table: &[(&str, &str)] = &[
        ("", ""),
        ("abc", "abc"),
        ("f%6Fo", "foo"),
        ("f%6fo", "foo"),
        ("%7E", "~"),
        ("%2e", "."),
        ("%2E%2e", ".."),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("a%0Ab", "a\nb"),
        ("caf%C3%A9", "caf\u{e9}"),
        ("cafe%CC%81", "caf\u{e9}"),
        ("%E1%84%80%E1%85%A1", "\u{ac00}"),
        ("a%CC%A3%CC%87", "\u{1ea1}\u{307}"),
        ("a%CC%87%CC%A3", "\u{1ea1}\u{307}"),
        ("%E2%84%AA", "K"),
        ("%E2%84%AB", "\u{c5}"),
        ("%EF%AC%81", "\u{fb01}"),
        ("%F0%9F%98%80", "\u{1f600}"),
    ];
    for (segment, text) in table {
        assert_eq!(decode_segment(segment).as_deref(), Ok(*text), "{segment}");
    }
    assert!(matches!(decode_segment("abc"), Ok(std::borrow::Cow::Borrowed(_))));
}

// VA-049
#[test]
fn refuses_segments_that_are_not_utf8() {
    for segment in [
        "%ff",
        "%c3",
        "%c3a",
        "%C0%AF",
        "%80",
        "%F0%9F%98",
        "%ED%A0%80",
        "%F4%90%80%80",
        "%E2%82",
        "a%ffb",
    ] {
        assert_eq!(decode_segment(segment), Err(PathError::NotUtf8), "{segment}");
    }
    for segment in ["%", "%4", "%4g", "%%41", "a%"] {
        assert_eq!(decode_segment(segment), Err(PathError::Triplet), "{segment}");
    }
}

// Dot segments are data; who opens files asks for them.
#[test]
fn splits_paths_and_finds_dots() {
    assert_eq!(segments("/a/../b").collect::<Vec<_>>(), ["a", "..", "b"]);
    assert_eq!(segments("/a/").collect::<Vec<_>>(), ["a", ""]);
    assert_eq!(segments("/").rev().collect::<Vec<_>>(), [""]);
    for path in ["/.", "/..", "/a/..", "/%2e", "/.%2E/b", "/a/./b"] {
        assert!(has_dot_segments(path), "{path}");
    }
    for path in ["/", "/...", "/a.b", "/%2e%2e%2e", "/..a", "/%252e", "//"] {
        assert!(!has_dot_segments(path), "{path}");
    }
}

/// The naive twin of percent-decoding.
fn naive(text: &str) -> Option<Vec<u8>> {
    let chars: Vec<char> = text.chars().collect();
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        if chars[at] == '%' {
            let digit = |index: usize| chars.get(index)?.to_digit(16);
            bytes.push(u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok()?);
            at += 3;
        } else {
            bytes.extend(chars[at].to_string().bytes());
            at += 1;
        }
    }
    Some(bytes)
}

proptest! {
    #[test]
    fn agrees_with_the_naive_twin(segment in "(%[0-9a-fA-F]{2}|[a-z%]){0,12}") {
        let wanted = naive(&segment).and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decode_segment(&segment).ok();
        let is_ascii = wanted.as_ref().is_none_or(|text| text.is_ascii());
        prop_assert_eq!(decoded.is_some(), wanted.is_some());
        if is_ascii {
            prop_assert_eq!(decoded.as_deref(), wanted.as_deref());
        }
    }
}

// HX-154, HA-030: an address that a header field can carry and a browser reads as it was meant.
#[test]
fn encodes_references() {
    use shikra_proto::uri::encode_reference;
    let table: &[(&str, Option<&str>)] = &[
        ("", Some("")),
        ("https://a.b:8/c;d=e?f=[1]&g=%20#h", Some("https://a.b:8/c;d=e?f=[1]&g=%20#h")),
        ("/a b", Some("/a%20b")),
        ("/\u{fc}", Some("/%C3%BC")),
        ("/\\evil.example", Some("/%5Cevil.example")),
        ("/<\">^`{|}", Some("/%3C%22%3E%5E%60%7B%7C%7D")),
        ("/%zz", Some("/%zz")),
        ("/\r\nx: y", None),
        ("/\t", None),
        ("/\0", None),
        ("/\u{7f}", None),
    ];
    for (text, wanted) in table {
        assert_eq!(encode_reference(text).as_deref(), *wanted, "{text:?}");
    }
}
