//! What exists for tower is used as it is: layers of tower-http as middleware, and a router of axum that is
//! replaced route by route.
//!
//! `cargo run -p examples --bin tower`, then:
//!
//! - <http://127.0.0.1:3000/> is Shikra's own, compressed by a layer;
//! - <http://127.0.0.1:3000/legacy/books/7> is still axum's, and knows who asks;
//! - <http://127.0.0.1:3000/legacy/news> is Shikra's already.

use axum::extract::Path;
use axum::routing::get;
use axum::{Extension, Router};
use shikra::prelude::*;
use shikra::tower::{RequestInfo, layer};
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::trace::TraceLayer;

/// What a middleware of ours tells the services behind it.
#[derive(Clone)]
struct User(String);

async fn identify(req: Request, next: Next) -> Response {
    let name = req.header("x-user").unwrap_or("somebody").to_owned();
    req.insert_extension(User(name));
    next.run(req).await
}

async fn book(
    Path(id): Path<u32>,
    Extension(User(name)): Extension<User>,
    Extension(info): Extension<RequestInfo>,
) -> String {
    format!("book {id} for {name} at {:?}", info.peer_addr)
}

fn main() -> std::io::Result<()> {
    let legacy = Router::new()
        .route("/legacy/books/{id}", get(book))
        .route("/legacy/news", get(async || "old news"));

    let mut app = App::new();
    app.use_(layer(TraceLayer::new_for_http())).use_(layer(CompressionLayer::new()));
    app.use_at("/legacy", layer(CorsLayer::permissive())).use_at("/legacy", identify);
    app.mount_service("/legacy", legacy);
    app.get("/legacy/news", async |_| "fresh news"); // says more of the path, so it wins
    app.get("/", async |_| "All of this is text that compresses well. ".repeat(100));
    app.listen("127.0.0.1:3000")
}
