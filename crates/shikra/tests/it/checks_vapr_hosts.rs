//! The checks from outside of Vapr's list, CV-51 to CV-59: hosts, malformed requests, trailers, many routes.

use crate::checks::{Trace, check, check_raw};
use crate::support::{answers, client, problems};
use shikra::Stack;
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each pattern as a host, whose `GET /` answers with it.
fn hosts(patterns: &[&'static str]) -> App {
    let mut app = App::new();
    for &pattern in patterns {
        let mut child = App::new();
        child.get("/", async move |_| pattern);
        app.host(pattern, child);
    }
    app
}

#[track_caller]
fn check_hosts(client: &TestClient, rows: &[(&str, u16, &str)]) {
    for (host, status, body) in rows {
        let reply = client.get("/").header("host", host).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (*status, *body), "{host}");
    }
}

#[test]
fn cv51_cv53_which_host() {
    // CV-51
    check_hosts(
        &client(hosts(&["www.site.test", "dev.site.test:8080", "*.site.test:*"])),
        &[
            ("www.site.test", 200, "www.site.test"),
            ("WWW.SITE.TEST.", 200, "www.site.test"),
            ("dev.site.test:8080", 200, "dev.site.test:8080"),
            ("dev.site.test", 200, "*.site.test:*"),
            ("x.site.test:5", 200, "*.site.test:*"),
            ("a.b.site.test", 404, "Not found"),
            ("site.test", 404, "Not found"),
        ],
    );
    // CV-53
    let mut app = hosts(&["x.test"]);
    app.default_port(8080).no_host(async |_| 421);
    let client = client(app);
    check_hosts(
        &client,
        &[
            ("x.test:8080", 200, "x.test"),
            ("x.test", 421, ""),
            ("y.test", 421, ""),
            ("[::1]", 421, ""),
        ],
    );
    let all = answers(&client, "GET / HTTP/1.0\r\n\r\n");
    assert!(all.starts_with("HTTP/1.1 421 "), "{all}");
}

#[test]
fn cv52_host_patterns_that_are_refused() {
    // CV-52: CF-75 allows hosts and paths on one application.
    for pattern in ["a.com.", "w*.com", "a_b.com", "a.com:080", "a.com:65536"] {
        let told = problems(&hosts(&[pattern]));
        assert!(told.contains(pattern), "{told}");
    }
    let told = problems(&hosts(&["a.com", "a.com"]));
    assert!(told.contains("a.com"), "{told}");
    let mut app = hosts(&["a.com"]);
    app.get("/own", async |_| "own");
    check(&client(app), &[("GET /own", 200, "own")]);
}

/// An application whose handlers count, and the count.
fn counting() -> (TestClient, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut app = App::new();
    app.get("/", async move |_| count.fetch_add(1, Ordering::SeqCst).to_string());
    (client(app), runs)
}

#[test]
fn cv55_targets_that_reach_no_handler() {
    // CV-55: CF-32
    let (client, runs) = counting();
    check(&client, &[("GET //x", 404, "Not found")]);
    for target in ["http://u@h/", "ftp://h/", "/a#b", "/{", "h:80", "*?x"] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        check_raw(&client, &[(head.as_bytes(), "HTTP/1.1 400 ")]);
    }
    let head = format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(16_384));
    check_raw(&client, &[(head.as_bytes(), "HTTP/1.1 414 ")]);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn cv56_an_absolute_target_names_the_host() {
    // CV-56
    let mut app = App::new();
    let mut child = App::new();
    child.get("/", async |req: Request| format!("real {}", req.path()));
    app.host("real.test", child);
    let client = client(app);
    for target in ["http://real.test/", "http://real.test?q"] {
        let all = answers(&client, format!("GET {target} HTTP/1.1\r\nhost: evil.test\r\n\r\n"));
        assert!(all.ends_with("\r\n\r\nreal /"), "{target}: {all}");
    }
}

#[test]
fn cv57_heads_that_are_refused() {
    // CV-57
    let (client, runs) = counting();
    for fields in [
        "",
        "host: a\r\nhost: a\r\n",
        "host: a b\r\n",
        "host: h:99999\r\n",
        "host: 256.1.1.1\r\n",
        "host: h\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n",
        "host: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n",
        "host : h\r\n",
        "host: h\r\nx: a\r\n folded\r\n",
        "host: h\nx: a\r\n",
    ] {
        let head = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        check_raw(&client, &[(head.as_bytes(), "HTTP/1.1 400 ")]);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn cv58_trailers_both_ways() {
    // CV-58
    let mut app = App::new();
    app.get("/sum", async |_| {
        stream(async |out| {
            out.write("x").await?;
            out.set_trailer("x-sum", "9")
        })
        .with_header("trailer", "x-sum")
    });
    app.get("/fixed", async |_| "x".into_response().with_trailer("x-sum", "9"));
    app.get("/bad", async |_| "x".into_response().with_trailer("content-type", "a/b"));
    app.post("/", async |req: Request| {
        let trailers = req.trailers().await?;
        let fields = trailers.iter().map(|(name, value)| format!("{name}={value:?}"));
        Ok(fields.collect::<Vec<_>>().join(" "))
    });
    let client = client(app);
    for path in ["/sum", "/fixed"] {
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: te\r\n\r\n");
        let all = answers(&client, head);
        assert!(all.contains("\r\ntrailer: x-sum\r\n"), "{all}");
        assert!(all.ends_with("\r\n\r\n1\r\nx\r\n0\r\nx-sum: 9\r\n\r\n"), "{all}");
    }
    let all = answers(&client, "GET /fixed HTTP/1.0\r\nte: trailers\r\n\r\n");
    assert!(all.contains("\r\ncontent-length: 1\r\n") && !all.contains("x-sum"), "{all}");
    check(&client, &[("GET /bad", 500, "Internal Server Error")]);
    let connection = client.connect();
    connection.write(
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: \t9 \r\n\r\n",
    );
    connection.read_reply().unwrap().assert_text(r#"x-sum="9""#);
}

#[test]
fn cv59_many_routes_and_steps() {
    // CV-59: what is looked up is right; how long it takes is measured by the benchmarks of the router.
    const ROUTES: usize = 100_000;
    let trace = Trace::default();
    let mut app = App::new();
    for step in 0..10 {
        let trace = trace.clone();
        app.use_all(Stack::of(late(move |_| {
            trace.note(step.to_string());
            let trace = trace.clone();
            move |_: &mut Response| trace.note(step.to_string())
        })));
    }
    for route in 0..ROUTES {
        app.get(&format!("/r{route}"), async |req: Request| req.path().to_owned());
    }
    app.get("/p/:id", async |req| req.param::<String>("id"));
    let client = client(app);
    check(
        &client,
        &[("GET /r0", 200, "/r0"), ("GET /r99999", 200, "/r99999"), ("GET /p/7", 200, "7")],
    );
    check(&client, &[("GET /r100000", 404, "Not found")]);
    let once = "0 1 2 3 4 5 6 7 8 9 9 8 7 6 5 4 3 2 1 0";
    assert_eq!(trace.take(), [once; 4].join(" "));
}
