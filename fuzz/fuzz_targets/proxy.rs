//! PROXY preambles: what is decided early stays, and a reader takes no byte of what follows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::proxy::{ProxyStatus, decode};

fuzz_target!(|bytes: &[u8]| {
    let whole = decode(bytes);
    let mut len = 0;
    while let Ok(ProxyStatus::Partial { need }) = decode(&bytes[..len]) {
        assert!(need > 0);
        if len + need > bytes.len() {
            break;
        }
        len += need;
    }
    if let Ok(ProxyStatus::Complete { len: taken, .. }) = whole {
        assert_eq!(taken, len);
        assert_eq!(decode(&bytes[..len]), whole);
    }
});
