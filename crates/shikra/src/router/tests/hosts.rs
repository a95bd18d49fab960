//! Host patterns, and the table against a naive twin.

use super::super::hosts::{HostPattern, HostTable, Scheme};
use shikra_proto::uri::Authority;

/// The number of the pattern that answers.
fn find(patterns: &[&str], default_port: Option<u16>, host: &str, scheme: Scheme) -> Option<usize> {
    let mut table = HostTable::new();
    for (index, pattern) in patterns.iter().enumerate() {
        table.insert(&HostPattern::parse(pattern).unwrap(), default_port, index).unwrap();
    }
    table.find(&Authority::decode(host).unwrap(), scheme)
}

/// Each row is a host and the pattern that answers on a connection without TLS, if one does.
fn check(patterns: &[&str], rows: &[(&str, &str)]) {
    for (host, expected) in rows {
        let found = find(patterns, None, host, Scheme::Http).map_or("", |index| patterns[index]);
        assert_eq!(found, *expected, "{host}");
    }
}

#[test]
fn compares_labels_from_the_right() {
    // VA-210, VA-211, VA-214, VA-215
    check(
        &["www.site.test", "dev.site.test:8080", "*.site.test:*", "*.*.test", "www.*.test"],
        &[
            ("www.site.test", "www.site.test"),
            ("WWW.SITE.TEST.", "www.site.test"),
            ("www.site.test:80", "www.site.test"),
            ("www.site.test:080", "www.site.test"),
            ("www.site.test:", "www.site.test"),
            ("www.site.test:81", "*.site.test:*"),
            ("dev.site.test:8080", "dev.site.test:8080"),
            ("dev.site.test", "*.site.test:*"),
            ("x.site.test.:5", "*.site.test:*"),
            ("x.other.test", "*.*.test"),
            ("www.other.test", "www.*.test"),
            ("www.other.test:81", ""),
            ("a.b.site.test", ""),
            ("site.test", ""),
            ("test", ""),
            ("x_y.site.test", "*.site.test:*"),
            ("", ""),
        ],
    );
    check(
        &["eu.shop.example:*", "*.shop.example:8443", "*"],
        &[
            ("eu.shop.example:8443", "eu.shop.example:*"),
            ("us.shop.example:8443", "*.shop.example:8443"),
            ("us.shop.example", ""),
            ("localhost", "*"),
            ("", ""),
        ],
    );
}

#[test]
fn takes_addresses_exactly() {
    // VA-216
    check(
        &["127.0.0.1", "*.*.*.*", "*.*.*.*:*", "[::1]", "10.0.0.1:*", "[::2]:*"],
        &[
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1:81", ""),
            ("127.0.0.2", ""),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:80", "[::1]"),
            ("[::1]:81", ""),
            ("10.0.0.1:81", "10.0.0.1:*"),
            ("[::2]:9", "[::2]:*"),
            ("[::3]", ""),
            ("a.b.c.d", "*.*.*.*"),
        ],
    );
}

#[test]
fn assumes_the_port_of_the_scheme_or_the_one_that_is_set() {
    // CF-44, VA-213
    let rows = [
        (None, "a.test", Scheme::Http, true),
        (None, "a.test", Scheme::Https, true),
        (None, "a.test:443", Scheme::Https, true),
        (None, "a.test:80", Scheme::Https, false),
        (None, "a.test:443", Scheme::Http, false),
        (Some(8080), "a.test:8080", Scheme::Http, true),
        (Some(8080), "a.test:8080", Scheme::Https, true),
        (Some(8080), "a.test", Scheme::Http, false),
        (Some(0), "a.test:0", Scheme::Http, true),
        (Some(443), "a.test", Scheme::Https, true),
    ];
    for (port, host, scheme, answers) in rows {
        assert_eq!(find(&["a.test"], port, host, scheme).is_some(), answers, "{port:?} {host}");
    }
}

