//! Bodies: chunks, lengths, trailers.

use proptest::prelude::*;
use shikra_proto::http1::{BodyDecoder, BodyError, BodyFraming, BodyLimits, BodyStep};

/// Body, trailers as lines, and how many bytes were used up; or nothing yet; or an error.
type Outcome = Result<Option<(Vec<u8>, Vec<u8>, usize)>, BodyError>;

fn decode_with(bytes: &[u8], framing: BodyFraming, limits: &BodyLimits) -> Outcome {
    let whole = feed(bytes, framing, limits, std::iter::once(bytes.len()));
    let shown = String::from_utf8_lossy(bytes);
    let bytewise = feed(bytes, framing, limits, 0..=bytes.len());
    assert_eq!(whole, bytewise, "byte by byte: {shown:?}");
    let step = if bytes.len() > 2_000 { 97 } else { 1 };
    for at in (0..bytes.len()).step_by(step) {
        let split = feed(bytes, framing, limits, [at, bytes.len()].into_iter());
        assert_eq!(whole, split, "split at {at}: {shown:?}");
    }
    whole
}

fn chunked(bytes: &[u8]) -> Outcome {
    decode_with(bytes, BodyFraming::Chunked, &BodyLimits::default())
}

/// Shows ever longer prefixes, less what was used up.
fn feed(
    bytes: &[u8],
    framing: BodyFraming,
    limits: &BodyLimits,
    ends: impl Iterator<Item = usize>,
) -> Outcome {
    let mut decoder = BodyDecoder::new(framing);
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
                    assert!(decoder.is_done());
                    let trailers = decoder.take_trailers().as_bytes().to_vec();
                    return Ok(Some((body, trailers, at + consumed)));
                }
            }
        }
    }
    assert!(!decoder.is_done() || framing == BodyFraming::Length(bytes.len() as u64));
    Ok(None)
}

