//! Request heads: the outcome does not depend on the cuts, and nothing is accepted that `httparse` refuses.
#![no_main]

use http::Version;
use libfuzzer_sys::fuzz_target;
use shikra_proto::http1::{HeadDecoder, HeadError, HeadLimits, HeadStatus, RequestHead};

type Outcome = Result<HeadStatus, HeadError>;

fuzz_target!(|bytes: &[u8]| {
    let small = HeadLimits {
        target_bytes_max: 24,
        head_bytes_max: 160,
        fields_max: 4,
        query_pairs_max: 3,
        cookies_max: 3,
        ..HeadLimits::default()
    };
    for limits in [HeadLimits::default(), small] {
        let (whole, head) = feed(bytes, &limits, [bytes.len()].into_iter());
        let (bytewise, head_bytewise) = feed(bytes, &limits, 0..=bytes.len());
        assert_eq!(whole, bytewise);
        let cut = usize::from(bytes.first().copied().unwrap_or_default()) % (bytes.len() + 1);
        let (split, _) = feed(bytes, &limits, [cut, bytes.len()].into_iter());
        assert_eq!(whole, split);
        if let Ok(HeadStatus::Complete { len }) = whole {
            assert_eq!(describe(&head), describe(&head_bytewise));
            compare(bytes, len, &head);
            assert!(head.fields_len() <= limits.fields_max && len <= limits.head_bytes_max);
            assert!(head.target().len() <= limits.target_bytes_max);
        }
    }
});

fn feed(
    bytes: &[u8],
    limits: &HeadLimits,
    ends: impl Iterator<Item = usize>,
) -> (Outcome, RequestHead) {
    let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::new());
    for end in ends {
        match decoder.decode(&bytes[..end], limits, &mut head) {
            Ok(HeadStatus::Partial) => {}
            outcome => return (outcome, head),
        }
    }
    (Ok(HeadStatus::Partial), head)
}

fn describe(head: &RequestHead) -> String {
    format!(
        "{head:?} {:?} {:?} {:?} {:?} {:?} {} {} {:?} {}",
        head.target_form(),
        head.path(),
        head.query(),
        head.authority(),
        head.body_framing(),
        head.keep_alive(),
        head.expects_continue(),
        head.upgrade(),
        head.path_is_plain(),
    )
}

fn compare(bytes: &[u8], len: usize, head: &RequestHead) {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut theirs = httparse::Request::new(&mut fields);
    match theirs.parse(bytes) {
        Ok(status) => assert_eq!(status, httparse::Status::Complete(len)),
        // They know 1.0 and 1.1 only.
        Err(httparse::Error::Version) => {
            assert_eq!(head.version(), Version::HTTP_11);
            return;
        }
        Err(error) => panic!("they refuse it: {error}"),
    }
    assert_eq!(theirs.method, Some(head.method().as_str()));
    assert_eq!(theirs.path, Some(head.target()));
    assert_eq!(theirs.version == Some(0), head.version() == Version::HTTP_10);
    assert!(theirs.headers.iter().map(|field| (field.name, field.value)).eq(head.fields()));
    for field in theirs.headers.iter() {
        let first = theirs.headers.iter().find(|other| other.name.eq_ignore_ascii_case(field.name));
        assert_eq!(head.get(field.name), first.map(|other| other.value));
    }
}
