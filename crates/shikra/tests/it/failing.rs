//! The ways to fail on purpose, what the client gets of each, and what is released on the way.

use crate::control::step;
use crate::support::client;
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use tokio::task::yield_now;

#[test]
fn an_error_ends_the_way_in() {
    // PO-125
    let ran = Arc::new(AtomicUsize::new(0));
    let (in_middleware, in_handler) = (Arc::clone(&ran), Arc::clone(&ran));
    let mut app = App::new();
    app.use_(step("outer"))
        .use_(before(async |req| match req.path() {
            "/now" => Err(Error::new(401, "no")),
            "/later" => {
                yield_now().await;
                Err(Error::new(401, "no"))
            }
            _ => Ok(()),
        }))
        .use_(before(async move |_| {
            in_middleware.fetch_add(1, Ordering::Relaxed);
        }))
        .get("/:page", async move |_| {
            in_handler.fetch_add(1, Ordering::Relaxed);
            "page"
        });
    let client = client(app);
    for path in ["/now", "/later"] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (401, "no"));
        assert_eq!(reply.header("x-steps"), Some("outer"), "{path}");
        assert_eq!(ran.load(Ordering::Relaxed), 0, "{path}");
    }
    assert_eq!(client.get("/other").send().text(), "page");
    assert_eq!(ran.load(Ordering::Relaxed), 2);
}

#[derive(Debug)]
struct Upstream {
    status: u16,
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("upstream said no")
    }
}

impl std::error::Error for Upstream {}

#[test]
fn an_error_s_text_and_status_are_the_reply() {
    // PO-126, PO-127, PO-128, PO-129, VA-122
    let mut app = App::new();
    app.get("/text", async |_| -> Result<&str> { bail!(500, "no ☕ left 🫖") })
        .get("/status", async |_| -> Result<&str> { bail!(422, "{} is {}", "tea", "no coffee") })
        .get("/typed", async |_| -> Result<&str> { bail!(StatusCode::CONFLICT, "again") })
        .get("/phrase", async |_| -> Result<&str> { bail!(503) })
        .get("/empty", async |_| Err::<&str, _>(Error::new(500, "")))
        .get("/number", async |_| Err::<&str, _>(Error::new("418".parse::<u16>()?, "pot")))
        .get("/own/:status", async |req| {
            Err::<&str, _>(Upstream { status: req.param("status")? }.into())
        })
        // A status that was set before does not count.
        .use_at("/set-before", async |req: Request, next: Next| {
            let res = next.run(req).await.with_status(202);
            Err::<Response, _>(Error::new(500, format!("after {}", res.status().as_u16())))
        })
        .get("/set-before", async |_| 201)
        .catch(async |_, err: &Upstream| Error::new(err.status, err.to_string()));
    let client = client(app);
    let rows = [
        ("/text", 500, "no ☕ left 🫖"),
        ("/status", 422, "tea is no coffee"),
        ("/typed", 409, "again"),
        ("/phrase", 503, "Service Unavailable"),
        ("/empty", 500, "Internal Server Error"),
        ("/number", 418, "pot"),
        ("/own/429", 429, "upstream said no"),
        ("/own/99", 500, "Internal Server Error"),
        ("/set-before", 500, "after 202"),
    ];
    for (path, status, text) in rows {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
        assert_eq!(reply.header("content-length"), Some(&*text.len().to_string()), "{path}");
    }
}

