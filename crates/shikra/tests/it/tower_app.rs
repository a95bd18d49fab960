//! An application as a service of tower.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use shikra::tower::{AppService, Body};
use shikra::{App, Request, bail, sleep, stream};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, ServiceExt};
use tower_http::normalize_path::NormalizePathLayer;

fn run<T>(future: impl Future<Output = T>) -> T {
    // Several threads, so that what is not `Send` would not compile where it is spawned.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(future)
}

fn app() -> App {
    let mut app = App::new();
    app.workers(2);
    app.get("/hello/:name", async |req| Ok(format!("hello {}", req.param::<String>("name")?)));
    app.post("/len", async |req: Request| Ok(req.bytes().await?.len().to_string()));
    app.post("/echo", async |req: Request| {
        let mut body = req.body();
        stream(async move |out| {
            while let Some(chunk) = body.next().await {
                out.write(chunk?).await?;
            }
            Ok(())
        })
    });
    app.get("/panic", async |_| -> &str { panic!("not today") });
    app.get("/wait", async |_| {
        sleep(Duration::from_secs(3600)).await;
        "late"
    });
    app.get("/host", async |req| format!("{:?} {:?}", req.host().as_deref(), req.path()));
    app.get("/error", async |_| -> shikra::Result<&str> { bail!(402, "pay first") });
    app.get("/broken", async |_| {
        stream(async |out| {
            out.write("half").await?;
            out.flush().await?;
            Err(std::io::Error::other("the disk is gone").into())
        })
    });
    app
}

async fn get(service: &AppService, path: &str) -> (u16, String) {
    let request = http::Request::get(path).body(Body::default()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, text(response.into_body()).await)
}

async fn text(body: Body) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

// VA-006: the application is itself the request handler, behind an adapter of tower too.
#[test]
fn answers_calls_from_the_same_process() {
    let service = AppService::start(app()).unwrap();
    run(async {
        assert_eq!(get(&service, "/hello/ada").await, (200, "hello ada".to_owned()));
        assert_eq!(get(&service, "/nowhere").await, (404, "Not found".to_owned()));
        assert_eq!(get(&service, "/panic").await.0, 500);
        assert_eq!(get(&service, "/error").await, (402, "pay first".to_owned()));
        let whole = get(&service, "http://Example.com:81/host?x").await;
        assert_eq!(whole, (200, r#"Some("example.com") "/host""#.to_owned()));
        assert_eq!(get(&service, "/host").await.1, r#"None "/host""#);
        let other_thread = service.clone();
        let task = tokio::spawn(async move { get(&other_thread, "/hello/bob").await });
        assert_eq!(task.await.unwrap().1, "hello bob");
    });
}

#[test]
fn bodies_stream_both_ways() {
    let service = AppService::start(app()).unwrap();
    run(async {
        let large = Bytes::from(vec![b'x'; 2_000_000]);
        let request = http::Request::post("/echo").body(Full::new(large.clone())).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), large);
        // CF-38: what is collected has its limit here too.
        let request = http::Request::post("/len").body(Full::new(large)).unwrap();
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 413);
        let request = http::Request::post("/len").body(Full::<Bytes>::from("12345")).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(1));
        assert_eq!(text(response.into_body()).await, "5");
        // A stream that fails must not look whole.
        let request = http::Request::get("/broken").body(Body::default()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        assert!(error.to_string().ends_with(": the disk is gone"), "{error}");
    });
}

#[test]
fn dropping_the_future_or_the_body_drops_the_handler() {
    struct Tells(mpsc::Sender<()>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(()); // the test may be over
        }
    }
    let (started, has_started) = mpsc::channel();
    let (dropped, is_dropped) = mpsc::channel();
    let (aborted, is_aborted) = mpsc::channel();
    let mut app = App::new();
    let tells = dropped.clone();
    app.workers(1).get("/", async move |req: Request| {
        let (_tells, aborted) = (Tells(tells.clone()), aborted.clone());
        req.on_abort(move || aborted.send(()).unwrap());
        started.send(()).unwrap();
        std::future::pending::<u16>().await
    });
    app.get("/stream", async move |_| {
        let tells = Tells(dropped.clone());
        stream(async move |out| {
            let _tells = tells;
            loop {
                out.write("on and on").await?;
            }
        })
    });
    let service = AppService::start(app).unwrap();
    run(async {
        let request = http::Request::get("/").body(Body::default()).unwrap();
        let waiting = tokio::spawn(service.clone().oneshot(request));
        tokio::task::spawn_blocking(move || {
            has_started.recv_timeout(Duration::from_secs(30)).unwrap();
        })
        .await
        .unwrap();
        waiting.abort();
        let is_dropped = tokio::task::spawn_blocking(move || {
            is_dropped.recv_timeout(Duration::from_secs(30)).unwrap();
            is_aborted.recv_timeout(Duration::from_secs(30)).unwrap();
            is_dropped
        });
        let is_dropped = is_dropped.await.unwrap();
        let request = http::Request::get("/stream").body(Body::default()).unwrap();
        let mut response = service.clone().oneshot(request).await.unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
        drop(response);
        tokio::task::spawn_blocking(move || {
            is_dropped.recv_timeout(Duration::from_secs(30)).unwrap();
        })
        .await
        .unwrap();
    });
}

#[test]
fn hooks_run_once_at_the_start_and_after_the_last_clone() {
    let starts = Arc::new(AtomicUsize::new(0));
    let (counted, (stopped, is_stopped)) = (Arc::clone(&starts), mpsc::channel());
    let mut app = app();
    app.on_start(async move || {
        counted.fetch_add(1, SeqCst);
        Ok(())
    });
    app.on_stop(async move || {
        stopped.send(()).unwrap();
        Ok(())
    });
    let service = AppService::start(app).unwrap();
    assert_eq!(starts.load(SeqCst), 1);
    let clone = service.clone();
    drop(service);
    assert!(is_stopped.try_recv().is_err());
    drop(clone);
    is_stopped.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(is_stopped.recv().is_err(), "the hook ran twice");
}

#[test]
fn mistakes_and_failing_hooks_are_errors_at_the_start() {
    let error = AppService::start(App::new().get("no slash {", async |_| "")).unwrap_err();
    assert!(error.to_string().contains("tower_app.rs"), "{error}");
    let mut app = App::new();
    app.on_start(async || bail!(500, "no database"));
    assert!(AppService::start(app).unwrap_err().to_string().contains("no database"));
}

#[test]
fn stands_below_layers_that_change_the_path() {
    let service = AppService::start(app()).unwrap();
    run(async {
        let around = NormalizePathLayer::trim_trailing_slash().layer(service);
        let request = http::Request::get("/hello/ada///").body(Body::default()).unwrap();
        assert_eq!(text(around.oneshot(request).await.unwrap().into_body()).await, "hello ada");
    });
}

#[test]
fn runs_below_hyper() {
    // PO-052, VA-006
    let service = AppService::start(app()).unwrap();
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service);
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service);
            connection.await.unwrap();
        });
        let mut client = tokio::net::TcpStream::connect(addr).await.unwrap();
        let request =
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nconnection: close\r\n\r\n12345";
        client.write_all(request.as_bytes()).await.unwrap();
        let mut all = String::new();
        client.read_to_string(&mut all).await.unwrap();
        assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.contains("12345"), "{all}");
    });
}
