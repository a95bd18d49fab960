//! Whose word is taken for the client's address, host and scheme.

use crate::support::problems;
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{AppHandle, IntoApp, TrustedProxies};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Shows what the request says of its client.
async fn show(req: Request) -> String {
    let ip = req.client_ip().map_or("none".to_owned(), |ip| ip.to_string());
    let ips: Vec<_> = req.client_ips().iter().map(ToString::to_string).collect();
    let (host, port) = (req.host().unwrap_or_default().into_owned(), req.port().unwrap_or(0));
    format!("{ip} [{}] {} {host} {port} {}", ips.join(" "), req.scheme(), req.is_secure())
}

fn app(proxies: Option<TrustedProxies>) -> App {
    let mut app = App::new();
    if let Some(proxies) = proxies {
        app.trust_proxy(proxies);
    }
    app.get("/", show).get("/url", async |req: Request| req.url());
    app
}

/// The address that `fields` lead to; the peer is a trusted proxy without an address.
#[track_caller]
fn check(proxies: &TrustedProxies, fields: &[(&str, &str)], wanted: &str) {
    let client = TestClient::new(app(Some(proxies.clone())));
    let mut request = client.get("/").header("host", "inner.test");
    for (name, value) in fields {
        request = request.header(name, value);
    }
    assert_eq!(request.send().text(), wanted, "{fields:?}");
}

/// The same with the address alone.
#[track_caller]
fn check_ip(proxies: &TrustedProxies, name: &str, values: &[&str], wanted: &str) {
    let client = TestClient::new(app(Some(proxies.clone())));
    let request = values.iter().fold(client.get("/"), |request, value| request.header(name, value));
    let text = request.send().text();
    assert_eq!(text.split(' ').next(), Some(wanted), "{name} {values:?}");
}

const ALL: [(&str, &str); 6] = [
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "pub.example:8443"),
    ("forwarded", "for=203.0.113.10;proto=https;host=other.example"),
    ("cf-connecting-ip", "203.0.113.11"),
    ("x-real-ip", "203.0.113.12"),
];

#[test]
fn nobody_is_believed_unless_the_application_says_so() {
    // CF-42, HX-028, HX-295
    let client = TestClient::new(app(None));
    let request =
        ALL.iter().fold(client.get("/"), |request, (name, value)| request.header(name, value));
    assert_eq!(request.send().text(), "none [] http test 80 false");
    // A peer that is no proxy is not believed either.
    let trusted =
        TrustedProxies::x_forwarded(["loopback", "private", "link-local", "::/0", "0.0.0.0/0"]);
    check(&trusted, &ALL, "none [] http inner.test 80 false");
}

#[test]
fn each_kind_reads_its_own_fields_alone() {
    // CF-42
    let rows = [
        (
            TrustedProxies::x_forwarded(["unix"]),
            "203.0.113.9 [203.0.113.9] https pub.example 8443 true",
        ),
        (
            TrustedProxies::forwarded(["unix"]),
            "203.0.113.10 [203.0.113.10] https other.example 443 true",
        ),
        (
            TrustedProxies::cf_connecting_ip(["unix"]),
            "203.0.113.11 [203.0.113.11] https inner.test 443 true",
        ),
        (
            TrustedProxies::x_real_ip(["unix"]),
            "203.0.113.12 [203.0.113.12] http inner.test 80 false",
        ),
    ];
    for (proxies, wanted) in rows {
        check(&proxies, &ALL, wanted);
    }
}

