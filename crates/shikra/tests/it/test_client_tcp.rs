//! The test client over a real socket, and inside a runtime.

use shikra::testing::{TestClient, TestErrorKind, TestReply};
use shikra::{App, IntoResponse, Request, stream};
use std::borrow::Cow;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn app() -> App {
    let mut app = App::new();
    app.workers(1);
    app.get("/", async |req: Request| match req.peer_addr() {
        Some(addr) => addr.ip().to_string(),
        None => "no socket".to_owned(),
    });
    app.get("/login", async |_| "hi".with_header("set-cookie", "user=ada"));
    app.get("/me", async |req| req.cookie("user").map(Cow::into_owned));
    app.post("/echo", async |req| {
        let mut body = req.body();
        stream(async move |out| {
            while let Some(piece) = body.next().await {
                out.write(piece?).await?;
            }
            Ok(())
        })
    });
    app.get("/reset", async |_| {
        stream(async |out| {
            out.write("half").await?;
            out.flush().await?;
            Err(shikra::Error::new(500, "lost"))
        })
    });
    app
}

#[test]
fn the_same_calls_work_over_a_socket() {
    let client = TestClient::over_tcp(app());
    client.get("/").send().assert_status(200).assert_text("127.0.0.1");
    TestClient::new(app()).get("/").send().assert_text("no socket");
    client.get("/me").send().assert_status(404);
    client.get("/login").send().assert_status(200);
    client.get("/me").send().assert_text("ada");
    assert_eq!(client.connections(), 1, "kept alive");
    let replies = client.send_all([client.get("/"), client.get("/me")]);
    assert_eq!(replies.iter().map(TestReply::text).collect::<String>(), "127.0.0.1ada");
    let body = vec![7; 1_000_000];
    assert_eq!(client.post("/echo").body(body.clone()).send().bytes(), body);
    let mut exchange = client.post("/echo").stream();
    exchange.write("ping");
    assert_eq!(exchange.read().as_deref(), Some(&b"ping"[..]));
    exchange.finish();
    exchange.wait().assert_text("");
    assert_eq!(client.get("/reset").try_send().unwrap_err().kind(), TestErrorKind::Reset);
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), "127.0.0.1");
    assert_eq!(connection.read_to_end(), Ok(Vec::new()));
}

#[test]
fn a_server_stops_with_its_client() {
    let stops = Arc::new(AtomicUsize::new(0));
    let mut app = app();
    let counted = Arc::clone(&stops);
    app.on_stop(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let client = TestClient::over_tcp(app);
    let addr = client.addr().unwrap();
    let other = client.session();
    drop(client);
    other.get("/").send().assert_status(200);
    assert_eq!(stops.load(Ordering::SeqCst), 0);
    drop(other);
    assert_eq!(stops.load(Ordering::SeqCst), 1);
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn clients_work_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        TestClient::new(app()).get("/").send().assert_text("no socket");
        TestClient::over_tcp(app()).get("/").send().assert_text("127.0.0.1");
        let task = tokio::spawn(async {
            let client = TestClient::new(app());
            client.get("/login").send().assert_status(200);
            client.cookie("user")
        });
        assert_eq!(task.await.unwrap().as_deref(), Some("ada"));
    });
}

#[test]
fn what_only_memory_can_do_is_said() {
    let client = TestClient::over_tcp(app());
    for (name, call) in [
        ("time is real", (|client| client.advance(std::time::Duration::ZERO)) as fn(&TestClient)),
        ("settle", |client| client.settle()),
        ("timers", |client| _ = client.timers()),
    ] {
        let call = std::panic::AssertUnwindSafe(|| call(&client));
        let payload = std::panic::catch_unwind(call).unwrap_err();
        let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or(payload.downcast_ref::<String>().cloned()).unwrap();
        assert!(text.contains(name), "{text}");
    }
    // The client is still of use.
    client.get("/").send().assert_status(200);
}
