//! Errors and panics: who turns them into replies, and what the client and the log get to see.

use crate::control::step;
use crate::support::{client, logged};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::future::pending;
use std::time::Duration;
use tokio::task::yield_now;

#[test]
fn asks_error_handlers_from_the_inside_out() {
    // CF-26, PO-014, PO-018, CP-33, HX-050, HX-076, PO-043
    let mut silent = App::new();
    silent.get("/boom", async |_| bail_out(402));
    let mut own = App::new();
    own.get("/boom", async |_| bail_out(402)).get("/outward", async |_| bail_out(418)).on_error(
        async |_, err| match err.status().as_u16() {
            418 => Err(Error::new(419, "passed on")),
            status => Ok((555, format!("inner {status}"))),
        },
    );
    let mut app = App::new();
    app.mount("/silent", silent).mount("/own", own).get("/boom", async |_| bail_out(402));
    app.on_error(async |req, err| {
        (err.status(), format!("outer {} at {}", err.message(), req.path()))
    });
    let client = client(app);
    let rows = [
        ("/boom", 402, "outer bailed at /boom"),
        ("/silent/boom", 402, "outer bailed at /silent/boom"),
        ("/own/boom", 555, "inner 402"),
        ("/own/outward", 419, "outer passed on at /own/outward"),
        ("/own/none", 555, "inner 404"),
        ("/silent/none", 404, "outer Not found at /silent/none"),
        ("/none", 404, "outer Not found at /none"),
    ];
    for (path, status, text) in rows {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
    }
}

fn bail_out(status: u16) -> Result<&'static str> {
    bail!(status, "bailed")
}

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner(u16);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer secret")
    }
}

impl std::fmt::Display for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("inner secret")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl std::error::Error for Inner {}

async fn fail(req: Request) -> Result<&'static str> {
    Err(Outer(Inner(req.query().parse("n")?.unwrap_or(7))))?
}

#[test]
fn catches_errors_by_the_type_of_a_cause() {
    let mut app = App::new();
    app.get("/fail", fail)
        .get("/other", async |_| bail_out(402))
        .catch(async |_, err: &Inner| match err.0 {
            7 => Ok((503, "caught seven")),
            _ => Err(Error::new(400, "not mine")),
        })
        .on_error(async |_, err| (err.status(), format!("any: {}", err.message())));
    let client = client(app);
    assert_eq!(client.get("/fail").send().text(), "caught seven");
    assert_eq!(client.get("/other").send().text(), "any: bailed");
    // An error of an error handler goes to the application around, of which there is none.
    let reply = client.get("/fail?n=8").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (400, "not mine"));
}

#[test]
fn keeps_causes_from_clients_unless_in_development() {
    // CF-48, PO-135, CP-32, HX-091, PO-106
    let client_of = |app: &mut App| client(app.get("/fail", fail));
    let production = client_of(&mut App::new());
    let reply = production.get("/fail").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "Internal Server Error"));
    let reply = production.get("/fail").header("accept", "application/json").send();
    assert!(!reply.text().contains("secret"), "{reply:?}");
    let development = client_of(App::new().development());
    for accept in ["text/html", "application/json"] {
        let text = development.get("/fail").header("accept", accept).send().text();
        assert!(text.contains("outer secret") && text.contains("inner secret"), "{text}");
    }
    assert!(logged(&["path=/fail", "outer secret: inner secret"]) >= 4);
}

#[test]
fn answers_errors_as_problem_details_to_who_accepts_json() {
    let mut app = App::new();
    app.get("/short", async |_| Err::<&str, _>(Error::new(402, "3 \"short\"")));
    let client = client(app);
    for accept in ["application/json", "text/html, application/problem+json;q=0.9"] {
        let reply = client.get("/short").header("accept", accept).send();
        assert_eq!(reply.status(), 402);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let body: serde_json::Value = reply.json();
        let expected = serde_json::json!({
            "title": "Payment Required", "status": 402, "detail": "3 \"short\""
        });
        assert_eq!(body, expected);
    }
    for accept in ["text/html", "*/*", "application/json;q=0", "application/jsonp"] {
        let reply = client.get("/short").header("accept", accept).send();
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"), "{accept}");
        assert_eq!(reply.text(), "3 \"short\"");
    }
    let reply = client.post("/short").header("accept", "application/json").send();
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(reply.json::<serde_json::Value>()["status"], 405);
}

#[test]
fn errors_bring_their_header_fields() {
    let mut app = App::new();
    app.get("/", async |_| {
        let error = Error::from_status(401).with_header("www-authenticate", "Basic");
        Err::<&str, _>(error)
    });
    let plain = client(app.clone()).get("/").send();
    assert_eq!(plain.header_all("www-authenticate"), ["Basic"]);
    app.on_error(async |_, err| (err.status(), "own"));
    let own = client(app).get("/").send();
    assert_eq!((own.header_all("www-authenticate"), &*own.text()), (vec!["Basic"], "own"));
}

