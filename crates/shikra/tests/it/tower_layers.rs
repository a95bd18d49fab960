//! Layers of tower as middleware: those of tower-http as they are, and what a layer may do at all.

use crate::support::{client, logged};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use shikra::testing::TestClient;
use shikra::{App, Next, Request, StatusCode, late, sleep, stream, tower as shikra_tower};
use shikra_tower::{Body, layer};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::load_shed::error::Overloaded;
use tower::{Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::{SetRequestHeaderLayer, SetResponseHeaderLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;

// PO-005: a tracing and a compression layer, one around the app and one on a base path (CP-52).
#[test]
fn layers_take_effect_in_their_tier() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let trace = TraceLayer::new_for_http().on_response(
        move |res: &http::Response<Body>, _: Duration, _: &tracing::Span| {
            counted.fetch_add(usize::from(res.status().as_u16()), SeqCst);
        },
    );
    let mut app = App::new();
    app.use_(layer(trace)).use_at("/big", layer(CompressionLayer::new()));
    app.get("/big", async |_| "lots of text ".repeat(1000));
    app.get("/small", async |_| "lots of text ".repeat(1000));
    let client = client(app);
    let ask = |path: &str| client.get(path).header("accept-encoding", "gzip").send();
    let (big, small) = (ask("/big"), ask("/small"));
    assert_eq!(big.header("content-encoding"), Some("gzip"));
    assert_eq!(big.header("content-length"), None);
    assert!(big.bytes().len() < 1000 && big.bytes().starts_with(&[0x1f, 0x8b]));
    assert_eq!(small.header("content-encoding"), None);
    assert_eq!(small.header("content-length"), Some("13000"));
    assert_eq!(ask("/nowhere").status(), 404);
    assert_eq!(seen.load(SeqCst), 200 + 200 + 404);
}

#[test]
fn what_one_layer_compresses_another_opens() {
    let mut app = App::new();
    app.route("/zip").use_(layer(CompressionLayer::new())).get(async |_| "abc".repeat(50_000));
    app.route("/open")
        .use_(layer(RequestDecompressionLayer::new()))
        .body_bytes_max(1_000_000)
        .post(async |req: Request| {
            assert_eq!(
                (req.header("content-encoding"), req.header("content-length")),
                (None, None)
            );
            req.text().await
        });
    let client = client(app);
    let zipped = client.get("/zip").header("accept-encoding", "gzip").send();
    let open =
        client.post("/open").header("content-encoding", "gzip").body(zipped.bytes().to_vec());
    assert_eq!(open.send().text(), "abc".repeat(50_000));
    // Nonsense is an error of the body, which the handler hears of, and the client's fault.
    let broken = client.post("/open").header("content-encoding", "gzip").body("no gzip");
    assert_eq!(broken.send().status(), 400);
}

#[test]
fn a_timeout_drops_the_handler() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5));
    let mut app = App::new();
    app.use_(layer(timeout)).get("/", async move |_| {
        let _guard = CountsDrop(Arc::clone(&counted));
        sleep(Duration::from_secs(3600)).await;
        "too late"
    });
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.advance(Duration::from_secs(4));
    assert_eq!(dropped.load(SeqCst), 0);
    client.advance(Duration::from_secs(1));
    assert_eq!(connection.read_reply().unwrap().status(), 408);
    assert_eq!(dropped.load(SeqCst), 1);
}

#[test]
fn a_client_that_leaves_ends_layer_and_handler() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    let mut app = App::new();
    app.use_(layer(TraceLayer::new_for_http())).get("/", async move |_| {
        let _guard = CountsDrop(Arc::clone(&counted));
        std::future::pending::<u16>().await
    });
    app.get("/other", async |_| "alive");
    let client = client(app);
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    assert_eq!(dropped.load(SeqCst), 0);
    connection.reset();
    client.settle();
    assert_eq!(dropped.load(SeqCst), 1);
    assert_eq!(client.get("/other").send().text(), "alive");
}

#[test]
fn cors_answers_preflights_by_itself() {
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static("https://example.com"))
        .allow_methods([Method::PUT]);
    let mut app = App::new();
    app.use_(layer(cors)).put("/", async |_| "put");
    let client = client(app);
    let preflight = client
        .options("/")
        .header("origin", "https://example.com")
        .header("access-control-request-method", "PUT")
        .send();
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("PUT"));
    let put = client.put("/").header("origin", "https://example.com").send();
    assert_eq!(put.header("access-control-allow-origin"), Some("https://example.com"));
    assert_eq!(put.text(), "put");
}

