//! Header values: lists, media types, preferences, field lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::header::{
    ContentType, FieldLines, is_field_value, list, media_weight, preferred, weighted,
};

fuzz_target!(|bytes: &[u8]| {
    for element in list(bytes) {
        assert!(!element.is_empty() && element.len() <= bytes.len());
        assert!(element.contains(&b'"') || !element.contains(&b','));
    }
    for element in weighted(bytes) {
        assert!(element.weight <= 1_000 && !element.value.is_empty());
    }
    let offers = ["text/html", "application/json"];
    if let Some(offer) = preferred(bytes, &offers) {
        assert!(media_weight(bytes, offer) > 0);
    }
    if let Some(media) = ContentType::decode(bytes) {
        assert_eq!(media.essence(), format!("{}/{}", media.kind(), media.subtype()));
        let _ = (media.charset(), media.boundary(), media.is_json());
    }
    edit(bytes);
});

/// Each line is a command on a list of fields, and a plain list of pairs does the same.
fn edit(bytes: &[u8]) {
    let (mut lines, mut twin) = (FieldLines::new(), Vec::<(String, Vec<u8>)>::new());
    for command in bytes.split(|&byte| byte == b'\n').take(50) {
        let Some((&kind, rest)) = command.split_first() else { continue };
        let at = rest.iter().position(|&byte| byte == b':').unwrap_or(rest.len());
        let Ok(name) = std::str::from_utf8(&rest[..at]) else { continue };
        let value = rest.get(at + 1..).unwrap_or_default();
        let trimmed = value.trim_ascii_start().trim_ascii_end().to_vec();
        let field = (name.to_ascii_lowercase(), trimmed);
        let first = twin.iter().position(|(other, _)| *other == field.0);
        match kind % 3 {
            0 if lines.try_append(name, value).is_ok() => twin.push(field),
            1 if lines.try_set(name, value).is_ok() => match first {
                Some(index) => {
                    let name = field.0.clone();
                    twin[index] = field;
                    let mut at = 0;
                    twin.retain(|(other, _)| {
                        at += 1;
                        *other != name || at == index + 1
                    });
                }
                None => twin.push(field),
            },
            2 => {
                assert_eq!(lines.remove(name), first.is_some());
                twin.retain(|(other, _)| *other != field.0);
            }
            _ => {}
        }
    }
    assert_eq!(lines.len_fields(), twin.len());
    assert!(lines.iter().eq(twin.iter().map(|(name, value)| (name.as_str(), value.as_slice()))));
    assert!(lines.iter().all(|(_, value)| is_field_value(value)));
}
