//! Ranges of bytes.
// Ranges of one element are what the tables are about.
#![allow(clippy::single_range_in_vec_init)]

use proptest::prelude::*;
use shikra_proto::range::{self, RangeError, RangeLimits};

const LEN: u64 = 1000;

fn decode(value: &str) -> Result<Option<Vec<std::ops::Range<u64>>>, RangeError> {
    range::decode(value.as_bytes(), LEN, &RangeLimits::default())
}

#[test]
fn reads_ranges() {
    // HX-293
    let table = [
        ("bytes=0-4", vec![0..5]),
        ("Bytes=0-0", vec![0..1]),
        ("bytes=999-", vec![999..1000]),
        ("bytes=0-", vec![0..1000]),
        ("bytes=990-2000", vec![990..1000]),
        ("bytes=-1", vec![999..1000]),
        ("bytes=-5000", vec![0..1000]),
        ("bytes=0-99999999999999999999999", vec![0..1000]),
        ("bytes=-99999999999999999999999", vec![0..1000]),
        ("bytes=0-18446744073709551615", vec![0..1000]),
        ("bytes= 0-1 ,\t3-4", vec![0..2, 3..5]),
        ("bytes=,0-1,,", vec![0..2]),
        // RFC 9110 §14.1.2: what lies past the end is left out if something is left.
        ("bytes=1000-1001, 5-6", vec![5..7]),
        ("bytes=5-6, 0-9, 5-6", vec![5..7, 0..10, 5..7]),
    ];
    for (value, ranges) in table {
        assert_eq!(decode(value), Ok(Some(ranges)), "{value}");
    }
}

#[test]
fn tells_malformed_unsatisfiable_and_unknown_apart() {
    // HX-293
    for value in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=5-4",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes=1 -2",
        "bytes =0-1",
        "=0-1",
        "bytes=0-1, x",
        "bytes=1.5-2",
        "bytes=99999999999999999999-1",
    ] {
        assert_eq!(decode(value), Err(RangeError::Malformed), "{value}");
    }
    for value in ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999999-"] {
        assert_eq!(decode(value), Err(RangeError::Unsatisfiable), "{value}");
    }
    for value in ["lines=1-2", "items=anything", "none=x"] {
        assert_eq!(decode(value), Ok(None), "{value}");
    }
    let empty = range::decode(b"bytes=0-", 0, &RangeLimits::default());
    assert_eq!(empty, Err(RangeError::Unsatisfiable));
}

#[test]
fn takes_16_ranges() {
    let many = |count: usize| decode(&format!("bytes={}", vec!["0-1"; count].join(",")));
    assert_eq!(many(16), Ok(Some(vec![0..2; 16])));
    assert_eq!(many(17), Err(RangeError::TooMany));
    // What lies past the end counts too.
    assert_eq!(decode(&format!("bytes={}0-1", "5000-,".repeat(16))), Err(RangeError::TooMany));
}

proptest! {
    #[test]
    fn every_range_lies_in_the_content(text in "[-0-9, ]{0,30}", len in 0_u64..100) {
        let value = format!("bytes={text}");
        if let Ok(Some(ranges)) = range::decode(value.as_bytes(), len, &RangeLimits::default()) {
            prop_assert!(!ranges.is_empty());
            prop_assert!(ranges.iter().all(|range| range.start < range.end && range.end <= len));
        }
    }
}
