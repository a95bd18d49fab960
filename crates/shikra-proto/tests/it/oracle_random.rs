//! The oracle of `oracle` over heads and chunk lines that are made at random, rather than edited from a few.
//!
//! Shikra refuses all that `httparse` refuses, but for what is named here: versions 1.2 to 1.9, which RFC 9110 §2.5
//! wants read as 1.1.

use proptest::prelude::*;
use shikra_proto::http1::{
    BodyDecoder, BodyFraming, BodyLimits, BodyStep, HeadDecoder, HeadLimits, HeadStatus,
    RequestHead,
};

/// A field as it is sent: name, white space before and after the value, value.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    blank: (String, String),
    value: Vec<u8>,
}

/// A head without faults, as its parts.
#[derive(Clone, Debug)]
struct Head {
    method: String,
    target: String,
    minor: u8,
    fields: Vec<Field>,
}

impl Head {
    fn bytes(&self) -> Vec<u8> {
        let line = format!("{} {} HTTP/1.{}\r\nhost: a\r\n", self.method, self.target, self.minor);
        let mut bytes = line.into_bytes();
        for field in &self.fields {
            bytes.extend_from_slice(format!("{}:{}", field.name, field.blank.0).as_bytes());
            bytes.extend_from_slice(&field.value);
            bytes.extend_from_slice(format!("{}\r\n", field.blank.1).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

fn field() -> impl Strategy<Value = Field> {
    let name = prop_oneof![
        // Its own prefix keeps it apart from the fields that have a meaning.
        3 => "x[!#$%&'*+.^_`|~0-9A-Za-z-]{0,20}",
        1 => prop::sample::select(&["Accept", "user-agent", "COOKIE", "referer", "etag"][..])
            .prop_map(str::to_owned),
    ];
    let byte =
        prop_oneof![4 => 0x21..0x7f_u8, 1 => 0x80..=0xff_u8, 1 => Just(b' '), 1 => Just(b'\t')];
    let value = prop::collection::vec(byte, 0..40);
    (name, "[ \t]{0,3}", value, "[ \t]{0,3}").prop_map(|(name, before, value, after)| {
        let value = value.trim_ascii().to_vec();
        Field { name, blank: (before, after), value }
    })
}

fn head() -> impl Strategy<Value = Head> {
    let method = prop_oneof![
        prop::sample::select(&["GET", "POST", "HEAD", "PUT", "OPTIONS"][..])
            .prop_map(str::to_owned),
        // Not CONNECT, whose targets are others.
        "[!#$%&'*+.^_`|~0-9a-z-]{1,32}",
    ];
    let target = prop_oneof![
        r"/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[4-7][0-9A-Fa-f]){0,40}(\?[A-Za-z0-9/?=&%-]{0,30})?",
        r"http://[a-z]{1,10}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]{0,20})?",
    ];
    let fields = prop::collection::vec(field(), 0..12);
    (method, target, 0..=1_u8, fields).prop_map(|(method, target, minor, fields)| Head {
        method,
        target,
        minor,
        fields,
    })
}

/// Asserts that the oracle reads what was accepted, and reads it alike.
fn check(bytes: &[u8]) -> Option<RequestHead> {
    let mut head = RequestHead::new();
    let status = HeadDecoder::default().decode(bytes, &HeadLimits::default(), &mut head);
    let Ok(HeadStatus::Complete { len }) = status else { return None };
    let shown = bytes.escape_ascii();
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut theirs = httparse::Request::new(&mut fields);
    let their_status = theirs.parse(bytes);
    let line = bytes.split(|&byte| byte == b'\r').find(|line| !line.trim_ascii().is_empty());
    let minor = line.and_then(|line| line.last()).copied().unwrap_or_default();
    if (b'2'..=b'9').contains(&minor) {
        assert_eq!(their_status, Err(httparse::Error::Version), "{shown}");
        return None;
    }
    assert_eq!(their_status, Ok(httparse::Status::Complete(len)), "{shown}");
    assert_eq!(theirs.method, Some(head.method().as_str()), "{shown}");
    assert_eq!(theirs.path, Some(head.target()), "{shown}");
    let version =
        if theirs.version == Some(0) { http::Version::HTTP_10 } else { http::Version::HTTP_11 };
    assert_eq!(head.version(), version, "{shown}");
    let their_fields: Vec<_> = theirs.headers.iter().map(|f| (f.name, f.value)).collect();
    assert_eq!(their_fields, head.fields().collect::<Vec<_>>(), "{shown}");
    Some(head)
}

/// The size that a chunk line gives and how long the line is, as the oracle has it, if the decoder takes the line.
fn check_chunk_line(line: &[u8]) -> bool {
    let limits = BodyLimits::default();
    let theirs = httparse::parse_chunk_size(line);
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
    // One byte after the line is data, unless the line was that of the last chunk.
    let probe = [line, b"x"].concat();
    let shown = line.escape_ascii();
    match (decoder.decode(&probe, &limits), theirs) {
        (Ok(BodyStep::Data { start, end }), Ok(httparse::Status::Complete((len, size)))) => {
            assert_eq!((start, size > 0), (len, true), "{shown}");
            assert_eq!((end - start) as u64, size.min((probe.len() - start) as u64), "{shown}");
            if size < 64 {
                assert_eq!(data_len(line, len, size), size, "{shown}");
            }
            true
        }
        (Ok(BodyStep::NeedMore { .. }), Ok(httparse::Status::Complete((_, size)))) => {
            assert_eq!(size, 0, "{shown}");
            true
        }
        (Ok(BodyStep::NeedMore { .. }), Ok(httparse::Status::Partial)) => true,
        (Ok(step), theirs) => panic!("{shown}: {step:?}, but {theirs:?}"),
        (Err(_), _) => false,
    }
}

/// How much data a chunk of `size` bytes has whose line is the first `len` bytes of `line`.
fn data_len(line: &[u8], len: usize, size: u64) -> u64 {
    let data = vec![b'd'; usize::try_from(size).unwrap()];
    let body = [&line[..len], &data, b"\r\n0\r\n\r\n"].concat();
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
    let (mut at, mut found) = (0, 0);
    loop {
        match decoder.decode(&body[at..], &BodyLimits::default()).unwrap() {
            BodyStep::Data { start, end } => {
                found += (end - start) as u64;
                at += end;
            }
            BodyStep::NeedMore { .. } => panic!("a whole body is not whole"),
            BodyStep::End { consumed } => {
                assert_eq!(at + consumed, body.len());
                return found;
            }
        }
    }
}

#[test]
fn the_chunk_lines_that_matter_are_read_alike() {
    // R16, R17
    for line in ["5\r\n", "00a;b\r\n", "F ; c=\"d\"\r\n", "0\r\n", "ffffffffffffffff\r\n"] {
        assert!(check_chunk_line(line.as_bytes()), "{line:?}");
    }
    for line in ["\r\n", "g\r\n", "+5\r\n", "0x5\r\n", "5\n", "10000000000000000\r\n", " 5\r\n"] {
        assert!(!check_chunk_line(line.as_bytes()), "{line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    // R25, VA-235: what is well formed is accepted, and means what was meant.
    #[test]
    fn heads_without_faults_mean_what_was_written(wanted in head()) {
        let bytes = wanted.bytes();
        let Some(head) = check(&bytes) else { panic!("refused: {}", bytes.escape_ascii()) };
        prop_assert_eq!(head.method().as_str(), &wanted.method);
        prop_assert_eq!(head.target(), &wanted.target);
        let fields: Vec<_> = head.fields().skip(1).collect();
        let meant = wanted.fields.iter().map(|f| (f.name.as_str(), f.value.as_slice()));
        prop_assert_eq!(fields, meant.collect::<Vec<_>>());
    }

    // R25: and what a few bytes have spoilt is refused, or both read it alike.
    #[test]
    fn spoilt_heads_are_refused_or_read_alike(
        wanted in head(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..5),
    ) {
        let mut bytes = wanted.bytes();
        for (at, byte, kind) in &edits {
            let at = at.index(bytes.len());
            // Bytes that part things are spoilt more often than by chance.
            let byte = b"\r\n\t \0:/?#%,;\x7f\x80".get(usize::from(*byte) % 32).copied().unwrap_or(*byte);
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => bytes.splice(at..at, [b'\r', b'\n']).for_each(drop),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        check(&bytes);
    }

    // R16, R17, R25
    #[test]
    fn chunk_lines_are_refused_or_read_alike(
        line in r"[0-9a-fA-F]{0,18}[ \t]{0,2}(;[ -~]{0,12})?(\r\n|\n|\r|)",
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    ) {
        let mut line = line.into_bytes();
        for (at, byte) in &edits {
            let at = at.index(line.len() + 1);
            line.insert(at, b"\r\n\t ;+-xg0\0".get(usize::from(*byte) % 24).copied().unwrap_or(*byte));
        }
        check_chunk_line(&line);
    }
}
