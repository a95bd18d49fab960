//! Chunked bodies: the outcome does not depend on the cuts, and nothing after the end is touched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::http1::{BodyDecoder, BodyError, BodyFraming, BodyLimits, BodyStep};

type Outcome = Result<Option<(Vec<u8>, Vec<u8>, usize)>, BodyError>;

fuzz_target!(|bytes: &[u8]| {
    let small = BodyLimits { extension_bytes_max: 8, trailer_bytes_max: 16, trailers_max: 2 };
    for limits in [BodyLimits::default(), small] {
        let whole = feed(bytes, &limits, [bytes.len()].into_iter());
        assert_eq!(whole, feed(bytes, &limits, 0..=bytes.len()));
        let cut = usize::from(bytes.first().copied().unwrap_or_default()) % (bytes.len() + 1);
        assert_eq!(whole, feed(bytes, &limits, [cut, bytes.len()].into_iter()));
        if let Ok(Some((body, _, len))) = &whole {
            assert!(body.len() + 5 <= *len);
            assert_eq!(whole, feed(&bytes[..*len], &limits, [*len].into_iter()));
        }
    }
});

fn feed(bytes: &[u8], limits: &BodyLimits, ends: impl Iterator<Item = usize>) -> Outcome {
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
    let (mut body, mut at) = (Vec::new(), 0);
    for end in ends {
        loop {
            match decoder.decode(&bytes[at..end], limits)? {
                BodyStep::NeedMore { consumed } => {
                    assert_eq!(at + consumed, end);
                    at = end;
                    break;
                }
                BodyStep::Data { start, end: data_end } => {
                    assert!(start < data_end);
                    body.extend_from_slice(&bytes[at + start..at + data_end]);
                    at += data_end;
                }
                BodyStep::End { consumed } => {
                    let trailers = decoder.take_trailers().as_bytes().to_vec();
                    return Ok(Some((body, trailers, at + consumed)));
                }
            }
        }
    }
    Ok(None)
}
