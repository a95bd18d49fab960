//! How control passes along a chain: on, back, or no further.

use crate::control::step;
use crate::support::client;
use shikra::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::yield_now;

/// The letters that a request has collected.
#[derive(Clone, Default)]
struct Letters(Arc<Mutex<Vec<&'static str>>>);

/// A middleware that waits a few turns, then adds its letter to the request's list.
fn letter(
    name: &'static str,
    turns: usize,
) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static {
    async move |req: Request, next: Next| {
        for _ in 0..turns {
            yield_now().await;
        }
        if req.meta().get::<Letters>().is_none() {
            req.meta().insert(Letters::default());
        }
        if let Some(letters) = req.meta().get::<Letters>() {
            letters.0.lock().unwrap().push(name);
        }
        next.run(req).await
    }
}

async fn list(req: Request) -> String {
    let letters = req.meta().get::<Letters>().map(|letters| letters.0.lock().unwrap().join(","));
    letters.unwrap_or_default()
}

#[test]
fn every_step_may_wait_and_hands_on_what_it_learns() {
    // CK-17, HX-053, HX-059, HX-078, HX-079, HA-044, PO-020, PO-022, PO-111
    let mut app = App::new();
    app.use_(letter("A", 0));
    app.route("/all").use_(letter("C", 3)).use_(letter("D", 0)).get(list);
    app.use_(letter("B", 50)).get("/bare", list);
    let client = client(app);
    assert_eq!(client.get("/all").send().text(), "A,B,C,D");
    assert_eq!(client.get("/bare").send().text(), "A,B");
}

#[test]
fn a_waiting_step_holds_up_nobody_else() {
    // CK-17, HX-078
    let mut app = App::new();
    app.use_at(
        "/waits",
        before(async |req| {
            req.closed().await;
        }),
    );
    app.get("/:page", async |_| "page");
    let client = client(app);
    let waiting = client.connect();
    waiting.write("GET /waits HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.get("/other").send().text(), "page");
    waiting.finish();
    let all = waiting.read_to_end().unwrap();
    assert!(all.ends_with(b"page"), "it went on in the end");
}

#[test]
fn tiers_hold_at_every_depth_whatever_comes_first() {
    // HX-089 and HA-047 as CF-20 settles them; PO-137: nothing is repeated to compose.
    let mut leaf = App::new();
    leaf.route("/x/y").use_(step("route")).get(async |_| "");
    leaf.use_at("/x/y", step("leaf x y")).use_at("/x", step("leaf x")).use_(step("leaf"));
    let mut app = App::new();
    app.use_at("/m/x", step("m x")).mount("/m", leaf.clone()).use_at("/m", step("m"));
    app.use_(step("global")).mount("/again", leaf).use_(step("last"));
    let client = client(app);
    let steps = |path: &str| {
        let reply = client.get(path).send();
        reply.header("x-steps").unwrap_or_default().trim_end().to_owned()
    };
    assert_eq!(steps("/m/x/y"), "global last m m x leaf leaf x leaf x y route");
    assert_eq!(steps("/again/x/y"), "global last leaf leaf x leaf x y route");
}

#[test]
fn an_answer_or_an_error_ends_the_way_in() {
    // HX-083, HX-085, HA-048, HA-049, HA-050, PO-067, PO-112, CK-19
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut app = App::new();
    app.route("/done").use_(async |_: Request, _: Next| (401, "stop")).get(async |_| "never");
    app.route("/err")
        .use_(before(async |_| Err::<(), _>(Error::new(422, "Again"))))
        .get(async |_| "never");
    app.use_at("/raised", async |_: Request, _: Next| -> Result {
        Err(std::io::Error::other("a raised one").into())
    });
    app.get("/raised", async |_| "never");
    // A ready-made response of another part of the program is an answer like any.
    app.use_at("/ready", async |_: Request, _: Next| redirect("/elsewhere"));
    app.route("/:page").use_(late(|_| |_| ())).any(async move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        "page"
    });
    app.on_error(async |_, err| (err.status(), format!("handled {}", err.status().as_u16())));
    let client = client(app);
    for (path, status, text) in [
        ("/done", 401, "stop"),
        ("/err", 422, "handled 422"),
        ("/raised", 500, "handled 500"),
        ("/ready", 302, ""),
    ] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    assert_eq!(client.get("/page").send().text(), "page");
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[test]
fn a_step_sees_the_finished_response_and_may_change_it() {
    // HA-052
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        let mut res = next.run(req).await;
        let text = String::from_utf8_lossy(res.body().unwrap_or_default()).into_owned();
        let (status, kind) = (res.status(), res.header("content-type").map(str::to_owned));
        res.set_body(format!("{} {kind:?} {text}", status.as_u16()));
        res.set_status(status.as_u16() + 1);
        res
    });
    app.get("/text", async |_| "text")
        .get("/fails", async |_| Err::<&str, _>(Error::new(409, "no")));
    let client = client(app);
    let text = "Some(\"text/plain; charset=utf-8\")";
    for (path, status, body) in [
        ("/text", 201, format!("200 {text} text")),
        ("/fails", 410, format!("409 {text} no")),
        ("/none", 405, format!("404 {text} Not found")),
    ] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), reply.text()), (status, body), "{path}");
    }
}

