//! Middleware, late handlers, state, hooks: what happens around a handler, and in which order.

use crate::support::{answers, client, logged};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::cell::Cell;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::yield_now;

/// A middleware that puts its name before those inside it, on the way back.
pub(crate) fn step(
    name: &'static str,
) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static {
    async move |req: Request, next: Next| {
        let mut res = next.run(req).await;
        let inside = res.header("x-steps").unwrap_or_default().to_owned();
        res.set_header("x-steps", format!("{name} {inside}"));
        res
    }
}

/// The steps around the reply to `GET path`, outermost first.
fn steps(client: &TestClient, path: &str) -> String {
    let reply = client.get(path).send();
    reply.header("x-steps").unwrap_or_default().to_owned()
}

#[test]
fn orders_middleware_by_tier() {
    // CF-20, PO-024, PO-113, PO-117, CP-23, HX-079, PO-116, PO-118
    let mut app = App::new();
    app.route("/api/:v").use_(step("route1")).use_(step("route2")).get(async |_| "v");
    app.use_at("/api/x", step("longer"))
        .use_at("/api", step("a"))
        .use_(step("g1"))
        .use_at("api", step("b"))
        .use_at("/", step("root"))
        .use_(step("g2"));
    let client = client(app);
    assert_eq!(steps(&client, "/api/1"), "g1 g2 root a b route1 route2");
    assert_eq!(steps(&client, "/api/x"), "g1 g2 root a b longer route1 route2");
    assert_eq!(steps(&client, "/"), "g1 g2 root");
    assert_eq!(steps(&client, "/apix/1"), "g1 g2 root");
}

#[test]
fn puts_a_mount_s_middleware_inside_its_parent_s() {
    // PO-035, CP-37
    let mut sub = App::new();
    sub.use_(step("s")).use_at("/users", step("u"));
    sub.route("/users/:name").use_(step("r")).get(async |req| req.param::<String>("name"));
    let mut app = App::new();
    app.use_(step("g")).use_at("/api", step("v")).mount("/api", sub);
    app.get("/users/ada", async |_| "outside");
    let client = client(app);
    assert_eq!(steps(&client, "/api/users/BOB"), "g v s u r");
    assert_eq!(client.get("/api/users/BOB").send().text(), "BOB");
    assert_eq!(steps(&client, "/users/ada"), "g");
}

#[test]
fn matches_base_paths_as_the_router_does() {
    // CF-22, PO-025, PO-026, CP-24, CP-25, HX-088, PO-021
    let mut app = App::new();
    app.use_at("/account", step("account"))
        .use_at("/a/b", step("ab"))
        .use_at("/c/", step("c"))
        .use_at("/t/:id/x", step("tx"))
        .get("/account", async |_| "account")
        .get("/:page", async |_| "page")
        .get("/:one/:two", async |_| "two")
        .get("/t/*", async |_| "t");
    let client = client(app);
    let guarded = [
        ("/account", "account"),
        ("/account/", "account"),
        ("/%61ccount", "account"),
        ("/%61cc%6Funt/", "account"),
        ("/account/x", "account"),
        ("/account/x/y/z", "account"),
        ("/a/b", "ab"),
        ("/a/%62", "ab"),
        ("/a/b/x", "ab"),
        ("/c/1", "c"),
        ("/c", "c"),
        ("/t/7/x", "tx"),
        ("/t/7/x/y", "tx"),
    ];
    for (path, name) in guarded {
        assert_eq!(steps(&client, path), name, "{path}");
    }
    for path in
        ["/accounts", "/Account", "/a/bc", "/a", "/b/a", "/account%2Fx", "//account", "/t/7"]
    {
        assert_eq!(steps(&client, path), "", "{path}");
    }
}