#[test]
fn reads_chunks() {
    let table: &[(&str, &str, &str)] = &[
        ("0\r\n\r\n", "", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello", ""),
        ("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "abc", ""),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""),
        ("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", ""),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""),
        ("5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello", ""),
        ("5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello", ""),
        ("5;\r\nhello\r\n0\r\n\r\n", "hello", ""),
        ("5 ;a\r\nhello\r\n0\t;\r\n\r\n", "hello", ""),
        ("5;\u{e9}\t\r\nhello\r\n0\r\n\r\n", "hello", ""),
        // Trailers, trimmed and without regard to case.
        ("0\r\nX-Sum:  1 \t\r\nB:\r\n\r\n", "", "x-sum: 1\r\nb: \r\n"),
        // R18: framing, host and connection are not changed any more.
        (
            "0\r\nContent-Length: 5\r\nHost: b\r\nX: y\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n",
            "",
            "x: y\r\n",
        ),
    ];
    for (bytes, body, trailers) in table {
        // What follows is not of this message, and is not looked at.
        for rest in ["", "GET / HTTP/1.1\r\n", "\r\n", "\0"] {
            let all = format!("{bytes}{rest}");
            let wanted = (body.as_bytes().to_vec(), trailers.as_bytes().to_vec(), bytes.len());
            assert_eq!(chunked(all.as_bytes()), Ok(Some(wanted)), "{all:?}");
        }
        for end in 0..bytes.len() {
            assert_eq!(chunked(&bytes.as_bytes()[..end]), Ok(None), "{bytes:?} up to {end}");
        }
    }
}

// R16, R17
#[test]
fn refuses_broken_chunks() {
    use BodyError::*;
    let table: &[(&str, BodyError)] = &[
        ("\r\n", ChunkSize),
        ("g\r\n", ChunkSize),
        ("0x5\r\n", ChunkSize),
        ("-5\r\n", ChunkSize),
        ("+5\r\n", ChunkSize),
        (" 5\r\n", ChunkSize),
        ("5 \r\n", ChunkSize),
        ("5 5\r\n", ChunkSize),
        ("5,5\r\n", ChunkSize),
        (";a\r\n", ChunkSize),
        ("5\0\r\n", ChunkSize),
        ("10000000000000005\r\n", ChunkSize),
        ("00000000000000005\r\n", ChunkSize),
        ("5\n", ChunkSize),
        ("5\rx", LineEnd),
        ("5\r\rhello", LineEnd),
        ("5\r\nhello\n", LineEnd),
        ("5\r\nhello!", LineEnd),
        ("5\r\nhello\rx", LineEnd),
        ("5\r\nhello0\r\n", LineEnd),
        ("5\r\nhell\r\n0\r\n\r\n", LineEnd),
        ("5;a\nhello", ChunkExtension),
        ("5;a\0\r\n", ChunkExtension),
        ("5;a\x7f\r\n", ChunkExtension),
        ("5;a=\"\n\"\r\n", ChunkExtension),
        ("5;a\r5\r\n", LineEnd),
        ("0\r\n\n", Trailer),
        ("0\r\n\rX", LineEnd),
        ("0\n\n", ChunkSize),
        ("0\r\nX y\r\n\r\n", Trailer),
        ("0\r\nX\r\n\r\n", Trailer),
        ("0\r\n: y\r\n\r\n", Trailer),
        ("0\r\nX : y\r\n\r\n", Trailer),
        ("0\r\n X: y\r\n\r\n", Trailer),
        ("0\r\nX: y\r\n z\r\n\r\n", Trailer),
        ("0\r\nX: y\n\r\n", LineEnd),
        ("0\r\nX: y\0\r\n", Trailer),
        ("0\r\nX: y\rZ", LineEnd),
        ("0\r\nX\u{e9}: y\r\n", Trailer),
    ];
    for (bytes, error) in table {
        assert_eq!(chunked(bytes.as_bytes()), Err(*error), "{bytes:?}");
        assert_eq!(error.status(), 400);
    }
}

// R16
#[test]
fn huge_chunks_do_not_overflow() {
    assert_eq!(chunked(b"ffffffffffffffff\r\nhello"), Ok(None));
    assert_eq!(chunked(&[b'1'; 1_000]), Err(BodyError::ChunkSize));
    assert_eq!(chunked(&[b'0'; 1_000]), Err(BodyError::ChunkSize));
}

// R19
#[test]
fn limits_extensions_in_sum() {
    let body = |count: usize, len: usize| {
        let chunk = format!("1;{}\r\nx\r\n", "e".repeat(len - 1));
        format!("{}0\r\n\r\n", chunk.repeat(count)).into_bytes()
    };
    assert!(chunked(&body(1, 4_096)).is_ok());
    assert_eq!(chunked(&body(1, 4_097)), Err(BodyError::ExtensionsTooLarge));
    assert!(chunked(&body(64, 64)).is_ok());
    assert_eq!(chunked(&body(65, 64)), Err(BodyError::ExtensionsTooLarge));
    let endless = [b"1;".as_slice(), &[b'e'; 10_000]].concat();
    assert_eq!(chunked(&endless), Err(BodyError::ExtensionsTooLarge));
    let endless = [b"1".as_slice(), &[b' '; 10_000]].concat();
    assert_eq!(chunked(&endless), Err(BodyError::ExtensionsTooLarge));
}

// R18
#[test]
fn limits_trailers() {
    let with_trailers =
        |count: usize| format!("0\r\n{}\r\n", "x: y\r\n".repeat(count)).into_bytes();
    assert!(chunked(&with_trailers(128)).is_ok());
    assert_eq!(chunked(&with_trailers(129)), Err(BodyError::TrailersTooLarge));
    let with_bytes = |len: usize| format!("0\r\nx:{}\r\n\r\n", "y".repeat(len - 2)).into_bytes();
    assert!(chunked(&with_bytes(32 * 1024)).is_ok());
    assert_eq!(chunked(&with_bytes(32 * 1024 + 1)), Err(BodyError::TrailersTooLarge));
    let endless = [b"0\r\n".as_slice(), &[b'n'; 40_000]].concat();
    assert_eq!(chunked(&endless), Err(BodyError::TrailersTooLarge));
    assert_eq!(BodyError::TrailersTooLarge.status(), 431);
}

#[test]
fn reads_exactly_the_announced_length() {
    let limits = BodyLimits::default();
    let whole = decode_with(b"hello", BodyFraming::Length(5), &limits);
    // The last byte is handed on before the end is reported, so the end needs a look at nothing more.
    assert_eq!(whole, Ok(Some((b"hello".to_vec(), Vec::new(), 5))));
    let more = decode_with(b"hello, world", BodyFraming::Length(5), &limits);
    assert_eq!(more, Ok(Some((b"hello".to_vec(), Vec::new(), 5))));
    assert_eq!(decode_with(b"hell", BodyFraming::Length(5), &limits), Ok(None));
    for framing in [BodyFraming::None, BodyFraming::Length(0)] {
        let none = decode_with(b"hello", framing, &limits);
        assert_eq!(none, Ok(Some((Vec::new(), Vec::new(), 0))));
    }
}

#[test]
fn knows_what_remains() {
    let limits = BodyLimits::default();
    let mut decoder = BodyDecoder::new(BodyFraming::Length(5));
    assert_eq!(decoder.remaining(), Some(5));
    assert_eq!(decoder.decode(b"he", &limits), Ok(BodyStep::Data { start: 0, end: 2 }));
    assert_eq!(decoder.remaining(), Some(3));
    assert_eq!(decoder.decode(b"llo!", &limits), Ok(BodyStep::Data { start: 0, end: 3 }));
    assert_eq!((decoder.remaining(), decoder.is_done()), (Some(0), true));
    assert_eq!(decoder.decode(b"!", &limits), Ok(BodyStep::End { consumed: 0 }));
    assert_eq!(BodyDecoder::new(BodyFraming::Chunked).remaining(), None);
    assert_eq!(BodyDecoder::new(BodyFraming::None).remaining(), Some(0));
}

/// The naive twin: a whole body at once, by splitting text. It knows no limits.
fn naive(mut rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let total = rest.len();
    let mut body = Vec::new();
    loop {
        let line_len = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..line_len]).ok()?;
        let (digits, extension) = match line.find([' ', '\t', ';']) {
            Some(at) => line.split_at(at),
            None => (line, ""),
        };
        let extension = extension.trim_start_matches([' ', '\t']);
        if line.len() > digits.len() && !extension.starts_with(';')
            || extension.chars().any(|char| char.is_ascii_control() && char != '\t')
            || digits.len() > 16
            || !digits.chars().all(|char| char.is_ascii_hexdigit())
        {
            return None;
        }
        let size = usize::try_from(u64::from_str_radix(digits, 16).ok()?).ok()?;
        rest = &rest[line_len + 2..];
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
    while !rest.starts_with(b"\r\n") {
        let line_len = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &rest[..line_len];
        let colon = line.iter().position(|&byte| byte == b':')?;
        http::HeaderName::from_bytes(&line[..colon]).ok()?;
        http::HeaderValue::from_bytes(&line[colon + 1..]).ok()?;
        rest = &rest[line_len + 2..];
    }
    Some((body, total - rest.len() + 2))
}

proptest! {
    #[test]
    fn agrees_with_the_naive_twin(bytes in "(([0-9a-f]{1,2}|0{1,3})[ ;a]{0,2}\r?\n?[a-z0-9:;\r\n ]{0,12}\r\n){0,4}0\r\n([a-z ]{0,2}:?[a-z]{0,2}\r\n){0,2}\r\n[a-z]{0,3}") {
        let decoded = chunked(bytes.as_bytes()).ok().flatten();
        prop_assert_eq!(decoded.map(|(body, _, len)| (body, len)), naive(bytes.as_bytes()));
    }

    #[test]
    fn reads_back_any_chunks(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5)) {
        use shikra_proto::http1::{encode_chunk_prefix, encode_chunk_suffix, encode_last_chunk};
        let mut bytes = Vec::new();
        for chunk in &chunks {
            encode_chunk_prefix(&mut bytes, chunk.len());
            bytes.extend_from_slice(chunk);
            encode_chunk_suffix(&mut bytes, chunk.len());
        }
        encode_last_chunk(&mut bytes, &shikra_proto::header::FieldLines::new());
        let wanted = (chunks.concat(), Vec::new(), bytes.len());
        prop_assert_eq!(chunked(&bytes), Ok(Some(wanted)));
    }
}
