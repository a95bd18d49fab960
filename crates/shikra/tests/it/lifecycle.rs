//! How an exchange ends, and who hears of it in which order.

use crate::support::{answers, client, logged};
use shikra::prelude::*;
use std::future::pending;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// What was said until now, in order; `last` is waited for.
fn said(hear: &Receiver<&'static str>, last: &str) -> Vec<&'static str> {
    let mut all = Vec::new();
    while all.last() != Some(&last) {
        all.push(hear.recv_timeout(Duration::from_secs(20)).expect("somebody says it"));
    }
    all.extend(hear.try_iter());
    all
}

/// An application whose middleware and handlers say what happens.
fn app() -> (App, Receiver<&'static str>) {
    let (say, hear) = channel();
    let mut app = App::new();
    let hooks = say.clone();
    app.use_(late(move |req| {
        // Registered in an order that is not theirs.
        for (what, first, second) in
            [(0, "close 1", "close 2"), (1, "finish 1", "finish 2"), (2, "abort 1", "abort 2")]
        {
            for text in [first, second] {
                let say = hooks.clone();
                let hook = move || say.send(text).unwrap();
                match what {
                    0 => req.on_close(hook),
                    1 => req.on_finish(hook),
                    _ => req.on_abort(hook),
                }
            }
        }
        let say = hooks.clone();
        move |res| {
            say.send("prepare").unwrap();
            res.set_header("x-prepared", "1");
        }
    }));
    let handler = say.clone();
    app.get("/plain", async move |req| {
        let say = handler.clone();
        req.on_finish(move || say.send("handler's").unwrap());
        "x"
    });
    app.get("/stream", async |_| stream(async |out| out.write("x").await));
    app.get("/fails", async |_| -> Result<u16> { bail!(400) });
    let waits = say.clone();
    app.get("/waits", async move |_| {
        waits.send("waits").unwrap();
        pending::<u16>().await
    });
    app.get("/breaks", async |_| {
        stream(async |out| {
            out.write("x").await?;
            out.flush().await?;
            bail!(500, "breaks off")
        })
    });
    app.get("/drop", async |_| Response::abort());
    app.get("/late-panic", async |_| "x");
    (app, hear)
}

#[test]
fn a_whole_reply_is_prepared_finished_and_closed_in_this_order() {
    // HX-171, HX-173, HX-175, HX-176, HX-177, HX-178, VA-121
    let (app, hear) = app();
    let client = client(app);
    for (path, status) in [("/stream", 200), ("/fails", 400), ("/nowhere", 404)] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), reply.header("x-prepared")), (status, Some("1")));
        assert_eq!(
            said(&hear, "close 2"),
            ["prepare", "finish 1", "finish 2", "close 1", "close 2"],
            "{path}"
        );
    }
    assert_eq!(client.get("/plain").send().text(), "x");
    assert_eq!(
        said(&hear, "close 2"),
        ["prepare", "finish 1", "finish 2", "handler's", "close 1", "close 2"]
    );
}

#[test]
fn an_exchange_that_breaks_off_is_aborted_and_closed() {
    // HX-174, HX-177, HX-178
    let (app, hear) = app();
    let client = client(app);
    let connection = client.connect();
    connection.write("GET /waits HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(said(&hear, "waits"), ["waits"]);
    connection.reset();
    assert_eq!(said(&hear, "close 2"), ["abort 1", "abort 2", "close 1", "close 2"]);
    assert!(client.get("/breaks").try_send().is_err());
    assert_eq!(said(&hear, "close 2"), ["prepare", "abort 1", "abort 2", "close 1", "close 2"]);
}

#[test]
fn an_abort_drops_the_connection_without_a_byte() {
    // HX-157
    let (app, hear) = app();
    let client = client(app);
    let connection = client.connect();
    connection.write("GET /plain HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), "x");
    said(&hear, "close 2");
    connection.write("GET /drop HTTP/1.1\r\nhost: x\r\n\r\nGET /plain HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(connection.read_to_end(), Ok(Vec::new()));
    assert_eq!(said(&hear, "close 2"), ["prepare", "abort 1", "abort 2", "close 1", "close 2"]);
    // A middleware may change its mind.
    let mut app = App::new();
    app.use_(late(|_| {
        |res| {
            assert_eq!(res.status(), 500);
            *res = 403.into_response();
        }
    }));
    app.get("/", async |_| Response::abort());
    assert_eq!(crate::support::client(app).get("/").send().status(), 403);
}

#[test]
fn a_body_that_is_read_while_the_connection_is_dropped_fails() {
    // HX-157
    let (say, hear) = channel();
    let mut app = App::new();
    app.post("/", async move |req| {
        let say = say.clone();
        let reader = req.clone();
        req.detach(async move {
            say.send("reads").unwrap();
            let error = reader.body().next().await.expect("there is more").is_err();
            say.send(if error { "failed" } else { "read" }).unwrap();
        });
        shikra::sleep(Duration::from_millis(1)).await;
        Response::abort()
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n");
    assert_eq!(said(&hear, "failed"), ["reads", "failed"]);
}

#[test]
fn a_reply_may_close_its_connection() {
    // HX-150
    let mut app = App::new();
    app.get("/last", async |_| "last".into_response().with_close()).get("/next", async |_| "next");
    let client = client(app);
    let all = answers(
        &client,
        "GET /next HTTP/1.1\r\nhost: x\r\n\r\nGET /last HTTP/1.1\r\nhost: x\r\n\r\n\
         GET /next HTTP/1.1\r\nhost: x\r\n\r\n",
    );
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 2, "{all}");
    assert_eq!(all.matches("connection: close\r\n").count(), 1, "{all}");
    assert!(all.ends_with("\r\n\r\nlast"), "{all}");
    assert!(!client.get("/last").send().keeps_alive());
}

#[test]
fn a_kept_request_tells_finished_from_gone() {
    // HX-133, HX-134
    let (say, hear) = channel();
    let mut app = App::new();
    app.get("/:page", async move |req| {
        let (say, kept) = (say.clone(), req.clone());
        assert!(!req.is_finished() && !req.is_closed());
        req.detach(async move {
            while !kept.is_finished() && !kept.is_closed() {
                shikra::sleep(Duration::from_millis(1)).await;
            }
            say.send((kept.path().to_owned(), kept.is_finished(), kept.is_closed())).unwrap();
        });
        if req.path() == "/waits" {
            pending::<()>().await;
        }
        "x"
    });
    let client = client(app);
    let wait = || hear.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(client.get("/whole").send().text(), "x");
    assert_eq!(wait(), ("/whole".to_owned(), true, false));
    let connection = client.connect();
    connection.write("GET /waits HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    connection.reset();
    assert_eq!(wait(), ("/waits".to_owned(), false, true));
}

#[test]
fn what_fails_while_it_prepares_goes_to_the_error_handler() {
    // HX-175, VA-113
    let mut app = App::new();
    app.on_error(async |_, error| (error.status(), "handled"));
    app.use_(late(|_| |res| res.append_header("x-outer", "1")));
    app.use_(late(|_| |_| panic!("while it prepares")));
    app.get("/late-panic", async |_| "x".with_header("x-inner", "1"));
    let reply = client(app).get("/late-panic").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "handled"));
    assert_eq!((reply.header("x-outer"), reply.header("x-inner")), (Some("1"), None));
    assert_eq!(logged(&["path=/late-panic", "while it prepares"]), 1);
}