#[test]
fn changed_requests_keep_params_meta_and_state() {
    struct Seen(&'static str);
    let name = HeaderName::from_static("x-from-layer");
    let value = HeaderValue::from_static("yes");
    let mut app = App::new();
    app.state(7_u32);
    app.use_(async |req: Request, next: Next| {
        req.meta().insert(Seen("before"));
        next.run(req).await
    });
    app.use_(layer(SetRequestHeaderLayer::overriding(name, value)));
    app.use_(layer(SetRequestIdLayer::x_request_id(MakeRequestUuid)));
    app.use_(layer(PropagateRequestIdLayer::x_request_id()));
    app.post("/users/:id", async |req: Request| {
        let id: u32 = req.param("id")?;
        let seen = req.meta().get::<Seen>().map(|seen| seen.0);
        let request_id = req.extension::<RequestId>().unwrap();
        assert_eq!(req.header("x-request-id").unwrap(), request_id.header_value());
        assert_eq!((req.path(), req.pattern()), ("/users/3", Some("/users/:id")));
        assert_eq!(req.host().as_deref(), Some("test"));
        let text = req.text().await?;
        Ok(format!("{id} {seen:?} {} {:?} {text}", req.state::<u32>(), req.header("x-from-layer")))
    });
    let reply = client(app).post("/users/3?a[]=1").body("body").send();
    assert_eq!(reply.text(), r#"3 Some("before") 7 Some("yes") body"#);
    assert_eq!(reply.header("x-request-id").unwrap().len(), 36);
}

#[test]
fn a_layer_may_refuse() {
    let mut app = App::new();
    app.use_(layer(ValidateRequestHeaderLayer::accept("application/json")));
    app.get("/", async |_| "json");
    let client = client(app);
    assert_eq!(client.get("/").header("accept", "application/json").send().text(), "json");
    assert_eq!(client.get("/").header("accept", "text/css").send().status(), 406);
}

#[test]
fn limits_of_bodies_hold_announced_or_not() {
    let mut app = App::new();
    app.use_(layer(RequestBodyLimitLayer::new(10)));
    app.post("/", async |req: Request| Ok(req.bytes().await?.len().to_string()));
    let client = client(app);
    assert_eq!(client.post("/").body("1234567890").send().text(), "10");
    assert_eq!(client.post("/").body("12345678901").send().status(), 413);
    assert_eq!(client.post("/").chunks(["12345", "67890"]).send().text(), "10");
    assert_eq!(client.post("/").chunks(["12345", "678901"]).send().status(), 413);
}

#[test]
fn panics_of_layers_are_caught_by_layers_and_by_shikra() {
    let panics = tower::layer::layer_fn(|inner| PanicsOn { inner, path: "/boom" });
    let mut app = App::new();
    app.use_at("/caught", layer(CatchPanicLayer::new()));
    app.use_(layer(ServiceBuilder::new().layer(panics)));
    app.get("/boom", async |_| "never").get("/calm", async |_| "calm");
    app.get("/caught", async |_| -> &str { panic!("a handler's own panic") });
    let caught = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(tower::layer::layer_fn(|inner| PanicsOn { inner, path: "/layered" }));
    app.route("/layered").use_(layer(caught)).get(async |_| "never");
    let client = client(app);
    assert_eq!(client.get("/boom").send().status(), 500);
    assert_eq!(client.get("/calm").send().text(), "calm");
    assert_eq!(client.get("/layered").send().text(), "Service panicked");
    // The handler's is answered before a layer sees it.
    assert_eq!(client.get("/caught").send().text(), "Internal Server Error");
    assert_eq!(logged(&["a layer panics", "/boom"]), 1);
}

#[test]
fn readiness_is_waited_for_and_shared_by_all_requests() {
    let running = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&running);
    let mut app = App::new();
    app.use_(layer(GlobalConcurrencyLimitLayer::new(1)));
    app.get("/", async move |_| {
        counted.fetch_add(1, SeqCst);
        sleep(Duration::from_secs(10)).await;
        "done"
    });
    let client = TestClient::with_virtual_time(app);
    let connections = [client.connect(), client.connect()];
    for connection in &connections {
        connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    }
    client.advance(Duration::from_secs(9));
    assert_eq!(running.load(SeqCst), 1);
    client.advance(Duration::from_secs(2));
    assert_eq!(running.load(SeqCst), 2);
    client.advance(Duration::from_secs(9));
    for connection in &connections {
        assert_eq!(connection.read_reply().unwrap().text(), "done");
    }
}

#[test]
fn errors_of_services_reach_the_error_handlers() {
    let mut app = App::new();
    let shed = ServiceBuilder::new().layer(LoadShedLayer::new());
    app.use_(layer(shed.layer(GlobalConcurrencyLimitLayer::new(1))));
    app.catch(async |_, _: &Overloaded| (503, "come back later"));
    app.get("/", async |_| {
        sleep(Duration::from_secs(10)).await;
        "done"
    });
    let client = TestClient::with_virtual_time(app);
    let (first, second) = (client.connect(), client.connect());
    first.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    second.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let reply = second.read_reply().unwrap();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (503, "come back later"));
    client.advance(Duration::from_secs(11));
    assert_eq!(first.read_reply().unwrap().text(), "done");
}

