use super::*;

/// The short way by its rules, without blocks.
fn is_plain_naive(bytes: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let len = bytes.iter().position(|byte| !is_name(byte)).unwrap_or(bytes.len());
    let (name, port) = bytes.split_at(len);
    !name.starts_with(b".")
        && !name.windows(2).any(|pair| pair == b"..")
        && name.last().is_some_and(u8::is_ascii_alphabetic)
        && name.len() < NAME_BYTES_MAX
        && (port.is_empty() || is_plain_port(port))
}

#[test]
fn the_short_way_agrees_with_its_twin_and_with_the_whole_grammar() {
    let check = |bytes: &[u8]| {
        assert_eq!(is_plain(bytes), is_plain_naive(bytes), "{bytes:?}");
        let whole = std::str::from_utf8(bytes).is_ok_and(|text| Authority::decode(text).is_ok());
        assert_eq!(Authority::is_valid(bytes), whole, "{bytes:?}");
    };
    for len in [1, 2, 7, 8, 9, 15, 16, 17, 33] {
        for place in 0..len {
            for byte in 0..=u8::MAX {
                let mut bytes = vec![b'a'; len];
                bytes[place] = byte;
                check(&bytes);
                for other in [b'.', b':', b'1'] {
                    let mut bytes = bytes.clone();
                    bytes[(place + 1) % len] = other;
                    check(&bytes);
                }
            }
        }
    }
    for len in 240..270 {
        check(&vec![b'a'; len]);
        check(&[&vec![b'a'; len][..], b":80"].concat());
    }
    check(b"");
}
