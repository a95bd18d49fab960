//! A plain request allocates nothing, from the socket through router, middleware and handler and back. A
//! binary of its own, since it has an allocator of its own.
#![allow(unsafe_code)] // an allocator that counts can only be written with it

use shikra::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the allocations of the threads that ask for it, which is the worker's.
struct Counting;

thread_local! {
    static COUNTS: Cell<Option<usize>> = const { Cell::new(None) };
}

// SAFETY: every call goes on to `System` as it came; the count is a plain cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(count) = COUNTS.get() {
            COUNTS.set(Some(count + 1));
        }
        // SAFETY: the caller keeps the contract of `alloc`, which is the same for `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `System`, see `alloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

async fn show_user(req: Request) -> Result<&'static str> {
    let id: u64 = req.param("id")?;
    Ok(if id == 7 { "seven" } else { "another" })
}

async fn guard(req: Request, next: Next) -> Response {
    let is_known = req.header("host").is_some();
    let res = next.run(req).await;
    assert!(is_known && res.status() == 200);
    res
}

/// Sends `request` and reads until `end` has come `times` times, into the memory of `reply`.
fn exchange(stream: &mut TcpStream, request: &[u8], reply: &mut [u8], end: &[u8], times: usize) {
    stream.write_all(request).expect("the server reads");
    let mut len = 0;
    while reply[..len].windows(end.len()).filter(|window| *window == end).count() < times {
        let read = stream.read(&mut reply[len..]).expect("the server answers");
        assert!(read > 0, "{}", String::from_utf8_lossy(&reply[..len]));
        len += read;
    }
}

/// What the worker had counted when it was asked last.
static LAST: AtomicUsize = AtomicUsize::new(0);

#[test]
fn making_a_response_of_a_value_allocates_nothing() {
    // VA-088: what a handler returns costs its header fields and its body, and nothing else.
    fn count(make: impl FnOnce() -> Response) -> usize {
        COUNTS.set(Some(0));
        let res = make();
        let count = COUNTS.replace(None).unwrap_or(usize::MAX);
        drop(res);
        count
    }
    let (owned, reason) = (String::from("owned"), Box::<str>::from("Own"));
    assert_eq!(count(|| 204.into_response()), 0);
    assert_eq!(count(|| "text".into_response()), 0);
    assert_eq!(count(|| owned.into_response()), 0);
    assert_eq!(count(|| Bytes::from_static(b"bytes").into_response()), 0);
    assert_eq!(count(|| (201, Html("text")).into_response()), 0);
    assert_eq!(count(|| (201, Some(Ok(StatusCode::ACCEPTED))).into_response()), 0);
    assert_eq!(count(|| Reason(reason).with_status(201).with_close()), 0);
    assert_eq!(count(|| (201, [("x-a", "1")], "text").into_response()), 1, "one field");
}

#[test]
fn a_response_stays_small() {
    assert!(size_of::<Response>() <= 136, "{} bytes are moved around", size_of::<Response>());
}

#[test]
fn a_plain_request_allocates_nothing() {
    let mut app = App::new();
    app.workers(1).use_(guard).get("/users/:id", show_user);
    app.get("/count/:as", async |req| {
        // From here on this thread, the worker's, counts anew.
        LAST.store(COUNTS.replace(Some(0)).unwrap_or(usize::MAX), Ordering::Relaxed);
        if req.param_str("as") == Some("text") {
            String::from("counted").into_response()
        } else {
            200.into_response()
        }
    });
    let server = app.start("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reply = vec![0; 64 * 1024];
    let plain = b"GET /users/7 HTTP/1.1\r\nhost: x\r\naccept: */*\r\n\r\n";
    let mut counted = |requests: usize, pipelined: usize, count_as: &str| {
        let batch = plain.repeat(pipelined);
        for _ in 0..requests / pipelined {
            exchange(&mut stream, &batch, &mut reply, b"seven", pipelined);
        }
        let count = format!("GET /count/{count_as} HTTP/1.1\r\nhost: x\r\n\r\n");
        exchange(&mut stream, count.as_bytes(), &mut reply, b"\r\n\r\n", 1);
        LAST.load(Ordering::Relaxed)
    };
    assert_eq!(counted(1_600, 16, "status"), usize::MAX, "the warm-up is not counted");
    // PO-121: no chain is made for a request whose steps are known at start.
    assert_eq!(counted(1_000, 1, "status"), 0, "1,000 requests, one by one");
    assert_eq!(counted(1_600, 16, "status"), 0, "100 batches of 16");
    assert_eq!(counted(0, 1, "text"), 0);
    assert_eq!(counted(0, 1, "status"), 1, "an owned text is counted");
    server.stop();
    server.wait();
}
