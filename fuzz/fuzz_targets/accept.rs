//! `accept` and its like: weights agree with a naive reading, and what is chosen was offered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::header::{list, media_weight, preferred, weighted};

const OFFERS: [&str; 4] = ["text/html", "text/plain", "application/json", "image/svg+xml"];

fuzz_target!(|bytes: &[u8]| {
    let mut elements = list(bytes);
    for found in weighted(bytes) {
        assert!(found.weight <= 1_000 && !found.value.is_empty());
        // In the order in which they stand there, each a part of its element.
        assert!(
            elements.any(|element| element.starts_with(found.value.as_bytes())),
            "{:?}",
            found.value
        );
    }
    let weights = OFFERS.map(|offer| media_weight(bytes, offer));
    assert!(weights.iter().all(|&weight| weight <= 1_000));
    let best = weights.iter().copied().max().filter(|&weight| weight > 0);
    let first = best.and_then(|best| weights.iter().position(|&weight| weight == best));
    assert_eq!(preferred(bytes, &OFFERS), first.map(|index| OFFERS[index]));
});
