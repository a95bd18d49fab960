use super::*;

/// All that a block can be asked, of both kinds of block.
fn answers(bytes: &[u8; 16]) -> [[u32; 7]; 2] {
    let (lower, small) = (b"accept-encoding\0", b"      \0        \0");
    let block = Block::new(bytes);
    let twin = portable::Block::new(bytes);
    [
        [
            block.equal(b':'),
            block.controls(),
            block.words(),
            block.host_bytes(),
            block.path_bytes(),
            block.same(lower, small),
            block.stops(),
        ],
        [
            twin.equal(b':'),
            twin.controls(),
            twin.words(),
            twin.host_bytes(),
            twin.path_bytes(),
            twin.same(lower, small),
            twin.stops(),
        ],
    ]
}

#[test]
fn blocks_agree_with_their_twin_for_every_byte_at_every_place() {
    for filling in [b'a', b'-', b'\0', b'\xff', b':'] {
        for place in 0..16 {
            for byte in 0..=u8::MAX {
                let mut bytes = [filling; 16];
                bytes[place] = byte;
                let [fast, naive] = answers(&bytes);
                assert_eq!(fast, naive, "{bytes:?}");
                let own = |bits: u32| bits >> place & 1 != 0;
                assert_eq!(own(fast[0]), byte == b':');
                assert_eq!(own(fast[1]), is_control(byte));
                assert_eq!(own(fast[6]), !(b' '..=b'~').contains(&byte));
                assert!(!own(fast[2]) || is(byte, TOKEN));
                assert!(!own(fast[3]) || is(byte, NAME));
                assert!(!own(fast[4]) || is(byte, PATH) && !is(byte, PERCENT));
            }
        }
    }
    let [fast, naive] = answers(b"Accept-encoDING\0");
    assert_eq!((fast[5], naive[5]), (0xffff, 0xffff));
}

#[test]
fn a_value_ends_at_its_first_control_byte_wherever_that_is() {
    for len in 0..50 {
        let mut bytes = vec![b'v'; len];
        assert_eq!(value_span(&bytes), len);
        for place in 0..len {
            for byte in 0..=u8::MAX {
                bytes[place] = byte;
                let naive = bytes.iter().position(|&byte| is_control(byte)).unwrap_or(len);
                assert_eq!(value_span(&bytes), naive, "{bytes:?}");
                assert_eq!(short_value_span(&bytes), naive, "{bytes:?}");
            }
            bytes[place] = b'\t';
        }
    }
}

#[test]
fn a_path_ends_at_its_first_other_byte_wherever_that_is() {
    for len in 0..40 {
        for place in 0..len {
            for byte in 0..=u8::MAX {
                let mut bytes = vec![b'/'; len];
                bytes[place] = byte;
                let (naive, seen) = span_seen(&bytes, PATH);
                assert_eq!(path_span(&bytes), (naive, seen & PERCENT != 0), "{bytes:?}");
                bytes[len - 1] = b'%';
                let (naive, seen) = span_seen(&bytes, PATH);
                assert_eq!(path_span(&bytes), (naive, seen & PERCENT != 0), "{bytes:?}");
            }
        }
    }
    assert_eq!(path_span(b""), (0, false));
}

#[test]
fn a_token_has_no_other_byte_wherever_that_is() {
    for len in 1..40 {
        for place in 0..len {
            for byte in 0..=u8::MAX {
                let mut bytes = vec![b'x'; len];
                bytes[place] = byte;
                assert_eq!(all_token(&bytes), is(byte, TOKEN), "{bytes:?}");
            }
        }
    }
}

#[test]
fn short_bytes_are_padded() {
    let bytes: Vec<u8> = (1..=20).collect();
    for len in 0..=bytes.len() {
        let mut naive = [0; 16];
        let kept = len.min(16);
        naive[..kept].copy_from_slice(&bytes[..kept]);
        assert_eq!(padded(&bytes[..len]), naive);
    }
}

#[test]
fn numbers_are_written_as_the_standard_library_writes_them() {
    let powers = (0..20).map(|power| 10_u64.pow(power));
    let around = powers.flat_map(|power| [power - 1, power, power + 1]);
    for number in (0..2_000).chain(around).chain([u64::MAX - 1, u64::MAX]) {
        let mut out = b"x".to_vec();
        push_decimal(&mut out, number);
        assert_eq!(out, format!("x{number}").as_bytes());
        let mut out = Vec::new();
        push_long_decimal(&mut out, number);
        assert_eq!(out, number.to_string().as_bytes());
    }
}
