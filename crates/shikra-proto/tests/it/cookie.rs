//! Cookies, both ways.

use std::time::Duration;

use proptest::prelude::*;
use shikra_proto::cookie::{self, CookieError, SameSite, SetCookie};

// HX-101, CF-76, HA-189: trimmed, unquoted, decoded, the first of equal names.
#[test]
fn reads_cookies() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("a=1", &[("a", "1")]),
        ("a=1; b=2", &[("a", "1"), ("b", "2")]),
        ("a=1;b=2", &[("a", "1"), ("b", "2")]),
        (" a = 1 ;\tb=2\t", &[("a", "1"), ("b", "2")]),
        ("a=\"1\"", &[("a", "1")]),
        ("a=\"", &[("a", "\"")]),
        ("a=\"\"", &[("a", "")]),
        ("a=b=c==", &[("a", "b=c==")]),
        ("a=", &[("a", "")]),
        ("=a; b=1", &[("b", "1")]),
        ("junk; a=1; ; junk", &[("a", "1")]),
        ("a=1; a=2", &[("a", "1"), ("a", "2")]),
        ("a=%20b; c=%; d=%zz; e=%ff", &[("a", " b"), ("c", "%"), ("d", "%zz"), ("e", "%ff")]),
        ("__proto__=1", &[("__proto__", "1")]),
    ];
    for (field, wanted) in table {
        let read: Vec<_> = cookie::cookies(field.as_bytes())
            .map(|cookie| {
                (String::from_utf8_lossy(cookie.name()).into_owned(), cookie.value().into_owned())
            })
            .collect();
        let read: Vec<_> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(read, *wanted, "{field}");
    }
    assert_eq!(cookie::find(b"a=1; A=2; a=3", "a").unwrap().raw(), b"1");
    assert_eq!(cookie::find(b"a=1", "b"), None);
}

fn line(cookie: &SetCookie) -> String {
    let mut out = Vec::new();
    cookie.encode(&mut out);
    String::from_utf8(out).unwrap()
}

// HA-180, HA-181, HA-182, HA-183, HA-184, HA-185, HX-187, HX-188, HX-189, HX-191, CF-54
#[test]
fn writes_cookies() {
    let new = |value: &str| SetCookie::new("a", value).unwrap();
    let table: &[(SetCookie, &str)] = &[
        (new("1"), "a=1; Path=/; SameSite=Lax"),
        (new(""), "a=; Path=/; SameSite=Lax"),
        (new("x=y/%20!"), "a=x=y/%20!; Path=/; SameSite=Lax"),
        (new("v 1;x%\u{e9}"), "a=v%201%3Bx%25%C3%A9; Path=/; SameSite=Lax"),
        (new("a,b\"\\\r\n\0"), "a=a%2Cb%22%5C%0D%0A%00; Path=/; SameSite=Lax"),
        (new("1").with_path("/p q").unwrap(), "a=1; Path=/p q; SameSite=Lax"),
        (new("1").with_domain(".a.b").unwrap(), "a=1; Domain=a.b; Path=/; SameSite=Lax"),
        (
            new("1").with_max_age(Duration::from_millis(1_999)),
            "a=1; Max-Age=1; Path=/; SameSite=Lax",
        ),
        (
            new("1").with_expires(0),
            "a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax",
        ),
        (new("1").with_secure().with_http_only(), "a=1; Path=/; HttpOnly; Secure; SameSite=Lax"),
        (new("1").without_secure(), "a=1; Path=/; SameSite=Lax"),
        (
            new("1").with_same_site(SameSite::None).without_secure(),
            "a=1; Path=/; Secure; SameSite=None",
        ),
        (new("1").with_same_site(SameSite::Strict), "a=1; Path=/; SameSite=Strict"),
        (new("1").with_same_site(SameSite::None), "a=1; Path=/; Secure; SameSite=None"),
        (new("1").without_same_site(), "a=1; Path=/"),
        (new("1").with_partitioned(), "a=1; Path=/; Secure; SameSite=Lax; Partitioned"),
        (SetCookie::new("__Secure-a", "1").unwrap(), "__Secure-a=1; Path=/; Secure; SameSite=Lax"),
        (
            SetCookie::new("__Host-a", "1")
                .unwrap()
                .with_domain("b")
                .unwrap()
                .with_path("/c")
                .unwrap(),
            "__Host-a=1; Path=/; Secure; SameSite=Lax",
        ),
    ];
    for (cookie, wanted) in table {
        assert_eq!(line(cookie), *wanted);
    }
}

// HA-188, HX-193, HX-194, CF-57: both the age and the date, with the path and domain of the cookie.
#[test]
fn removes_cookies() {
    let cookie =
        SetCookie::removal("k").unwrap().with_path("/p").unwrap().with_domain("b").unwrap();
    let wanted =
        "k=; Max-Age=0; Domain=b; Path=/p; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax";
    assert_eq!(line(&cookie), wanted);
}

// R27
#[test]
fn refuses_what_would_add_attributes() {
    for name in ["", "a b", "a=b", "a;b", "a\r\n", "\u{e9}", "\"a\""] {
        assert_eq!(SetCookie::new(name, "1").map(|_| ()), Err(CookieError::Name), "{name}");
    }
    let cookie = SetCookie::new("a", "t0p").unwrap();
    for path in ["", "a", "/;Secure", "/\r\nx: y", "/\u{e9}", "/\0", "/ "] {
        assert_eq!(cookie.clone().with_path(path).map(|_| ()), Err(CookieError::Path), "{path}");
    }
    for domain in ["", ".", "a..b", "a;b", "a b", "a\r\n", "\u{e9}", "a:80", "a/b"] {
        assert_eq!(
            cookie.clone().with_domain(domain).map(|_| ()),
            Err(CookieError::Domain),
            "{domain}"
        );
    }
    assert!(!format!("{cookie:?}").contains("t0p"));
}

proptest! {
    #[test]
    fn illegal_values_survive_the_way_there_and_back(value in "\\PC{0,12}[ ;,\u{e9}]\\PC{0,12}") {
        let line = line(&SetCookie::new("a", value.clone()).unwrap());
        let pair = line.split("; ").next().unwrap();
        prop_assert_eq!(cookie::find(pair.as_bytes(), "a").unwrap().value(), value);
        prop_assert!(line.ends_with("; Path=/; SameSite=Lax"));
    }
}

#[test]
fn tells_a_cookie_from_its_namesakes() {
    let base = cookie::scope(b"a=1; Path=/; SameSite=Lax");
    for (line, is_same) in [
        ("a=2;path=/", true),
        (" a = 2 ; PATH=/; Domain", true),
        ("a; Path=/", true),
        ("a=1", false),
        ("A=1; Path=/", false),
        ("a=1; Path=/b", false),
        ("a=1; Domain=b; Path=/", false),
        ("", false),
    ] {
        assert_eq!(cookie::scope(line.as_bytes()) == base, is_same, "{line}");
    }
}

// CF-56: who may add `Secure` later.
#[test]
fn knows_which_cookies_are_as_secure_as_their_connection() {
    let new = |name: &'static str| SetCookie::new(name, "1").unwrap();
    for (cookie, wanted) in [
        (new("a"), true),
        (new("a").with_secure(), false),
        (new("a").without_secure(), false),
        (new("a").with_partitioned(), false),
        (new("a").with_same_site(SameSite::None), false),
        (new("__Host-a"), false),
        (new("__secure-a"), false),
    ] {
        assert_eq!(cookie.is_secure_as_connection(), wanted, "{cookie:?}");
    }
}
