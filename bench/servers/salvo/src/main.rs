//! salvo.

use http_body_util::BodyExt;
use salvo::conn::tcp::TcpAcceptor;
use salvo::http::ResBody;
use salvo::http::header::{CONTENT_TYPE, HeaderValue};
use salvo::hyper::body::Bytes;
use salvo::prelude::*;
use server_common::{BACKLOG, BYTES, HELLO, HTML, JSON, Options, Order, TEXT, block, page};
use std::sync::LazyLock;
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

static BLOCK: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(block()));

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let options = Options::from_args();
    LazyLock::force(&BLOCK);
    let runtime = match options.workers {
        1 => Builder::new_current_thread().enable_all().build()?,
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build()?,
    };
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], options.port).into())?;
        let acceptor: TcpAcceptor = socket.listen(BACKLOG)?.try_into()?;
        let mut server = Server::new(acceptor);
        server.http1_mut().pipeline_flush(true);
        server.serve(router(options)).await;
        Ok(())
    })
}

fn router(options: Options) -> Router {
    let mut router = Router::new();
    for route in options.routes_before() {
        router = router.push(Router::with_path(route).get(another));
    }
    router = router
        .push(Router::with_path("plaintext").get(plaintext))
        .push(Router::with_path("html").get(html))
        .push(Router::with_path("users/{id}/books/{title}").get(book))
        .push(Router::with_path("json").post(json))
        .push(Router::with_path("upload").post(upload))
        .push(Router::with_path("block").get(send_block))
        .push(Router::with_path("middleware").hoop(pass).hoop(pass).hoop(pass).get(plaintext));
    for route in options.routes_after() {
        router = router.push(Router::with_path(route).get(another));
    }
    router
}

fn reply(res: &mut Response, content_type: &'static str, body: impl Into<Bytes>) {
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    res.body(ResBody::Once(body.into()));
}

#[handler]
fn another(res: &mut Response) {
    reply(res, TEXT, "another");
}

#[handler]
fn plaintext(res: &mut Response) {
    reply(res, TEXT, HELLO);
}

#[handler]
fn html(res: &mut Response) {
    reply(res, HTML, page());
}

#[handler]
fn book(req: &mut Request, res: &mut Response) -> Result<(), StatusError> {
    let id: u64 = req.param("id").ok_or_else(StatusError::bad_request)?;
    let title: &str = req.param("title").ok_or_else(StatusError::bad_request)?;
    reply(res, TEXT, format!("user {id} book {title}"));
    Ok(())
}

#[handler]
async fn json(req: &mut Request, res: &mut Response) -> Result<(), StatusError> {
    let order: Order = req.parse_json().await.map_err(|_| StatusError::bad_request())?;
    res.render(Json(order));
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    Ok(())
}

#[handler]
async fn upload(req: &mut Request, res: &mut Response) -> Result<(), StatusError> {
    let mut body = req.take_body();
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusError::bad_request())?;
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    reply(res, TEXT, count.to_string());
    Ok(())
}

#[handler]
fn send_block(res: &mut Response) {
    reply(res, BYTES, BLOCK.clone());
}

#[handler]
async fn pass(req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
    ctrl.call_next(req, depot, res).await;
}
