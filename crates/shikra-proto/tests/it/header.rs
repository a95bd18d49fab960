//! Lists, media types, preferences.

use shikra_proto::header::{
    ContentType, is_field_value, is_token, list, media_weight, preferred, weighted,
};

#[test]
fn splits_lists() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        (" , ,\t", &[]),
        ("a", &["a"]),
        ("a,b , c", &["a", "b", "c"]),
        ("a, \"b, c\", d", &["a", "\"b, c\"", "d"]),
        ("\"a\\\", b\", c", &["\"a\\\", b\"", "c"]),
        ("\"a, b", &["\"a, b"]),
    ];
    for (value, wanted) in table {
        let elements: Vec<_> =
            list(value.as_bytes()).map(|e| std::str::from_utf8(e).unwrap()).collect();
        assert_eq!(elements, *wanted, "{value}");
    }
}

#[test]
fn checks_every_byte() {
    for byte in 0..=255_u8 {
        let tchar = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        assert_eq!(is_token(&[byte]), tchar, "{byte}");
        let field = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
        // At every place of a block of eight, and after it.
        for place in 0..17 {
            let mut value = [b'a'; 17];
            value[place] = byte;
            assert_eq!(is_field_value(&value), field, "{byte} at {place}");
            value[(place + 1) % 17] = b'\t';
            assert_eq!(is_field_value(&value), field, "{byte} at {place}");
        }
    }
    assert!(is_field_value(b"") && !is_token(b""));
}

#[test]
fn reads_media_types() {
    let decode = |text: &'static str| ContentType::decode(text.as_bytes());
    let media = decode("multipart/Form-Data ; boundary=\"a b\\\"c\" ;charset=UTF-8;x").unwrap();
    assert_eq!((media.kind(), media.subtype()), ("multipart", "Form-Data"));
    assert!(media.is("multipart/form-data"));
    assert_eq!(media.boundary().as_deref(), Some("a b\"c"));
    assert_eq!(media.charset().as_deref(), Some("UTF-8"));
    assert_eq!(media.param("X"), None);
    assert_eq!(decode("a/b; c=\"d;e\"; f=g").unwrap().param("F").as_deref(), Some("g"));
    assert_eq!(decode("a/b; c=\"d").unwrap().param("c"), None);
    assert_eq!(decode("a/b; c=d e").unwrap().param("c"), None);
    assert_eq!(decode("a/b; c=\"d\"e\"").unwrap().param("c"), None);
    for json in [
        "application/json",
        "Application/JSON;charset=utf-8",
        "application/problem+json",
        "a/b+JSON",
    ] {
        assert!(decode(json).unwrap().is_json(), "{json}");
    }
    for other in ["text/json", "application/jsonp", "application/json5"] {
        assert!(!decode(other).unwrap().is_json(), "{other}");
    }
    for bad in ["", "a", "/", "a/", "/b", "a/b/c", "a b/c", "a/b, c/d", "\u{e9}/b"] {
        assert!(decode(bad).is_none(), "{bad}");
    }
}

#[test]
fn weighs_preferences() {
    let table: &[(&str, &[(&str, u16)])] = &[
        ("gzip", &[("gzip", 1_000)]),
        ("gzip;q=0.5, br ; Q=1.000", &[("gzip", 500), ("br", 1_000)]),
        ("a;q=0, b;q=0.1, c;q=0.12, d;q=0.123", &[("a", 0), ("b", 100), ("c", 120), ("d", 123)]),
        ("a;q=2, b;q=1.1, c;q=-1, d;q=0.1234, e;q=, f", &[("f", 1_000)]),
        ("q=0.5, ;q=0.5, \u{e9};q=1, ;, a;;q=0.5", &[("q=0.5", 1_000), ("a;", 500)]),
        ("text/html;level=1;q=0.3", &[("text/html;level=1", 300)]),
        ("a/b;c=\"d;q=0\"", &[("a/b;c=\"d;q=0\"", 1_000)]),
    ];
    for (value, wanted) in table {
        let read: Vec<_> = weighted(value.as_bytes()).map(|w| (w.value, w.weight)).collect();
        assert_eq!(read, *wanted, "{value}");
    }
}

#[test]
fn prefers_the_most_specific_range() {
    let accept = b"text/*;q=0.3, text/html;q=0.7, */*;q=0.5";
    assert_eq!(media_weight(accept, "text/html; charset=utf-8"), 700);
    assert_eq!(media_weight(accept, "text/plain"), 300);
    assert_eq!(media_weight(accept, "image/jpeg"), 500);
    assert_eq!(media_weight(b"TEXT/HTML", "text/html"), 1_000);
    assert_eq!(media_weight(b"text/html;q=0, */*", "text/html"), 0);
    assert_eq!(preferred(b"a/b, c/d", &["c/d", "a/b"]), Some("c/d"));
    assert_eq!(preferred(b"", &["a/b"]), None);
}

// VA-188, HX-145: a field that frames a message has a form of its own.
#[test]
fn checks_the_form_of_fields_that_frame_a_message() {
    use shikra_proto::header::{FieldError, check_form};
    let table: &[(&str, &str, bool)] = &[
        ("content-length", "0", true),
        ("Content-Length", " 12 ", true),
        ("content-length", "", false),
        ("content-length", "-1", false),
        ("content-length", "+1", false),
        ("content-length", "1.5", false),
        ("content-length", "abc", false),
        ("content-length", "1, 1", false),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT", true),
        ("Date", "Sun, 6 Nov 1994 08:49:37 GMT", false),
        ("date", "Sunday, 06-Nov-94 08:49:37 GMT", false),
        ("date", "nope", false),
        ("connection", "close, x-a", true),
        ("connection", "a b", false),
        ("trailer", "x-sum, x-b", true),
        ("trailer", "x:sum", false),
        ("transfer-encoding", "gzip;q=\"1\", chunked", true),
        ("transfer-encoding", "gz ip", false),
        ("transfer-encoding", ";a", false),
        ("x-date", "nope", true),
        ("dat", "nope", true),
    ];
    for (name, value, is_valid) in table {
        let wanted = if *is_valid { Ok(()) } else { Err(FieldError::Form) };
        assert_eq!(check_form(name, value.as_bytes()), wanted, "{name}: {value}");
    }
}

#[test]
fn removes_the_fields_that_are_picked_out() {
    use shikra_proto::header::FieldLines;
    let mut lines = FieldLines::new();
    for (name, value) in [("a", "1"), ("b", "1"), ("A", "2"), ("a", "1")] {
        lines.try_append(name, value.as_bytes()).unwrap();
    }
    assert!(lines.remove_where("A", |value| value == b"1"));
    assert_eq!((lines.as_bytes(), lines.len_fields()), (&b"b: 1\r\na: 2\r\n"[..], 2));
    assert!(!lines.remove_where("a", |value| value == b"1"));
}