#[test]
fn runs_globals_when_nothing_matches() {
    // CF-21, PO-114, PO-115
    let mut app = App::new();
    app.use_(step("g")).use_at("/k", step("k")).get("/k/there", async |_| "there");
    let client = client(app);
    for (path, expected) in [("/none", "g"), ("/k/none", "g k"), ("/kk", "g"), ("/k/%ff", "g")] {
        assert_eq!(steps(&client, path), expected, "{path}");
    }
    let reply = client.post("/k/there").send();
    assert_eq!((reply.status().as_u16(), reply.header("x-steps")), (405, Some("g k")));
    assert_eq!(client.options("/k/there").send().header("x-steps"), Some("g k"));
}

#[test]
fn before_goes_on_or_answers() {
    // PO-119, PO-120, CP-28, VA-096
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut app = App::new();
    app.use_at("/unit", before(async |_| ()));
    app.use_at("/none", before(async |_| None::<&str>));
    app.use_at("/some", before(async |_| Some((402, "some"))));
    app.use_at("/ok", before(async |_| Ok(())));
    app.use_at("/ok-some", before(async |_| Ok(Some("ok some"))));
    app.use_at(
        "/err",
        before(async |req| {
            req.header("x-key").or_status(401)?;
            Ok(())
        }),
    );
    app.get("/:page", async move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        "handler"
    });
    let client = client(app);
    let rows = [
        ("/unit", 200, "handler"),
        ("/none", 200, "handler"),
        ("/some", 402, "some"),
        ("/ok", 200, "handler"),
        ("/ok-some", 200, "ok some"),
        ("/err", 401, "Unauthorized"),
    ];
    for (path, status, text) in rows {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
    }
    assert_eq!(ran.load(Ordering::Relaxed), 3);
    assert_eq!(client.get("/err").header("x-key", "1").send().text(), "handler");
}

#[test]
fn late_handlers_run_in_reverse_and_may_replace_the_reply() {
    // CF-85, VA-105, VA-107, VA-111, VA-125
    let mut app = App::new();
    let names = ["first", "second"];
    for name in names {
        app.use_(late(move |_| {
            move |res| {
                let before = res.header("x-late").unwrap_or_default().to_owned();
                res.set_header("x-late", format!("{before}/{name}"));
            }
        }));
    }
    app.use_at("/teapot", late(|_| |res| *res = (418, "replaced").into_response()));
    app.get("/ok", async |_| "ok")
        .get("/fails", async |_| Err::<&str, _>(Error::new(409, "no")))
        .get("/panics", async |req| if req.path() == "/panics" { panic!("late one") } else { "" })
        .get("/teapot", async |_| "coffee");
    let client = client(app);
    for (path, status) in [("/ok", 200), ("/fails", 409), ("/panics", 500), ("/none", 404)] {
        let reply = client.get(path).send();
        let found = (reply.status().as_u16(), reply.header("x-late"));
        assert_eq!(found, (status, Some("/second/first")), "{path}");
    }
    let reply = client.get("/teapot").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (418, "replaced"));
    assert_eq!(reply.header("x-late"), Some("/second/first"));
}

#[test]
fn a_middleware_may_replace_the_reply_and_need_not_run_the_rest() {
    // CF-27, HX-084
    let mut app = App::new();
    app.use_at("/shut", async |_: Request, _: Next| (403, "shut"))
        .use_at("/replaced", async |req: Request, next: Next| {
            let inner = next.run(req).await;
            (201, format!("instead of {}", inner.status().as_u16()))
        })
        .use_at("/refused", async |req: Request, next: Next| {
            let _ = next.run(req).await;
            Err::<&str, _>(Error::new(422, "Again"))
        })
        .get("/:page", async |_| "page");
    let client = client(app);
    let rows = [
        ("/shut", 403, "shut"),
        ("/replaced", 201, "instead of 200"),
        ("/replaced/none", 201, "instead of 404"),
        ("/refused", 422, "Again"),
    ];
    for (path, status, text) in rows {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
    }
}

