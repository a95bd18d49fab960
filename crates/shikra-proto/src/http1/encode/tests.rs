use super::*;

#[test]
fn the_short_way_of_framing_says_what_the_rules_say() {
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "get"];
    for method in methods.map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
        for version in [Version::HTTP_10, Version::HTTP_11] {
            for status in (100..1000).map(|code| StatusCode::from_u16(code).unwrap()) {
                for len in [None, Some(0), Some(1), Some(u64::MAX)] {
                    let short = reply_framing(&method, version, status, len);
                    let naive = any_reply_framing(&method, version, status, len);
                    assert_eq!(short, naive, "{method} {version:?} {status} {len:?}");
                }
            }
        }
    }
}

#[test]
fn plain_heads_are_encoded_as_all_others_are() {
    let mut lists = vec![FieldLines::new(); 5];
    let own = [("x-a", "1"), ("content-type", "a/b"), ("date", "now"), ("set-cookie", "a=b")];
    for (list, (name, value)) in lists.iter_mut().zip(own) {
        // Some are refused where they are the encoder's own; then the list is empty.
        let _ = list.try_append(name, value.as_bytes());
    }
    let connections = [
        ConnectionOption::Implied,
        ConnectionOption::Close,
        ConnectionOption::KeepAlive,
        ConnectionOption::Upgrade("websocket"),
    ];
    let framings = [
        ReplyFraming::Length(0),
        ReplyFraming::Length(99),
        ReplyFraming::Length(u64::MAX),
        ReplyFraming::None,
        ReplyFraming::Chunked,
        ReplyFraming::UntilClose,
    ];
    let types = [None, Some("text/plain"), Some("text/plain; charset=utf-8"), Some("a\r\nb: c")];
    let dates = [784_111_777, 784_111_778].map(HttpDate::at);
    let (mut start, mut taken) = (ReplyStart::default(), 0);
    for fields in &lists {
        for connection in connections {
            for framing in framings {
                for content_type in types {
                    for (status, reason) in [(200, None), (200, Some("Fine")), (404, None)] {
                        let head = ReplyHead {
                            version: Version::HTTP_11,
                            status: StatusCode::from_u16(status).unwrap(),
                            reason,
                            date: &dates[taken / 3 % 2],
                            content_type,
                            fields,
                            framing,
                            connection,
                            trailers: Trailers::None,
                        };
                        taken += usize::from(plain(&head).is_some());
                        let (mut short, mut naive) = (b"before".to_vec(), b"before".to_vec());
                        start.encode(&mut short, &head);
                        encode_reply_head(&mut naive, &head);
                        assert_eq!(short, naive, "{head:?}");
                    }
                }
            }
        }
    }
    assert!(taken >= 18, "the short way was hardly taken: {taken}");
}
