//! What several tables share: decoding a request in every way it can be cut.

use shikra_proto::http1::{HeadDecoder, HeadError, HeadLimits, HeadStatus, RequestHead};

/// What came of decoding.
#[derive(Debug)]
pub(crate) enum Outcome {
    Partial,
    Complete { len: usize, head: Box<RequestHead> },
    Refused(HeadError),
}

impl Outcome {
    /// The outcome as text, with everything that a head says.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Partial => "partial".into(),
            Self::Complete { len, head } => format!(
                "{len} {head:?} {:?} {} {:?} {:?} {:?} {} {} {:?}",
                head.target_form(),
                head.path(),
                head.query(),
                head.authority(),
                head.body_framing(),
                head.keep_alive(),
                head.expects_continue(),
                head.upgrade(),
            ),
            Self::Refused(error) => format!("{error:?}"),
        }
    }
}

/// Decodes `bytes` whole, byte by byte and split at every position, and returns the one outcome of all of these.
pub(crate) fn decode(bytes: &[u8]) -> Outcome {
    decode_with(bytes, &HeadLimits::default())
}

pub(crate) fn decode_with(bytes: &[u8], limits: &HeadLimits) -> Outcome {
    let whole = feed(bytes, limits, [bytes.len()].into_iter());
    let text = whole.text();
    let shown = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes));
    assert_eq!(text, feed(bytes, limits, 0..=bytes.len()).text(), "byte by byte: {shown}");
    // Every position of a long one would take long; a prime step meets all alignments.
    let step = if bytes.len() > 2_000 { 97 } else { 1 };
    for at in (0..bytes.len()).step_by(step) {
        let split = feed(bytes, limits, [at, bytes.len()].into_iter());
        assert_eq!(text, split.text(), "split at {at}: {shown}");
    }
    whole
}

/// Decodes ever longer prefixes until something comes of it.
fn feed(bytes: &[u8], limits: &HeadLimits, ends: impl Iterator<Item = usize>) -> Outcome {
    let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::new());
    for end in ends {
        match decoder.decode(&bytes[..end], limits, &mut head) {
            Ok(HeadStatus::Partial) => {}
            Ok(HeadStatus::Complete { len }) => {
                return Outcome::Complete { len, head: Box::new(head) };
            }
            Err(error) => return Outcome::Refused(error),
        }
    }
    Outcome::Partial
}

/// Decodes a request that must be complete and take all bytes.
#[track_caller]
pub(crate) fn head(bytes: &[u8]) -> RequestHead {
    match decode(bytes) {
        Outcome::Complete { len, head } => {
            assert_eq!(len, bytes.len());
            *head
        }
        other => panic!("{}: {other:?}", String::from_utf8_lossy(bytes)),
    }
}

/// Asserts that a request is refused with this error.
#[track_caller]
pub(crate) fn assert_refused(bytes: &[u8], wanted: HeadError) {
    match decode(bytes) {
        Outcome::Refused(error) => {
            assert_eq!(error, wanted, "{:?}", String::from_utf8_lossy(bytes));
        }
        other => panic!("{:?} gave {other:?}", String::from_utf8_lossy(bytes)),
    }
}
