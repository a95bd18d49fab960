//! A whole connection: any bytes, cut anywhere, through engine, router and handlers of any behaviour.
//!
//! What comes out is read by a reader that shares no code with the framework: every reply is framed
//! validly, replies come in the order of their requests, one for each, and how the bytes were cut does
//! not show.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra::testing::DirectConnection;
use shikra::{App, Request, Response, Result, stream};
use std::cell::Cell;
use std::sync::Once;

fuzz_target!(|input: &[u8]| {
    static QUIET: Once = Once::new();
    QUIET.call_once(expect_panics);
    // The first byte says how many cuts follow; the rest is what the client sends.
    let Some((&count, rest)) = input.split_first() else { return };
    let (cuts, bytes) = rest.split_at(rest.len().min(usize::from(count)));
    if bytes.len() > 32 * 1024 {
        return;
    }
    let whole = run(bytes, &[]);
    let parts = run(bytes, cuts);
    // A client that waits for `100 Continue` is answered differently when its body is there already.
    let waits = bytes.windows(6).any(|word| word.eq_ignore_ascii_case(b"expect"));
    assert!(waits || whole == parts, "whole: {whole:?}, in parts: {parts:?}");
});

thread_local! {
    /// Requests of the running connection that have reached the application.
    static REQUESTS: Cell<u32> = const { Cell::new(0) };
}

/// The fuzzer ends the process at any panic; the one that a handler is asked for is none of those.
fn expect_panics() {
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&ASKED) {
            end(info);
        }
    }));
}

fn app() -> App {
    let mut app = App::new();
    app.logger(|_| ());
    app.use_(numbered);
    app.get("/", async |_| "hello");
    app.get("/users/:id", async |req| req.param::<u32>("id").map(|id| id.to_string()));
    app.post("/length", async |req| Ok(req.bytes().await?.len().to_string()));
    app.post("/half", async |req| match req.body().next().await {
        Some(chunk) => Ok(chunk?.len().to_string()),
        None => Ok("nothing".to_owned()),
    });
    app.any("/stream", async |_| {
        stream(async |out| {
            for _ in 0..3 {
                out.write("some bytes").await?;
                out.flush().await?;
            }
            Ok(())
        })
    });
    app.get("/header", async |req| {
        let value = req.query().get("v").unwrap_or_default().into_owned();
        let mut res = Response::new();
        res.try_set_header("x-value", value.as_bytes())?;
        Ok(res)
    });
    app.any("/do/:what", behave);
    app
}

/// Tells the reader which request a reply belongs to, and whether it was a HEAD.
async fn numbered(req: Request, next: shikra::Next) -> Response {
    let number = REQUESTS.get();
    REQUESTS.set(number + 1);
    let mut res = next.run(req.clone()).await;
    res.set_header("x-number", &format!("{number} {}", req.method()));
    res
}

/// Each letter is something that a handler does; the last reply stands.
async fn behave(req: Request) -> Result<Response> {
    let mut res = Response::new();
    for what in req.param_str("what").unwrap_or_default().bytes().take(16) {
        match what {
            b'r' => drop(req.body().next().await.transpose()?),
            b'a' => res = shikra::IntoResponse::into_response(req.bytes().await?),
            b'p' => std::panic::panic_any(ASKED),
            b'e' => shikra::bail!(418, "as you like"),
            b'y' => yield_once().await,
            // While a body waits to be read, only a reset shows: so the body comes first.
            b'c' => {
                drop(req.bytes().await?);
                req.closed().await;
            }
            b'n' => res.set_status(204),
            b'm' => res.set_status(304),
            b'l' => res.set_header("content-length", "7"),
            b't' => res.set_header("transfer-encoding", "chunked"),
            b'k' => res.set_header("connection", "close"),
            b'b' => res = shikra::IntoResponse::into_response(vec![b'b'; 100_000]),
            b's' => res = echo(&req),
            b'f' => res = failing(),
            b'x' => return Ok(Response::abort()),
            _ => {}
        }
    }
    Ok(res)
}

fn echo(req: &Request) -> Response {
    let mut body = req.body();
    stream(async move |out| {
        while let Some(chunk) = body.next().await {
            out.write(chunk?).await?;
        }
        Ok(())
    })
}

