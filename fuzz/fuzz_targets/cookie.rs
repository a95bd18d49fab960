//! Cookies: what is read has no delimiters in it, and what is set adds no attribute.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::cookie::{self, SetCookie};
use shikra_proto::header::is_field_value;

fuzz_target!(|bytes: &[u8]| {
    for found in cookie::cookies(bytes) {
        assert!(!found.name().is_empty() && !found.name().contains(&b'='));
        assert!(!found.name().contains(&b';') && !found.raw().contains(&b';'));
        let _ = found.value();
        if let Ok(name) = std::str::from_utf8(found.name()) {
            assert!(cookie::find(bytes, name).is_some());
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.splitn(4, '|');
    let mut part = || parts.next().unwrap_or_default();
    let (name, path, domain, value) = (part(), part(), part(), part());
    let Ok(mut set) = SetCookie::new(name.to_owned(), value) else { return };
    let mut attributes = 2;
    if let Ok(with_path) = set.clone().with_path(path.to_owned()) {
        set = with_path;
    }
    if let Ok(with_domain) = set.clone().with_domain(domain) {
        set = with_domain;
        attributes += 1;
    }
    let mut line = Vec::new();
    set.encode(&mut line);
    assert!(is_field_value(&line) && line.is_ascii());
    // `__Host-` and `__Secure-` trade the domain for `Secure`, or add it.
    let count = line.iter().filter(|&&byte| byte == b';').count();
    assert!(
        count == attributes || name.starts_with("__") || name.len() > 7 && count <= attributes + 1
    );
    let pair = line.split(|&byte| byte == b';').next().unwrap_or_default();
    let read = cookie::find(pair, name).expect("it was just written");
    // A legal value goes out as it is, so per cent signs in it are decoded when it is read.
    if !value.contains('%') {
        assert_eq!(read.value(), value);
    }
});
