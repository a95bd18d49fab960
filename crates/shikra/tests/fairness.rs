//! How long one client waits beside another that never stops. Times are measured, so these tests are a
//! program of their own, which runs with nothing beside it.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use shikra::{App, stream};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// One at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The promise is 50 ms. Without optimisation the same work takes several times as long; `cargo xtask models`
/// runs these tests with it.
fn limit() -> Duration {
    Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 50 })
}

fn app() -> App {
    let mut app = App::new();
    app.get("/", async |_| "hello");
    app.get("/flood", async |_| {
        stream(async |out| {
            loop {
                out.write(vec![7_u8; 10_000]).await?;
            }
        })
    });
    app
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn get(mut stream: &TcpStream, path: &str) {
    // In one write: several small ones would wait for one another's acknowledgements.
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
}

/// Reads one reply with a content length; its whole text.
fn read_reply(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut len) = (String::new(), 0);
    while !text.ends_with("\r\n\r\n") {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the reply ended: {text}");
        if let Some(value) = line.strip_prefix("content-length: ") {
            len = value.trim().parse().unwrap();
        }
        text.push_str(&line);
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    text + std::str::from_utf8(&body).unwrap()
}

#[test]
fn an_endless_pipeliner_leaves_a_normal_client_its_turn() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // The system's own scheduling adds to the time where other programs run: the best of five
    // rounds is the server's part.
    let batch = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2000);
    let best = (0..5).map(|_| p99_beside(&batch)).min().unwrap();
    assert!(best < limit(), "p99 is {best:?}");
}

#[test]
fn an_endless_stream_to_a_fast_client_leaves_others_their_turn() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let best = (0..5).map(|_| p99_beside("GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")).min().unwrap();
    assert!(best < limit(), "p99 is {best:?}");
}

#[test]
fn many_endless_streams_to_fast_clients_leave_others_their_turn() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let best = (0..5).map(|_| p99_beside_many(Reads::Fast)).min().unwrap();
    assert!(best < limit(), "p99 is {best:?}");
}

#[test]
fn many_endless_streams_to_clients_that_do_not_read_leave_others_their_turn() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let best = (0..5).map(|_| p99_beside_many(Reads::Nothing)).min().unwrap();
    assert!(best < limit(), "p99 is {best:?}");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Fast,
    Nothing,
}

/// The same beside [`STREAMS`] endless streams, which begin while the client asks.
fn p99_beside_many(reads: Reads) -> Duration {
    let server = app().workers(1).start("127.0.0.1:0").unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let normal = connect(server.addr());
    let greedy: Vec<_> = (0..STREAMS).map(|_| connect(server.addr())).collect();
    let (all, ended) = (Arc::new(Barrier::new(2)), Arc::clone(&ends));
    let begin = Arc::clone(&all);
    let flood = thread::spawn(move || {
        begin.wait();
        for stream in &greedy {
            stream.set_nonblocking(true).unwrap();
            get(stream, "/flood");
        }
        let mut buf = vec![0; 256 * 1024];
        while reads == Reads::Fast && !ended.load(Ordering::Relaxed) {
            for mut stream in &greedy {
                // Nothing there yet: the next.
                let _ = stream.read(&mut buf);
            }
        }
        begin.wait();
    });
    all.wait();
    let times = ask(&normal);
    ends.store(true, Ordering::Relaxed);
    all.wait();
    flood.join().unwrap();
    drop(normal);
    server.stop();
    let _ = server.wait();
    times
}

/// The time in which 99 of 100 requests of a normal client are answered, beside one on the same worker
/// that sends `batch` over and over and takes what comes as fast as it can.
fn p99_beside(batch: &str) -> Duration {
    let server = app().workers(1).start("127.0.0.1:0").unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let greedy = connect(server.addr());
    let (reader, ended) = (greedy.try_clone().unwrap(), Arc::clone(&ends));
    let drain = thread::spawn(move || {
        let mut buf = vec![0; 256 * 1024];
        while !ended.load(Ordering::Relaxed) && matches!((&reader).read(&mut buf), Ok(1..)) {}
    });
    let (ended, batch) = (Arc::clone(&ends), batch.to_owned());
    let flood = thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) && (&greedy).write_all(batch.as_bytes()).is_ok() {}
        let _ = greedy.shutdown(std::net::Shutdown::Both);
    });
    let times = ask(&connect(server.addr()));
    ends.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    drain.join().unwrap();
    server.stop();
    let _ = server.wait();
    times
}

/// The time in which 99 of 100 requests over `normal` are answered.
fn ask(normal: &TcpStream) -> Duration {
    let mut times: Vec<_> = (0..200)
        .map(|_| {
            let start = Instant::now();
            get(normal, "/");
            read_reply(normal);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[197]
}

const STREAMS: usize = 150;