#[test]
fn errors_and_reasons_of_the_handler_survive_a_layer() {
    let errors = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&errors);
    let mut app = App::new();
    app.use_(late(move |_| {
        let counted = Arc::clone(&counted);
        move |res| {
            counted.fetch_add(usize::from(res.error().is_some()), SeqCst);
        }
    }));
    let name = HeaderName::from_static("x-layer");
    let tag = SetResponseHeaderLayer::overriding(name, HeaderValue::from_static("1"));
    app.use_(layer(tag));
    app.get("/error", async |_| shikra::Error::new(402, "pay"));
    app.get("/reason", async |_| (299, shikra::Reason("Quite")));
    let client = client(app);
    let reply = client.get("/error").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (402, "pay"));
    assert_eq!(reply.header("x-layer"), Some("1"));
    assert_eq!(errors.load(SeqCst), 1);
    assert_eq!(client.get("/reason").send().reason(), "Quite");
}

#[test]
fn streams_go_through_with_back_pressure_and_trailing_errors() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let mut app = App::new();
    app.use_(layer(TraceLayer::new_for_http()));
    app.get("/long", async move |_| {
        let counted = Arc::clone(&counted);
        stream(async move |out| {
            for _ in 0..1000 {
                counted.fetch_add(1, SeqCst);
                out.write(Bytes::from(vec![b'x'; 64 * 1024])).await?;
            }
            Ok(())
        })
    });
    app.get("/broken", async |_| {
        stream(async |out| {
            out.write("half").await?;
            out.flush().await?;
            Err(std::io::Error::other("the disk is gone").into())
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("GET /long HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    let ahead = made.load(SeqCst);
    assert!((1..20).contains(&ahead), "{ahead} chunks were made for a client that reads nothing");
    assert_eq!(connection.read_reply().unwrap().bytes().len(), 1000 * 64 * 1024);
    let connection = client.connect();
    connection.write("GET /broken HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(connection.read_reply().is_err());
}

#[test]
fn an_echo_streams_both_ways_at_once() {
    let mut app = App::new();
    // Both of them: the second gets a request that the first has changed.
    let name = HeaderName::from_static("x-seen");
    app.use_(layer(SetRequestHeaderLayer::overriding(name, HeaderValue::from_static("1"))));
    app.use_(layer(TraceLayer::new_for_http()));
    app.post("/", async |req: Request| {
        let mut body = req.body();
        stream(async move |out| {
            while let Some(chunk) = body.next().await {
                out.write(chunk?).await?;
            }
            Ok(())
        })
    });
    let client = client(app);
    let connection = client.connect();
    connection
        .write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    let mut seen = String::new();
    while !seen.contains("first") {
        seen.push_str(&String::from_utf8(connection.read_some().unwrap()).unwrap());
    }
    connection.write("6\r\nsecond\r\n0\r\n\r\n");
    while !seen.ends_with("0\r\n\r\n") {
        seen.push_str(&String::from_utf8(connection.read_some().unwrap()).unwrap());
    }
    assert!(seen.contains("6\r\nsecond\r\n"));
    let large = vec![b'y'; 3_000_000];
    assert_eq!(client.post("/").body(large.clone()).send().bytes(), large);
}

#[test]
fn trailers_come_through_to_the_handler() {
    let mut app = App::new();
    let name = HeaderName::from_static("x-seen");
    app.use_(layer(SetRequestHeaderLayer::overriding(name, HeaderValue::from_static("1"))));
    app.post("/", async |req: Request| {
        let len = req.bytes().await?.len();
        let trailers = req.trailers().await?;
        Ok(format!("{len} {:?}", trailers.get("x-sum")))
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.write("2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), r#"2 Some("7")"#);
}

// CF-27: `next` is used up by the call.
#[test]
fn a_layer_that_calls_twice_gets_an_error_the_second_time() {
    let twice = tower::layer::layer_fn(|inner| Twice { inner });
    let mut app = App::new();
    app.use_(layer(twice)).get("/", async |_| "once");
    assert_eq!(client(app).get("/").send().text(), "200 500");
}

struct CountsDrop(Arc<AtomicUsize>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Panics for one path, before it calls its inner service.
#[derive(Clone)]
struct PanicsOn<S> {
    inner: S,
    path: &'static str,
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for PanicsOn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: http::Request<Body>) -> S::Future {
        assert_ne!(req.uri().path(), self.path, "a layer panics");
        self.inner.call(req)
    }
}

/// Sends a request on, and then its copy.
#[derive(Clone)]
struct Twice<S> {
    inner: S,
}

impl<S> Service<http::Request<Body>> for Twice<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Body>, S::Error>>>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: http::Request<Body>) -> Self::Future {
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let (parts, body) = req.into_parts();
            let copy = http::Request::from_parts(parts.clone(), Body::default());
            let first = inner.call(http::Request::from_parts(parts, body)).await?;
            let second = inner.call(copy).await?;
            let text = format!("{} {}", first.status().as_u16(), second.status().as_u16());
            Ok(http::Response::new(Body::from(text)))
        })
    }
}
