//! Requests that must be answered, and how their answers are checked.

use crate::actions::Actor;
use crate::client::{Body, Client, Reply};
use crate::random::{HASH_START, hash};
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

type Action = fn(&mut Actor, &mut Client) -> Result<Outcome, String>;

/// What an exchange leaves.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    answered: u64,
    keeps: bool,
}

/// One connection with a few requests, one after the other. Returns how many were answered.
pub(crate) fn visit(actor: &mut Actor, end: Instant) -> Result<u64, String> {
    let mut client = Client::connect(actor.at, actor.own)?;
    let (mut answered, mut before) = (0, "the first");
    for _ in 0..actor.random.len(1, REQUESTS_MAX) {
        let (name, act) = actor.draw(ACTIONS);
        let outcome =
            act(actor, &mut client).map_err(|why| format!("{name} (after {before}): {why}"))?;
        before = name;
        answered += outcome.answered;
        if !outcome.keeps || Instant::now() > end {
            break;
        }
    }
    Ok(answered)
}

const ACTIONS: &[(&str, Action)] = &[
    ("plain", plain),
    ("parameter", parameter),
    ("head", head),
    ("body with a length", body_with_length),
    ("body in chunks", body_in_chunks),
    ("echo", echo),
    ("pipelined", pipelined),
    ("pipelined", pipelined),
    ("stream", stream),
    ("waiting handler", waiting),
    ("panic", panic),
    ("unread body", unread_body),
    ("slow sender", slow_sender),
    ("slow reader", slow_reader),
    ("half-close", half_close),
    ("expect", expect),
];

/// An error unless the reply is exactly this.
fn check(reply: &Reply, status: u16, body: &[u8]) -> Result<Outcome, String> {
    if reply.status != status {
        return Err(format!("status {}, not {status}", reply.status));
    }
    if reply.body != body {
        let (got, due) = (reply.body.len(), body.len());
        return Err(format!("a wrong body of {got} bytes, where {due} were due"));
    }
    Ok(Outcome { answered: 1, keeps: reply.keeps })
}

fn plain(_: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    client.send(b"GET /plaintext HTTP/1.1\r\nhost: soak\r\n\r\n")?;
    check(&client.reply(Body::Expected)?, 200, b"Hello, World!")
}

fn parameter(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let id = actor.random.next().to_string();
    client.send(format!("GET /users/{id} HTTP/1.1\r\nhost: soak\r\n\r\n").as_bytes())?;
    check(&client.reply(Body::Expected)?, 200, id.as_bytes())
}

fn head(_: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    client.send(b"HEAD /plaintext HTTP/1.1\r\nhost: soak\r\n\r\n")?;
    check(&client.reply(Body::Absent)?, 200, b"")
}

fn body_with_length(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let body = body(actor, BODY_BYTES_MAX);
    let len = body.len();
    let head = format!("POST /hash HTTP/1.1\r\nhost: soak\r\ncontent-length: {len}\r\n\r\n");
    client.send(head.as_bytes())?;
    client.send(&body)?;
    check(&client.reply(Body::Expected)?, 200, digest(&body).as_bytes())
}

fn body_in_chunks(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let body = body(actor, BODY_BYTES_MAX);
    client.send(&in_chunks(actor, "/hash", &body))?;
    check(&client.reply(Body::Expected)?, 200, digest(&body).as_bytes())
}

fn echo(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let body = body(actor, BODY_BYTES_MAX);
    client.send(&in_chunks(actor, "/echo", &body))?;
    check(&client.reply(Body::Expected)?, 200, &body)
}

/// Many requests in one write: the answers come in their order.
fn pipelined(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let count = actor.random.len(2, PIPELINED_MAX);
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    for _ in 0..count {
        match actor.random.below(3) {
            0 => {
                let id = actor.random.next().to_string();
                let request = format!("GET /users/{id} HTTP/1.1\r\nhost: soak\r\n\r\n");
                requests.extend_from_slice(request.as_bytes());
                replies.push(id);
            }
            1 => {
                requests.extend_from_slice(b"GET /slow?ms=1 HTTP/1.1\r\nhost: soak\r\n\r\n");
                replies.push("after 1 ms".to_owned());
            }
            _ => {
                let body = body(actor, 200);
                requests.extend_from_slice(&in_chunks(actor, "/hash", &body));
                replies.push(digest(&body));
            }
        }
    }
    client.send(&requests)?;
    let mut answered = 0;
    for due in &replies {
        let outcome = check(&client.reply(Body::Expected)?, 200, due.as_bytes())?;
        answered += outcome.answered;
        if !outcome.keeps {
            return Err(format!("closed after {answered} of {count} answers"));
        }
    }
    Ok(Outcome { answered, keeps: true })
}

