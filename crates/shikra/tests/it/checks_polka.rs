//! The checks from outside of Polka's list, CP-01 to CP-28: routes, patterns, requests, tiers.

use crate::checks::{Trace, ask, check};
use crate::support::{client, problems};
use shikra::Stack;
use shikra::prelude::*;
use shikra::router::Pattern;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A handler that says which pattern matched, and with which values.
async fn show(req: Request) -> String {
    let params = req.params().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", req.pattern().unwrap_or("none"), params.collect::<String>())
}

#[test]
fn cp01_the_canonical_program() {
    // CP-01
    struct Hello(&'static str);
    struct There(&'static str);
    let mut app = App::new();
    app.use_(before(async |req| {
        req.meta().insert(Hello("hello"));
    }))
    .use_(before(async |req| {
        req.meta().insert(There("there"));
    }))
    .get("/u/:id", async |req| {
        let words = req.meta().get::<Hello>().zip(req.meta().get::<There>()).or_status(500)?;
        Ok(format!("{} {} {}", words.0.0, words.1.0, req.param::<u32>("id")?))
    });
    check(&client(app), &[("GET /u/7", 200, "hello there 7")]);
}

#[test]
fn cp02_to_cp04_answers_without_a_route() {
    // CP-02
    let none = client(App::new());
    check(&none, &[("GET /", 404, "Not found"), ("HEAD /", 404, "")]);
    let mut app = App::new();
    app.get("/a", async |_| "a");
    let client = client(app);
    // CP-03: asked of the profile that imitates its source, 404 each; by CF-12, CF-14 and CF-15 it is CP-04.
    // CP-04
    check(&client, &[("POST /a", 405, "Method not allowed"), ("HEAD /a", 200, "")]);
    assert_eq!(ask(&client, "POST /a").header("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(ask(&client, "HEAD /a").header("content-length"), Some("1"));
    let reply = ask(&client, "OPTIONS /a");
    assert_eq!((reply.status().as_u16(), reply.bytes()), (204, &b""[..]));
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn cp05_a_table_in_one_chain() {
    // CP-05: PO-060, PO-064
    let mut app = App::new();
    app.get("/", async |_| "root")
        .get("/users", async |_| "list")
        .post("/users", async |_| "create")
        .get("/users/:id", async |req| Ok(format!("show {}", req.param::<u8>("id")?)))
        .put("/users/:id", async |req| Ok(format!("update {}", req.param::<u8>("id")?)))
        .delete("/users/:id", async |req| Ok(format!("delete {}", req.param::<u8>("id")?)))
        .patch("/users/:id", async |_| "patch")
        .head("/head", async |_| Response::new().with_header("x-own", "1"))
        .options("/users", async |_| "own options")
        .method(Method::TRACE, "/users", async |_| "trace");
    let client = client(app);
    check(
        &client,
        &[
            ("GET /", 200, "root"),
            ("GET /users", 200, "list"),
            ("POST /users", 200, "create"),
            ("GET /users/1", 200, "show 1"),
            ("PUT /users/2", 200, "update 2"),
            ("DELETE /users/3", 200, "delete 3"),
            ("PATCH /users/3", 200, "patch"),
            ("OPTIONS /users", 200, "own options"),
            ("TRACE /users", 200, "trace"),
        ],
    );
    assert_eq!(ask(&client, "HEAD /head").header("x-own"), Some("1"));
}

#[test]
fn cp06_to_cp09_methods_and_precedence() {
    let propfind = || Method::from_bytes(b"PROPFIND").unwrap();
    let mut app = App::new();
    app.any("/h", async |_| "all")
        .post("/h", async |_| "post")
        .method(propfind(), "/p", async |_| "found")
        .get("/o/:x", show)
        .get("/o/fixed", show);
    check(
        &client(app),
        &[
            // CP-06
            ("GET /h", 200, "all"),
            ("PUT /h", 200, "all"),
            ("POST /h", 200, "post"),
            // CP-07
            ("PROPFIND /p", 200, "found"),
            ("GET /p", 405, "Method not allowed"),
            // CP-08: the first route under its profile; by CF-05 the most specific one, as CP-09 has it.
            // CP-09
            ("GET /o/fixed", 200, "/o/fixed"),
            ("GET /o/other", 200, "/o/:x x=other"),
        ],
    );
}

#[test]
fn cp10_to_cp16_patterns() {
    let mut app = App::new();
    app.get("/u/:id?", show)
        .get("/v/:id?/books/:title?", show)
        .get("/b/:x/:y?", show)
        .get("/f/*", show)
        .get("/m/:t.mp4", show)
        .get("/Users", show);
    let client = client(app);
    check(
        &client,
        &[
            // CP-10
            ("GET /u", 200, "/u/:id?"),
            ("GET /u/", 200, "/u/:id?"),
            ("GET /u/5", 200, "/u/:id? id=5"),
            ("GET /u/5/6", 404, "Not found"),
            // CP-11: CF-06, any optional parameter may be absent.
            ("GET /v/1/books", 200, "/v/:id?/books/:title? id=1"),
            ("GET /v/1/books/t", 200, "/v/:id?/books/:title? id=1 title=t"),
            ("GET /v/books", 200, "/v/:id?/books/:title?"),
            ("GET /v", 404, "Not found"),
            ("GET /v/1", 404, "Not found"),
            // CP-12
            ("GET /b", 404, "Not found"),
            ("GET /b/1", 200, "/b/:x/:y? x=1"),
            ("GET /b/1/2", 200, "/b/:x/:y? x=1 y=2"),
            ("GET /b/1/2/3", 404, "Not found"),
            // CP-13: CF-07, the value is the whole rest.
            ("GET /f", 404, "Not found"),
            ("GET /f/", 404, "Not found"),
            ("GET /f/a", 200, "/f/* *=a"),
            ("GET /f/a/b%20c?q", 200, "/f/* *=a/b c"),
            // CP-15
            ("GET /m/a.b.mp4", 200, "/m/:t.mp4 t=a.b"),
            ("GET /m/a.mp3", 404, "Not found"),
            // CP-16
            ("GET /users", 404, "Not found"),
            ("GET /Users/", 200, "/Users"),
            ("GET /Users?x", 200, "/Users"),
        ],
    );
}

#[test]
fn cp14_a_bare_star_is_everything() {
    // CP-14
    let mut app = App::new();
    app.get("*", async |_| "any");
    check(
        &client(app),
        &[("GET /", 200, "any"), ("GET /x", 200, "any"), ("GET /x/y/z", 200, "any")],
    );
}

#[test]
fn cp17_cp18_patterns_that_are_refused() {
    // CP-17: PO-141. The message names the place.
    for (pattern, at) in [("/ab?cd", 3), ("/ab+cd", 3), ("/ab(cd)?e", 3), ("/a/*/b", 4)] {
        let mut app = App::new();
        app.get(pattern, show);
        match Pattern::parse(pattern) {
            Err(error) => assert_eq!(error.position(), at, "{error}"),
            Ok(_) => panic!("{pattern} is a pattern"),
        }
        let told = problems(&app);
        assert!(told.contains(pattern) && told.contains('^'), "{told}");
    }
    // CP-18: CF-09, a name that is taken is a mistake, and not the later value.
    let mut app = App::new();
    app.get("/d/:x/:x", show);
    let told = problems(&app);
    assert!(told.contains("already taken") && told.contains("/d/:x/:x"), "{told}");
}

#[test]
fn cp19_to_cp22_what_a_request_says() {
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        let seen = format!(
            "{} ?{} {:?} {:?}",
            req.path(),
            req.query_str().unwrap_or("none"),
            req.query().get_all("z").collect::<Vec<_>>(),
            req.param_str("id"),
        );
        next.run(req).await.with_header("x-seen", seen)
    })
    .get("/u/:id", async |req| {
        Ok(format!("{} {}", req.param::<String>("id")?, req.param_raw("id").or_status(500)?))
    })
    .get("/q", async |req| match req.query_str() {
        None => "no query".to_owned(),
        Some(_) => format!("{:?}", req.query().iter().collect::<Vec<_>>()),
    });
    let client = client(app);
    // CP-19: CF-08 and CF-32, values are decoded, and what cannot be is refused.
    check(
        &client,
        &[
            ("GET /u/a%20b", 200, "a b a%20b"),
            ("GET /u/%zz", 400, "malformed percent-encoding in the path"),
        ],
    );
    // CP-20
    let reply = ask(&client, "GET /u/9?z=1&z=2");
    assert_eq!(reply.header("x-seen"), Some(r#"/u/9 ?z=1&z=2 ["1", "2"] Some("9")"#));
    check(
        &client,
        &[
            // CP-21: CF-35 and CF-36.
            ("GET /q?a", 200, r#"[("a", "")]"#),
            ("GET /q?a=", 200, r#"[("a", "")]"#),
            ("GET /q?a=b=c", 200, r#"[("a", "b=c")]"#),
            ("GET /q?%61=%20+", 200, r#"[("a", "  ")]"#),
            ("GET /q?&&x=1&", 200, r#"[("x", "1")]"#),
            ("GET /q?=v", 200, r#"[("", "v")]"#),
            ("GET /q?a=%zz", 200, r#"[("a", "%zz")]"#),
            ("GET /q?", 200, "[]"),
            ("GET /q", 200, "no query"),
            // CP-22
            (
                "GET /q?__proto__=1&constructor=2",
                200,
                r#"[("__proto__", "1"), ("constructor", "2")]"#,
            ),
        ],
    );
}

#[test]
fn cp23_to_cp25_tiers_and_bases() {
    let trace = Trace::default();
    let mut app = App::new();
    app.get("/api/:v", trace.handler("route"))
        .use_at("/api", trace.step("a"))
        .use_(trace.step("g1"))
        .use_at("api", trace.step("b"))
        .use_at("/", trace.step("g2"))
        .get("/", trace.handler("root"))
        .use_at("/k", trace.step("k"))
        .use_at("/a/b", trace.step("ab"))
        .use_at("/c/", trace.step("c"));
    let client = client(app);
    for (line, status, wanted) in [
        // CP-23
        ("GET /api/1", 200, "g1 g2 a b route"),
        ("GET /", 200, "g1 g2 root"),
        ("GET /apix/1", 404, "g1 g2"),
        // CP-24
        ("GET /k", 404, "g1 g2 k"),
        ("POST /k/none", 404, "g1 g2 k"),
        ("GET /kk", 404, "g1 g2"),
        // CP-25: CF-22, a base is compared segment by segment, at any depth.
        ("GET /a/b/x", 404, "g1 g2 ab"),
        ("GET /a/bc", 404, "g1 g2"),
        ("GET /c/1", 404, "g1 g2 c"),
    ] {
        assert_eq!(ask(&client, line).status(), status, "{line}");
        assert_eq!(trace.take(), wanted, "{line}");
    }
}

#[test]
fn cp26_lists_of_functions() {
    // CP-26
    let trace = Trace::default();
    let mut app = App::new();
    let inner = Stack::of((trace.step("b"), trace.step("c")));
    app.use_all((trace.step("a"), inner, trace.step("d")));
    app.use_all_at("/x", (trace.step("e"), [Stack::of(trace.step("f"))]));
    app.get("/x", trace.handler("x"));
    check(&client(app), &[("GET /x", 200, "x")]);
    assert_eq!(trace.take(), "a b c d e f x");
}

#[test]
fn cp27_a_guard() {
    // CP-27: PO-123
    let mut app = App::new();
    app.use_(before(async |req| req.header("authorization").is_none().then_some((401, "who?"))))
        .get("*", async |_| "welcome");
    let client = client(app);
    check(&client, &[("GET /", 401, "who?"), ("POST /x", 401, "who?")]);
    let reply = client.get("/x").header("authorization", "me").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (200, "welcome"));
    // CF-12: the path is known, so it is 405 and not 404.
    assert_eq!(client.post("/x").header("authorization", "me").send().status(), 405);
}

#[test]
fn cp28_an_early_answer_ends_the_chain() {
    // CP-28
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut app = App::new();
    app.use_(before(async |_| Some((400, [("x-why", "early")], Json([("error", "bad")])))));
    app.get("/", async move |_| count.fetch_add(1, Ordering::SeqCst).to_string());
    let reply = client(app).get("/").send();
    reply.assert_status(400).assert_text(r#"[["error","bad"]]"#).assert_header("x-why", "early");
    reply.assert_header("content-type", "application/json").assert_header("content-length", "17");
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}
