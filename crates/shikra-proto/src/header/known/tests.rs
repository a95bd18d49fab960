use super::*;

/// What `find_at` says to a line that begins with `name`.
fn at(name: &[u8]) -> Option<KnownField> {
    let mut line = [b'v'; 16];
    line[..name.len()].copy_from_slice(name);
    line[name.len()] = b':';
    KnownField::find_at(&line, Block::new(&line), name.len())
}

#[test]
fn finds_at_the_front_of_a_line_what_it_finds_in_a_name() {
    assert_eq!(at(b""), None);
    for known in SHORT_FIELDS {
        let name = known.name().as_bytes();
        assert_eq!(at(name), Some(known));
        assert_eq!(at(&name.to_ascii_uppercase()), Some(known));
        for index in 0..name.len() {
            for byte in 0..=u8::MAX {
                if byte == b':' {
                    continue;
                }
                let mut other = name.to_vec();
                other[index] = byte;
                assert_eq!(at(&other), KnownField::find(&other), "{other:?}");
            }
            assert_eq!(at(&name[..index]), KnownField::find(&name[..index]));
        }
        for byte in (0..=u8::MAX).filter(|&byte| byte != b':' && name.len() < 15) {
            let longer = [name, &[byte]].concat();
            assert_eq!(at(&longer), KnownField::find(&longer), "{longer:?}");
        }
    }
}

#[test]
fn has_a_place_for_every_short_name() {
    let names = (0..KnownField::COUNT).count();
    let short = SHORT_FIELDS.iter().filter(|field| field.name().len() < 16).count();
    assert_eq!((names, short), (38, SHORT_FIELDS.len()));
}
