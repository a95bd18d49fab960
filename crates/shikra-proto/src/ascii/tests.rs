use super::{AsciiPart, utf8};

#[test]
fn is_what_its_safe_twin_says() {
    let mut part = AsciiPart::new();
    for byte in 0..=255_u8 {
        for len in 0..40 {
            for place in 0..len {
                let mut bytes = vec![b'x'; len];
                bytes[place] = byte;
                assert_eq!(utf8(&bytes), std::str::from_utf8(&bytes).ok());
                let around = [b"\xff", &*bytes, b"\xff"].concat();
                part.set(&around, 1..1 + len);
                part.push(b"\xff");
                let twin = if byte < 0x80 { std::str::from_utf8(&bytes).unwrap() } else { "" };
                assert_eq!(part.text(), twin);
                assert_eq!(part.text_part(place..len), twin.get(place..).unwrap_or_default());
                assert_eq!(part.text_part(place..len + 1), "");
                assert_eq!(part.bytes().len(), len + 3);
            }
        }
    }
    part.set(b"abc", 1..4);
    assert_eq!((part.text(), part.bytes()), ("", &b"abc"[..]));
    part.set(b"abc", 1..3);
    assert_eq!(part.text(), "bc");
    // One that is no text leaves nothing of the one before.
    part.set(b"ab\x80", 0..3);
    assert_eq!((part.text(), part.text_part(0..1)), ("", ""));
    part.clear();
    assert_eq!(format!("{part:?}"), "\"\"");
}

#[test]
fn text_is_what_the_library_says() {
    for text in ["", "é", "aé", "\u{10ffff}b"] {
        for len in 0..=text.len() {
            let bytes = &text.as_bytes()[..len];
            assert_eq!(utf8(bytes), std::str::from_utf8(bytes).ok());
        }
    }
}
