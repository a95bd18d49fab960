//! The PROXY protocol: every row is decoded whole, byte by byte, split everywhere, and as a reader takes it.

use shikra_proto::proxy::{PROXY_BYTES_MAX, ProxyError, ProxyOrigin, ProxyStatus, decode};

/// What comes of `bytes`, as text; the same however they are cut.
fn outcome(bytes: &[u8]) -> String {
    let whole = match decode(bytes) {
        Ok(ProxyStatus::Partial { .. }) => "partial".to_owned(),
        Ok(ProxyStatus::Complete { len, origin }) => format!("{len} {}", origin_text(origin)),
        Err(error) => format!("{error:?}"),
    };
    for end in 0..bytes.len() {
        match decode(&bytes[..end]) {
            // More of the same bytes: what was needed at least is never more than what there is.
            Ok(ProxyStatus::Partial { need }) => {
                assert!(need > 0, "at {end}");
                if let Ok(ProxyStatus::Complete { len, .. }) = decode(bytes) {
                    assert!(end + need <= len, "{need} wanted at {end} of {len}");
                }
            }
            // Known early: a longer buffer changes nothing.
            Ok(ProxyStatus::Complete { len, origin }) => {
                assert_eq!(whole, format!("{len} {}", origin_text(origin)));
            }
            Err(error) => assert_eq!(whole, format!("{error:?}"), "at {end}"),
        }
    }
    assert_eq!(whole, read(bytes), "as a reader takes them");
    whole
}

/// Takes no byte more than `decode` asks for, as a reader does that leaves the rest alone.
fn read(bytes: &[u8]) -> String {
    let mut len = 0;
    loop {
        match decode(&bytes[..len]) {
            Ok(ProxyStatus::Partial { need }) if len + need <= bytes.len() => len += need,
            Ok(ProxyStatus::Partial { .. }) if len < bytes.len() => len = bytes.len(),
            Ok(ProxyStatus::Partial { .. }) => return "partial".to_owned(),
            Ok(ProxyStatus::Complete { len: taken, origin }) => {
                assert_eq!(taken, len, "the reader took bytes of what follows");
                return format!("{taken} {}", origin_text(origin));
            }
            Err(error) => return format!("{error:?}"),
        }
    }
}

fn origin_text(origin: ProxyOrigin) -> String {
    match origin {
        ProxyOrigin::Client { source, destination } => format!("{source} to {destination}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn decodes_lines() {
    // HX-310
    let longest = "PROXY TCP6 ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535\r\n";
    let rows = [
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 65535\r\n", "36 1.2.3.4:9 to 5.6.7.8:65535"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 0 80\r\nGET / HTTP/1.1", "33 1.2.3.4:0 to 5.6.7.8:80"),
        ("PROXY TCP6 ::1 2001:db8::2 1 2\r\n", "32 [::1]:1 to [2001:db8::2]:2"),
        (longest, "62 [ffff:f:f:f:f:f:f:f]:65535 to [ffff:f:f:f:f:f:f:f]:65535"),
        ("PROXY UNKNOWN\r\n", "15 Unknown"),
        ("PROXY UNKNOWN whatever it is\r\nrest", "30 Unknown"),
        ("", "partial"),
        ("PROX", "partial"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 65535", "partial"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 65535\r", "partial"),
        ("GET / HTTP/1.1\r\n", "Signature"),
        ("proxy TCP4 1.2.3.4 5.6.7.8 9 80\r\n", "Signature"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 80\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 80\rx", "Line"),
        ("PROXY TCP4 1.2.3.4  5.6.7.8 9 80\r\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 80 \r\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 80 7\r\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 +9 80\r\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 09 80\r\n", "Line"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 9 65536\r\n", "Line"),
        ("PROXY TCP4 1.2.3.400 5.6.7.8 9 80\r\n", "Line"),
        ("PROXY TCP4 ::1 ::2 9 80\r\n", "Line"),
        ("PROXY TCP6 1.2.3.4 5.6.7.8 9 80\r\n", "Line"),
        ("PROXY UDP4 1.2.3.4 5.6.7.8 9 80\r\n", "Line"),
        ("PROXY UNKNOWNS\r\n", "Line"),
        ("PROXY \r\n", "Line"),
    ];
    for (bytes, wanted) in rows {
        assert_eq!(outcome(bytes.as_bytes()), wanted, "{bytes:?}");
    }
    // The limit of a line, and one past it.
    let line = |len: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(len - 16));
    assert_eq!(outcome(line(107).as_bytes()), "107 Unknown");
    assert!(matches!(decode(line(108).as_bytes()), Err(ProxyError::Line | ProxyError::TooLong)));
    assert_eq!(decode(&[b"PROXY ".as_slice(), &[b'x'; 100]].concat()), Err(ProxyError::TooLong));
}

/// A binary preamble.
fn binary(command: u8, family: u8, len: u16, rest: &[u8]) -> Vec<u8> {
    let head = [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[command, family]].concat();
    [head.as_slice(), &len.to_be_bytes(), rest].concat()
}

#[test]
fn decodes_binary_preambles() {
    // HX-310
    let v4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdb, 0xf4, 0x01, 0xbb];
    let mut v6 = vec![0; 36];
    (v6[15], v6[31], v6[33], v6[35]) = (1, 2, 80, 81);
    let with_extension = [v4.as_slice(), &[4, 0, 1, 0]].concat();
    let rows = [
        (binary(0x21, 0x11, 12, &v4), "28 192.0.2.7:56308 to 198.51.100.1:443"),
        (binary(0x21, 0x11, 16, &with_extension), "32 192.0.2.7:56308 to 198.51.100.1:443"),
        (binary(0x21, 0x21, 36, &v6), "52 [::1]:80 to [::2]:81"),
        (binary(0x21, 0x31, 216, &[0; 216]), "232 Unknown"),
        (binary(0x21, 0x00, 0, b"GET /"), "16 Unknown"),
        (binary(0x21, 0x00, 3, b"abcGET /"), "19 Unknown"),
        (binary(0x20, 0x00, 0, b""), "16 Own"),
        (binary(0x20, 0x11, 12, &v4), "28 Own"),
        (binary(0x20, 0xff, 0, b""), "16 Own"),
        (binary(0x21, 0x11, 12, &v4[..11]), "partial"),
        (binary(0x22, 0x11, 12, &v4), "Command"),
        (binary(0x11, 0x11, 12, &v4), "Command"),
        (binary(0x21, 0x12, 12, &v4), "Family"),
        (binary(0x21, 0x41, 12, &v4), "Family"),
        (binary(0x21, 0x11, 11, &v4), "Length"),
        (binary(0x21, 0x21, 35, &v6), "Length"),
        (binary(0x21, 0x31, 215, &[0; 215]), "Length"),
        (b"\r\n\r\n\0\r\nQUIT\r".to_vec(), "Signature"),
        (b"\r\nGET / HTTP/1.1\r\n".to_vec(), "Signature"),
    ];
    for (bytes, wanted) in rows {
        assert_eq!(outcome(&bytes), wanted, "{bytes:?}");
    }
    // The limit, and one past it, which is refused before its bytes come.
    let max = u16::try_from(PROXY_BYTES_MAX - 16).unwrap();
    let longest = binary(0x21, 0x00, max, &vec![0; usize::from(max)]);
    assert_eq!(outcome(&longest), "4096 Unknown");
    assert_eq!(outcome(&binary(0x21, 0x00, max + 1, b"")), "TooLong");
}