#[test]
fn treats_a_status_that_is_no_error_as_500() {
    // PO-130
    let mut app = App::new();
    app.get("/error/:n", async |req| {
        let status: u16 = req.param("n")?;
        Err::<&str, _>(Error::new(status, "hidden"))
    });
    let client = client(app);
    for n in ["99", "199", "200", "302", "399", "600", "1000"] {
        let reply = client.get(&format!("/error/{n}")).send();
        assert_eq!(
            (reply.status().as_u16(), &*reply.text()),
            (500, "Internal Server Error"),
            "{n}"
        );
    }
    for n in [400, 599] {
        assert_eq!(client.get(&format!("/error/{n}")).send().status(), n);
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in a destructor");
        }
    }
}

#[test]
fn a_panic_anywhere_is_a_500_for_its_request_alone() {
    // CF-29, PO-133, CP-32
    let mut app = App::new();
    app.get("/handler", async |req| panic_at(&req, "/handler"))
        .get("/later", async |req| {
            yield_now().await;
            panic_at(&req, "/later")
        })
        .get("/drop", async |_| {
            let _guard = PanicsInDrop;
            yield_now().await;
            "fine until the end"
        })
        .get("/m/:page", async |_| "page")
        .use_at("/m/before", async |req: Request, next: Next| {
            panic_at(&req, "/m/before");
            next.run(req).await
        })
        .use_at("/m/after", async |req: Request, next: Next| {
            let res = next.run(req.clone()).await;
            yield_now().await;
            panic_at(&req, "/m/after");
            res
        })
        .use_at(
            "/m/first-half",
            late(|req| {
                panic_at(&req, "/m/first-half");
                |_| {}
            }),
        )
        .use_at(
            "/m/second-half",
            late(|req| {
                move |_| {
                    panic_at(&req, "/m/second-half");
                }
            }),
        )
        .get("/fine", async |_| "fine");
    app.route("/cut").deadline(Duration::ZERO).get(async |_| {
        let _guard = PanicsInDrop;
        pending::<&str>().await
    });
    // The same with a middleware around, whose second half must run.
    let mut wrapped = app.clone();
    wrapped.use_(step("around"));
    for (client, steps) in [(client(app), None), (client(wrapped), Some("around"))] {
        let inside = ["/handler", "/later", "/drop", "/cut"];
        let middle = ["/m/before", "/m/after", "/m/first-half", "/m/second-half"];
        for path in inside.into_iter().chain(middle) {
            let reply = client.get(path).send();
            assert_eq!(
                (reply.status().as_u16(), &*reply.text()),
                (500, "Internal Server Error"),
                "{path}"
            );
            assert_eq!(reply.header("x-steps"), steps, "{path}");
            assert!(reply.keeps_alive(), "{path}");
            assert_eq!(client.get("/fine").send().text(), "fine");
        }
        assert_eq!(client.connections(), 1);
    }
    assert_eq!(logged(&["path=/later", "panic at /later"]), 2);
}

fn panic_at(req: &Request, path: &str) -> &'static str {
    assert!(req.path() != path, "panic at {path}");
    "no panic"
}

#[test]
fn a_panic_in_an_error_handler_is_a_plain_500() {
    let mut app = App::new();
    app.get("/fails", async |_| bail_out(402))
        .get("/panics", async |req| panic_at(&req, "/panics"))
        .on_error(async |req, err| {
            yield_now().await;
            panic_at(&req, "/fails");
            assert!(!err.is_panic(), "panic about a panic");
            "fine"
        })
        .get("/fine", async |_| "fine");
    let mut wrapped = app.clone();
    wrapped.use_(step("around"));
    for client in [client(app), client(wrapped)] {
        for path in ["/fails", "/panics"] {
            let reply = client.get(path).send();
            assert_eq!(
                (reply.status().as_u16(), &*reply.text()),
                (500, "Internal Server Error"),
                "{path}"
            );
            assert!(reply.keeps_alive());
        }
        assert_eq!(client.get("/none").send().text(), "fine");
        assert_eq!(client.get("/fine").send().text(), "fine");
    }
}

/// What an error handler answers with no status of its own keeps that of the error, so that no error becomes
/// a 200 by accident; one that it says, 200 included, is kept.
#[test]
fn an_error_keeps_its_status_unless_its_handler_says_another() {
    let failing = || {
        let mut app = App::new();
        app.get("/402", async |_| Err::<u16, _>(Error::new(402, "short")));
        app.get("/500", async |_| Ok("x".parse::<u8>()?.to_string()));
        app
    };
    let mut plain = failing();
    plain.on_error(async |_, error| error.message().to_owned());
    let client = TestClient::new(plain);
    client.get("/402").send().assert_status(402).assert_text("short");
    client.get("/500").send().assert_status(500).assert_text("Internal Server Error");
    client.get("/none").send().assert_status(404).assert_text("Not found");
    client.post("/402").send().assert_status(405).assert_header("allow", "GET, HEAD, OPTIONS");

    let mut caught = failing();
    caught.catch(async |_, _: &std::num::ParseIntError| "no number");
    TestClient::new(caught).get("/500").send().assert_status(500).assert_text("no number");

    let mut said = failing();
    said.on_error(async |_, _| (200, "never mind"));
    TestClient::new(said).get("/402").send().assert_status(200).assert_text("never mind");
}