fn stream(_: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    client.send(b"GET /stream?ms=3 HTTP/1.1\r\nhost: soak\r\n\r\n")?;
    let due = (0..10).fold(String::new(), |mut text, n| {
        // Writing to text cannot fail.
        let _ = writeln!(text, "chunk {n}");
        text
    });
    check(&client.reply(Body::Expected)?, 200, due.as_bytes())
}

fn waiting(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let ms = actor.random.below(50);
    client.send(format!("GET /slow?ms={ms} HTTP/1.1\r\nhost: soak\r\n\r\n").as_bytes())?;
    check(&client.reply(Body::Expected)?, 200, format!("after {ms} ms").as_bytes())
}

fn panic(_: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    client.send(b"GET /panic HTTP/1.1\r\nhost: soak\r\n\r\n")?;
    let reply = client.reply(Body::Expected)?;
    check(&reply, 500, &reply.body)
}

/// Nobody reads this body: it is skipped, and the next request is the next request.
fn unread_body(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let body = b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n".repeat(actor.random.len(1, 200));
    let len = body.len();
    let head = format!("POST /nowhere HTTP/1.1\r\nhost: soak\r\ncontent-length: {len}\r\n\r\n");
    client.send(head.as_bytes())?;
    client.send(&body)?;
    let reply = client.reply(Body::Expected)?;
    check(&reply, 404, &reply.body)
}

/// A head a few bytes at a time.
fn slow_sender(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    for piece in b"GET /plaintext HTTP/1.1\r\nhost: soak\r\n\r\n".chunks(actor.random.len(1, 9)) {
        client.send(piece)?;
        sleep(Duration::from_millis(actor.random.below(8)));
    }
    check(&client.reply(Body::Expected)?, 200, b"Hello, World!")
}

/// A mebibyte, read with pauses: more than the socket holds. The connection is not used again.
fn slow_reader(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    client.send(b"GET /blob HTTP/1.1\r\nhost: soak\r\nconnection: close\r\n\r\n")?;
    let (mut piece, mut len, mut sum) = (vec![0; 64 * 1024], 0, HASH_START);
    let mut head = None;
    loop {
        let count = client.read(&mut piece)?;
        let mut bytes = piece.get(..count).unwrap_or_default();
        if count == 0 {
            break;
        }
        if head.is_none() {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no head")?;
            if !bytes.starts_with(b"HTTP/1.1 200 ") {
                return Err("not 200".to_owned());
            }
            head = Some(());
            bytes = bytes.get(end + 4..).unwrap_or_default();
        }
        len += bytes.len();
        sum = hash(bytes, sum);
        sleep(Duration::from_millis(actor.random.below(10)));
    }
    let due = (0..=250_u8).cycle().step_by(31).take(BLOB_BYTES).collect::<Vec<u8>>();
    if (len, sum) != (due.len(), hash(&due, HASH_START)) {
        return Err(format!("{len} bytes, of {BLOB_BYTES} or with other content"));
    }
    Ok(Outcome { answered: 1, keeps: false })
}

/// A client that has said all and closes its half is answered.
fn half_close(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let ms = actor.random.below(30);
    client.send(format!("GET /slow?ms={ms} HTTP/1.1\r\nhost: soak\r\n\r\n").as_bytes())?;
    client.finish()?;
    check(&client.reply(Body::Expected)?, 200, format!("after {ms} ms").as_bytes())?;
    if client.is_over()? { Ok(Outcome { answered: 1, keeps: false }) } else { Err("more".into()) }
}

fn expect(actor: &mut Actor, client: &mut Client) -> Result<Outcome, String> {
    let body = body(actor, 2_000);
    let len = body.len();
    let head = format!(
        "POST /hash HTTP/1.1\r\nhost: soak\r\ncontent-length: {len}\r\nexpect: 100-continue\r\n\r\n"
    );
    client.send(head.as_bytes())?;
    if client.reply(Body::Expected)?.status != 100 {
        return Err("no 100".to_owned());
    }
    client.send(&body)?;
    check(&client.reply(Body::Expected)?, 200, digest(&body).as_bytes())
}

fn body(actor: &mut Actor, bytes_max: usize) -> Vec<u8> {
    let len = actor.random.len(1, bytes_max);
    actor.random.bytes(len)
}

/// What `/hash` answers.
fn digest(body: &[u8]) -> String {
    format!("{} {:x}", body.len(), hash(body, HASH_START))
}

fn in_chunks(actor: &mut Actor, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: soak\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut bytes = head.into_bytes();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(actor.random.len(1, rest.len()));
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        rest = after;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

const REQUESTS_MAX: usize = 12;
const PIPELINED_MAX: usize = 16;
const BODY_BYTES_MAX: usize = 20_000;
const BLOB_BYTES: usize = 1024 * 1024;
