//! Response heads, chunks, and which framing a response gets.

use http::{HeaderName, HeaderValue, Method, StatusCode, Version};
use shikra_proto::date::HttpDate;
use shikra_proto::header::{FieldError, FieldLines};
use shikra_proto::http1::{
    ConnectionOption, ReplyFraming, ReplyHead, Trailers, encode_chunk_prefix, encode_chunk_suffix,
    encode_continue, encode_last_chunk, encode_reply_head, reply_framing,
};
use std::sync::LazyLock;

const DATE: &str = "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

fn fields(pairs: &[(&str, &str)]) -> FieldLines {
    let mut lines = FieldLines::new();
    for (name, value) in pairs {
        lines.try_append(name, value.as_bytes()).unwrap();
    }
    lines
}

static THE_BEGINNING: LazyLock<HttpDate> = LazyLock::new(|| HttpDate::at(0));

fn reply(fields: &FieldLines) -> ReplyHead<'_> {
    ReplyHead {
        version: Version::HTTP_11,
        status: StatusCode::OK,
        reason: None,
        date: &THE_BEGINNING,
        content_type: None,
        fields,
        framing: ReplyFraming::Length(0),
        connection: ConnectionOption::Implied,
        trailers: Trailers::None,
    }
}

fn encoded(head: &ReplyHead<'_>) -> String {
    let mut out = Vec::new();
    encode_reply_head(&mut out, head);
    String::from_utf8(out).unwrap().replace(DATE, "")
}

#[test]
fn writes_heads() {
    let none = FieldLines::new();
    let head = reply(&none);
    let mut out = Vec::new();
    encode_reply_head(&mut out, &head);
    let whole =
        "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(out, whole.as_bytes());

    let table: &[(ReplyFraming, ConnectionOption<'_>, Version, &str)] = &[
        (ReplyFraming::None, ConnectionOption::Implied, Version::HTTP_11, ""),
        (
            ReplyFraming::Length(12_345),
            ConnectionOption::Close,
            Version::HTTP_11,
            "content-length: 12345\r\nconnection: close\r\n",
        ),
        (
            ReplyFraming::Length(u64::MAX),
            ConnectionOption::KeepAlive,
            Version::HTTP_10,
            "content-length: 18446744073709551615\r\nconnection: keep-alive\r\n",
        ),
        (
            ReplyFraming::Chunked,
            ConnectionOption::Implied,
            Version::HTTP_11,
            "transfer-encoding: chunked\r\n",
        ),
        (
            ReplyFraming::UntilClose,
            ConnectionOption::Implied,
            Version::HTTP_10,
            "connection: close\r\n",
        ),
        // VA-200: never a coding to HTTP/1.0. R26.
        (
            ReplyFraming::Chunked,
            ConnectionOption::KeepAlive,
            Version::HTTP_10,
            "connection: close\r\n",
        ),
        (
            ReplyFraming::None,
            ConnectionOption::Upgrade("websocket"),
            Version::HTTP_11,
            "connection: upgrade\r\nupgrade: websocket\r\n",
        ),
        (
            ReplyFraming::None,
            ConnectionOption::Upgrade("a\r\nb: c"),
            Version::HTTP_11,
            "connection: upgrade\r\n",
        ),
    ];
    for (framing, connection, version, lines) in table {
        let head = ReplyHead {
            framing: *framing,
            connection: *connection,
            version: *version,
            ..reply(&none)
        };
        assert_eq!(encoded(&head), format!("HTTP/1.1 200 OK\r\n{lines}\r\n"));
    }
}

#[test]
fn writes_status_lines() {
    let none = FieldLines::new();
    let table: &[(u16, Option<&str>, &str)] = &[
        (200, None, "HTTP/1.1 200 OK\r\n"),
        (201, None, "HTTP/1.1 201 Created\r\n"),
        (418, None, "HTTP/1.1 418 I'm a teapot\r\n"),
        (599, None, "HTTP/1.1 599 \r\n"),
        (999, None, "HTTP/1.1 999 \r\n"),
        (200, Some("Fine"), "HTTP/1.1 200 Fine\r\n"),
        (200, Some(""), "HTTP/1.1 200 \r\n"),
        // R27: a reason phrase makes no fields.
        (200, Some("a\r\nset-cookie: b"), "HTTP/1.1 200 OK\r\n"),
        (599, Some("a\nb"), "HTTP/1.1 599 \r\n"),
    ];
    for (status, reason, line) in table {
        let status = StatusCode::from_u16(*status).unwrap();
        let head =
            ReplyHead { status, reason: *reason, framing: ReplyFraming::None, ..reply(&none) };
        assert_eq!(encoded(&head), format!("{line}\r\n"));
    }
    for code in 100..1_000 {
        let status = StatusCode::from_u16(code).unwrap();
        let text = encoded(&ReplyHead { status, framing: ReplyFraming::None, ..reply(&none) });
        let wanted = status.canonical_reason().unwrap_or_default();
        assert_eq!(text, format!("HTTP/1.1 {code} {wanted}\r\n\r\n"));
    }
}

// VA-186: framing fields are the engine's alone.
#[test]
fn leaves_out_framing_fields_of_the_user() {
    let lines = fields(&[
        ("Content-Length", "5"),
        ("x-a", "1"),
        ("Transfer-Encoding", "gzip"),
        ("Connection", "close"),
        ("Keep-Alive", "timeout=5"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("Date", "yesterday"),
        ("Trailer", "x-sum"),
        ("Proxy-Connection", "close"),
    ]);
    let head = ReplyHead { content_type: Some("text/plain"), ..reply(&lines) };
    let wanted =
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-a: 1\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(encoded(&head), wanted);
    let mut head = head;
    head.content_type = Some("a/b\r\nx: y");
    assert!(encoded(&head).contains("content-type: a/bx: y\r\n"));
}

// VA-192, VA-197: `trailer` announces what follows, and nothing where nothing can.
#[test]
fn announces_trailers_of_chunked_bodies_alone() {
    let lines = fields(&[("Trailer", "x-sum")]);
    let chunked = ReplyFraming::Chunked;
    let with = |framing, trailers, version| {
        encoded(&ReplyHead { framing, trailers, version, ..reply(&lines) })
            .contains("trailer: x-sum\r\n")
    };
    assert!(with(chunked, Trailers::Follow, Version::HTTP_11));
    assert!(!with(chunked, Trailers::None, Version::HTTP_11));
    assert!(!with(chunked, Trailers::Follow, Version::HTTP_10));
    assert!(!with(ReplyFraming::Length(1), Trailers::Follow, Version::HTTP_11));
}

// VA-191: one date, the user's if it is one.
#[test]
fn a_valid_date_of_the_user_takes_the_place_of_the_server_s() {
    for (date, wins) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", true),
        ("Sun, 6 Nov 1994 08:49:37 GMT", false),
        ("Sunday, 06-Nov-94 08:49:37 GMT", false),
        ("", false),
    ] {
        let lines = fields(&[("x-a", "1"), ("Date", date)]);
        let mut out = Vec::new();
        encode_reply_head(&mut out, &reply(&lines));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("date: ").count(), 1, "{text}");
        let wanted = if wins { date } else { "Thu, 01 Jan 1970 00:00:00 GMT" };
        assert!(text.contains(&format!("date: {wanted}\r\n")), "{text}");
    }
}

