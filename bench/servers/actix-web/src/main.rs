//! actix-web.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Json, Path, Payload};
use actix_web::{App, Error, HttpResponse, HttpServer};
use bytes::Bytes;
use futures_util::StreamExt;
use server_common::{BACKLOG, BYTES, HELLO, HTML, KEEP_ALIVE_S, Options, Order, TEXT, block, page};
use std::time::Duration;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let block = Bytes::from(block());
    HttpServer::new(move || {
        let block = block.clone();
        let mut app = App::new();
        for route in options.routes_before() {
            app = app.route(&route, web::get().to(async || "another"));
        }
        app = app
            .route("/plaintext", web::get().to(async || reply(TEXT, HELLO)))
            .route("/html", web::get().to(async || reply(HTML, page())))
            .route("/users/{id}/books/{title}", web::get().to(book))
            .route("/json", web::post().to(json))
            .route("/upload", web::post().to(upload))
            .route("/block", web::get().to(move || std::future::ready(reply(BYTES, block.clone()))))
            .service(
                web::resource("/middleware")
                    .wrap(from_fn(pass))
                    .wrap(from_fn(pass))
                    .wrap(from_fn(pass))
                    .route(web::get().to(async || reply(TEXT, HELLO))),
            );
        for route in options.routes_after() {
            app = app.route(&route, web::get().to(async || "another"));
        }
        app
    })
    .workers(options.workers)
    .backlog(BACKLOG)
    .max_connections(50_000)
    .keep_alive(Duration::from_secs(KEEP_ALIVE_S))
    .tcp_nodelay(true)
    .bind(("127.0.0.1", options.port))?
    .run()
    .await
}

fn reply(content_type: &'static str, body: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok().content_type(content_type).body(body)
}

async fn book(path: Path<(u64, String)>) -> HttpResponse {
    reply(TEXT, format!("user {} book {}", path.0, path.1))
}

async fn json(order: Json<Order>) -> HttpResponse {
    HttpResponse::Ok().json(&*order)
}

async fn upload(mut body: Payload) -> Result<HttpResponse, Error> {
    let mut count = 0;
    while let Some(chunk) = body.next().await {
        count += chunk?.len();
    }
    Ok(reply(TEXT, count.to_string()))
}

async fn pass(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(req).await
}
