//! Routers and middleware of axum inside Shikra, and Shikra inside a router of axum.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use axum::Router;
use axum::body::{Body as AxumBody, Bytes};
use axum::extract::Path;
use axum::http::{self, HeaderValue};
use axum::response::{IntoResponse as _, Response as AxumResponse};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use shikra::testing::TestClient;
use shikra::tower::{AppService, Body, layer};
use shikra::{App, Request};
use tower::{Service, ServiceBuilder};

fn legacy() -> Router {
    Router::new()
        .route("/legacy/news", get(async || "news"))
        .route("/legacy/users/{id}", get(async |Path(id): Path<u32>| format!("user {id}")))
        .route("/legacy/echo", post(async |body: AxumBody| body))
        .route("/legacy/len", post(async |body: Bytes| body.len().to_string()))
        .route(
            "/legacy/task",
            post(async |body: AxumBody| {
                // The body goes to another task, which a service may well do.
                let read = tokio::spawn(async move { body.collect().await.unwrap().to_bytes() });
                read.await.unwrap().len().to_string()
            }),
        )
        .route(
            "/legacy/lines",
            get(async || {
                let mut response = "a\nb\n".into_response();
                response.headers_mut().insert("content-type", "text/csv".parse().unwrap());
                response
            }),
        )
}

// PO-005
#[test]
fn a_router_of_axum_is_mounted_with_whole_paths() {
    let mut app = App::new();
    app.mount_service("/legacy", legacy());
    app.get("/legacy/users/me", async |_| "Shikra's own").get("/", async |_| "home");
    let client = TestClient::new(app);
    assert_eq!(client.get("/").send().text(), "home");
    assert_eq!(client.get("/legacy/news").send().text(), "news");
    assert_eq!(client.get("/legacy/users/7").send().text(), "user 7");
    assert_eq!(client.get("/legacy/users/me").send().text(), "Shikra's own");
    assert_eq!(client.get("/legacy/none").send().status(), 404);
    assert_eq!(client.get("/legacy").send().status(), 404);
    assert_eq!(client.post("/legacy/news").send().status(), 405);
    assert_eq!(client.get("/legacyish").send().text(), "Not found");
    let lines = client.get("/legacy/lines").send();
    assert_eq!(lines.header("content-type"), Some("text/csv"));
    assert_eq!(lines.header_all("content-length"), ["4"]);
}

#[test]
fn head_tells_the_length_that_get_would_have() {
    let client = TestClient::new(App::new().mount_service("/legacy", legacy()));
    let reply = client.head("/legacy/news").send();
    assert_eq!((reply.status().as_u16(), reply.header("content-length")), (200, Some("4")));
    assert!(reply.bytes().is_empty());
    assert_eq!(client.get("/legacy/news").send().text(), "news");
}

#[test]
fn bodies_go_both_ways_to_other_tasks_too() {
    let mut app = App::new();
    app.body_bytes_max(5_000_000).mount_service("/legacy", legacy());
    let client = TestClient::new(app);
    let large = vec![b'x'; 1_500_000];
    assert_eq!(client.post("/legacy/echo").body(large.clone()).send().bytes(), large);
    let chunks = vec![vec![b'x'; 50_000]; 30];
    assert_eq!(client.post("/legacy/echo").chunks(chunks.clone()).send().bytes(), large);
    assert_eq!(client.post("/legacy/len").chunks(chunks.clone()).send().text(), "1500000");
    assert_eq!(client.post("/legacy/task").chunks(chunks).send().text(), "1500000");
    // CF-38: the limit of the application is refused before the service is asked.
    assert_eq!(client.post("/legacy/len").body(vec![0; 5_000_001]).send().status(), 413);
}

#[test]
fn middleware_of_axum_runs_as_a_layer() {
    async fn stamp(req: axum::extract::Request, next: axum::middleware::Next) -> AxumResponse {
        let path = req.uri().path().to_owned();
        let mut res = next.run(req).await;
        res.headers_mut().insert("x-path", HeaderValue::from_str(&path).unwrap());
        res
    }
    let stack = ServiceBuilder::new()
        .map_request(|req: http::Request<Body>| req.map(AxumBody::new))
        .layer(axum::middleware::from_fn(stamp));
    let mut app = App::new();
    app.use_(layer(stack)).post("/echo", async |req: Request| req.text().await);
    let reply = TestClient::new(app).post("/echo").body("through axum").send();
    assert_eq!((reply.header("x-path"), &*reply.text()), (Some("/echo"), "through axum"));
}

// VA-006
#[test]
fn an_application_stands_inside_a_router() {
    let mut app = App::new();
    app.workers(1)
        .get("/hello/:name", async |req| Ok(format!("hello {}", req.param::<String>("name")?)));
    let service = AppService::start(app).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        let mut router =
            Router::new().route("/axum", get(async || "axum")).fallback_service(service);
        let mut ask = async |path: &str| {
            let request = http::Request::get(path).body(AxumBody::empty()).unwrap();
            let response = router.call(request).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        };
        assert_eq!(ask("/axum").await, "axum");
        assert_eq!(ask("/hello/ada").await, "hello ada");
    });
}