// VA-184, HX-147: a length that is declared for a body which is not sent.
#[test]
fn a_declared_length_counts_where_no_body_is_sent() {
    let table: &[(&str, u16, Option<u64>, &str, ReplyFraming)] = &[
        ("HEAD", 200, Some(0), "7", ReplyFraming::Length(7)),
        ("HEAD", 200, None, "7", ReplyFraming::Length(7)),
        ("HEAD", 200, Some(4), "7", ReplyFraming::Length(4)),
        ("HEAD", 404, Some(0), "7", ReplyFraming::Length(7)),
        ("HEAD", 204, Some(0), "7", ReplyFraming::None),
        ("HEAD", 205, Some(0), "7", ReplyFraming::Length(0)),
        ("GET", 304, Some(4), "7", ReplyFraming::Length(7)),
        ("GET", 304, Some(4), "x", ReplyFraming::None),
        ("GET", 304, Some(4), "+7", ReplyFraming::None),
        ("GET", 304, Some(4), "99999999999999999999", ReplyFraming::None),
        ("GET", 200, Some(0), "7", ReplyFraming::Length(0)),
        ("GET", 200, None, "7", ReplyFraming::Chunked),
        ("GET", 204, Some(0), "7", ReplyFraming::None),
        ("CONNECT", 200, Some(0), "7", ReplyFraming::None),
    ];
    for (method, status, len, declared, wanted) in table {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let status = StatusCode::from_u16(*status).unwrap();
        let lines = fields(&[("content-length", declared)]);
        let plan = reply_framing(&method, Version::HTTP_11, status, *len);
        let plan = plan.with_declared_len(&method, status, *len, &lines);
        assert_eq!(plan.framing, *wanted, "{method} {status} {declared}");
    }
}

