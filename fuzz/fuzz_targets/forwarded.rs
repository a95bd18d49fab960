//! What proxies say of clients, networks and ranges: nothing panics, and what is read can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::header::{Node, forwarded};
use shikra_proto::range::{self, RangeLimits};
use shikra_proto::uri::Network;

fuzz_target!(|bytes: &[u8]| {
    for hop in forwarded(bytes).flatten() {
        for part in [hop.from, hop.by, hop.host, hop.proto].into_iter().flatten() {
            assert!(part.len() <= bytes.len());
            node(&part);
        }
    }
    let len = bytes.len() as u64;
    if let Ok(Some(ranges)) = range::decode(bytes, len, &RangeLimits::default()) {
        assert!(ranges.iter().all(|range| range.start < range.end && range.end <= len));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    node(text);
    if let Ok(network) = Network::decode(text) {
        assert_eq!(Network::decode(&network.to_string()), Ok(network));
    }
});

fn node(text: &str) {
    let strict = Node::decode(text);
    assert!(strict.is_none() || strict == Node::decode_loose(text));
    if let Some(Node::Address(address, port)) = Node::decode_loose(text) {
        let host = if address.is_ipv4() { address.to_string() } else { format!("[{address}]") };
        let written = port.map_or(host.clone(), |port| format!("{host}:{port}"));
        assert_eq!(Node::decode(&written), Some(Node::Address(address, port)));
    }
}