#[test]
fn refuses_what_answers_the_same_requests() {
    // VA-219
    let rows = [
        ("a.com", "A.com", None, true),
        ("a.com", "a.com:80", None, true),
        ("a.com:443", "a.com", None, true),
        ("a.com:8080", "a.com", Some(8080), true),
        ("a.com:80", "a.com", Some(8080), false),
        ("*.com:*", "*.com:*", None, true),
        ("*.com:*", "*.com", None, false),
        ("a.com:1", "a.com:2", None, false),
        ("[::1]", "[0::1]", None, true),
    ];
    for (first, second, port, is_refused) in rows {
        let mut table = HostTable::new();
        table.insert(&HostPattern::parse(first).unwrap(), port, 7).unwrap();
        let result = table.insert(&HostPattern::parse(second).unwrap(), port, 8);
        assert_eq!(result, if is_refused { Err(7) } else { Ok(()) }, "{first} {second}");
    }
}

#[test]
fn takes_names_and_ports_of_the_grammar_alone() {
    // VA-209, CV-52
    let long_label = "a".repeat(63);
    let label = "a".repeat(49);
    let name_of = |len: usize| {
        let name = [&*label; 5].join(".") + "." + &"b".repeat(63);
        name[..len].to_owned()
    };
    for good in [
        "a.com",
        "A-b.c0m",
        "1.2.com",
        "xn--bcher-kva.example",
        "*",
        "*.*",
        "a.*",
        "localhost:0",
        "a:65535",
        "a:*",
        "1.2.3.4:5",
        "[::1]",
        "[::1]:*",
        &long_label,
        &name_of(254),
    ] {
        assert!(HostPattern::parse(good).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("", "no name"),
        (":80", "no name"),
        ("a.com.", "no empty label"),
        (".a.com", "no empty label"),
        ("a..com", "no empty label"),
        ("w*.com", "a whole label"),
        ("**.com", "a whole label"),
        ("a_b.com", "`_` has no place"),
        ("a com", "` ` has no place"),
        ("bücher.example", "ASCII form"),
        ("http://a.com", "without a scheme"),
        ("a.com/x", "`/` has no place"),
        ("user@a.com", "`@` has no place"),
        ("-a.com", "hyphen"),
        ("a-.com", "hyphen"),
        ("a.1com", "begins with a letter"),
        ("1.2.3", "begins with a letter"),
        ("256.1.1.1", "begins with a letter"),
        ("::1", "in brackets"),
        ("[::1", "in brackets"),
        ("[x]", "in brackets"),
        ("[::1]80", "in brackets"),
        ("a.com:", "is missing"),
        ("a.com:080", "without leading zeros"),
        ("a.com:65536", "0 to 65535"),
        ("a.com:+1", "0 to 65535"),
        ("a.com:8*", "0 to 65535"),
        (&"a".repeat(64), "63 bytes"),
        (&name_of(255), "254 bytes"),
    ] {
        let problem = HostPattern::parse(bad).expect_err(bad).to_string();
        assert!(problem.contains(why), "{bad}: {problem}");
    }
}

/// All that the twin knows of a pattern: its labels from the right, then its port.
fn parts(pattern: &str) -> Vec<&str> {
    let (name, port) = pattern.split_once(':').unwrap_or((pattern, "80"));
    name.rsplit('.').chain([port]).collect()
}

fn naive<'a>(patterns: &[&'a str], host: &str) -> Option<&'a str> {
    let host = parts(host);
    let matching = patterns.iter().filter(|pattern| {
        let parts = parts(pattern);
        let mut pairs = parts.iter().zip(&host);
        parts.len() == host.len() && pairs.all(|(wanted, found)| wanted == found || *wanted == "*")
    });
    matching
        .min_by_key(|pattern| parts(pattern).iter().map(|part| *part == "*").collect::<Vec<_>>())
        .copied()
}

#[test]
fn agrees_with_the_naive_twin() {
    let labels = ["*", "a", "b"];
    let mut all = Vec::new();
    for one in labels {
        for two in labels {
            for port in ["", ":*", ":81"] {
                all.push(format!("{one}{port}"));
                all.push(format!("{one}.{two}{port}"));
                all.extend(labels.map(|three| format!("{one}.{two}.{three}{port}")));
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    let mut seed = 1_u64;
    for round in 0..300_u64 {
        let patterns = all.iter().map(String::as_str).filter(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            seed >> 60 < round % 8
        });
        let patterns: Vec<_> = patterns.collect();
        for host in all.iter().filter(|host| !host.contains('*')) {
            let found = find(&patterns, None, host, Scheme::Http).map(|index| patterns[index]);
            assert_eq!(found, naive(&patterns, host), "{host} in {patterns:?}");
        }
    }
}
