//! Forms and queries: the two agree, and the limit holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::form::{self, FormLimits};
use shikra_proto::query;

fuzz_target!(|bytes: &[u8]| {
    let limits = FormLimits { fields_max: 8, ..FormLimits::default() };
    let Ok(fields) = form::decode(bytes, &limits) else {
        assert!(bytes.iter().filter(|&&byte| byte == b'&').count() >= 8);
        return;
    };
    assert!(fields.clone().count() <= 8);
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(query::pairs(text).eq(fields));
        let plain = text.split('&').filter(|pair| !pair.is_empty());
        for (pair, (name, value)) in plain.zip(query::pairs(text)) {
            assert!(name.len() <= 3 * pair.len() && value.len() <= 3 * pair.len());
            if !pair.contains(['%', '+']) {
                assert_eq!(pair.split_once('=').unwrap_or((pair, "")), (&*name, &*value));
            }
        }
    }
});
