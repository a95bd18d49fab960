//! Hosts and ports.

use proptest::prelude::*;
use shikra_proto::http1::HeadError;
use shikra_proto::uri::{Authority, Host};

use crate::support::{Outcome, assert_refused, decode, head};

/// Both readers must agree: the parser, and the check that heads go through.
#[track_caller]
fn check(host: &str, is_valid: bool) {
    assert_eq!(Authority::decode(host).is_ok(), is_valid, "{host:?}");
    let bytes = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    match decode(bytes.as_bytes()) {
        Outcome::Complete { head, .. } => {
            assert!(is_valid, "{host:?}");
            assert_eq!(head.authority().unwrap_or_default(), host);
        }
        Outcome::Refused(error) => {
            assert!(!is_valid, "{host:?}: {error}");
            assert_eq!(error, HeadError::HostInvalid);
        }
        Outcome::Partial => panic!("partial"),
    }
}

#[test]
fn accepts_names_addresses_and_ports() {
    let longest = format!("{}a", "a.".repeat(126) + "a");
    let table = [
        "",
        "a",
        "example.com",
        "EXAMPLE.com",
        "example.com.",
        "a-b.c-d",
        "my_service",
        "xn--bcher-kva.example",
        "localhost:3000",
        "a:0",
        "a:65535",
        "a:00080",
        "a:",
        "a.:80",
        "1.2.3.4",
        "255.255.255.255:80",
        "0.0.0.0",
        "[::1]",
        "[::1]:8080",
        "[2001:DB8::1]",
        "[::ffff:1.2.3.4]",
        "1a",
        "1.2.3.4a",
        "1.2.3.4.com",
        "1.2.3.c0m",
        "-a",
        &longest,
    ];
    for host in table {
        check(host, true);
    }
}

#[test]
fn refuses_what_is_no_host() {
    let too_long = format!("{}aa", "a.".repeat(127));
    let table = [
        "a b",
        "a,b",
        "a/b",
        "a?b",
        "a#b",
        "u@a",
        "u:p@a",
        "a@",
        "http://a",
        "a:b",
        "a:-1",
        "a:+1",
        "a:65536",
        "a:123456",
        "a:000080",
        "a:8 0",
        "a:80:80",
        ":80",
        ":",
        ".",
        "..",
        ".a",
        "a..b",
        "a..",
        "1",
        "12",
        "1-2",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4.",
        "a.1",
        "a.1.",
        "a.-",
        "1.2.3.-4",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[::1]a",
        "[::1]80",
        "[fe80::1%25eth0]",
        "[v1.a]",
        "[1.2.3.4]",
        "a%20b",
        "%41",
        "a!",
        "a~b",
        "a*",
        "(a)",
        "a\\b",
        "a\"",
        "a'",
        "<a>",
        "a\tb",
        "\u{e9}",
        &too_long,
    ];
    for host in table {
        check(host, false);
    }
}

#[test]
fn takes_hosts_apart() {
    let decode = |text| Authority::decode(text).unwrap();
    assert_eq!(decode("A.b.:080").host(), Host::Name("A.b."));
    // Leading zeros are dropped, and a lone colon is no port.
    assert_eq!(decode("A.b.:080").port(), Some(80));
    assert_eq!(decode("a:").port(), None);
    assert_eq!(decode("1.2.3.4").host(), Host::Ipv4([1, 2, 3, 4].into()));
    assert_eq!(decode("[::1]:1").host().to_string(), "[::1]");
}

// VA-233, VA-230: a missing, second or malformed Host is 400, also with an absolute target. R01.
#[test]
fn demands_exactly_one_host() {
    use HeadError::*;
    assert_refused(b"GET / HTTP/1.1\r\n\r\n", HostMissing);
    assert_refused(b"GET http://a/ HTTP/1.1\r\n\r\n", HostMissing);
    assert_refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HostRepeated);
    assert_refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n", HostRepeated);
    assert_refused(b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HostRepeated);
    assert_refused(b"GET http://a/ HTTP/1.1\r\nHost: u@b\r\n\r\n", HostInvalid);
    assert_refused(b"GET / HTTP/1.1\r\nHost: a\xe9\r\n\r\n", HostInvalid);
    // HTTP/1.0 may leave it out.
    assert_eq!(head(b"GET / HTTP/1.0\r\n\r\n").authority(), None);
    assert_eq!(head(b"GET / HTTP/1.1\r\nHost:\r\n\r\n").authority(), None);
    assert_eq!(head(b"GET http://a:1/ HTTP/1.1\r\nHost: b\r\n\r\n").authority(), Some("a:1"));
}

proptest! {
    #[test]
    fn the_quick_check_agrees_with_the_parser(host in "[0-9a-c.:_-]{0,20}|[0-9]{1,3}(\\.[0-9]{1,4}){2,4}:?[0-9]{0,6}|[\\[\\]:0-9a-f.]{0,12}") {
        check(&host, Authority::decode(&host).is_ok());
    }
}
