//! Paths and authorities: decoding is stable, and the two checks of a host agree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_proto::http1::{HeadDecoder, HeadLimits, RequestHead};
use shikra_proto::uri::{Authority, decode_segment, has_dot_segments, segments};

fuzz_target!(|text: &str| {
    assert!(segments(text).count() > 0);
    let mut has_dots = false;
    for segment in segments(text) {
        let Ok(decoded) = decode_segment(segment) else { continue };
        has_dots |= decoded == "." || decoded == "..";
        // Encoding every byte of the result and decoding again changes nothing.
        let encoded: String = decoded.bytes().map(|byte| format!("%{byte:02x}")).collect();
        assert_eq!(decode_segment(&encoded).as_deref(), Ok(&*decoded));
    }
    assert!(!has_dots || has_dot_segments(text));

    // White space around a value is not part of it, and a line end is not of the value.
    if text.trim_matches([' ', '\t']).len() < text.len() || text.contains(['\r', '\n']) {
        return;
    }
    let authority = Authority::decode(text);
    let request = format!("GET / HTTP/1.1\r\nHost: {text}\r\n\r\n");
    let mut head = RequestHead::new();
    let status =
        HeadDecoder::default().decode(request.as_bytes(), &HeadLimits::default(), &mut head);
    assert_eq!(status.is_ok(), authority.is_ok());
    if let Ok(authority) = authority {
        let mut shown = authority.host().to_string();
        if let Some(port) = authority.port() {
            shown.push_str(&format!(":{port}"));
        }
        assert_eq!(Authority::decode(&shown), Ok(Authority::decode(&shown).unwrap()));
        assert_eq!(Authority::decode(&shown).unwrap().port(), authority.port());
    }
});
