//! `range`: what comes out lies within the content, and a plain one says what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::range::{RangeError, RangeLimits, decode};

fuzz_target!(|bytes: &[u8]| {
    // The first two bytes are the length of the content.
    let Some((len, value)) = bytes.split_at_checked(2) else { return };
    let len = u64::from(len[0]) << 8 | u64::from(len[1]);
    let limits = RangeLimits { ranges_max: 4 };
    match decode(value, len, &limits) {
        Ok(Some(ranges)) => {
            assert!(!ranges.is_empty() && ranges.len() <= limits.ranges_max);
            assert!(ranges.iter().all(|range| range.start < range.end && range.end <= len));
        }
        Ok(None) => assert!(!value.to_ascii_lowercase().starts_with(b"bytes=")),
        Err(RangeError::TooMany) => {
            assert!(value.iter().filter(|&&byte| byte == b',').count() >= limits.ranges_max);
        }
        Err(_) => {}
    }
    // Another limit changes nothing but whether there are too many.
    let wide = RangeLimits { ranges_max: usize::MAX };
    match (decode(value, len, &limits), decode(value, len, &wide)) {
        (Err(RangeError::TooMany), _) => {}
        (narrow, wide) => assert_eq!(format!("{narrow:?}"), format!("{wide:?}")),
    }
    plain(value, len);
});

/// One range of the two plain forms, read by hand.
fn plain(value: &[u8], len: u64) {
    let Some(text) = value.strip_prefix(b"bytes=").and_then(|rest| std::str::from_utf8(rest).ok())
    else {
        return;
    };
    let Some((first, last)) = text.split_once('-') else { return };
    let is_number =
        |text: &str| (1..10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !(last.is_empty() || is_number(last)) {
        return;
    }
    let first: u64 = first.parse().expect("digits");
    let last = last.parse().unwrap_or(u64::MAX - 1);
    let due = first..len.min(last + 1);
    let found = decode(value, len, &RangeLimits::default());
    if last < first {
        assert!(matches!(found, Err(RangeError::Malformed)), "{found:?}");
    } else if first >= len {
        assert!(matches!(found, Err(RangeError::Unsatisfiable)), "{found:?}");
    } else {
        assert_eq!(found.expect("a range").expect("bytes").first(), Some(&due));
    }
}
