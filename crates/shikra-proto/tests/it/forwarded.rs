//! What proxies say of the client, and the networks that are trusted.

use std::net::IpAddr;

use proptest::prelude::*;
use shikra_proto::header::{Node, forwarded};
use shikra_proto::uri::{Network, NetworkError};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[track_caller]
fn check(value: &str, hops: &[Option<[&str; 4]>]) {
    let found: Vec<_> = forwarded(value.as_bytes())
        .map(|hop| {
            let hop = hop?;
            let text =
                |part: Option<std::borrow::Cow<'_, str>>| part.unwrap_or_default().into_owned();
            Some([text(hop.from), text(hop.by), text(hop.host), text(hop.proto)])
        })
        .collect();
    let hops: Vec<_> = hops.iter().map(|hop| hop.map(|hop| hop.map(String::from))).collect();
    assert_eq!(found, hops, "{value}");
}

#[test]
fn reads_hops() {
    // CF-42
    let only = |from: &'static str| Some([from, "", "", ""]);
    check("for=1.2.3.4", &[only("1.2.3.4")]);
    check("For=\"_gazonk\"", &[only("_gazonk")]);
    check("For=\"[2001:db8:cafe::17]:4711\"", &[only("[2001:db8:cafe::17]:4711")]);
    let all = Some(["192.0.2.60", "203.0.113.43", "", "http"]);
    check("for=192.0.2.60;proto=http;by=203.0.113.43", &[all]);
    check("for=192.0.2.43, for=198.51.100.17", &[only("192.0.2.43"), only("198.51.100.17")]);
    check("for=a;host=\"b:1\";x=y", &[Some(["a", "", "b:1", ""])]);
    check("proto=https", &[Some(["", "", "", "https"])]);
    check("for=a;;", &[only("a")]);
    check("for=a ; proto=b", &[Some(["a", "", "", "b"])]);
    check("for=\"a,b\", for=c", &[only("a,b"), only("c")]);
    check("for=\"a\\\"b\"", &[only("a\"b")]);
}

#[test]
fn refuses_malformed_hops_one_by_one() {
    let good = Some(["c", "", "", ""]);
    for bad in ["for", "for=", "=a", "for =a", "for=[::1]", "for=a b", "for=a;for=b", "f(=a", ""] {
        check(&format!("{bad}, for=c"), &[None, good]);
        check(&format!("for=c, {bad}"), &[good, None]);
    }
    // A string that does not end hides what follows, and nothing of it is believed.
    check("for=\"a, for=c", &[None]);
    check("for=\"a, for=\"[::1]\"", &[None]);
    check("for=a\"b, for=c\"", &[None]);
}

#[test]
fn reads_nodes() {
    let table = [
        ("1.2.3.4", Some(Node::Address(ip("1.2.3.4"), None))),
        ("1.2.3.4:80", Some(Node::Address(ip("1.2.3.4"), Some(80)))),
        ("1.2.3.4:00080", Some(Node::Address(ip("1.2.3.4"), Some(80)))),
        ("1.2.3.4:_p", Some(Node::Address(ip("1.2.3.4"), None))),
        ("[::1]", Some(Node::Address(ip("::1"), None))),
        ("[::1]:65535", Some(Node::Address(ip("::1"), Some(65535)))),
        ("[::ffff:1.2.3.4]", Some(Node::Address(ip("1.2.3.4"), None))),
        ("unknown", Some(Node::Unknown)),
        ("Unknown:7", Some(Node::Unknown)),
        ("_hidden", Some(Node::Hidden("_hidden"))),
        ("_SEVKISEK.x-1:_p", Some(Node::Hidden("_SEVKISEK.x-1"))),
    ];
    for (text, node) in table {
        assert_eq!(Node::decode(text), node, "{text}");
        assert_eq!(Node::decode_loose(text), node, "{text}");
    }
    let refused = [
        "",
        ":",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:000080",
        "1.2.3.4:+1",
        "1.2.3.04",
        "[::1",
        "[::1]x",
        "[1.2.3.4]",
        "[fe80::1%eth0]",
        "[fe80::1%1]",
        "_",
        "_a b",
        "a.example",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4:_",
        "hidden",
    ];
    for text in refused {
        assert_eq!(Node::decode(text), None, "{text}");
        assert_eq!(Node::decode_loose(text), None, "{text}");
    }
    assert_eq!(Node::decode("::1"), None);
    assert_eq!(Node::decode_loose("::1"), Some(Node::Address(ip("::1"), None)));
    assert_eq!(Node::decode_loose("::ffff:1.2.3.4"), Some(Node::Address(ip("1.2.3.4"), None)));
}