#[test]
fn walks_from_the_right_to_the_first_that_is_not_trusted() {
    // CF-42, HX-028: what stands further left is the client's own invention.
    let proxies = TrustedProxies::x_forwarded(["unix", "10.0.0.0/8", "2001:db8::/32"]);
    let name = "x-forwarded-for";
    for (values, wanted) in [
        (&["203.0.113.9, 198.51.100.2"][..], "198.51.100.2"),
        (&["6.6.6.6, 198.51.100.2, 10.0.0.7"], "198.51.100.2"),
        (&["198.51.100.2,10.0.0.7 ,\t10.1.2.3"], "198.51.100.2"),
        (&["198.51.100.2", "10.0.0.7", "10.0.0.8"], "198.51.100.2"),
        (&["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
        (&["198.51.100.2:4711, 10.0.0.7:80"], "198.51.100.2"),
        (&["[2001:db9::1]:4711, [2001:db8::1]"], "2001:db9::1"),
        (&["2001:db9::1, 2001:db8::1"], "2001:db9::1"),
        (&["::ffff:198.51.100.2, ::ffff:10.0.0.7"], "198.51.100.2"),
        // What nobody understands ends the walk, and so does what is empty.
        (&["6.6.6.6, unknown, 10.0.0.7"], "10.0.0.7"),
        (&["6.6.6.6, _hidden, 10.0.0.7"], "10.0.0.7"),
        (&["6.6.6.6, , 10.0.0.7"], "10.0.0.7"),
        (&["6.6.6.6, 10.0.0.300, 10.0.0.7"], "10.0.0.7"),
        (&["6.6.6.6, 10.0.0.7,"], "none"),
        (&["6.6.6.6", "unknown"], "none"),
        (&["6.6.6.6 7.7.7.7"], "none"),
        (&[""], "none"),
        (&[], "none"),
    ] {
        check_ip(&proxies, name, values, wanted);
    }
    // No more than 32 hops are read.
    let chain = |len: usize| format!("198.51.100.2{}", ", 10.0.0.7".repeat(len - 1));
    check_ip(&proxies, name, &[&chain(32)], "198.51.100.2");
    check_ip(&proxies, name, &[&chain(33)], "10.0.0.7");
    check(
        &proxies,
        &[(name, "6.6.6.6, 198.51.100.2, 10.0.0.7, 10.0.0.8")],
        "198.51.100.2 [198.51.100.2 10.0.0.7 10.0.0.8] http inner.test 80 false",
    );
}

#[test]
fn host_and_scheme_are_the_outermost_trusted_proxy_s() {
    // CF-42: an entry of a list belongs to the hop at the same place from the right.
    let proxies = TrustedProxies::x_forwarded(["unix", "10.0.0.0/8"]);
    let whole = |address: &str, proto: &str, host: &str| {
        let client = TestClient::new(app(Some(proxies.clone())));
        let request =
            client.get("/").header("host", "inner.test").header("x-forwarded-for", address);
        let request = request.header("x-forwarded-proto", proto).header("x-forwarded-host", host);
        let text = request.send().text();
        text.split_once("] ").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    };
    assert_eq!(whole("1.1.1.1", "https", "a.test"), "https a.test 443 true");
    assert_eq!(whole("1.1.1.1", "https, http", "evil.test, a.test"), "http a.test 80 false");
    assert_eq!(
        whole("1.1.1.1, 10.0.0.7", "https, http", "a.test, b.test"),
        "https a.test 443 true"
    );
    assert_eq!(whole("1.1.1.1, 10.0.0.7", "https", "a.test"), "https a.test 443 true");
    assert_eq!(
        whole("1.1.1.1, 10.0.0.7", "x, https, http", "x, a.test, y"),
        "https a.test 443 true"
    );
    assert_eq!(whole("unknown", "https", "a.test"), "https a.test 443 true");
    assert_eq!(whole("1.1.1.1", "WSS", "[::1]:81"), "https [::1] 81 true");
    assert_eq!(whole("1.1.1.1", "ws", "A.test:080"), "http a.test 80 false");
    for (proto, host) in [("ftp", "a b"), ("", ""), ("https http", "u@a"), ("https;", "a:99999")] {
        assert_eq!(whole("1.1.1.1", proto, host), "http inner.test 80 false", "{proto} {host}");
    }
}

#[test]
fn reads_the_standard_field() {
    // CF-42, RFC 7239
    let proxies = TrustedProxies::forwarded(["unix", "10.0.0.0/8", "2001:db8::/32"]);
    for (value, wanted) in [
        (
            "for=6.6.6.6, for=198.51.100.2;proto=https",
            "198.51.100.2 [198.51.100.2] https inner.test 443 true",
        ),
        (
            "for=\"198.51.100.2:7\";proto=https;host=\"a.test:81\", for=10.0.0.7;proto=http;host=b.test",
            "198.51.100.2 [198.51.100.2 10.0.0.7] https a.test 81 true",
        ),
        (
            "for=1.1.1.1, for=\"[2001:db8::1]\";proto=https;host=b.test",
            "1.1.1.1 [1.1.1.1 2001:db8::1] https b.test 443 true",
        ),
        // The hop that hides its client still says how it was reached.
        (
            "for=6.6.6.6;proto=http, for=_hidden;proto=https, for=10.0.0.7",
            "10.0.0.7 [10.0.0.7] https inner.test 443 true",
        ),
        ("for=6.6.6.6, for=unknown;host=a.test", "none [] http a.test 80 false"),
        (
            "for=6.6.6.6, for=2001:db8::1, for=10.0.0.7",
            "10.0.0.7 [10.0.0.7] http inner.test 80 false",
        ),
        ("for=6.6.6.6, proto=https", "none [] https inner.test 443 true"),
        ("for=6.6.6.6, by=10.0.0.1;for=\"", "none [] http inner.test 80 false"),
        ("for=\"6.6.6.6, for=1.1.1.1", "none [] http inner.test 80 false"),
    ] {
        check(&proxies, &[("forwarded", value)], wanted);
    }
    check(
        &proxies,
        &[
            ("forwarded", "for=6.6.6.6"),
            ("Forwarded", "for=1.1.1.1"),
            ("forwarded", "for=10.0.0.7"),
        ],
        "1.1.1.1 [1.1.1.1 10.0.0.7] http inner.test 80 false",
    );
}

#[test]
fn a_single_address_must_be_single() {
    // CF-42
    for (proxies, name) in [
        (TrustedProxies::x_real_ip(["unix"]), "x-real-ip"),
        (TrustedProxies::cf_connecting_ip(["unix"]), "cf-connecting-ip"),
    ] {
        for (values, wanted) in [
            (&["198.51.100.2"][..], "198.51.100.2"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6", "198.51.100.2"], "none"),
            (&["6.6.6.6, 198.51.100.2"], "none"),
            (&["unknown"], "none"),
            (&[""], "none"),
        ] {
            check_ip(&proxies, name, values, wanted);
        }
    }
}

#[test]
fn a_host_child_is_chosen_by_what_the_proxy_says() {
    // CF-42, CF-44
    let mut app = App::new();
    app.trust_proxy(TrustedProxies::x_forwarded(["unix"]));
    app.host(
        "pub.test",
        App::new().get("/", async |req: Request| format!("child {:?}", req.client_ip())),
    );
    app.host("plain.test:80", App::new().get("/", async |_| "plain"));
    app.host("plain.test:443", App::new().get("/", async |_| "encrypted"));
    app.get("/", async |_| "root");
    let client = TestClient::new(app);
    let ask = |host: &str, forwarded: &str, proto: &str| {
        let request = client.get("/").header("host", host).header("x-forwarded-host", forwarded);
        request
            .header("x-forwarded-proto", proto)
            .header("x-forwarded-for", "1.2.3.4")
            .send()
            .text()
    };
    assert_eq!(ask("inner", "pub.test", "http"), "child Some(1.2.3.4)");
    assert_eq!(ask("inner", "PUB.test:443", "https"), "child Some(1.2.3.4)");
    assert_eq!(ask("pub.test", "other.test", "http"), "root");
    assert_eq!(ask("pub.test", "not a host", "http"), "child Some(1.2.3.4)");
    assert_eq!(ask("plain.test", "", "http"), "plain");
    assert_eq!(ask("plain.test", "", "https"), "encrypted");
}

fn over_tcp(server: &AppHandle, fields: &str) -> String {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{fields}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

#[test]
fn a_peer_with_an_address_is_trusted_by_its_network() {
    // CK-31: CF-42, HX-028, HA-023, HX-105: each request has the address of its own peer.
    let fields = "x-forwarded-for: 203.0.113.9, 198.51.100.2\r\nx-forwarded-proto: https\r\n\
                  x-forwarded-host: pub.example:8443\r\n";
    let own = "127.0.0.1 [127.0.0.1] http x 80 false";
    let forwarded = "198.51.100.2 [198.51.100.2 127.0.0.1] https pub.example 8443 true";
    for (trusted, with_fields) in [
        (None, own),
        (Some("127.0.0.1"), forwarded),
        (Some("loopback"), forwarded),
        (Some("10.0.0.0/8"), own),
        (Some("unix"), own),
    ] {
        let app = app(trusted.map(|network| TrustedProxies::x_forwarded([network])));
        let server = app.into_app().start("127.0.0.1:0").unwrap();
        assert_eq!(over_tcp(&server, fields), with_fields, "{trusted:?}");
        assert_eq!(over_tcp(&server, ""), own, "{trusted:?}");
        server.stop();
        server.wait();
    }
}

#[test]
fn mistakes_keep_the_application_from_starting() {
    // CF-42
    let mut bad = App::new();
    bad.trust_proxy(TrustedProxies::forwarded(["10.0.0.1/8", "everyone"]));
    let told = problems(&bad);
    assert!(told.contains("`10.0.0.1/8`: the address has bits set after the prefix"), "{told}");
    assert!(
        told.contains("`everyone`: not an IP address") && told.contains("trusted_proxies.rs:"),
        "{told}"
    );
    let mut twice = App::new();
    twice.trust_proxy(TrustedProxies::forwarded(["unix"]));
    twice.trust_proxy(TrustedProxies::x_real_ip(["unix"]));
    assert!(problems(&twice).contains("the list of trusted proxies is set twice, first at"));
    let mut inner = App::new();
    inner.trust_proxy(TrustedProxies::forwarded(["unix"]));
    let mut outer = App::new();
    outer.mount("/m", inner.clone()).host("a.test", inner);
    let told = problems(&outer);
    assert!(told.contains("trusted proxies: a setting of the whole application"), "{told}");
}
