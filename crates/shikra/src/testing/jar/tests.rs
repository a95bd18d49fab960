use super::super::url::Origin;
use super::*;

const NOW: u64 = 1_700_000_000;

fn url(text: &str) -> Url {
    let origin = Origin::decode(text).expect("a URL of a test");
    let path = text.splitn(4, '/').nth(3).unwrap_or_default();
    Url { origin, target: format!("/{path}") }
}

/// What a client sends to `to` after `fields` came from `from`.
fn sent(from: &str, fields: &[&str], to: &str) -> String {
    let mut jar = Jar::default();
    for field in fields {
        jar.store(field.as_bytes(), &url(from), NOW);
    }
    shown(&jar, to, NOW)
}

fn shown(jar: &Jar, to: &str, now_s: u64) -> String {
    let pairs = jar.matching(&url(to), now_s);
    let pairs: Vec<_> = pairs.iter().map(|(name, raw)| format!("{name}={raw}")).collect();
    pairs.join("; ")
}

#[track_caller]
fn check(from: &str, field: &str, to: &str, expected: &str) {
    assert_eq!(sent(from, &[field], to), expected, "{field} from {from} to {to}");
}

#[test]
fn hosts_and_domains() {
    check("http://a.test/", "k=v", "http://a.test/", "k=v");
    check("http://a.test/", "k=v", "http://A.test:81/", "k=v");
    check("http://a.test/", "k=v", "http://x.a.test/", "");
    check("http://a.test/", "k=v; Domain=a.test", "http://x.a.test/", "k=v");
    check("http://x.a.test/", "k=v; Domain=.A.test", "http://y.a.test/", "k=v");
    check("http://x.a.test/", "k=v; Domain=a.test", "http://xa.test/", "");
    check("http://a.test/", "k=v; Domain=x.a.test", "http://x.a.test/", "");
    check("http://a.test/", "k=v; Domain=test", "http://a.test/", "");
    check("http://test/", "k=v; Domain=test", "http://test/", "k=v");
    check("http://test/", "k=v; Domain=test", "http://a.test/", "");
    check("http://10.0.0.1/", "k=v; Domain=0.0.1", "http://10.0.0.1/", "");
    check("http://10.0.0.1/", "k=v; Domain=10.0.0.1", "http://10.0.0.1/", "k=v");
    check("http://[::1]/", "k=v", "http://[::1]:90/", "k=v");
    check("http://a.test/", "k=v; Domain=", "http://x.a.test/", "");
}

#[test]
fn paths() {
    check("http://a/b/c", "k=v", "http://a/b/", "k=v");
    check("http://a/b/c", "k=v", "http://a/b", "k=v");
    check("http://a/b/c", "k=v", "http://a/", "");
    check("http://a/b/c", "k=v", "http://a/bc", "");
    check("http://a/b/c", "k=v; Path=/", "http://a/x?y", "k=v");
    check("http://a/b/c", "k=v; Path=c", "http://a/b/x", "k=v");
    check("http://a/", "k=v; Path=/b/", "http://a/b/x", "k=v");
    check("http://a/", "k=v; Path=/b/", "http://a/b", "");
    check("http://a/", "k=v; Path=/b; Path=/c", "http://a/c", "k=v");
    let fields = ["x=1; Path=/", "y=2; Path=/b", "z=3; Path=/"];
    assert_eq!(sent("http://a/", &fields, "http://a/b"), "y=2; x=1; z=3");
}

