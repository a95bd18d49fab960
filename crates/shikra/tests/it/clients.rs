//! Clients that reset, half-close or vanish while a handler waits, reads or streams.

use shikra::testing::TestClient;
use shikra::{App, BodyError, Request, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// What handlers have gone through.
#[derive(Default)]
struct Counts {
    started: AtomicUsize,
    dropped: AtomicUsize,
    finished: AtomicUsize,
    aborted: AtomicUsize,
    closed: AtomicUsize,
    saw_close: AtomicUsize,
    detached: AtomicUsize,
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::SeqCst);
}

fn read(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::SeqCst)
}

/// Counts when a handler's future is dropped, finished or not.
struct CountsDrop(Arc<Counts>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        count(&self.0.dropped);
    }
}

/// Counts a handler in; its hooks and its end count too.
fn enter(req: &Request, counts: &Arc<Counts>) -> CountsDrop {
    count(&counts.started);
    let (aborted, closed) = (Arc::clone(counts), Arc::clone(counts));
    req.on_abort(move || count(&aborted.aborted));
    req.on_close(move || count(&closed.closed));
    CountsDrop(Arc::clone(counts))
}

fn app(counts: &Arc<Counts>) -> App {
    let mut app = App::new();
    app.state(Arc::clone(counts));
    app.get("/wait", async |req| {
        let counts = Arc::clone(req.state::<Arc<Counts>>());
        let _guard = enter(&req, &counts);
        shikra::sleep(Duration::from_secs(3)).await;
        count(&counts.finished);
        "waited"
    });
    app.get("/closed", async |req| {
        let counts = Arc::clone(req.state::<Arc<Counts>>());
        let _guard = enter(&req, &counts);
        req.closed().await;
        count(&counts.saw_close);
        "bye"
    });
    app.post("/read", async |req| {
        let counts = Arc::clone(req.state::<Arc<Counts>>());
        let _guard = enter(&req, &counts);
        let result = req.bytes().await;
        count(&counts.finished);
        result.map(|bytes| bytes.len().to_string())
    });
    app.get("/stream", async |req| {
        let counts = Arc::clone(req.state::<Arc<Counts>>());
        let guard = enter(&req, &counts);
        stream(async move |out| {
            let _guard = guard;
            loop {
                out.write("tick\n").await?;
                shikra::sleep(Duration::from_secs(1)).await;
            }
        })
    });
    app.get("/flood", async |req| {
        let counts = Arc::clone(req.state::<Arc<Counts>>());
        let guard = enter(&req, &counts);
        stream(async move |out| {
            let _guard = guard;
            loop {
                out.write(vec![7_u8; 10_000]).await?;
            }
        })
    });
    app.get("/detach", async |req| {
        let counts = Arc::clone(req.state::<Arc<Counts>>());
        let _guard = enter(&req, &counts);
        let inner = Arc::clone(&counts);
        req.detach(async move {
            shikra::sleep(Duration::from_secs(8)).await;
            count(&inner.detached);
        });
        shikra::sleep(Duration::from_secs(3)).await;
        "never seen"
    });
    app
}

fn start() -> (TestClient, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (TestClient::with_virtual_time(app(&counts)), counts)
}

const WAYS: [&str; 5] = [
    "GET /wait HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc",
    "POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
    "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /flood HTTP/1.1\r\nhost: x\r\n\r\n",
];

#[test]
fn a_reset_drops_the_handler_at_once_whatever_it_does() {
    for request in WAYS {
        let (client, counts) = start();
        let connection = client.connect();
        connection.write(request);
        client.settle();
        assert_eq!((read(&counts.started), read(&counts.dropped)), (1, 0), "{request}");
        connection.reset();
        client.settle();
        assert_eq!((read(&counts.dropped), read(&counts.aborted)), (1, 1), "{request}");
        assert_eq!((read(&counts.closed), read(&counts.finished)), (1, 0), "{request}");
        assert_eq!(client.connections(), 0, "{request}");
    }
}

#[test]
fn a_reset_is_seen_while_reading_is_paused() {
    let (client, counts) = start();
    let connection = client.connect();
    connection.write("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n");
    // More than is read ahead: the rest stays in the socket.
    while connection.write_some(vec![b'x'; 10_000]) > 0 {
        client.settle();
    }
    connection.reset();
    client.settle();
    assert_eq!((read(&counts.dropped), read(&counts.aborted)), (1, 1));
}

#[test]
fn a_half_close_lets_the_handler_finish_within_its_grace() {
    let (client, counts) = start();
    let connection = client.connect();
    connection.write(WAYS[0]);
    connection.finish();
    client.advance(Duration::from_secs(4));
    assert_eq!((read(&counts.finished), read(&counts.aborted)), (1, 0));
    assert_eq!(connection.read_reply().unwrap().text(), "waited");
    assert_eq!(connection.read_to_end(), Ok(Vec::new()));
    assert_eq!((client.connections(), read(&counts.closed)), (0, 1));
}

