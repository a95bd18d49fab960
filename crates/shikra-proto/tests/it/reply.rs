//! Response heads as the test client reads them.

use http::{Method, Version};
use shikra_proto::http1::{HeadError, HeadLimits, Reply, ReplyFraming};

fn decode(bytes: &str, method: &Method) -> Result<Option<(Reply, usize)>, HeadError> {
    let limits = HeadLimits::default();
    let whole = Reply::decode(bytes.as_bytes(), method, &limits);
    let head_len = whole.as_ref().ok().and_then(Option::as_ref).map(|(_, len)| *len);
    for end in 0..bytes.len() {
        match (Reply::decode(&bytes.as_bytes()[..end], method, &limits), head_len) {
            (Ok(None), Some(len)) => assert!(end < len, "{bytes:?}"),
            (Ok(None), None) => {}
            (Ok(Some((_, len))), Some(wanted)) => assert!(len == wanted && end >= len),
            (Err(error), _) => assert_eq!(Some(error), whole.as_ref().err().copied()),
            (Ok(Some(_)), None) => panic!("{bytes:?} was complete at {end}"),
        }
    }
    whole
}

#[test]
fn reads_heads() {
    use ReplyFraming::*;
    let table: &[(&str, &str, u16, &str, ReplyFraming, bool)] = &[
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", 200, "OK", Length(2), true),
        ("GET", "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n", 200, "", Length(2), true),
        (
            "GET",
            "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n",
            404,
            "Not Found",
            Chunked,
            true,
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n",
            200,
            "OK",
            Length(0),
            false,
        ),
        ("GET", "HTTP/1.1 200 OK\r\n\r\n", 200, "OK", UntilClose, false),
        ("GET", "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "OK", Length(0), false),
        (
            "GET",
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n",
            200,
            "OK",
            Length(0),
            true,
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", 200, "OK", None, true),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "No Content", None, true),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
            304,
            "Not Modified",
            None,
            true,
        ),
        ("GET", "HTTP/1.1 100 Continue\r\n\r\n", 100, "Continue", None, true),
        ("CONNECT", "HTTP/1.1 200 OK\r\n\r\n", 200, "OK", None, true),
    ];
    for (method, bytes, status, reason, framing, keep_alive) in table {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (reply, len) = decode(bytes, &method).unwrap().unwrap();
        assert_eq!((reply.status.as_u16(), reply.reason.as_str()), (*status, *reason));
        assert_eq!((reply.framing, reply.keep_alive), (*framing, *keep_alive), "{bytes}");
        assert_eq!(len, bytes.len());
        assert!(reply.version == Version::HTTP_11 || bytes.starts_with("HTTP/1.0"));
    }
}

#[test]
fn refuses_what_no_server_should_send() {
    use HeadError::*;
    let table: &[(&str, HeadError)] = &[
        ("HTTP/2.0 200 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 20 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 200\r\n\r\n", StatusLine),
        ("HTTP/1.1  200 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 099 OK\r\n\r\n", StatusLine),
        ("http/1.1 200 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 200 O\0K\r\n\r\n", StatusLine),
        ("HTTP/1.1 200 OK\n\r\n", LineEnd),
        ("HTTP/1.1 200 OK\r\na: b\n\r\n", LineEnd),
        ("HTTP/1.1 200 OK\r\na : b\r\n\r\n", FieldName),
        ("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", FieldFolded),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", ContentLength),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            FramingConflict,
        ),
        ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", FramingConflict),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", TransferEncoding),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", FramingConflict),
        ("HTTP/1.1 101 Switching\r\ntransfer-encoding: chunked\r\n\r\n", FramingConflict),
    ];
    for (bytes, error) in table {
        assert_eq!(decode(bytes, &Method::GET).map(|_| ()), Err(*error), "{bytes:?}");
    }
}

#[test]
fn reply_heads_are_limited() {
    let limits = HeadLimits { head_bytes_max: 64, fields_max: 2, ..HeadLimits::default() };
    let decode = |bytes: &[u8]| Reply::decode(bytes, &Method::GET, &limits).map(|_| ());
    assert_eq!(decode(b"HTTP/1.1 200 OK\r\na: b\r\na: b\r\n\r\n"), Ok(()));
    assert_eq!(
        decode(b"HTTP/1.1 200 OK\r\na: b\r\na: b\r\na: b\r\n\r\n"),
        Err(HeadError::TooManyFields)
    );
    assert_eq!(
        decode(&[b"HTTP/1.1 200 ".as_slice(), &[b'a'; 60]].concat()),
        Err(HeadError::HeadTooLarge)
    );
}