/// Breaks off after the head has left.
fn failing() -> Response {
    stream(async |out| {
        out.write("some").await?;
        out.flush().await?;
        yield_once().await;
        shikra::bail!(500, "no more")
    })
}

async fn yield_once() {
    let mut is_first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut is_first) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
}

/// The statuses of the final replies that the application sends for `bytes`, written in pieces of the
/// lengths in `cuts`, and how many requests have reached it.
fn run(bytes: &[u8], cuts: &[u8]) -> (Vec<u16>, u32) {
    REQUESTS.set(0);
    let mut connection = DirectConnection::new(app());
    let mut rest = bytes;
    let mut output = Vec::new();
    for &cut in cuts {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(cut)));
        connection.write(piece);
        rest = after;
        if !connection.run() {
            break;
        }
        output.extend_from_slice(connection.output());
        connection.clear_output();
    }
    connection.write(rest);
    // Before its half closes, for that ends a stream at once.
    let mut goes_on = connection.run();
    connection.finish();
    // Once for each time that a connection may give way to others.
    for _ in 0..RUNS_MAX {
        if !goes_on {
            break;
        }
        goes_on = connection.run();
    }
    output.extend_from_slice(connection.output());
    (read(&output, !goes_on), REQUESTS.get())
}

/// Reads the replies. The last one may be cut, since handlers break off and clients close.
fn read(output: &[u8], is_closed: bool) -> Vec<u16> {
    let (mut rest, mut statuses, mut next) = (output, Vec::new(), 0);
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut fields);
        let len = match head.parse(rest) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) if is_closed => return statuses,
            other => panic!("no head, {other:?}: {:?}", String::from_utf8_lossy(rest)),
        };
        let (status, fields) = (head.code.expect("a head has one"), &*head.headers);
        let after = rest.get(len..).unwrap_or_default();
        if status == 100 {
            rest = after;
            continue;
        }
        assert!(status >= 200 && one(fields, "date").is_some(), "{status}");
        let number = one(fields, "x-number").map(|text| text.split_once(' ').expect("two words"));
        let is_head = match number {
            Some((number, method)) => {
                assert_eq!(number.parse(), Ok(next), "replies are out of order");
                next += 1;
                method == "HEAD"
            }
            // A refusal of the decoder's. It is the last.
            None => after.is_empty(),
        };
        statuses.push(status);
        let closes = one(fields, "connection") == Some("close");
        let Some(end) = body_len(fields, after, is_head || matches!(status, 204 | 304)) else {
            assert!(is_closed || one(fields, "content-length").is_none(), "a reply without an end");
            return statuses;
        };
        rest = after.get(end..).unwrap_or_default();
        assert!(!closes || rest.is_empty(), "bytes after a reply that closes");
        assert!(number.is_some() || closes, "a refusal without a close");
    }
    statuses
}

/// How long the body is; `None` if it breaks off or ends with the connection.
fn body_len(fields: &[httparse::Header<'_>], bytes: &[u8], is_absent: bool) -> Option<usize> {
    let len = one(fields, "content-length").map(|text| text.parse::<usize>().expect("digits"));
    let coding = one(fields, "transfer-encoding");
    assert!(len.is_none() || coding.is_none(), "two framings");
    if is_absent {
        return Some(0);
    }
    match (len, coding) {
        (Some(len), _) => (bytes.len() >= len).then_some(len),
        (None, Some(coding)) => {
            assert_eq!(coding, "chunked");
            chunks_len(bytes)
        }
        (None, None) => None,
    }
}

fn chunks_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let digits = std::str::from_utf8(&rest[..line]).expect("a chunk's size");
        let len = usize::from_str_radix(digits, 16).expect("a chunk's size");
        let end = line + 2 + len;
        let close = rest.get(end..end + 2)?;
        assert_eq!(close, b"\r\n", "a chunk's end");
        at += end + 2;
        if len == 0 {
            return Some(at);
        }
    }
}

/// The value of a field that must not be there twice.
fn one<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    let value = values.next().map(|field| std::str::from_utf8(field.value).expect("text"));
    assert!(values.next().is_none(), "{name} twice");
    value
}

const ASKED: &str = "asked for";
const RUNS_MAX: usize = 100;