#[test]
fn the_content_type_of_the_user_wins() {
    let lines = fields(&[("Content-Type", "a/b")]);
    let head = ReplyHead { content_type: Some("text/plain"), ..reply(&lines) };
    assert_eq!(encoded(&head), "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn writes_chunks() {
    for (len, prefix) in [
        (1, "1\r\n"),
        (15, "f\r\n"),
        (16, "10\r\n"),
        (255, "ff\r\n"),
        (65_536, "10000\r\n"),
        (usize::MAX, "ffffffffffffffff\r\n"),
    ] {
        let mut out = Vec::new();
        encode_chunk_prefix(&mut out, len);
        assert_eq!(out, prefix.as_bytes());
        encode_chunk_suffix(&mut out, len);
        assert_eq!(out, [prefix.as_bytes(), b"\r\n"].concat());
    }
    // Nothing ends the body early.
    let mut out = Vec::new();
    encode_chunk_prefix(&mut out, 0);
    encode_chunk_suffix(&mut out, 0);
    assert!(out.is_empty());
    encode_last_chunk(&mut out, &fields(&[("x-sum", "1"), ("content-length", "5")]));
    assert_eq!(out, b"0\r\nx-sum: 1\r\n\r\n");
    out.clear();
    encode_continue(&mut out);
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
}

// R26. No body with 204, 304 and HEAD. VA-185: 205 is empty. No chunks to HTTP/1.0.
#[test]
fn decides_the_framing() {
    use ReplyFraming::{Chunked, Length, UntilClose};
    let none = ReplyFraming::None;
    let (v10, v11) = (Version::HTTP_10, Version::HTTP_11);
    let table: &[(&str, Version, u16, Option<u64>, ReplyFraming, bool, bool)] = &[
        ("GET", v11, 200, Some(5), Length(5), true, false),
        ("GET", v11, 200, Some(0), Length(0), true, false),
        ("GET", v11, 200, None, Chunked, true, false),
        ("GET", v10, 200, Some(5), Length(5), true, false),
        ("GET", v10, 200, None, UntilClose, true, true),
        ("HEAD", v11, 200, Some(5), Length(5), false, false),
        ("HEAD", v11, 200, None, none, false, false),
        ("HEAD", v10, 200, None, none, false, false),
        ("HEAD", v11, 204, Some(5), none, false, false),
        ("GET", v11, 100, Some(5), none, false, false),
        ("GET", v11, 101, None, none, false, false),
        ("GET", v11, 204, Some(5), none, false, false),
        ("GET", v11, 205, Some(5), Length(0), false, false),
        ("GET", v11, 304, Some(5), none, false, false),
        ("GET", v11, 404, Some(5), Length(5), true, false),
        ("CONNECT", v11, 200, Some(5), none, false, false),
        ("CONNECT", v11, 404, Some(5), Length(5), true, false),
    ];
    for (method, version, status, len, framing, writes_body, closes) in table {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let plan = reply_framing(&method, *version, StatusCode::from_u16(*status).unwrap(), *len);
        assert_eq!(
            (plan.framing, plan.writes_body, plan.closes),
            (*framing, *writes_body, *closes)
        );
    }
}

#[test]
fn field_lines_keep_order_and_names() {
    let mut lines = fields(&[("A", "1"), ("b", " 2\t"), ("a", "3")]);
    assert_eq!(lines.as_bytes(), b"a: 1\r\nb: 2\r\na: 3\r\n");
    assert_eq!(lines.get_all("A").collect::<Vec<_>>(), [b"1", b"3"]);
    // CF-51: setting replaces, in the place of the first.
    lines.try_set("A", b"4").unwrap();
    assert_eq!(lines.as_bytes(), b"a: 4\r\nb: 2\r\n");
    lines.try_set("c", b"").unwrap();
    assert_eq!((lines.len_fields(), lines.get("c")), (3, Some(&b""[..])));
    assert!(lines.remove("B") && !lines.remove("B"));
    assert_eq!(lines.iter().collect::<Vec<_>>(), [("a", &b"4"[..]), ("c", b"")]);
    lines.append_checked(&HeaderName::from_static("d"), &HeaderValue::from_static("e: f"));
    assert_eq!(lines.get("d"), Some(&b"e: f"[..]));
    let buf = lines.into_buffer();
    let lines = FieldLines::with_buffer(buf);
    assert!(lines.is_empty() && lines.as_bytes().is_empty());
}

// R27
#[test]
fn field_lines_cannot_be_split() {
    let mut lines = fields(&[("a", "1")]);
    for value in ["\r", "\n", "\0", "a\r\nb: c", "\x7f", "\x1f", "12345678\n"] {
        assert_eq!(lines.try_append("x", value.as_bytes()), Err(FieldError::Value));
        assert_eq!(lines.try_set("a", value.as_bytes()), Err(FieldError::Value));
    }
    for name in ["", "a b", "a:", "a\r\n", "\u{e9}", "(", "a\0"] {
        assert_eq!(lines.try_append(name, b"1"), Err(FieldError::Name));
        assert_eq!(lines.try_set(name, b"1"), Err(FieldError::Name));
    }
    assert_eq!(lines.as_bytes(), b"a: 1\r\n");
    assert!(!format!("{:?}", fields(&[("set-cookie", "s=t0p")])).contains("t0p"));
}
