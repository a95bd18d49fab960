//! Clients that nobody wants: each action opens a connection and leaves it in some rude way.
//!
//! What the server says, if anything, must be whole and a refusal; that it lives on, forgets the
//! connection and answers the others is checked elsewhere.

use crate::actions::Actor;
use crate::client::{Body, Client};
use std::thread::sleep;
use std::time::Duration;

type Action = fn(&mut Actor) -> Result<(), String>;

pub(crate) const ACTIONS: &[(&str, Action)] = &[
    ("garbage", garbage),
    ("malformed request", malformed),
    ("reset in a head", reset_in_head),
    ("reset in a body", reset_in_body),
    ("reset while a handler waits", reset_in_handler),
    ("reset of what was pipelined", reset_of_pipelined),
    ("aborted upload", aborted_upload),
    ("aborted chunks", aborted_chunks),
    ("half-close in a head", half_close_in_head),
    ("half-close in a body", half_close_in_body),
    ("stalled head", stalled_head),
    ("stalled body", stalled_body),
    ("vanished reader", vanished_reader),
    ("reset of a stream", reset_of_stream),
    ("silence", silence),
];

/// A connection with these bytes sent.
fn open(actor: &Actor, bytes: &[u8]) -> Result<Client, String> {
    let mut client = Client::connect(actor.at, actor.own)?;
    client.send(bytes)?;
    Ok(client)
}

/// Some bytes that surely are no request. The server may have closed before all were sent.
fn garbage(actor: &mut Actor) -> Result<(), String> {
    let mut client = Client::connect(actor.at, actor.own)?;
    let len = actor.random.len(1, 3_000);
    let mut bytes = actor.random.bytes(len);
    bytes.insert(0, b'\0');
    // A refusal may come, and a reset with it, before the last byte has gone.
    if client.send(&bytes).is_err() {
        return Ok(());
    }
    match client.reply(Body::Expected) {
        Ok(reply) if reply.status != 400 || reply.keeps => Err(format!("answered: {reply:?}")),
        _ => Ok(()),
    }
}

