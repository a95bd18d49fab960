//! axum.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use http_body_util::BodyExt;
use server_common::{BACKLOG, HELLO, Options, Order, block, page};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let runtime = match options.workers {
        1 => Builder::new_current_thread().enable_all().build()?,
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build()?,
    };
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], options.port).into())?;
        let listener = socket.listen(BACKLOG)?.tap_io(|stream| {
            // Without it the reply waits for more to send; the socket is fresh, so this cannot fail.
            let _ = stream.set_nodelay(true);
        });
        // A bare router would be copied for every connection.
        axum::serve(listener, router(options).into_make_service()).await
    })
}

fn router(options: Options) -> Router {
    let block = Bytes::from(block());
    let mut router = Router::new();
    for route in options.routes_before() {
        router = router.route(&route, get(async || "another"));
    }
    let passing = Router::new()
        .route("/middleware", get(async || HELLO))
        .layer(from_fn(pass))
        .layer(from_fn(pass))
        .layer(from_fn(pass));
    router = router
        .route("/plaintext", get(async || HELLO))
        .route("/html", get(async || Html(page())))
        .route("/users/{id}/books/{title}", get(book))
        .route("/json", post(async |Json(order): Json<Order>| Json(order)))
        .route("/upload", post(upload))
        .route("/block", get(async move || block.clone()))
        .merge(passing);
    for route in options.routes_after() {
        router = router.route(&route, get(async || "another"));
    }
    router
}

async fn book(Path((id, title)): Path<(u64, String)>) -> String {
    format!("user {id} book {title}")
}

async fn pass(req: Request, next: Next) -> Response {
    next.run(req).await
}

async fn upload(mut body: Body) -> Result<String, StatusCode> {
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(count.to_string())
}