#[test]
fn meta_belongs_to_its_request() {
    // CF-30, HX-081, VA-064
    #[derive(Debug, PartialEq)]
    struct Name(String);
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        assert!(req.meta().get::<Name>().is_none(), "the last request's");
        if let Some(name) = req.header("x-name") {
            assert!(req.meta().insert(Name("first".to_owned())).is_none());
            assert_eq!(req.meta().insert(Name(name.to_owned())).unwrap().0, "first");
            req.meta().insert(7_u32);
        }
        next.run(req).await
    });
    app.get("/", async |req| {
        let name = req.meta().remove::<Name>().map(|name| name.0.clone());
        assert!(req.meta().get::<Name>().is_none());
        name.map(|name| format!("{name} {:?}", req.meta().get::<u32>()))
    });
    let client = client(app);
    assert_eq!(client.get("/").header("x-name", "ada").send().text(), "ada Some(7)");
    assert_eq!(client.get("/").send().status(), 404);
    assert_eq!(client.connections(), 1);
}

#[test]
fn the_usual_first_program_works_in_one_chain() {
    // PO-009, PO-090, PO-099, PO-143, CP-01
    struct Word(&'static str);
    struct Second(&'static str);
    let mut app = App::new();
    app.use_(before(async |req| {
        req.meta().insert(Word("hello"));
    }))
    .use_(before(async |req| {
        req.meta().insert(Second("there"));
        assert_eq!(req.param_str("id"), Some("7"), "parameters are known before any middleware");
    }))
    .get("/u/:id", async |req| {
        let words = req.meta().get::<Word>().zip(req.meta().get::<Second>()).or_status(500)?;
        Ok(format!("{} {} {}", words.0.0, words.1.0, req.param::<u32>("id")?))
    });
    assert_eq!(client(app).get("/u/7").send().text(), "hello there 7");
}

#[test]
fn late_handlers_of_steps_that_did_not_run_do_not_exist() {
    // VA-108
    let mut app = App::new();
    app.use_(late(|_| |res| res.set_header("x-first", "1")))
        .use_(before(async |_| Some((403, "shut"))))
        .use_(late(|_| |res| res.set_header("x-third", "1")))
        .get("/", async |_| "open");
    let reply = client(app).get("/").send();
    assert_eq!((reply.header("x-first"), reply.header("x-third")), (Some("1"), None));
}

#[test]
fn finds_state_of_the_worker_before_the_shared_one() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let mut sub = App::new();
    sub.state("the mount's")
        .state(2.5_f64)
        .get("/", async |req| format!("{} {}", req.state::<&'static str>(), req.state::<f64>()));
    let mut app = App::new();
    app.state("shared")
        .state(7_u32)
        .state_per_worker(async || {
            yield_now().await;
            Ok(MADE.fetch_add(1, Ordering::Relaxed) as u64)
        })
        .state_per_worker(async || Ok(8_u32))
        .get("/", async |req| {
            let own = req.state::<u64>();
            format!(
                "{} {} {own} {:?}",
                req.state::<&str>(),
                req.state::<u32>(),
                req.try_state::<i8>()
            )
        })
        .get("/missing", async |req| req.state::<Cell<i8>>().get().to_string())
        .mount("/sub", sub);
    let client = client(app);
    assert_eq!(client.get("/").send().text(), "shared 8 0 None");
    assert_eq!(client.get("/sub").send().text(), "the mount's 2.5", "the nearest goes first");
    assert_eq!(client.get("/missing").send().text(), "Internal Server Error");
    assert_eq!(logged(&["path=/missing", "no state of type `core::cell::Cell<i8>`"]), 1);
}

#[test]
fn runs_hooks_around_serving() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |text: &'static str| {
        let seen = Arc::clone(&seen);
        async move || {
            seen.lock().unwrap().push(text);
            Ok(())
        }
    };
    let mut app = App::new();
    app.on_start(note("start one")).on_start(note("start two")).on_stop(note("stop"));
    app.mount("/m", App::new().on_start(note("start of the mount")));
    app.on_stop(async || bail!(500, "the stop hook of this test failed"));
    let client = client(app);
    assert_eq!(*seen.lock().unwrap(), ["start one", "start two", "start of the mount"]);
    drop(client);
    assert_eq!(seen.lock().unwrap().last(), Some(&"stop"));
    assert_eq!(logged(&["the stop hook of this test failed"]), 1);
    let error = App::new().on_start(async || bail!(500, "no database")).start("127.0.0.1:0");
    assert!(error.unwrap_err().to_string().contains("no database"));
}

#[test]
fn answers_503_when_a_deadline_passes() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let counter = Arc::clone(&dropped);
    let mut app = App::new();
    app.use_(step("global"));
    app.route("/slow").use_(step("route")).deadline(Duration::from_millis(1)).get(
        async move |_| {
            let _counts = Counts(Arc::clone(&counter));
            pending::<&str>().await
        },
    );
    app.route("/quick").deadline(Duration::from_secs(60)).get(async |_| {
        yield_now().await;
        "quick"
    });
    let client = client(app);
    let reply = client.get("/slow").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (503, "the answer took too long"));
    assert_eq!(reply.header("x-steps"), Some("global route"));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(reply.keeps_alive());
    assert_eq!(client.get("/quick").send().text(), "quick");
}

