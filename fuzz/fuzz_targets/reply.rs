//! Responses: the outcome does not depend on the cuts, and what is encoded is decoded again, with no field more.
#![no_main]

use http::{Method, StatusCode, Version};
use libfuzzer_sys::fuzz_target;
use shikra_proto::date;
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{
    ConnectionOption, HeadLimits, Reply, ReplyFraming, ReplyHead, ReplyStart, Trailers,
    encode_reply_head,
};

fuzz_target!(|bytes: &[u8]| {
    let limits = HeadLimits { head_bytes_max: 512, fields_max: 8, ..HeadLimits::default() };
    let whole = Reply::decode(bytes, &Method::GET, &limits);
    let mut bytewise = Ok(None);
    for end in 0..=bytes.len() {
        bytewise = Reply::decode(&bytes[..end], &Method::GET, &limits);
        if !matches!(bytewise, Ok(None)) {
            break;
        }
    }
    assert_eq!(format!("{whole:?}"), format!("{bytewise:?}"));
    write_and_read(bytes);
});

/// The first line is status and reason, the others are fields.
fn write_and_read(bytes: &[u8]) {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let reason = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let code = 200 + bytes.first().map_or(0, |&byte| u16::from(byte));
    let mut fields = FieldLines::new();
    for line in lines.take(100) {
        let (name, value) = line.split_at(line.iter().position(|&b| b == b':').unwrap_or(0));
        let _ =
            fields.try_append(&String::from_utf8_lossy(name), value.get(1..).unwrap_or_default());
    }
    let mut out = Vec::new();
    let head = ReplyHead {
        version: Version::HTTP_11,
        status: StatusCode::from_u16(code).expect("200 to 455"),
        reason: Some(&reason),
        date: &date::HttpDate::at(0),
        content_type: Some("text/plain"),
        fields: &fields,
        framing: ReplyFraming::None,
        connection: ConnectionOption::Close,
        trailers: Trailers::None,
    };
    encode_reply_head(&mut out, &head);
    let limits = HeadLimits { head_bytes_max: usize::MAX, ..HeadLimits::default() };
    let (reply, len) = Reply::decode(&out, &Method::HEAD, &limits).unwrap().unwrap();
    assert_eq!((reply.status, len), (head.status, out.len()));
    assert!(!reply.keep_alive);
    // What is kept from reply to reply changes no byte of it.
    let plain = ReplyHead {
        status: StatusCode::OK,
        reason: None,
        framing: ReplyFraming::Length(bytes.len() as u64),
        connection: ConnectionOption::Implied,
        ..head
    };
    let (mut kept, mut naive) = (Vec::new(), Vec::new());
    ReplyStart::default().encode(&mut kept, &plain);
    encode_reply_head(&mut naive, &plain);
    assert_eq!(kept, naive);
    // Date, connection, and perhaps the content type are added; reserved names are left out.
    assert!(reply.fields.len_fields() <= fields.len_fields() + 3);
    for (name, value) in reply.fields.iter() {
        let added = matches!(name, "date" | "connection" | "content-type");
        assert!(added || fields.get_all(name).any(|other| other == value));
    }
}
