//! The routes of the benchmark. What they answer is fixed, so that servers can be compared.

use crate::routes::count;
use serde::{Deserialize, Serialize};
use shikra::prelude::*;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn register(app: &mut App) {
    app.get("/plaintext", plaintext)
        .get("/html", page)
        .get("/users/:id/books/:title", book)
        .post("/json", order)
        .post("/upload", count)
        .get("/blob", async |_| BLOB.as_slice());
    app.route("/mw").use_(no_op).use_(no_op).use_(no_op).get(plaintext);
    register_others(app);
}

/// 200 routes that nobody asks for: a router has to find the right one among them.
fn register_others(app: &mut App) {
    for n in 0..100 {
        let base = format!("/api/v{}/res{n}", n % 4);
        app.get(&format!("{base}/list"), async |_| "list");
        app.get(&format!("{base}/item/:id"), async |req| req.param::<String>("id"));
    }
}

async fn plaintext(_: Request) -> &'static str {
    "Hello, World!"
}

async fn page(_: Request) -> Result<Html<String>> {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    Ok(Html(format!(
        "<!DOCTYPE html><html><head><title>bench</title></head>\
         <body><h1>Hello</h1><p>Now: {ms}</p></body></html>"
    )))
}

async fn book(req: Request) -> Result<String> {
    let id = req.param_str("id").or_status(400)?;
    let title = req.param_str("title").or_status(400)?;
    Ok(format!("user {id} book {title}"))
}

#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    name: String,
    email: String,
    tags: Vec<String>,
    price: f64,
    active: bool,
    note: String,
}

async fn order(req: Request) -> Result<Json<Order>> {
    Ok(Json(req.json().await?))
}

async fn no_op(req: Request, next: Next) -> Response {
    next.run(req).await
}

static BLOB: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..=250_u8).cycle().step_by(31).take(1024 * 1024).collect());
