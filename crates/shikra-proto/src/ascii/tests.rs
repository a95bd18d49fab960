use super::AsciiBuf;

#[test]
fn is_what_its_safe_twin_says() {
    let mut text = AsciiBuf::new();
    for byte in 0..=255_u8 {
        for len in 0..40 {
            for place in 0..len {
                let mut bytes = vec![b'x'; len];
                bytes[place] = byte;
                text.set(&bytes);
                let twin = if byte < 0x80 { std::str::from_utf8(&bytes).unwrap() } else { "" };
                assert_eq!(text.as_str(), twin);
                assert_eq!(text.len(), twin.len());
            }
        }
    }
    text.clear();
    assert_eq!(format!("{text:?}"), "\"\"");
}