#[test]
fn guards_and_logs_as_in_the_first_examples() {
    // PO-123, PO-124, CP-27
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let mut app = App::new();
    app.use_(before(async move |req| {
        log.lock().unwrap().push(format!("{} {}", req.method(), req.target()));
    }));
    app.use_(before(async |req| {
        req.header("authorization").is_none().then_some((401, "Unauthorized: who are you?"))
    }));
    app.get("*", async |_| "welcome");
    let client = client(app);
    let reply = client.get("/").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (401, "Unauthorized: who are you?"));
    assert_eq!(client.get("/x?y").header("authorization", "a").send().text(), "welcome");
    // CF-12: the path is known, so the method is what is refused.
    assert_eq!(client.post("/x").header("authorization", "a").send().status(), 405);
    assert_eq!(client.post("/x").send().status(), 401);
    assert_eq!(*lines.lock().unwrap(), ["GET /", "GET /x?y", "POST /x", "POST /x"]);
}

#[test]
fn one_not_found_handler_for_one_scope() {
    // HA-156 as CF-78 settles it
    let mut app = App::new();
    app.not_found(async |_| "first").not_found(async |_| "second");
    let text = crate::support::problems(&app);
    assert!(text.contains("the not-found handler is set twice, first at "), "{text}");
}

#[test]
fn a_panic_is_caught_and_all_other_failures_are_values() {
    // PO-139, CF-29
    let mut app = App::new();
    app.get("/panic", async |req| if req.path() == "/panic" { panic!("a secret") } else { "" })
        .get("/text", async |_| Err::<&str, _>(Error::new(500, "just a text")))
        .get("/error", async |_| Err::<&str, _>(Error::from(std::io::Error::other("a secret"))))
        .get("/status", async |_| Err::<&str, _>(Error::new(402, "pay first")))
        .get("/early", async |_| (402, "answered directly"));
    let client = client(app);
    for (path, status, text) in [
        ("/panic", 500, "Internal Server Error"),
        ("/text", 500, "just a text"),
        ("/error", 500, "Internal Server Error"),
        ("/status", 402, "pay first"),
        ("/early", 402, "answered directly"),
    ] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
    }
}

/// A helper that the framework does not bring.
trait Downloads: Sized {
    fn download(self, name: &str) -> Response;
}

impl<R: IntoResponse> Downloads for R {
    fn download(self, name: &str) -> Response {
        self.with_header("content-disposition", format!("attachment; filename=\"{name}\""))
    }
}

#[test]
fn helpers_may_come_from_outside() {
    // PO-140
    let mut app = App::new();
    app.get("/", async |_| "a,b".download("table.csv"));
    let reply = client(app).get("/").send();
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"table.csv\""));
}
