//! What fields mean: framing, connection, expectation, upgrade.

use shikra_proto::http1::{BodyFraming, HeadError, RequestHead};

use crate::support::{assert_refused, head};

fn request(version: &str, fields: &str) -> Vec<u8> {
    format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

fn post(fields: &str) -> RequestHead {
    head(&request("1.1", fields))
}

// R13, R14, R15
#[test]
fn refuses_ambiguous_framing() {
    use HeadError::*;
    let table: &[(&str, HeadError)] = &[
        ("Content-Length:\r\n", ContentLength),
        ("Content-Length: +5\r\n", ContentLength),
        ("Content-Length: -5\r\n", ContentLength),
        ("Content-Length: 5 5\r\n", ContentLength),
        ("Content-Length: 0x5\r\n", ContentLength),
        ("Content-Length: 5.0\r\n", ContentLength),
        ("Content-Length: 5,\r\n", ContentLength),
        ("Content-Length: ,5\r\n", ContentLength),
        ("Content-Length: 5, 6\r\n", ContentLength),
        ("Content-Length: \"5\"\r\n", ContentLength),
        ("Content-Length: \u{664}\r\n", ContentLength),
        ("Content-Length: 18446744073709551616\r\n", ContentLength),
        ("Content-Length: 99999999999999999999999999\r\n", ContentLength),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", ContentLength),
        ("Content-Length: 5\r\nX: y\r\ncontent-LENGTH:\r\n", ContentLength),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", FramingConflict),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", FramingConflict),
        ("Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", FramingConflict),
        ("Transfer-Encoding:\r\n", TransferEncoding),
        ("Transfer-Encoding: ,chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked,\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked, chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked, gzip\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", TransferEncoding),
        ("Transfer-Encoding: \"chunked\"\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked;a=b\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked\x0b\r\n", FieldValue),
        ("Transfer-Encoding: gzip, chunked\r\n", TransferCodingUnknown),
        ("Transfer-Encoding: gzip\r\n", TransferEncoding),
        ("Transfer-Encoding: identity\r\n", TransferEncoding),
        ("Transfer-Encoding: xchunked\r\n", TransferEncoding),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", TransferCodingUnknown),
    ];
    for (fields, error) in table {
        assert_refused(&request("1.1", fields), *error);
    }
    // RFC 9112 §6.1: HTTP/1.0 has no transfer codings.
    assert_refused(&request("1.0", "Transfer-Encoding: chunked\r\n"), FramingConflict);
    assert_eq!(TransferCodingUnknown.status(), 501);
    assert_eq!(ContentLength.status(), 400);
}

#[test]
fn knows_where_the_body_ends() {
    let table: &[(&str, BodyFraming)] = &[
        ("", BodyFraming::None),
        ("Content-Length: 0\r\n", BodyFraming::Length(0)),
        ("Content-Length: 5\r\n", BodyFraming::Length(5)),
        ("Content-Length: 0005\r\n", BodyFraming::Length(5)),
        ("Content-Length: 18446744073709551615\r\n", BodyFraming::Length(u64::MAX)),
        // Equal ones are one.
        ("Content-Length: 5\r\nContent-Length: 5\r\n", BodyFraming::Length(5)),
        ("Content-Length: 5, 5\r\n", BodyFraming::Length(5)),
        ("Transfer-Encoding: chunked\r\n", BodyFraming::Chunked),
        ("transfer-encoding: \t ChunKED \t\r\n", BodyFraming::Chunked),
    ];
    for (fields, framing) in table {
        assert_eq!(post(fields).body_framing(), *framing, "{fields}");
    }
}

// R31
#[test]
fn knows_whether_the_connection_lives_on() {
    let table: &[(&str, &str, bool)] = &[
        ("1.1", "", true),
        ("1.0", "", false),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: Close\r\n", false),
        ("1.1", "Connection: keep-alive, close\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: x,\tclose\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Connection: upgrade\r\n", true),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Connection: x\r\n", false),
    ];
    for (version, fields, keep_alive) in table {
        assert_eq!(head(&request(version, fields)).keep_alive(), *keep_alive, "{fields}");
    }
}

// R23
#[test]
fn knows_who_waits_for_100_continue() {
    let body = "Content-Length: 5\r\n";
    let table: &[(&str, String, bool)] = &[
        ("1.1", format!("{body}Expect: 100-continue\r\n"), true),
        ("1.1", format!("Expect: 100-Continue\r\n{body}"), true),
        ("1.1", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n".into(), true),
        ("1.1", "Expect: 100-continue\r\n".into(), false),
        ("1.1", "Content-Length: 0\r\nExpect: 100-continue\r\n".into(), false),
        ("1.0", format!("{body}Expect: 100-continue\r\n"), false),
        ("1.0", format!("{body}Expect: magic\r\n"), false),
        ("1.1", format!("{body}Expect:\r\n"), false),
        ("1.1", format!("{body}Expect:\r\nExpect: ,100-continue\r\n"), true),
        ("1.1", body.into(), false),
    ];
    for (version, fields, expects) in table {
        assert_eq!(head(&request(version, fields)).expects_continue(), *expects, "{fields}");
    }
    assert_refused(&request("1.1", "Expect: magic\r\n"), HeadError::Expectation);
    assert_refused(&request("1.1", "Expect: 100-continue, x\r\n"), HeadError::Expectation);
    assert_eq!(HeadError::Expectation.status(), 417);
}

// R24
#[test]
fn upgrades_only_by_the_rules() {
    let get = |version: &str, fields: &str| {
        head(format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n").as_bytes())
    };
    let both = "Connection: keep-alive, Upgrade\r\nUpgrade: foo, WebSocket/13, websocket\r\n";
    assert!(get("1.1", both).upgrades_to("WebSocket"));
    assert!(!get("1.1", both).upgrades_to("h2c"));
    assert!(get("1.1", &format!("{both}Content-Length: 0\r\n")).upgrade().is_some());
    let refused = [
        get("1.0", both),
        get("1.1", "Upgrade: websocket\r\n"),
        get("1.1", "Connection: upgrade\r\n"),
        get("1.1", "Connection: close\r\nUpgrade: websocket\r\n"),
        get("1.1", &format!("{both}Content-Length: 1\r\n")),
        get("1.1", &format!("{both}Transfer-Encoding: chunked\r\n")),
        post(both),
    ];
    for head in refused {
        assert_eq!(head.upgrade(), None);
        assert!(!head.upgrades_to("websocket"));
    }
}
