//! Another parser as an oracle: what `httparse` refuses is refused, and what both accept they read alike.

use proptest::prelude::*;
use shikra_proto::http1::{HeadDecoder, HeadLimits, HeadStatus, RequestHead};

const REQUESTS: [&[u8]; 8] = [
    b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"GET /a/b?c=d&e HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET http://example.com:80/x?y HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nX:\t1 2\t\r\nX: \xe9\r\n\r\n",
    b"\r\nHEAD /%41 HTTP/1.0\r\nCookie: a=b; c=d\r\n\r\n",
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
];

#[derive(Clone, Debug)]
enum Edit {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Repeat(usize, usize),
    Cut(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![
        4 => prop::sample::select(&b"\r\n\t \0:;,/?#%*@[]\x7f\x80\xff"[..]),
        1 => any::<u8>(),
    ];
    prop_oneof![
        4 => (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        4 => (any::<usize>(), byte).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        3 => any::<usize>().prop_map(Edit::Remove),
        2 => (any::<usize>(), 1..30_usize).prop_map(|(at, len)| Edit::Repeat(at, len)),
        1 => any::<usize>().prop_map(Edit::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let len = bytes.len();
    if len == 0 {
        return;
    }
    match *edit {
        Edit::Set(at, byte) => bytes[at % len] = byte,
        Edit::Insert(at, byte) => bytes.insert(at % (len + 1), byte),
        Edit::Remove(at) => drop(bytes.remove(at % len)),
        Edit::Repeat(at, count) => {
            let start = at % len;
            let piece = bytes[start..(start + count).min(len)].to_vec();
            bytes.splice(start..start, piece);
        }
        Edit::Cut(at) => bytes.truncate(at % len),
    }
}

fn check(bytes: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut theirs = httparse::Request::new(&mut fields);
    let their_status = theirs.parse(bytes);
    let mut head = RequestHead::new();
    let status = HeadDecoder::default().decode(bytes, &HeadLimits::default(), &mut head);
    let shown = String::from_utf8_lossy(bytes);
    let Ok(HeadStatus::Complete { len }) = status else { return };
    // They know only two versions.
    if !shown.contains("HTTP/1.0") && !shown.contains("HTTP/1.1") {
        return;
    }
    assert_eq!(their_status, Ok(httparse::Status::Complete(len)), "{shown:?}");
    assert_eq!(theirs.method, Some(head.method().as_str()));
    assert_eq!(theirs.path, Some(head.target()));
    let their_fields: Vec<_> = theirs.headers.iter().map(|f| (f.name, f.value)).collect();
    assert_eq!(their_fields, head.fields().collect::<Vec<_>>(), "{shown:?}");
}

#[test]
fn agrees_on_whole_requests() {
    for request in REQUESTS {
        check(request);
        let mut head = RequestHead::new();
        let status = HeadDecoder::default().decode(request, &HeadLimits::default(), &mut head);
        assert!(matches!(status, Ok(HeadStatus::Complete { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    // R25, in small: nothing is accepted that another strict parser refuses or frames otherwise.
    #[test]
    fn accepts_nothing_that_httparse_refuses(
        request in prop::sample::select(&REQUESTS[..]),
        edits in prop::collection::vec(edit(), 0..4),
    ) {
        let mut bytes = request.to_vec();
        for edit in &edits {
            apply(&mut bytes, edit);
        }
        check(&bytes);
    }

    // R10: whatever the bytes and the cuts.
    #[test]
    fn cuts_do_not_matter(
        request in prop::sample::select(&REQUESTS[..]),
        edits in prop::collection::vec(edit(), 0..3),
    ) {
        let mut bytes = request.to_vec();
        for edit in &edits {
            apply(&mut bytes, edit);
        }
        crate::support::decode(&bytes);
    }
}