#[test]
fn a_deliberate_reply_may_be_an_error() {
    // CF-29, PO-131, PO-132, VA-122
    let mut app = App::new();
    app.use_at("/in-middleware", async |req: Request, next: Next| {
        if req.query().get("stop").is_some() {
            Err((503, "busy").into_response())?;
        }
        Ok(next.run(req).await)
    });
    app.get("/in-middleware", async |_| "fine")
        .get("/bytes", async |_| {
            let res = (500, &[0_u8, 159, 146, 150]).into_response();
            Err::<&str, Error>(res.into())
        })
        .get("/away", async |req| {
            let user = req.header("x-user").ok_or_else(|| redirect("/login"))?;
            Ok(format!("hello {user}"))
        })
        .get("/direct", async |_| {
            (400, [("x-why", "tea")], Json("no")).into_response().with_header("x-more", "1")
        })
        .get("/wrapped", async |_| {
            Err::<&str, Error>(Error::new(402, "short").into_response().into())
        })
        .on_error(async |_, err| (err.status(), format!("handled {}", err.message())));
    let client = client(app);
    let reply = client.get("/bytes").send();
    assert_eq!((reply.status().as_u16(), reply.bytes()), (500, &[0_u8, 159, 146, 150][..]));
    let reply = client.get("/away").send();
    assert_eq!((reply.status().as_u16(), reply.header("location")), (302, Some("/login")));
    assert_eq!(client.get("/away").header("x-user", "ada").send().text(), "hello ada");
    let reply = client.get("/in-middleware?stop").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (503, "busy"));
    assert_eq!(client.get("/in-middleware").send().text(), "fine");
    let reply = client.get("/direct").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (400, "\"no\""));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!((reply.header("x-why"), reply.header("x-more")), (Some("tea"), Some("1")));
    // A reply that stands for an error is still one.
    assert_eq!(client.get("/wrapped").send().text(), "handled short");
}

#[test]
fn a_404_that_a_handler_means_is_its_reply() {
    // VA-126
    let mut app = App::new();
    app.get("/tuple", async |_| (404, "no such tea"))
        .get("/reason", async |_| (404, Reason("No Such Tea")))
        .get("/bail", async |_| -> Result<&str> { bail!(404, "no such tea") })
        .not_found(async |_| "asked");
    let client = client(app);
    assert_eq!(client.get("/tuple").send().text(), "no such tea");
    assert_eq!(client.get("/bail").send().text(), "no such tea");
    let reply = client.get("/reason").send();
    assert_eq!((reply.status().as_u16(), reply.reason(), &*reply.text()), (404, "No Such Tea", ""));
    assert_eq!(client.get("/none").send().text(), "asked");
}

#[test]
fn a_response_knows_the_error_that_it_answers() {
    // VA-124, VA-125
    let (seen, sees) = channel();
    let mut app = App::new();
    app.use_(late(move |_| {
        let seen = seen.clone();
        move |res| {
            let unexpected = res.error().filter(|error| error.is_unexpected());
            let line =
                format!("{} {:?}", res.status().as_u16(), unexpected.map(ToString::to_string));
            seen.send(line).unwrap();
        }
    }))
    .use_at(
        "/changed",
        late(|_| {
            |res| {
                res.set_status(503);
                res.set_body("changed");
            }
        }),
    )
    .use_at("/replaced", late(|_| |res| *res = (503, "new").into_response()));
    let fails = async |_: Request| Err::<&str, _>(Error::from(Upstream { status: 0 }));
    app.get("/ok", async |_| "ok")
        .get("/expected", async |_| Err::<&str, _>(Error::new(402, "short")))
        .get("/status", async |_| 500)
        .get("/fails", fails)
        .get("/changed", fails)
        .get("/replaced", fails)
        .get("/invalid", async |_| 99)
        .get("/panics", async |req| if req.path() == "/panics" { panic!("oh") } else { "" });
    let client = client(app);
    let cause = |text: &str| format!("500 Some(\"Internal Server Error: {text}\")");
    let rows = [
        ("/ok", "200 None".to_owned()),
        ("/expected", "402 None".to_owned()),
        ("/status", "500 None".to_owned()),
        ("/none", "404 None".to_owned()),
        ("/fails", cause("upstream said no")),
        ("/changed", cause("upstream said no").replace("500", "503")),
        ("/replaced", "503 None".to_owned()),
        ("/invalid", cause("99 is no status that a reply can have: 200 to 999")),
        ("/panics", cause("oh")),
    ];
    for (path, line) in rows {
        let _ = client.get(path).send();
        assert_eq!(sees.recv().unwrap(), line, "{path}");
    }
    assert_eq!(client.get("/changed").send().text(), "changed");
}