/// Requests that must be refused with exactly this status, and the connection closed.
const MALFORMED: &[(&str, u16)] = &[
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nhost : soak\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: soak\r\nhost: soak\r\n\r\n", 400),
    ("POST /hash HTTP/1.1\r\nhost: soak\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
    ("POST /hash HTTP/1.1\r\nhost: soak\r\ncontent-length: +1\r\n\r\na", 400),
    (
        "POST /hash HTTP/1.1\r\nhost: soak\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n\
         0\r\n\r\n",
        400,
    ),
    ("POST /hash HTTP/1.1\r\nhost: soak\r\ntransfer-encoding: gzip\r\n\r\n", 400),
    ("POST /hash HTTP/1.1\r\nhost: soak\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", 400),
    ("POST /hash HTTP/1.1\r\nhost: soak\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n", 400),
    ("GET / HTTP/1.1\nhost: soak\n\n", 400),
    ("GET /%00 HTTP/1.1\r\nhost: soak\r\n\r\n", 400),
    ("GET / HTTP/3.0\r\nhost: soak\r\n\r\n", 505),
];

/// A second request hides behind each: it must not be answered.
fn malformed(actor: &mut Actor) -> Result<(), String> {
    let (request, due) = actor.draw(MALFORMED);
    let mut bytes = request.as_bytes().to_vec();
    bytes.extend_from_slice(b"GET /plaintext HTTP/1.1\r\nhost: soak\r\n\r\n");
    let mut client = open(actor, &bytes)?;
    let reply = client.reply(Body::Expected).map_err(|why| format!("{request:?}: {why}"))?;
    if reply.status != due || reply.keeps {
        return Err(format!("{request:?}: {} instead of {due} and close", reply.status));
    }
    match client.is_over() {
        Ok(false) => Err(format!("{request:?}: an answer more")),
        // The bytes behind the request may have made it a reset.
        Ok(true) | Err(_) => Ok(()),
    }
}

fn reset_in_head(actor: &mut Actor) -> Result<(), String> {
    let head = b"GET /plaintext HTTP/1.1\r\nhost: soak\r\nx-more: and more\r\n";
    let len = actor.random.len(0, head.len());
    open(actor, head.get(..len).unwrap_or(head))?.reset()
}

fn reset_in_body(actor: &mut Actor) -> Result<(), String> {
    let client = upload(actor)?;
    pause(actor);
    client.reset()
}

fn reset_in_handler(actor: &mut Actor) -> Result<(), String> {
    let client = open(actor, b"GET /slow?ms=300 HTTP/1.1\r\nhost: soak\r\n\r\n")?;
    pause(actor);
    client.reset()
}

/// More requests than one turn answers, and nobody waits for them.
fn reset_of_pipelined(actor: &mut Actor) -> Result<(), String> {
    let requests = b"GET /html HTTP/1.1\r\nhost: soak\r\n\r\n".repeat(actor.random.len(1, 200));
    let client = open(actor, &requests)?;
    pause(actor);
    client.reset()
}

fn aborted_upload(actor: &mut Actor) -> Result<(), String> {
    // Dropped: a farewell in the middle.
    upload(actor).map(drop)
}

fn aborted_chunks(actor: &mut Actor) -> Result<(), String> {
    let mut request =
        b"POST /hash HTTP/1.1\r\nhost: soak\r\ntransfer-encoding: chunked\r\n\r\n4000\r\n".to_vec();
    let len = actor.random.len(0, 5_000);
    request.extend(actor.random.bytes(len));
    open(actor, &request).map(drop)
}

/// Says nothing more after some bytes, and listens: 400 or just the end.
fn half_close_in_head(actor: &mut Actor) -> Result<(), String> {
    let mut client = open(actor, b"GET /plaintext HTTP/1.1\r\nhos")?;
    client.finish()?;
    refused(&mut client)
}

fn half_close_in_body(actor: &mut Actor) -> Result<(), String> {
    let mut client = upload(actor)?;
    client.finish()?;
    refused(&mut client)
}

/// An incomplete request gets a refusal or no answer at all, and the end.
fn refused(client: &mut Client) -> Result<(), String> {
    match client.reply(Body::Expected) {
        Ok(reply) if reply.status == 400 && !reply.keeps => Ok(()),
        Ok(reply) => Err(format!("half a request got {}", reply.status)),
        Err(why) if why.contains("closed") => Ok(()),
        Err(why) => Err(why),
    }
}

fn stalled_head(actor: &mut Actor) -> Result<(), String> {
    let client = open(actor, b"GET /plaintext HTTP/1.1\r\n")?;
    sleep(Duration::from_millis(actor.random.below(STALL_MS)));
    drop(client);
    Ok(())
}

fn stalled_body(actor: &mut Actor) -> Result<(), String> {
    let client = upload(actor)?;
    sleep(Duration::from_millis(actor.random.below(STALL_MS)));
    drop(client);
    Ok(())
}

/// Reads some of an endless reply and goes.
fn vanished_reader(actor: &mut Actor) -> Result<(), String> {
    flooded(actor).map(drop)
}

fn reset_of_stream(actor: &mut Actor) -> Result<(), String> {
    flooded(actor)?.reset()
}

fn silence(actor: &mut Actor) -> Result<(), String> {
    let client = Client::connect(actor.at, actor.own)?;
    pause(actor);
    drop(client);
    Ok(())
}

/// A connection in the middle of a body.
fn upload(actor: &mut Actor) -> Result<Client, String> {
    let mut request =
        b"POST /hash HTTP/1.1\r\nhost: soak\r\ncontent-length: 100000\r\n\r\n".to_vec();
    let len = actor.random.len(0, 50_000);
    request.extend(actor.random.bytes(len));
    open(actor, &request)
}

/// A connection in the middle of an endless reply.
fn flooded(actor: &mut Actor) -> Result<Client, String> {
    let mut client = open(actor, b"GET /flood HTTP/1.1\r\nhost: soak\r\n\r\n")?;
    let mut bytes = [0; 4 * 1024];
    for _ in 0..actor.random.len(1, 5) {
        client.read(&mut bytes)?;
    }
    pause(actor);
    Ok(client)
}

fn pause(actor: &mut Actor) {
    sleep(Duration::from_millis(actor.random.below(20)));
}

const STALL_MS: u64 = 400;
