//! The test client piece by piece: bodies that stall, break off or go both ways.

use shikra::testing::{TestClient, TestErrorKind};
use shikra::{App, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn app() -> App {
    let mut app = App::new();
    app.post("/echo", async |req| {
        let mut body = req.body();
        stream(async move |out| {
            while let Some(piece) = body.next().await {
                out.write(piece?).await?;
            }
            Ok(())
        })
    });
    app.post("/all", async |req| {
        let framing = req.header("transfer-encoding").or(req.header("content-length"));
        let framing = framing.unwrap_or("none").to_owned();
        Ok(format!("{framing}: {}", req.text().await?))
    });
    app
}

#[test]
fn bodies_go_both_ways_at_once() {
    let client = TestClient::new(app());
    let mut exchange = client.post("/echo").stream();
    for piece in ["one", "two", "three"] {
        exchange.write(piece);
        assert_eq!(exchange.read().as_deref(), Some(piece.as_bytes()));
    }
    exchange.write("");
    exchange.write("four");
    exchange.finish();
    exchange.finish();
    let reply = exchange.wait();
    reply.assert_status(200).assert_text("four");
    // The connection is as good as after any other request.
    client.post("/all").body("x").send().assert_text("1: x");
    assert_eq!(client.connections(), 1);
}

#[test]
fn pieces_are_chunks_unless_a_length_is_declared() {
    let client = TestClient::new(app());
    let mut exchange = client.post("/all").stream();
    exchange.write("ab");
    exchange.write("c");
    exchange.finish();
    exchange.wait().assert_text("chunked: abc");
    let mut exchange = client.post("/all").header("content-length", "3").stream();
    exchange.write("ab");
    exchange.write("c");
    exchange.finish();
    exchange.wait().assert_text("3: abc");
    client.post("/all").chunks(["ab", "", "c"]).send().assert_text("chunked: abc");
    let error = client.post("/all").body("x").open().try_write("y").unwrap_err();
    assert_eq!(error.kind(), TestErrorKind::Request);
    assert!(error.to_string().contains("begin the request with stream()"), "{error}");
}

#[test]
fn a_body_that_stalls_runs_into_the_limits() {
    let client = TestClient::with_virtual_time(app());
    let mut exchange = client.post("/all").stream();
    exchange.write("never ");
    client.advance(Duration::from_secs(90));
    exchange.wait().assert_status(408);
}

#[test]
fn a_body_that_breaks_off_ends_the_handler() {
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let finished = Arc::new(AtomicUsize::new(0));
    let mut app = App::new();
    app.state((Arc::clone(&dropped), Arc::clone(&finished)));
    app.post("/", async |req| {
        let (dropped, finished) = req.state::<(Arc<AtomicUsize>, Arc<AtomicUsize>)>().clone();
        let _counts = Counts(dropped);
        let body = req.bytes().await?;
        finished.fetch_add(1, Ordering::SeqCst);
        Ok(body)
    });
    let client = TestClient::new(app);
    let mut exchange = client.post("/").stream();
    exchange.write("half");
    client.settle();
    exchange.reset();
    client.settle();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    // A declared length, and an ordinary close before it is reached.
    let mut exchange = client.post("/").header("content-length", "10").stream();
    exchange.write("half");
    client.settle();
    drop(exchange);
    client.settle();
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    assert_eq!((finished.load(Ordering::SeqCst), client.connections()), (0, 0));
}

#[test]
fn a_reply_that_is_not_read_holds_the_application_back() {
    let written = Arc::new(AtomicUsize::new(0));
    let mut app = App::new();
    app.state(Arc::clone(&written));
    app.get("/", async |req| {
        let written = Arc::clone(req.state::<Arc<AtomicUsize>>());
        stream(async move |out| {
            for _ in 0..100 {
                out.write(vec![7; 10_000]).await?;
                written.fetch_add(10_000, Ordering::SeqCst);
            }
            Ok(())
        })
    });
    let client = TestClient::new(app);
    let mut exchange = client.get("/").open();
    exchange.head().assert_status(200);
    client.settle();
    let held_at = written.load(Ordering::SeqCst);
    assert!(held_at < 500_000, "{held_at}");
    client.settle();
    assert_eq!(written.load(Ordering::SeqCst), held_at);
    let mut bytes = 0;
    while let Some(piece) = exchange.read() {
        assert!(!piece.is_empty());
        bytes += piece.len();
    }
    assert_eq!((bytes, written.load(Ordering::SeqCst)), (1_000_000, 1_000_000));
    assert_eq!(exchange.read(), None);
}

#[test]
fn a_body_that_is_not_read_holds_the_client_back() {
    let mut app = App::new();
    app.post("/", async |_| std::future::pending::<&str>().await);
    let client = TestClient::new(app);
    let mut exchange = client.post("/").timeout(Duration::from_millis(80)).stream();
    let error = loop {
        match exchange.try_write([0; 50_000]) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.to_string(),
        "POST /: nothing within 80ms; waited for the application to read the request"
    );
}

#[test]
fn a_reply_may_come_before_the_body_is_gone() {
    let mut app = App::new();
    app.post("/", async |_| (403, "no uploads"));
    let client = TestClient::new(app);
    let mut exchange = client.post("/").stream();
    exchange.head().assert_status(403);
    // So far the application drains what comes; then it closes, and the client hears of it.
    let error = loop {
        match exchange.try_write(vec![0; 50_000]) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), TestErrorKind::Closed);
    exchange.wait().assert_text("no uploads");
}

#[test]
fn cookies_come_with_the_head() {
    let mut app = App::new();
    app.get("/", async |_| {
        let endless = stream(async |out| {
            out.write("x").await?;
            std::future::pending().await
        });
        endless.with_header("set-cookie", "a=1")
    });
    let client = TestClient::new(app);
    let mut exchange = client.get("/").open();
    exchange.head().assert_status(200);
    assert_eq!(client.cookie("a").as_deref(), Some("1"));
}

#[test]
fn what_breaks_off_is_an_error_value() {
    let mut app = App::new();
    app.get("/reset", async |_| {
        stream(async |out| {
            out.write("half").await?;
            // What has left cannot be taken back, so only a reset tells.
            out.flush().await?;
            Err(shikra::Error::new(500, "lost"))
        })
    });
    let client = TestClient::new(app);
    let error = client.get("/reset").try_send().unwrap_err();
    assert_eq!(error.kind(), TestErrorKind::Reset);
    assert!(error.to_string().starts_with("GET /reset: "), "{error}");
    let mut exchange = client.get("/reset").open();
    let error = loop {
        match exchange.try_read() {
            Ok(piece) => assert_eq!(piece.as_deref(), Some(&b"half"[..])),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), TestErrorKind::Reset);
}