#[test]
fn an_error_is_handled_once() {
    // HX-093
    let (calls, called) = channel();
    let (failures, heard) = channel();
    let mut app = App::new();
    app.logger(move |failure| failures.send(failure.error().to_string()).unwrap());
    app.use_(step("a")).use_(step("b")).use_(step("c"));
    app.get("/fails/:then", async |_| Err::<&str, _>(Error::from(Upstream { status: 0 })));
    app.on_error(async move |req, err| {
        calls.send(err.to_string()).unwrap();
        match req.param_str("then") {
            Some("panic") => panic!("second"),
            Some("error") => Err(Error::new(503, "second")),
            Some("stream") => Ok(stream(async |out| {
                out.write("part").await?;
                // What has left cannot be taken back.
                out.flush().await?;
                Err(std::io::Error::other("second"))?
            })),
            _ => Ok("handled".into_response()),
        }
    });
    let client = client(app);
    let first = "Internal Server Error: upstream said no";
    let second = "Internal Server Error: second";
    let rows = [
        ("reply", Some("handled"), vec![first]),
        ("panic", Some("Internal Server Error"), vec![first, second]),
        ("error", Some("second"), vec![first]),
        ("stream", None, vec![first, second]),
    ];
    for (then, text, failures) in rows {
        let reply = client.get(&format!("/fails/{then}")).try_send().ok();
        assert_eq!(reply.map(|reply| reply.text()).as_deref(), text, "{then}");
        client.settle();
        assert_eq!(called.try_iter().collect::<Vec<_>>(), [first], "{then}");
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), failures, "{then}");
    }
}

/// Counts when it is dropped.
struct CountsDrop(Arc<AtomicUsize>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream that writes a little, waits for ever, and counts its end.
fn endless(dropped: &Arc<AtomicUsize>) -> Response {
    let guard = CountsDrop(Arc::clone(dropped));
    stream(async move |out| {
        let _guard = guard;
        out.write("part").await?;
        pending::<Result<()>>().await
    })
}

#[test]
fn streams_that_nobody_gets_are_dropped_at_once() {
    // VA-206
    let dropped = Arc::new(AtomicUsize::new(0));
    let make = |dropped: &Arc<AtomicUsize>| {
        let dropped = Arc::clone(dropped);
        async move |_: Request| endless(&dropped)
    };
    let mut app = App::new();
    app.use_at("/replaced", late(|_| |res| *res = (418, "new").into_response()))
        .use_at("/body", late(|_| |res| res.set_body("new")))
        .use_at("/error", async |req: Request, next: Next| {
            let _ = next.run(req).await;
            Err::<Response, _>(Error::new(402, "short"))
        })
        .use_at("/204", late(|_| |res| res.set_status(204)))
        .use_at("/304", late(|_| |res| res.set_status(304)));
    for path in ["/replaced", "/body", "/error", "/204", "/304", "/plain"] {
        app.get(path, make(&dropped));
    }
    let client: TestClient = client(app);
    let rows = [
        (Method::GET, "/replaced", 418),
        (Method::GET, "/body", 200),
        (Method::GET, "/error", 402),
        (Method::GET, "/204", 204),
        (Method::GET, "/304", 304),
        (Method::HEAD, "/plain", 200),
    ];
    for (method, path, status) in rows {
        assert_eq!(client.request(method, path).send().status(), status, "{path}");
        assert_eq!(dropped.swap(0, Ordering::Relaxed), 1, "{path}");
    }
    // The client goes while the stream waits.
    let connection = client.connect();
    connection.write("GET /plain HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!connection.read_some().unwrap().is_empty());
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    connection.reset();
    client.settle();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn an_error_handler_that_panics_passes_it_outward() {
    // CF-26
    let mut inner = App::new();
    inner.get("/fails", async |_| Err::<&str, _>(Error::new(402, "short")));
    inner.on_error(async |_, _| -> &str { panic!("inner handler") });
    let mut app = App::new();
    app.mount("/m", inner).on_error(async |_, err| {
        (
            err.status(),
            format!("panic: {}, cause: {:?}", err.is_panic(), err.cause().map(ToString::to_string)),
        )
    });
    for steps in 0..3 {
        let mut app = app.clone();
        for _ in 0..steps {
            app.use_(step("s"));
        }
        let reply = client(app).get("/m/fails").send();
        assert_eq!(reply.status(), 500);
        assert_eq!(reply.text(), "panic: true, cause: Some(\"inner handler\")", "{steps} steps");
    }
}
