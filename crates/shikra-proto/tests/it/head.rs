//! Request lines and field lines.

use http::{Method, Version};
use shikra_proto::header::KnownField;
use shikra_proto::http1::{HeadDecoder, HeadError, HeadLimits, RequestHead};

use crate::support::{Outcome, assert_refused, decode, head};

// VA-234: folded fields, blanks before the colon and bare LF are refused.
#[test]
fn refuses_malformed_heads() {
    use HeadError::*;
    let table: &[(&str, HeadError)] = &[
        // RFC 9112 §3: three words.
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", RequestLine),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", TargetByte),
        ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET\r\n", RequestLine),
        ("GET /\r\n", RequestLine),
        ("GET / \r\n", VersionMalformed),
        ("GET /\n", RequestLine),
        ("GET HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("G\x00T / HTTP/1.1\r\n", RequestLine),
        ("G(T / HTTP/1.1\r\n", RequestLine),
        ("G\u{c9}T / HTTP/1.1\r\n", RequestLine),
        (": / HTTP/1.1\r\n", RequestLine),
        ("\x16\x03\x01\x02\x00", RequestLine),
        // RFC 9112 §2.3: versions.
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", VersionUnsupported),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", VersionUnsupported),
        ("GET / HTTP/3.1\r\nHost: a\r\n\r\n", VersionUnsupported),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", RequestLine),
        ("GET / HTTP/11\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTP/1,1\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTP/1.x\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTP/+1.1\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTPS/1.1\r\nHost: a\r\n\r\n", VersionMalformed),
        ("GET / HTTP/1.\r\nHost: a\r\n\r\n", VersionMalformed),
        // RFC 9112 §2.2: line ends.
        ("GET / HTTP/1.1\nHost: a\n\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", LineEnd),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\n\rX", LineEnd),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", LineEnd),
        ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", LineEnd),
        // RFC 9112 §5.1 and §5.2: names.
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\u{e9}: b\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\x7f: b\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", FieldFolded),
        ("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", FieldFolded),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", FieldFolded),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tTransfer-Encoding: chunked\r\n\r\n", FieldFolded),
        ("GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", FieldFolded),
        // RFC 9110 §5.5: values.
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n", FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 12345678\x0b\r\n\r\n", FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \t1234567\t8\x1f\r\n\r\n", FieldValue),
        // RFC 9112 §2.2: one empty line is skipped, five are not.
        ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
    ];
    for (bytes, error) in table {
        assert_refused(bytes.as_bytes(), *error);
    }
}

#[test]
fn accepts_well_formed_heads() {
    let table: &[(&[u8], &str, &str, Version)] = &[
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"GET / HTTP/1.0\r\n\r\n", "GET", "/", Version::HTTP_10),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"GET / HTTP/1.9\r\nHost: a\r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD", "/a", Version::HTTP_11),
        (b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", "POST", "/a", Version::HTTP_11),
        (b"PUT /a HTTP/1.1\r\nHost: a\r\n\r\n", "PUT", "/a", Version::HTTP_11),
        (b"DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE", "/a", Version::HTTP_11),
        (b"PATCH /a HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH", "/a", Version::HTTP_11),
        (b"OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "/a", Version::HTTP_11),
        (b"TRACE /a HTTP/1.1\r\nHost: a\r\n\r\n", "TRACE", "/a", Version::HTTP_11),
        (b"PROPFIND /a HTTP/1.1\r\nHost: a\r\n\r\n", "PROPFIND", "/a", Version::HTTP_11),
        (b"get /a HTTP/1.1\r\nHost: a\r\n\r\n", "get", "/a", Version::HTTP_11),
        (b"GETS /a HTTP/1.1\r\nHost: a\r\n\r\n", "GETS", "/a", Version::HTTP_11),
        (b"HEAD1 /a HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD1", "/a", Version::HTTP_11),
        (b"M-SEARCH /a HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH", "/a", Version::HTTP_11),
        (
            b"!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n",
            "!#$%&'*+-.^_`|~",
            "/",
            Version::HTTP_11,
        ),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"GET / HTTP/1.1\r\nHost:a\r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"GET / HTTP/1.1\r\nHost:\t a \t\r\nX:\r\nY: \t \r\n\r\n", "GET", "/", Version::HTTP_11),
        (b"GET / HTTP/1.1\r\nX: \xff\x80\tb\r\nHost: a\r\n\r\n", "GET", "/", Version::HTTP_11),
    ];
    for (bytes, method, target, version) in table {
        let head = head(bytes);
        assert_eq!(head.method().as_str(), *method);
        assert_eq!(head.target(), *target);
        assert_eq!(head.version(), *version);
    }
}

