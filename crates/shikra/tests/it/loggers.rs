//! Loggers: who hears of errors that nobody meant, and of what can no longer become a reply.

use crate::support::{client, logged, problems};
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{BodyError, Failure, FailureKind, RequestIds};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::task::yield_now;

type Heard = Receiver<(FailureKind, String)>;

/// A logger, and what it hears: the kind, and the line in words.
fn logger() -> (impl Fn(&Failure<'_>) + Send + Sync + 'static, Heard) {
    let (failures, heard) = channel();
    let logger = move |failure: &Failure<'_>| {
        // The test may be over already.
        let _ = failures.send((failure.kind(), failure.to_string()));
    };
    (logger, heard)
}

/// What was heard since the last call, in words, with the places of errors cut off.
fn lines(heard: &Heard) -> Vec<String> {
    let lines = heard.try_iter().map(|(_, line)| line);
    lines.map(|line| line.split(", from ").next().unwrap_or_default().to_owned()).collect()
}

fn torn() -> Error {
    std::io::Error::other("the ledger is torn").into()
}

#[derive(Debug)]
struct Wrapped(BodyError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrapped")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_logger_hears_of_unexpected_errors_and_panics_alone() {
    // CF-49, VA-122, VA-123, VA-203, VA-205, HX-092
    let (logger, heard) = logger();
    let mut app = App::new();
    app.logger(logger)
        .get("/now/:id", async |_| Err::<&str, _>(torn()))
        .get("/later", async |_| {
            yield_now().await;
            Err::<&str, _>(torn())
        })
        .get("/panic", async |_| -> &str { panic!("no ink left") })
        .use_at("/middleware", async |req: Request, next: Next| {
            let _ = next.run(req).await;
            Err::<Response, _>(torn())
        })
        .get("/middleware", async |_| "never seen")
        .get("/deliberate", async |_| Err::<&str, _>(Error::from_status(400)))
        .get("/own-500", async |_| Err::<&str, _>(Error::new(500, "meant").with_cause(torn())))
        .get("/status", async |_| 500)
        .get("/caught", async |_| Err::<&str, _>(std::fmt::Error.into()))
        .catch(async |_, _: &std::fmt::Error| (503, "caught"));
    let client = client(app);
    let ise = "Internal Server Error";
    let rows = [
        ("/now/7?q=1", 500, ise, Some(("/now/7, route /now/:id", "the ledger is torn"))),
        ("/later", 500, ise, Some(("/later, route /later", "the ledger is torn"))),
        ("/panic", 500, ise, Some(("/panic, route /panic", "no ink left"))),
        ("/middleware", 500, ise, Some(("/middleware, route /middleware", "the ledger is torn"))),
        ("/deliberate", 400, "Bad Request", None),
        ("/own-500", 500, "meant", None),
        ("/status", 500, "", None),
        ("/caught", 503, "caught", None),
        ("/none", 404, "Not found", None),
    ];
    for (path, status, text, told) in rows {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
        let what = if path == "/panic" { "a handler panicked" } else { "an unexpected error" };
        let told = told.map(|(at, why)| format!("{what} at GET {at}: {ise}: {why}"));
        assert_eq!(lines(&heard), Vec::from_iter(told), "{path}");
    }
    // What a logger hears does not go to the log as well.
    assert_eq!(logged(&["the ledger is torn"]), 0);
    assert_eq!(logged(&["no ink left"]), 0);
}

