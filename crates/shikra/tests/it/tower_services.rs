//! Services of tower as handlers. Routers of axum are tested in the package of examples: with axum at hand, the
//! compiler's messages about Shikra's traits would not be what users see.

use crate::support::{client, logged};
use bytes::Bytes;
use shikra::tower::{Body, RequestInfo, WholeUri, service};
use shikra::{App, Method, Next, Request};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tower::Service;

#[test]
fn the_length_of_a_request_is_known_to_the_service() {
    let hint = tower::service_fn(async |req: http::Request<Body>| {
        let hint = http_body::Body::size_hint(req.body()).exact();
        Ok::<_, Infallible>(http::Response::new(format!("{hint:?}")))
    });
    let client = client(App::new().any("/", service(hint)));
    assert_eq!(client.post("/").body("12345").send().text(), "Some(5)");
    assert_eq!(client.post("/").chunks(["12345"]).send().text(), "None");
    assert_eq!(client.get("/").send().text(), "Some(0)");
}

#[test]
fn stripped_mounts_see_the_rest_of_the_path() {
    let show = tower::service_fn(async |req: http::Request<Body>| {
        let whole = req.extensions().get::<WholeUri>().map(|whole| whole.0.to_string());
        Ok::<_, Infallible>(http::Response::new(format!("{} {whole:?}", req.uri())))
    });
    let mut app = App::new();
    app.group("/v1", |api| {
        api.mount_service_stripped("/old", show);
    });
    let client = client(app);
    let text = |path: &str| client.get(path).send().text();
    assert_eq!(text("/v1/old/a/b%2Fc?d=e"), r#"/a/b%2Fc?d=e Some("/v1/old/a/b%2Fc?d=e")"#);
    assert_eq!(text("/v1/old"), r#"/ Some("/v1/old")"#);
    assert_eq!(text("/v1/old/"), r#"/ Some("/v1/old/")"#);
    // CF-33: browsers send these bytes as they are, and `http::Uri` does not take them all.
    assert_eq!(text("/v1/old/?a[]=\"<|>\"").matches("%22%3C%7C%3E%22").count(), 2);
}

#[test]
fn services_know_what_shikra_knows() {
    #[derive(Clone)]
    struct User(&'static str);
    let show = tower::service_fn(async |req: http::Request<Body>| {
        let info = req.extensions().get::<RequestInfo>().cloned().unwrap();
        let user = req.extensions().get::<User>().map_or("nobody", |user| user.0);
        let text = format!("{:?} {:?} {user}", info.pattern.unwrap(), info.params);
        Ok::<_, Infallible>(http::Response::new(text))
    });
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        req.insert_extension(User("ada"));
        next.run(req).await
    });
    app.get("/books/:id", service(show));
    let text = client(app).get("/books/a%20b").send().text();
    assert_eq!(text, r#""/books/:id" [("id", "a b")] ada"#);
}

// The engine's alone: a service cannot break the framing.
#[test]
fn framing_fields_of_services_do_not_go_out() {
    let liar = tower::service_fn(async |_: http::Request<Body>| {
        let response = http::Response::builder()
            .header("content-length", "999")
            .header("transfer-encoding", "chunked")
            .header("connection", "close");
        Ok::<_, Infallible>(response.body("short".to_owned()).unwrap())
    });
    let client = client(App::new().any("/", service(liar)));
    let reply = client.get("/").send();
    assert_eq!(reply.header_all("content-length"), ["5"]);
    assert_eq!((reply.header("transfer-encoding"), reply.header("connection")), (None, None));
    assert!(reply.keeps_alive());
}

#[test]
fn a_status_that_ends_no_exchange_is_a_500() {
    let early = tower::service_fn(async |_: http::Request<Body>| {
        Ok::<_, Infallible>(http::Response::builder().status(101).body(Body::default()).unwrap())
    });
    assert_eq!(client(App::new().any("/", service(early))).get("/").send().status(), 500);
}

#[test]
fn a_service_is_called_only_when_it_is_ready() {
    let gate = Gate::default();
    let mut app = App::new();
    app.any("/", service(gate.clone()));
    app.get("/open", {
        let gate = gate.clone();
        async move |_| gate.open(Ok(()))
    });
    app.get("/break", async move |_| gate.open(Err("the database is gone")));
    let client = client(app);
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    assert_eq!(client.get("/open").send().text(), "0 calls before");
    assert_eq!(connection.read_reply().unwrap().text(), "call 1");
    assert_eq!(client.get("/break").send().text(), "1 calls before");
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().status(), 500);
    assert_eq!(logged(&["the database is gone"]), 1);
}

#[test]
fn trailers_of_services_follow_streams() {
    let trailing = tower::service_fn(async |_: http::Request<Body>| {
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(4);
        sender.send_data(Bytes::from_static(b"data")).await.unwrap();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", "7".parse().unwrap());
        sender.send_trailers(trailers).await.unwrap();
        drop(sender);
        Ok::<_, Infallible>(http::Response::new(body))
    });
    let client = client(App::new().any("/", service(trailing)));
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: close, te\r\n\r\n");
    let all = String::from_utf8(connection.read_to_end().unwrap()).unwrap();
    assert!(all.ends_with("4\r\ndata\r\n0\r\nx-sum: 7\r\n\r\n"), "{all}");
}

#[test]
fn a_panic_in_a_service_is_one_500() {
    let panics = tower::service_fn(async |req: http::Request<Body>| {
        assert!(!req.uri().path().ends_with("panic"), "a service gives up");
        Ok::<_, Infallible>(http::Response::new(Body::from("calm")))
    });
    let client = client(App::new().mount_service("/legacy", panics));
    let connection = client.connect();
    connection.write("GET /legacy/panic HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().status(), 500);
    connection.write("GET /legacy HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), "calm");
    assert_eq!(logged(&["a service gives up"]), 1);
}

#[test]
fn bodies_that_nobody_reads_are_not_read_from_the_client() {
    let refuses = tower::service_fn(async |_: http::Request<Body>| {
        let response = http::Response::builder().status(403).body(Body::default());
        Ok::<_, Infallible>(response.unwrap())
    });
    let client = client(App::new().mount_service("/", refuses).body_bytes_max(1 << 40));
    let connection = client.connect();
    connection
        .write("POST /any HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\nfirst bytes");
    let reply = connection.read_reply_to(Method::POST).unwrap();
    assert_eq!((reply.status().as_u16(), reply.keeps_alive()), (403, false));
}

/// A service that is ready when it is told to be.
#[derive(Clone, Default)]
struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    verdict: Mutex<Option<Result<(), &'static str>>>,
    waiting: Mutex<Option<Waker>>,
    calls: AtomicUsize,
}

impl Gate {
    fn open(&self, result: Result<(), &'static str>) -> String {
        *self.0.verdict.lock().unwrap() = Some(result);
        self.0.waiting.lock().unwrap().take().into_iter().for_each(Waker::wake);
        format!("{} calls before", self.0.calls.load(SeqCst))
    }
}

impl Service<http::Request<Body>> for Gate {
    type Response = http::Response<String>;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Self::Response, std::io::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        *self.0.waiting.lock().unwrap() = Some(cx.waker().clone());
        match *self.0.verdict.lock().unwrap() {
            Some(result) => Poll::Ready(result.map_err(std::io::Error::other)),
            None => Poll::Pending,
        }
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        let calls = self.0.calls.fetch_add(1, SeqCst) + 1;
        std::future::ready(Ok(http::Response::new(format!("call {calls}"))))
    }
}
