//! hyper and a router. What a framework adds (errors, extraction, middleware) is not here, and hyper's
//! timeouts are off, as they are without a timer.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use matchit::{Params, Router};
use server_common::{BACKLOG, BYTES, HELLO, HTML, JSON, Options, Order, TEXT, block, page};
use std::error::Error;
use std::rc::Rc;
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};

type Fault = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy)]
enum Route {
    Plaintext,
    Html,
    Book,
    Json,
    Upload,
    Block,
    Other,
}

struct Site {
    router: Router<Route>,
    block: Bytes,
}

fn main() -> Result<(), Fault> {
    let options = Options::from_args();
    assert_eq!(options.workers, 1, "this server has one worker");
    let site = Rc::new(Site { router: router(options)?, block: block().into() });
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve(options.port, site))
}

fn router(options: Options) -> Result<Router<Route>, Fault> {
    let mut router = Router::new();
    for route in options.routes_before() {
        router.insert(route, Route::Other)?;
    }
    router.insert("/plaintext", Route::Plaintext)?;
    router.insert("/html", Route::Html)?;
    router.insert("/users/{id}/books/{title}", Route::Book)?;
    router.insert("/json", Route::Json)?;
    router.insert("/upload", Route::Upload)?;
    router.insert("/block", Route::Block)?;
    for route in options.routes_after() {
        router.insert(route, Route::Other)?;
    }
    Ok(router)
}

async fn serve(port: u16, site: Rc<Site>) -> Result<(), Fault> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    let listener = socket.listen(BACKLOG)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let site = Rc::clone(&site);
        spawn_local(async move {
            let service = service_fn(|request| answer(Rc::clone(&site), request));
            let mut http = http1::Builder::new();
            // A connection that breaks is nobody's loss here.
            let _ = http.pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(site: Rc<Site>, req: Request<Incoming>) -> Result<Response<Full<Bytes>>, Fault> {
    let found = site.router.at(req.uri().path());
    let Ok(found) = found else { return not_found() };
    Ok(match (*found.value, req.method()) {
        (Route::Plaintext, &Method::GET) => reply(TEXT, HELLO),
        (Route::Html, &Method::GET) => reply(HTML, page()),
        (Route::Book, &Method::GET) => reply(TEXT, book(&found.params)?),
        (Route::Json, &Method::POST) => {
            let body = req.into_body().collect().await?.to_bytes();
            let order: Order = serde_json::from_slice(&body)?;
            reply(JSON, serde_json::to_vec(&order)?)
        }
        (Route::Upload, &Method::POST) => reply(TEXT, count(req.into_body()).await?.to_string()),
        (Route::Block, &Method::GET) => reply(BYTES, site.block.clone()),
        (Route::Other, &Method::GET) => reply(TEXT, "another"),
        _ => return not_found(),
    })
}

fn book(params: &Params) -> Result<String, Fault> {
    let id: u64 = params.get("id").unwrap_or_default().parse()?;
    Ok(format!("user {id} book {}", params.get("title").unwrap_or_default()))
}

async fn count(mut body: Incoming) -> Result<usize, Fault> {
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        count += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(count)
}

fn reply(content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn not_found() -> Result<Response<Full<Bytes>>, Fault> {
    let mut response = reply(TEXT, "no such route");
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