#[test]
fn networks_hold_their_addresses() {
    let contains =
        |network: &str, address: &str| Network::decode(network).unwrap().contains(ip(address));
    assert!(contains("10.0.0.0/8", "10.255.255.255") && !contains("10.0.0.0/8", "11.0.0.0"));
    assert!(
        contains("172.16.0.0/12", "172.31.255.255") && !contains("172.16.0.0/12", "172.32.0.0")
    );
    assert!(contains("1.2.3.4", "1.2.3.4") && !contains("1.2.3.4", "1.2.3.5"));
    assert!(contains("0.0.0.0/0", "255.1.2.3") && !contains("0.0.0.0/0", "::1"));
    assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "1.2.3.4"));
    assert!(contains("fc00::/7", "fdff::1") && !contains("fc00::/7", "fe00::"));
    assert!(contains("1.2.3.0/31", "::ffff:1.2.3.1") && !contains("1.2.3.0/31", "1.2.3.2"));
    let errors = [
        ("", NetworkError::Address),
        ("a/8", NetworkError::Address),
        ("10.0.0/8", NetworkError::Address),
        ("10.0.0.0/", NetworkError::PrefixLen),
        ("10.0.0.0/33", NetworkError::PrefixLen),
        ("::/129", NetworkError::PrefixLen),
        ("::/999", NetworkError::PrefixLen),
        ("10.0.0.0/+8", NetworkError::PrefixLen),
        ("10.0.0.0/08", NetworkError::PrefixLen),
        ("10.0.0.1/8", NetworkError::HostBits),
        ("::1/127", NetworkError::HostBits),
    ];
    for (text, error) in errors {
        assert_eq!(Network::decode(text), Err(error), "{text}");
    }
    let preset = |name: &str, address: &str| {
        Network::preset(name).is_some_and(|all| all.iter().any(|one| one.contains(ip(address))))
    };
    assert!(preset("loopback", "127.1.2.3") && preset("loopback", "::1"));
    assert!(preset("private", "192.168.1.1") && preset("private", "fd00::1"));
    assert!(preset("link-local", "169.254.0.1") && preset("link-local", "fe80::1"));
    assert!(!preset("private", "127.0.0.1") && !preset("loopback", "::2"));
    assert!(Network::preset("all").is_none());
    for network in
        ["loopback", "private", "link-local"].into_iter().flat_map(Network::preset).flatten()
    {
        assert_eq!(Network::decode(&network.to_string()), Ok(*network));
    }
}

proptest! {
    #[test]
    fn networks_agree_with_counting(address: u32, other: u32, bits in 0_u32..=32) {
        // The twin compares the numbers of the two halves by division.
        let host = 1_u64 << (32 - bits);
        let start = u32::try_from(u64::from(address) / host * host).unwrap();
        let network = format!("{}/{bits}", std::net::Ipv4Addr::from(start));
        let network = Network::decode(&network).unwrap();
        let other_ip = IpAddr::V4(other.into());
        prop_assert_eq!(network.contains(other_ip), u64::from(other) / host == u64::from(start) / host);
        prop_assert!(network.contains(IpAddr::V4(address.into())));
    }
}