#[test]
fn the_innermost_logger_is_told() {
    // VA-204
    let (outer, heard_outside) = logger();
    let (inner, heard_inside) = logger();
    let (own, heard_by_route) = logger();
    let fails = async |_: Request| Err::<&str, _>(torn());
    let mut silent = App::new();
    silent.get("/fails", fails);
    let mut mount = App::new();
    mount.logger(inner).get("/fails", fails).mount("/silent", silent.clone());
    mount.route("/own").logger(own).get(fails).post(fails);
    let mut app = App::new();
    app.logger(outer).get("/fails", fails).mount("/m", mount.clone()).mount("/silent", silent);
    app.host("m.test", mount);
    let client = client(app);
    let rows = [
        ("test", "/fails", [1, 0, 0]),
        ("test", "/silent/fails", [1, 0, 0]),
        ("test", "/m/fails", [0, 1, 0]),
        ("test", "/m/silent/fails", [0, 1, 0]),
        ("test", "/m/own", [0, 0, 1]),
        ("m.test", "/fails", [0, 1, 0]),
        ("m.test", "/own", [0, 0, 1]),
    ];
    for (host, path, expected) in rows {
        assert_eq!(client.get(path).header("host", host).send().status(), 500);
        let heard = [&heard_outside, &heard_inside, &heard_by_route];
        assert_eq!(heard.map(|heard| heard.try_iter().count()), expected, "{host} {path}");
    }
    assert_eq!(client.post("/m/own").send().status(), 500);
    assert_eq!(heard_by_route.try_iter().count(), 1);
}

#[test]
fn refuses_a_second_logger_and_a_second_handler_for_one_type_of_error() {
    // VA-204, CF-78
    let mut app = App::new();
    app.logger(|_| ()).logger(|_| ());
    app.route("/x").logger(|_| ()).logger(|_| ()).get(async |_| "x");
    app.catch(async |_, _: &std::fmt::Error| 500).catch(async |_, _: &std::fmt::Error| 503);
    let problems = problems(&app);
    for what in [
        "the logger is set twice, first at ",
        "the logger of `/x` is set twice, first at ",
        "the error handler for `core::fmt::Error` is set twice, first at ",
    ] {
        let line = problems.lines().find(|line| line.contains(what)).expect(what);
        assert_eq!(line.matches("loggers.rs:").count(), 2, "{line}");
    }
    let mut fine = App::new();
    fine.catch(async |_, _: &std::fmt::Error| 500).catch(async |_, _: &std::io::Error| 503);
    fine.logger(|_| ()).mount("/m", App::new().logger(|_| ()));
    assert!(fine.routes().is_ok());
}

#[test]
fn a_logger_that_panics_does_no_harm() {
    let mut app = App::new();
    app.logger(|_| panic!("the logger is torn too"))
        .get("/unheard", async |_| Err::<&str, _>(Error::from(std::io::Error::other("unheard"))))
        .get("/late", async |_| {
            stream(async |out| {
                out.write("part").await?;
                out.flush().await?;
                Err(std::io::Error::other("unheard late"))?
            })
        });
    let client = client(app);
    let reply = client.get("/unheard").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "Internal Server Error"));
    assert!(reply.keeps_alive());
    let connection = client.connect();
    connection.write("GET /late HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(connection.read_to_end().is_err());
    assert_eq!(client.get("/none").send().status(), 404);
    assert_eq!(client.connections(), 1);
    assert_eq!(logged(&["the logger is torn too"]), 2);
    assert_eq!(logged(&["path=/unheard ", "Internal Server Error: unheard"]), 1);
    assert_eq!(logged(&["path=/late ", "unheard late"]), 1);
}

#[test]
fn without_a_logger_each_failure_is_one_line_with_route_id_and_place() {
    // CF-49, VA-202, HX-091
    let mut app = App::new();
    app.request_ids(RequestIds::new().trust_any_client());
    app.get("/unlogged/:id", async |_| {
        let number: u8 = "1,000".parse()?; // the place of the error
        Ok(number.to_string())
    });
    let place = format!("loggers.rs:{}:", line!() - 3);
    let client = client(app);
    let request = client.get("/unlogged/7").header("x-request-id", "the-unlogged-one");
    assert_eq!(request.send().status(), 500);
    let line = [
        "method=GET",
        "path=/unlogged/7 ",
        "route=/unlogged/:id",
        "request_id=the-unlogged-one",
        "error=Internal Server Error: invalid digit found in string",
        &place,
    ];
    assert_eq!(logged(&line), 1);
    assert_eq!(logged(&["path=/unlogged/7"]), 1);
}

