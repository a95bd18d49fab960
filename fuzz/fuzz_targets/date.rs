//! Dates: what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::date;

fuzz_target!(|bytes: &[u8]| {
    let number = bytes.iter().take(8).fold(0, |n, &byte| n << 8 | u64::from(byte));
    if let Some(unix_s) = date::decode(bytes, number)
        && let Ok(unix_s) = u64::try_from(unix_s)
    {
        let text = date::encode(unix_s);
        // The last leap second of the last year is the one that can't be written.
        let back = date::decode(&text, 0).expect("it was just written");
        assert!(back == i64::try_from(unix_s).unwrap() || unix_s == 253_402_300_800);
    }
    let text = date::encode(number);
    let back = date::decode(&text, 0).expect("it was just written");
    assert_eq!(back.unsigned_abs(), number.min(253_402_300_799));
});
