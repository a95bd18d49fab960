//! may_minihttp and a router: a parser and a responder, without header types, limits, middleware or
//! streamed bodies. What it lacks it does not answer, and the runner leaves it out there.

use matchit::Router;
use may_minihttp::{HttpServer, HttpService, Request, Response};
use server_common::{HELLO, Options, Order, page};
use std::io;
use std::sync::Arc;

#[derive(Clone, Copy)]
enum Route {
    Plaintext,
    Html,
    Book,
    Json,
    Other,
}

#[derive(Clone)]
struct Site {
    router: Arc<Router<Route>>,
}

fn main() -> io::Result<()> {
    let options = Options::from_args();
    may::config().set_workers(options.workers).set_pool_capacity(20_000).set_stack_size(0x2000);
    let router = router(options).map_err(io::Error::other)?;
    let server = HttpServer(Site { router: Arc::new(router) });
    let server = server.start(("127.0.0.1", options.port))?;
    server.join().map_err(|_| io::Error::other("the server panicked"))
}

fn router(options: Options) -> Result<Router<Route>, matchit::InsertError> {
    let mut router = Router::new();
    for route in options.routes_before() {
        router.insert(route, Route::Other)?;
    }
    router.insert("/plaintext", Route::Plaintext)?;
    router.insert("/html", Route::Html)?;
    router.insert("/users/{id}/books/{title}", Route::Book)?;
    router.insert("/json", Route::Json)?;
    for route in options.routes_after() {
        router.insert(route, Route::Other)?;
    }
    Ok(router)
}

impl HttpService for Site {
    fn call(&mut self, req: Request, res: &mut Response) -> io::Result<()> {
        let Ok(found) = self.router.at(req.path()) else {
            res.status_code(404, "Not Found");
            return Ok(());
        };
        match *found.value {
            Route::Plaintext => {
                res.header(TEXT_LINE).body(HELLO);
            }
            Route::Html => {
                res.header(HTML_LINE).body_vec(page().into_bytes());
            }
            Route::Book => {
                let id = found.params.get("id").unwrap_or_default();
                let id: u64 = id.parse().map_err(io::Error::other)?;
                let title = found.params.get("title").unwrap_or_default();
                res.header(TEXT_LINE).body_vec(format!("user {id} book {title}").into_bytes());
            }
            Route::Json => {
                let order: Order = serde_json::from_reader(req.body())?;
                res.header(JSON_LINE).body_vec(serde_json::to_vec(&order)?);
            }
            Route::Other => {
                res.header(TEXT_LINE).body("another");
            }
        }
        Ok(())
    }
}

const TEXT_LINE: &str = "Content-Type: text/plain; charset=utf-8";
const HTML_LINE: &str = "Content-Type: text/html; charset=utf-8";
const JSON_LINE: &str = "Content-Type: application/json";