#[test]
fn caps_methods_at_32_bytes() {
    let request = |len: usize| format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(len));
    assert_eq!(head(request(32).as_bytes()).method().as_str().len(), 32);
    assert_refused(request(33).as_bytes(), HeadError::MethodTooLong);
    assert_eq!(HeadError::MethodTooLong.status(), 501);
}

// VA-067: lookup without regard to case, values trimmed, order of arrival. VA-071: only SP and HTAB are trimmed.
#[test]
fn gives_fields_as_they_came() {
    let head = head(
        b"GET / HTTP/1.1\r\nHost: a\r\nX-A:  padded \t\r\nAccept: 1\r\nx-a: \xa0b\xa0\r\nACCEPT: 2\r\nEmpty:\r\n\r\n",
    );
    assert_eq!(head.fields_len(), 6);
    assert_eq!(head.get("x-A"), Some(&b"padded"[..]));
    assert_eq!(head.get_all("X-A").collect::<Vec<_>>(), [&b"padded"[..], b"\xa0b\xa0"]);
    assert_eq!(head.get("empty"), Some(&b""[..]));
    assert_eq!(head.get("missing"), None);
    assert_eq!(head.field(KnownField::Accept), Some(&b"1"[..]));
    assert_eq!(head.get("accept"), Some(&b"1"[..]));
    assert_eq!(head.get_all("accept").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.field(KnownField::Cookie), None);
    let names: Vec<_> = head.fields().map(|(name, _)| name).collect();
    assert_eq!(names, ["Host", "X-A", "Accept", "x-a", "ACCEPT", "Empty"]);
}

#[test]
fn finds_every_known_field_in_any_case() {
    let names = [
        "accept",
        "accept-encoding",
        "accept-language",
        "access-control-request-headers",
        "access-control-request-method",
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "forwarded",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "origin",
        "range",
        "referer",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-requested-with",
    ];
    for name in names {
        let known = KnownField::find(name.as_bytes()).expect(name);
        assert_eq!(known.name(), name);
        assert_eq!(KnownField::find(name.to_uppercase().as_bytes()), Some(known));
        // One letter off is another field.
        let other = format!("{}~", &name[..name.len() - 1]);
        assert_eq!(KnownField::find(other.as_bytes()), None);
    }
}

#[test]
fn takes_the_head_only_and_starts_again() {
    let bytes = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b";
    let Outcome::Complete { len, head } = decode(bytes) else { panic!("incomplete") };
    assert_eq!(&bytes[len..], b"POST /b");
    assert_eq!(head.path(), "/a");
}

#[test]
fn an_unfinished_head_is_partial() {
    let bytes = b"\r\nGET /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    for end in 0..bytes.len() {
        assert!(matches!(decode(&bytes[..end]), Outcome::Partial), "{end}");
    }
}

// VA-078: what identifies the client is not shown.
#[test]
fn debug_output_hides_secrets() {
    let head = head(b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: t0p\r\nCookie: s=t0p\r\n\r\n");
    let shown = format!("{head:?}");
    assert!(shown.contains("Host") && !shown.contains("t0p"), "{shown}");
}

#[test]
fn a_head_can_be_built_from_parts() {
    let mut head = RequestHead::new();
    head.set_request_line(Method::POST, "https://a.b/c%20d?e", Version::HTTP_2).unwrap();
    head.push_field("content-length", b" 7 ").unwrap();
    assert_eq!(head.push_field("a b", b"c"), Err(HeadError::FieldName));
    assert_eq!(head.push_field("a", b"c\nd"), Err(HeadError::FieldValue));
    head.finish(&HeadLimits::default()).unwrap();
    assert_eq!((head.path(), head.query()), ("/c%20d", Some("e")));
    assert_eq!(head.authority(), Some("a.b"));
    assert!(!head.path_is_plain());
    assert_eq!(head.get("Content-Length"), Some(&b"7"[..]));
    assert!(head.set_request_line(Method::GET, "/a b", Version::HTTP_2).is_err());
    assert!(head.set_request_line(Method::GET, "/a ", Version::HTTP_2).is_err());
}

#[test]
fn a_decoder_is_small() {
    assert!(size_of::<HeadDecoder>() <= 16);
}
