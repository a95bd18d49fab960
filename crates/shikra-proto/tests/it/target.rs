//! Request targets.

use shikra_proto::http1::{HeadError, HeadLimits, TargetForm};
use shikra_proto::uri::UriPolicy;

use crate::support::{Outcome, decode, decode_with};

type Parts<'a> = (TargetForm, &'a str, Option<&'a str>, Option<&'a str>);

fn request(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

#[track_caller]
fn check(method: &str, target: &str, wanted: Result<Parts<'_>, HeadError>) {
    match (decode(&request(method, target)), wanted) {
        (Outcome::Complete { head, .. }, Ok(parts)) => {
            let got = (head.target_form(), head.path(), head.query(), head.authority());
            assert_eq!(got, parts, "{target}");
            assert_eq!(head.target(), target);
            assert_eq!(head.path_is_plain(), !head.path().contains('%') && !head.path().is_empty());
        }
        (Outcome::Refused(error), Err(wanted)) => assert_eq!(error, wanted, "{target}"),
        (outcome, wanted) => panic!("{method} {target}: {outcome:?} instead of {wanted:?}"),
    }
}

// VA-222: the grammar decides, and nothing is repaired. The forms.
#[test]
fn accepts_the_four_forms() {
    use TargetForm::*;
    let table: &[(&str, &str, Parts<'_>)] = &[
        ("GET", "/", (Origin, "/", None, Some("h"))),
        ("GET", "/a/b", (Origin, "/a/b", None, Some("h"))),
        ("GET", "/a/", (Origin, "/a/", None, Some("h"))),
        // Empty segments make a path of its own.
        ("GET", "//a//b", (Origin, "//a//b", None, Some("h"))),
        ("GET", "/-._~!$&'()*+,;=:@", (Origin, "/-._~!$&'()*+,;=:@", None, Some("h"))),
        ("GET", "/%41%2f%2F%c3%a9", (Origin, "/%41%2f%2F%c3%a9", None, Some("h"))),
        ("GET", "/../a/./b", (Origin, "/../a/./b", None, Some("h"))),
        // CF-36: a lone question mark is an empty query.
        ("GET", "/a?", (Origin, "/a", Some(""), Some("h"))),
        ("GET", "/a?b=c&d", (Origin, "/a", Some("b=c&d"), Some("h"))),
        ("GET", "/a??b/c?", (Origin, "/a", Some("?b/c?"), Some("h"))),
        ("GET", "/?a=%zz%", (Origin, "/", Some("a=%zz%"), Some("h"))),
        ("OPTIONS", "*", (Asterisk, "*", None, Some("h"))),
        ("OPTIONS", "/", (Origin, "/", None, Some("h"))),
        ("CONNECT", "a.b:443", (Authority, "", None, Some("a.b:443"))),
        ("CONNECT", "[::1]:443", (Authority, "", None, Some("[::1]:443"))),
        // VA-230: the absolute form wins over Host.
        ("GET", "http://a.b/c", (Absolute, "/c", None, Some("a.b"))),
        ("GET", "HTTPS://A.b:8443/c?d", (Absolute, "/c", Some("d"), Some("A.b:8443"))),
        ("GET", "http://[::1]:80/", (Absolute, "/", None, Some("[::1]:80"))),
        ("GET", "http://1.2.3.4/", (Absolute, "/", None, Some("1.2.3.4"))),
        // VA-231: without a path.
        ("GET", "http://a.b", (Absolute, "/", None, Some("a.b"))),
        ("GET", "http://a.b?c", (Absolute, "/", Some("c"), Some("a.b"))),
        ("OPTIONS", "http://a.b", (Absolute, "*", None, Some("a.b"))),
        ("OPTIONS", "http://a.b?c", (Absolute, "/", Some("c"), Some("a.b"))),
        ("OPTIONS", "http://a.b/", (Absolute, "/", None, Some("a.b"))),
    ];
    for (method, target, parts) in table {
        check(method, target, Ok(*parts));
    }
}

// VA-224: path bytes. VA-227: fragments. VA-228: user information.
#[test]
fn refuses_what_is_no_target() {
    use HeadError::*;
    let table: &[(&str, &str, HeadError)] = &[
        ("GET", "a", TargetForm),
        ("GET", "a/b", TargetForm),
        ("GET", "*", TargetForm),
        ("POST", "*", TargetForm),
        ("OPTIONS", "*?a", TargetForm),
        ("OPTIONS", "**", TargetForm),
        ("GET", "?a", TargetForm),
        ("GET", "a.b:80", TargetForm),
        ("GET", "ftp://a.b/", TargetForm),
        ("GET", "http:/a.b/", TargetForm),
        ("GET", "http:a.b", TargetForm),
        ("GET", "javascript:alert(1)", TargetForm),
        ("CONNECT", "/", TargetForm),
        ("CONNECT", "a.b", TargetAuthority),
        ("CONNECT", "a.b:", TargetAuthority),
        ("CONNECT", ":443", TargetAuthority),
        ("CONNECT", "http://a.b:1/", TargetAuthority),
        ("CONNECT", "u@a.b:443", TargetAuthority),
        ("GET", "http://", TargetAuthority),
        ("GET", "http:///a", TargetAuthority),
        ("GET", "http://u@a.b/", TargetAuthority),
        ("GET", "http://u:p@a.b/", TargetAuthority),
        ("GET", "http://a.b:x/", TargetAuthority),
        ("GET", "http://a.b:99999/", TargetAuthority),
        ("GET", "http://a..b/", TargetAuthority),
        ("GET", "http://[::1/", TargetAuthority),
        ("GET", "http://a%20b/", TargetAuthority),
        ("GET", "http://a.b/%", TargetPercent),
        ("GET", "http://a.b/[", TargetByte),
        ("GET", "http://a.b/?#", TargetByte),
        ("GET", "/#", TargetByte),
        ("GET", "/a#b", TargetByte),
        ("GET", "/?a#b", TargetByte),
        ("GET", "/\"", TargetByte),
        ("GET", "/<", TargetByte),
        ("GET", "/>", TargetByte),
        ("GET", "/\\", TargetByte),
        ("GET", "/^", TargetByte),
        ("GET", "/`", TargetByte),
        ("GET", "/{", TargetByte),
        ("GET", "/|", TargetByte),
        ("GET", "/}", TargetByte),
        ("GET", "/[", TargetByte),
        ("GET", "/]", TargetByte),
        ("GET", "/\u{e9}", TargetByte),
        ("GET", "/?\u{e9}", TargetByte),
        ("GET", "/\x7f", TargetByte),
        ("GET", "/\x00", TargetByte),
        ("GET", "/?\x01", TargetByte),
        ("GET", "/?\t", TargetByte),
        ("GET", "/%", TargetPercent),
        ("GET", "/%4", TargetPercent),
        ("GET", "/%4g", TargetPercent),
        ("GET", "/%%41", TargetPercent),
        ("GET", "/%u0041", TargetPercent),
        // VA-051: an encoded NUL is 400.
        ("GET", "/a%00b", TargetPercent),
    ];
    for (method, target, error) in table {
        check(method, target, Err(*error));
    }
}

// CF-33
#[test]
fn queries_tolerate_what_browsers_send_unless_strict() {
    let strict = HeadLimits { uri_policy: UriPolicy::Strict, ..HeadLimits::default() };
    for raw in ["[", "]", "{", "}", "|", "^", "\\", "`", "\"", "<", ">", "%", "%4", "%zz"] {
        let bytes = request("GET", &format!("/a?b={raw}&c"));
        let Outcome::Complete { head, .. } = decode(&bytes) else { panic!("{raw}") };
        assert_eq!(head.query(), Some(&*format!("b={raw}&c")));
        assert!(matches!(decode_with(&bytes, &strict), Outcome::Refused(_)), "{raw}");
    }
    // VA-225: what the grammar has passes both.
    let bytes = request("GET", "/a?b=/?:@-._~!$&'()*+,;=%41%00");
    assert!(matches!(decode_with(&bytes, &strict), Outcome::Complete { .. }));
}