#[test]
fn the_same_cookie_is_replaced_in_its_place() {
    let fields = ["x=1", "y=2", "x=3"];
    assert_eq!(sent("http://a/", &fields, "http://a/"), "x=3; y=2");
    let fields = ["x=1; Path=/", "x=2; Path=/b"];
    assert_eq!(sent("http://a/", &fields, "http://a/b"), "x=2; x=1");
    let fields = ["x=1", "y=2", "x=; Max-Age=0"];
    assert_eq!(sent("http://a/", &fields, "http://a/"), "y=2");
    let fields = ["x=1", "x=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
    assert_eq!(sent("http://a/", &fields, "http://a/"), "");
}

#[test]
fn cookies_expire_by_the_clock() {
    let mut jar = Jar::default();
    let from = url("http://a/");
    jar.store(b"age=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", &from, NOW);
    // 14 November 2023, 22:13:30, ten seconds from now.
    jar.store(b"date=2; Expires=Tue, 14 Nov 2023 22:13:30 GMT", &from, NOW);
    jar.store(b"session=3; Max-Age=soon", &from, NOW);
    jar.store(b"far=4; Max-Age=99999999999999999999", &from, NOW);
    assert_eq!(shown(&jar, "http://a/", NOW + 9), "age=1; date=2; session=3; far=4");
    assert_eq!(shown(&jar, "http://a/", NOW + 10), "age=1; session=3; far=4");
    assert_eq!(shown(&jar, "http://a/", NOW + 60), "session=3; far=4");
    assert_eq!(shown(&jar, "http://a/", NOW + LIFETIME_MAX_S), "session=3");
    assert_eq!(jar.all(NOW + 60).len(), 2);
    check("http://a/", "k=v; Max-Age=-5", "http://a/", "");
}

#[test]
fn secure_cookies_stay_secure() {
    check("https://a/", "k=v; Secure", "https://a/", "k=v");
    check("https://a/", "k=v; Secure", "http://a/", "");
    check("http://a/", "k=v; Secure", "https://a/", "");
    check("https://a/", "k=v", "http://a/", "k=v");
    let mut jar = Jar::default();
    jar.store(b"k=old; Secure; Path=/b", &url("https://a.test/"), NOW);
    // A plain origin may neither replace it nor put one beneath it, but may put one elsewhere.
    jar.store(b"k=new; Path=/b", &url("http://a.test/"), NOW);
    jar.store(b"k=new; Path=/b/c; Domain=a.test", &url("http://x.a.test/"), NOW);
    assert_eq!(shown(&jar, "https://a.test/b/c", NOW), "k=old");
    jar.store(b"k=new; Path=/c", &url("http://a.test/"), NOW);
    assert_eq!(shown(&jar, "https://a.test/c", NOW), "k=new");
}

#[test]
fn prefixes_hold_what_they_promise() {
    check("https://a/", "__Host-k=v; Secure; Path=/", "https://a/", "__Host-k=v");
    check("https://a/", "__Host-k=v; Secure", "https://a/", "");
    check("https://a/", "__host-k=v; Path=/", "https://a/", "");
    check("https://a/", "__Host-k=v; Secure; Path=/b", "https://a/b", "");
    check("https://a.test/", "__Host-k=v; Secure; Path=/; Domain=a.test", "https://a.test/", "");
    check("https://a/", "__Secure-k=v; Secure", "https://a/", "__Secure-k=v");
    check("https://a/", "__SECURE-k=v", "https://a/", "");
    check("http://a/", "__Secure-k=v; Secure", "https://a/", "");
    check("https://a/", "=__Host-k=v; Secure; Path=/", "https://a/", "");
}

#[test]
fn odd_fields() {
    check("http://a/", " k = v w ; HttpOnly", "http://a/", "k=v w");
    check("http://a/", "k=a=b", "http://a/", "k=a=b");
    check("http://a/", "k=\"q\"", "http://a/", "k=\"q\"");
    check("http://a/", "bare", "http://a/", "=bare");
    check("http://a/", "=", "http://a/", "");
    check("http://a/", "", "http://a/", "");
    check("http://a/", "k=v\u{1}", "http://a/", "");
    let at_limit = format!("k={}", "v".repeat(COOKIE_BYTES_MAX - 1));
    check("http://a/", &at_limit, "http://a/", &at_limit);
    check("http://a/", &format!("{at_limit}v"), "http://a/", "");
    let long = "/".repeat(ATTRIBUTE_BYTES_MAX + 1);
    check("http://a/", &format!("k=v; Path={long}"), "http://a/", "k=v");
}

#[test]
fn the_number_of_cookies_has_a_limit() {
    let mut jar = Jar::default();
    let mut store = |n: usize| {
        jar.store(format!("k{n}=v; Path=/{n}").as_bytes(), &url("http://a.test/"), NOW);
        jar.all(NOW).len()
    };
    assert_eq!((0..COOKIES_MAX).map(&mut store).last(), Some(COOKIES_MAX));
    // One more: the oldest goes.
    assert_eq!(store(COOKIES_MAX), COOKIES_MAX);
    assert_eq!(shown(&jar, "http://a.test/0", NOW), "");
    assert_eq!(shown(&jar, "http://a.test/1", NOW), "k1=v");
    assert_eq!(shown(&jar, "http://a.test/3000", NOW), "k3000=v");
    // One that replaces another is none more.
    jar.store(b"k1=w; Path=/1", &url("http://a.test/"), NOW);
    assert_eq!(shown(&jar, "http://a.test/1", NOW), "k1=w");
    assert_eq!(shown(&jar, "http://a.test/2", NOW), "k2=v");
}