#[test]
fn a_failure_after_the_head_resets_the_connection_and_is_told() {
    // CF-50, VA-201, VA-203, VA-204
    let (outer, heard_outside) = logger();
    let (own, heard) = logger();
    let mut app = App::new();
    let broken = async |req: Request| {
        stream(async move |out| {
            out.write("part").await?;
            sleep(Duration::from_secs(1)).await;
            match req.param_str("how") {
                Some("panic") => panic!("the pen broke"),
                Some("bail") => bail!(503, "too late for a 503"),
                _ => Err(torn()),
            }
        })
    };
    app.logger(outer).route("/broken/:how").logger(own).get(broken);
    let client = TestClient::with_virtual_time(app);
    let rows = [
        ("error", "Internal Server Error: the ledger is torn"),
        ("panic", "Internal Server Error: the pen broke"),
        ("bail", "too late for a 503"),
    ];
    for (how, why) in rows {
        let connection = client.connect();
        let first = format!("GET /broken/{how} HTTP/1.1\r\nhost: x\r\n\r\n");
        connection.write(format!("{first}GET /none HTTP/1.1\r\nhost: x\r\n\r\n"));
        let head = String::from_utf8(connection.read_some().unwrap()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("part\r\n"), "{head}");
        client.advance(Duration::from_secs(1));
        // Neither an end nor a reply to the second request.
        assert_eq!(connection.read_to_end(), Err(Vec::new()));
        let (kind, line) = heard.try_recv().expect("one failure");
        assert_eq!(kind, FailureKind::AfterHead);
        let start = format!(
            "a reply failed after its head was sent at GET /broken/{how}, route /broken/:how: {why}"
        );
        assert!(line.starts_with(&start), "{line}");
        assert!(heard.try_recv().is_err(), "told once");
    }
    assert_eq!(heard_outside.try_iter().count(), 0);
}

#[test]
fn clients_that_leave_are_no_news() {
    // VA-205
    let (logger, heard) = logger();
    let mut app = App::new();
    app.logger(logger)
        .post("/read", async |req| req.text().await)
        .post("/wrapped", async |req| match req.text().await {
            Err(error) => Err(Wrapped(error.downcast_ref::<BodyError>().unwrap().clone()))?,
            text => text,
        })
        .post("/echo", async |req| {
            let mut body = req.body();
            stream(async move |out| {
                while let Some(chunk) = body.next().await {
                    out.write(chunk?).await?;
                }
                Ok(())
            })
        })
        .get("/endless", async |_| {
            stream(async |out| {
                loop {
                    out.write("more").await?;
                }
            })
        });
    let client = client(app);
    for path in ["/read", "/wrapped", "/echo"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\n");
        for finish in [true, false] {
            let connection = client.connect();
            connection.write(format!("{head}half"));
            client.settle();
            if finish {
                connection.finish();
                // Answered or broken off, both are fine here.
                let _ = connection.read_to_end();
            } else {
                connection.reset();
            }
        }
    }
    let connection = client.connect();
    connection.write("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!connection.read_some().unwrap().is_empty());
    connection.reset();
    client.settle();
    assert_eq!(client.connections(), 0);
    assert_eq!(lines(&heard), Vec::<String>::new());
}

#[test]
fn what_fails_beside_the_reply_is_told_and_harms_nobody() {
    // HX-092, HX-094, PO-134
    let (logger, heard) = logger();
    let mut app = App::new();
    app.logger(logger)
        .get("/detached", async |req| {
            req.detach(async {
                yield_now().await;
                panic!("detached and torn");
            });
            "fine"
        })
        .get("/hook", async |req| {
            req.on_close(|| panic!("hooked and torn"));
            req.on_close(|| ());
            "fine"
        })
        .get("/fine", async |_| "fine");
    let client = client(app);
    for (path, why) in [("/detached", "detached and torn"), ("/hook", "hooked and torn")] {
        assert_eq!(client.get(path).send().text(), "fine");
        client.settle();
        let (kind, line) = heard.try_recv().expect(path);
        assert_eq!(kind, FailureKind::Aside);
        assert!(line.contains(&format!("GET {path}, route {path}: ")) && line.contains(why));
        assert!(heard.try_recv().is_err(), "told once");
        assert_eq!(client.get("/fine").send().text(), "fine");
    }
    assert_eq!(client.connections(), 1);
}