#[test]
fn detached_work_outlives_its_request() {
    let (done, is_done) = mpsc::channel();
    let mut app = App::new();
    app.get("/", async move |req| {
        let (done, path) = (done.clone(), req.path().to_owned());
        let kept = req.clone();
        req.detach(async move {
            for _ in 0..10 {
                yield_now().await;
            }
            done.send(format!("{path} {}", kept.path())).unwrap();
        });
        req.detach(async { panic!("in detached work") });
        202
    });
    let client = client(app);
    assert_eq!(client.get("/").send().status(), 202);
    assert_eq!(is_done.recv_timeout(Duration::from_secs(20)).unwrap(), "/ /");
    assert_eq!(client.get("/").send().status(), 202, "a panic in detached work stays there");
    drop(client);
    assert!(is_done.recv().is_ok(), "stopping waits for it");
}

#[test]
fn stops_gracefully_after_the_running_requests() {
    let mut app = App::new();
    app.get("/", async |_| {
        for _ in 0..100 {
            yield_now().await;
        }
        "done"
    });
    let client = client(app);
    let all = answers(&client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(all.ends_with("done"), "a client that closes its half still gets its reply: {all}");
}

#[test]
fn runs_blocking_work_elsewhere() {
    let mut app = App::new();
    app.get("/", async |_| {
        let here = std::thread::current().id();
        let there = blocking(|| std::thread::current().id()).await?;
        Ok((here != there).to_string())
    });
    app.get("/panic", async |_| blocking(|| -> u16 { panic!("in blocking work") }).await);
    let client = client(app);
    assert_eq!(client.get("/").send().text(), "true");
    assert_eq!(client.get("/panic").send().status(), 500);
    assert_eq!(logged(&["path=/panic", "in blocking work"]), 1);
}

#[test]
fn tells_hooks_how_the_exchange_ended() {
    // CF-81, HX-172, HX-174
    let (said, hear) = mpsc::channel();
    let mut app = App::new();
    app.get("/:page", async move |req| {
        let (on_close, on_abort) = (said.clone(), said.clone());
        req.on_close(move || on_close.send("close").unwrap());
        req.on_abort(move || on_abort.send("abort").unwrap());
        req.on_close(|| panic!("a hook"));
        if req.path() == "/leaves" {
            said.send("waits").unwrap();
            pending::<()>().await;
        }
        "there"
    });
    let client = client(app);
    assert_eq!(client.get("/stays").send().text(), "there");
    let wait = || hear.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(wait(), "close");
    let connection = client.connect();
    connection.write("GET /leaves HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(wait(), "waits");
    connection.reset();
    assert_eq!([wait(), wait()], ["abort", "close"]);
}
