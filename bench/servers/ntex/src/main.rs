//! ntex over tokio.

use ntex::SharedCfg;
use ntex::http::HttpServiceConfig;
use ntex::service::{Middleware, Service, ServiceCtx};
use ntex::time::Seconds;
use ntex::util::Bytes;
use ntex::web::types::{Json, Path, Payload};
use ntex::web::{self, App, Error, ErrorRenderer, HttpResponse, WebRequest, WebResponse};
use server_common::{BACKLOG, BYTES, HELLO, HTML, KEEP_ALIVE_S, Options, Order, TEXT, block, page};

#[ntex::main]
async fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let block = Bytes::from(block());
    web::HttpServer::new(async move || {
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
                    .middleware(Pass)
                    .middleware(Pass)
                    .middleware(Pass)
                    .route(web::get().to(async || reply(TEXT, HELLO))),
            );
        for route in options.routes_after() {
            app = app.route(&route, web::get().to(async || "another"));
        }
        app
    })
    .workers(options.workers)
    .backlog(BACKLOG as i32)
    .maxconn(50_000)
    .config(
        SharedCfg::new("bench")
            .add(HttpServiceConfig::new().set_keepalive(Seconds(KEEP_ALIVE_S as u16))),
    )
    .bind(("127.0.0.1", options.port))?
    .run()
    .await
}

fn reply(content_type: &'static str, body: impl Into<ntex::http::body::Body>) -> HttpResponse {
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
    while let Some(chunk) = body.recv().await {
        count += chunk.map_err(Error::from)?.len();
    }
    Ok(reply(TEXT, count.to_string()))
}

/// A middleware that does nothing.
#[derive(Clone)]
struct Pass;

struct PassService<S> {
    inner: S,
}

impl<S, C> Middleware<S, C> for Pass {
    type Service = PassService<S>;

    fn create(&self, inner: S, _: C) -> Self::Service {
        PassService { inner }
    }
}

impl<S, E> Service<WebRequest<E>> for PassService<S>
where
    S: Service<WebRequest<E>, Response = WebResponse, Error = Error>,
    E: ErrorRenderer,
{
    type Response = WebResponse;
    type Error = Error;

    ntex::forward_ready!(inner);
    ntex::forward_shutdown!(inner);

    async fn call(
        &self,
        req: WebRequest<E>,
        ctx: ServiceCtx<'_, Self>,
    ) -> Result<Self::Response, Self::Error> {
        ctx.call(&self.inner, req).await
    }
}