#[test]
fn a_half_close_drops_the_handler_after_its_grace() {
    let counts = Arc::new(Counts::default());
    let mut app = app(&counts);
    app.limits(|limits| limits.half_close_grace = Duration::from_secs(2));
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    connection.write(WAYS[0]);
    connection.finish();
    client.advance(Duration::from_millis(1900));
    assert_eq!(read(&counts.dropped), 0);
    client.advance(Duration::from_millis(200));
    assert_eq!((read(&counts.dropped), read(&counts.finished)), (1, 0));
    assert_eq!((read(&counts.aborted), client.connections()), (1, 0));
}

#[test]
fn a_half_close_ends_a_stream_at_once() {
    let (client, counts) = start();
    let connection = client.connect();
    connection.write(WAYS[3]);
    client.settle();
    connection.finish();
    client.settle();
    assert_eq!((read(&counts.dropped), read(&counts.aborted)), (1, 1));
    assert_eq!(client.connections(), 0);
}

#[test]
fn a_half_close_within_a_body_fails_the_read_and_the_reply_says_so() {
    for request in &WAYS[1..3] {
        let (client, counts) = start();
        let connection = client.connect();
        connection.write(request);
        connection.finish();
        // Who has closed its half only can still be told; for the application the request was aborted.
        assert_eq!(connection.read_reply().unwrap().status(), 400, "{request}");
        assert_eq!((read(&counts.finished), read(&counts.aborted)), (1, 1), "{request}");
        assert_eq!(read(&counts.closed), 1, "{request}");
        assert_eq!(connection.read_to_end(), Ok(Vec::new()), "{request}");
    }
}

#[test]
fn a_half_close_within_a_body_resolves_closed_and_is_no_finish() {
    // CK-29, HX-119, HX-172, HX-174
    for read_on in [false, true] {
        let (ends, told) = channel();
        let mut app = App::new();
        app.post("/", async move |req| {
            let (aborted, finished, received) = (ends.clone(), ends.clone(), ends.clone());
            req.on_abort(move || aborted.send("aborted").unwrap());
            req.on_finish(move || finished.send("finished").unwrap());
            req.on_body_received(move |_| received.send("received").unwrap());
            let error = req.bytes().await.unwrap_err();
            assert_eq!(error.downcast_ref::<BodyError>(), Some(&BodyError::Closed));
            req.closed().await;
            assert!(req.is_closed());
            if read_on {
                // Longer than the grace.
                shikra::sleep(Duration::from_secs(6)).await;
            }
            let held = req.clone();
            let ends = ends.clone();
            req.detach(async move {
                shikra::sleep(Duration::from_secs(1)).await;
                ends.send(if held.is_finished() { "was finished" } else { "over" }).unwrap();
            });
            Err::<&str, _>(error)
        });
        let client = TestClient::with_virtual_time(app);
        let connection = client.connect();
        connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
        connection.write(vec![b'x'; 400]);
        connection.finish();
        client.advance(Duration::from_secs(8));
        let wanted: &[&str] = if read_on { &["aborted"] } else { &["aborted", "over"] };
        assert_eq!(told.try_iter().collect::<Vec<_>>(), wanted);
        assert_eq!(client.connections(), 0);
    }
}

#[test]
fn closed_resolves_when_the_client_closes_its_half() {
    let (client, counts) = start();
    let connection = client.connect();
    connection.write("GET /closed HTTP/1.1\r\nhost: x\r\n\r\n");
    client.advance(Duration::from_secs(100));
    assert_eq!(read(&counts.saw_close), 0);
    connection.finish();
    assert_eq!(connection.read_reply().unwrap().text(), "bye");
    assert_eq!(read(&counts.saw_close), 1);
}

#[test]
fn a_detached_future_finishes_though_the_client_has_gone() {
    let (client, counts) = start();
    let connection = client.connect();
    connection.write("GET /detach HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    connection.reset();
    client.settle();
    assert_eq!((read(&counts.dropped), read(&counts.detached)), (1, 0));
    client.advance(Duration::from_secs(9));
    assert_eq!(read(&counts.detached), 1);
}

#[test]
fn hooks_of_a_finished_exchange_run_once() {
    // HX-312
    let (client, counts) = start();
    let connection = client.connect();
    connection.write(WAYS[0]);
    client.advance(Duration::from_secs(4));
    assert_eq!(connection.read_reply().unwrap().text(), "waited");
    drop(connection);
    client.settle();
    assert_eq!((read(&counts.closed), read(&counts.aborted)), (1, 0));
}

#[test]
fn nothing_is_left_of_ten_thousand_clients_that_left() {
    let (client, counts) = start();
    let mut left = 0;
    for round in 0..10_000 / (WAYS.len() * 2) {
        for request in WAYS {
            let one = client.connect();
            one.write(request);
            one.reset();
            let other = client.connect();
            other.write(&request.as_bytes()[..request.len() - round % 20]);
            drop(other);
            left += 2;
        }
    }
    assert_eq!(left, 10_000);
    client.advance(Duration::from_secs(70));
    assert_eq!(client.connections(), 0);
    assert_eq!(read(&counts.started), read(&counts.dropped));
    assert_eq!(read(&counts.started), read(&counts.closed));
    assert_eq!(client.timers(), 0);
}
