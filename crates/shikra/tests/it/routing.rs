//! Which handler a request reaches, and what is said when there is none.

use crate::support::{answers, client, logged, problems};
use shikra::prelude::*;
use shikra::router::{PathCase, TrailingSlash};
use shikra::testing::TestClient;

/// A handler that says which pattern matched, and with which values.
async fn show(req: Request) -> String {
    let params = req.params().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", req.pattern().unwrap_or("none"), params.collect::<String>())
}

/// The text of the reply to each path, or its status.
#[track_caller]
fn check(client: &TestClient, rows: &[(&str, &str)]) {
    for (target, expected) in rows {
        let reply = client.get(target).send();
        let found =
            if reply.status() == 200 { reply.text() } else { reply.status().as_str().into() };
        assert_eq!(found, *expected, "{target}");
    }
}

#[test]
fn matches_parameters_and_the_most_specific_pattern() {
    // CF-05, CF-06, CF-07, PO-070, PO-075, PO-077, PO-081, PO-082, PO-085, VA-052, VA-060, HX-063
    let mut app = App::new();
    app.get("/", show)
        .get("/users/:id", show)
        .get("/users/all", show)
        .get("/users/:id/books/:book?", show)
        .get("/m/:name.mp4", show)
        .get("/files/*", show)
        .get("/any/*?", show)
        .get("/rest/*tail", show);
    check(
        &client(app),
        &[
            ("/", "/"),
            ("/?q=1", "/"),
            ("/users/7", "/users/:id id=7"),
            ("/users/all", "/users/all"),
            ("/users/7/books", "/users/:id/books/:book? id=7"),
            ("/users/7/books/t", "/users/:id/books/:book? id=7 book=t"),
            ("/users/7/books/t/u", "404"),
            ("/m/a.b.mp4", "/m/:name.mp4 name=a.b"),
            ("/m/a.mp3", "404"),
            ("/files", "404"),
            ("/files/", "404"),
            ("/files/a/b%20c?q", "/files/* *=a/b c"),
            ("/any", "/any/*?"),
            ("/any/x/y", "/any/*? *=x/y"),
            ("/rest/x/y", "/rest/*tail tail=x/y"),
            ("/Users/all", "404"),
        ],
    );
}

#[test]
fn decodes_parameters_and_keeps_the_sent_text() {
    // CF-04, CF-08, PO-092, VA-042
    let mut app = App::new();
    app.get("/p/:a", async |req| {
        Ok(format!(
            "{} {} {}",
            req.param::<String>("a")?,
            req.param_raw("a").unwrap_or_default(),
            req.path(),
        ))
    });
    check(
        &client(app),
        &[
            ("/p/a%20b", "a b a%20b /p/a%20b"),
            ("/p/a%2Fb", "a/b a%2Fb /p/a%2Fb"),
            ("/%70/J%C3%BCrgen", "Jürgen J%C3%BCrgen /%70/J%C3%BCrgen"),
            ("/p/a+b", "a+b a+b /p/a+b"),
            ("/p/a/b", "404"),
            ("/p/", "404"),
        ],
    );
}

#[test]
fn says_what_is_wrong_with_a_parameter() {
    let mut app = App::new();
    app.get("/n/:n", async |req| Ok(req.param::<u8>("n")?.to_string()))
        .get("/o/:n?", async |req| Ok(format!("{:?}", req.param_opt::<u8>("n")?)))
        .get("/absent/:n?", async |req| Ok(req.param::<u8>("n")?.to_string()))
        .get("/unknown/:n", async |req| Ok(req.param::<u8>("m")?.to_string()));
    let client = client(app);
    let rows = [
        ("/n/255", "255"),
        ("/n/256", "400"),
        ("/n/-1", "400"),
        ("/o", "None"),
        ("/o/7", "Some(7)"),
        ("/o/x", "400"),
        ("/absent", "500"),
        ("/unknown/1", "500"),
    ];
    check(&client, &rows);
    let text = client.get("/n/256").send().text();
    assert!(text.starts_with("parameter `n`: "), "{text}");
    assert_eq!(client.get("/unknown/1").send().text(), "Internal Server Error");
    assert_eq!(logged(&["path=/unknown/1", "no parameter `m`"]), 2);
}

#[test]
fn answers_404_in_text() {
    // CF-16, CF-18, PO-016, PO-136, CP-02
    let client = client(App::new());
    let reply = client.get("/").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (404, "Not found"));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    let reply = client.head("/").send();
    assert_eq!((reply.status().as_u16(), reply.bytes()), (404, &b""[..]));
}

#[test]
fn answers_405_with_the_methods_there_are() {
    // CF-12, CF-14, CF-15, PO-065, PO-066, CP-04
    let mut app = App::new();
    app.get("/a", async |_| "a").post("/a", async |_| "posted").delete("/b", async |_| 204);
    let client = client(app);
    let reply = client.put("/a").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (405, "Method not allowed"));
    assert_eq!(reply.header_all("allow"), ["GET, HEAD, OPTIONS, POST"]);
    assert_eq!(client.get("/b").send().header("allow"), Some("DELETE, OPTIONS"));
    let reply = client.head("/a").send();
    assert_eq!((reply.status().as_u16(), reply.header("content-length")), (200, Some("1")));
    assert_eq!(client.head("/b").send().status(), 405);
    let reply = client.options("/a").send();
    assert_eq!((reply.status().as_u16(), reply.header("content-length")), (204, None));
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    assert_eq!(client.options("/none").send().status(), 404);
}

#[test]
fn keeps_allow_when_an_error_handler_answers_405() {
    let mut app = App::new();
    app.get("/a", async |_| "a")
        .on_error(async |_, err| (err.status(), format!("own {}", err.status().as_u16())));
    let client = client(app);
    let reply = client.post("/a").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (405, "own 405"));
    assert_eq!(reply.header_all("allow"), ["GET, HEAD, OPTIONS"]);
    assert_eq!(client.get("/b").send().text(), "own 404");
}

#[test]
fn lets_own_routes_answer_head_and_options() {
    let mut app = App::new();
    app.get("/a", async |_| "a")
        .head("/a", async |_| Response::new().with_header("x-own", "head"))
        .options("/a", async |_| "own options");
    let client = client(app);
    assert_eq!(client.head("/a").send().header("x-own"), Some("head"));
    assert_eq!(client.options("/a").send().text(), "own options");
    assert_eq!(client.get("/a").send().text(), "a");
}

#[test]
fn answers_for_the_whole_server() {
    // CF-15: the target `*`.
    let mut app = App::new();
    app.any("/*?", async |_| "a wildcard is a path");
    let client = client(app);
    let all = answers(&client, "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(all.starts_with("HTTP/1.1 204 No Content\r\n"), "{all}");
    let all = answers(&client, "GET * HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(all.starts_with("HTTP/1.1 400 "), "{all}");
}

#[test]
fn refuses_to_be_a_proxy() {
    // CF-74, VA-029
    let client = client(App::new().any("/*?", async |_| "any"));
    let all = answers(&client, "CONNECT x.example:443 HTTP/1.1\r\nhost: x.example:443\r\n\r\n");
    assert!(all.starts_with("HTTP/1.1 405 "), "{all}");
    assert!(all.contains("connection: close\r\n"), "{all}");
    let all = answers(&client, "GET http://x.example/a HTTP/1.1\r\nhost: x.example\r\n\r\n");
    assert!(all.ends_with("\r\n\r\nany"), "a target in absolute form is a path: {all}");
}

#[test]
fn goes_on_to_a_less_specific_route_that_has_the_method() {
    // CF-13
    let mut app = App::new();
    app.post("/users/all", async |_| "post all")
        .get("/users/:id", show)
        .delete("/*", async |_| "delete anything");
    let client = client(app);
    assert_eq!(client.get("/users/all").send().text(), "/users/:id id=all");
    assert_eq!(client.delete("/users/all").send().text(), "delete anything");
    let reply = client.put("/users/all").send();
    assert_eq!(reply.status(), 405);
    assert_eq!(reply.header("allow"), Some("DELETE, GET, HEAD, OPTIONS, POST"));
}

#[test]
fn treats_a_slash_at_the_end_as_set() {
    // CF-02
    let app = |setting: TrailingSlash| {
        let mut app = App::new();
        app.trailing_slash(setting).get("/a", show).get("/b/", show).get("/", show);
        client(app)
    };
    let ignored = app(TrailingSlash::Ignore);
    check(&ignored, &[("/a/", "/a"), ("/a", "/a"), ("/b", "/b/"), ("/a//", "404"), ("//a", "404")]);
    let strict = app(TrailingSlash::Strict);
    check(&strict, &[("/a/", "404"), ("/a", "/a"), ("/b", "404"), ("/b/", "/b/"), ("/", "/")]);
    let redirecting = app(TrailingSlash::Redirect);
    check(&redirecting, &[("/a", "/a"), ("/b/", "/b/"), ("/", "/")]);
    let reply = redirecting.post("/a/?q=1").send();
    assert_eq!(reply.status(), 405, "only a path that would match is redirected");
    let reply = redirecting.get("/a/?q=1").send();
    assert_eq!((reply.status().as_u16(), reply.header("location")), (308, Some("/a?q=1")));
    let reply = redirecting.get("/b").send();
    assert_eq!((reply.status().as_u16(), reply.header("location")), (308, Some("/b/")));
}

#[test]
fn never_redirects_to_another_host() {
    let mut app = App::new();
    app.trailing_slash(TrailingSlash::Redirect).get("/*", show).get("/:a/:b/", show);
    let client = client(app);
    for target in ["//evil.example/", "//evil.example/x", "/%2Fevil.example/x", "/\\evil.example/x"]
    {
        let reply = client.get(target).send();
        let location = reply.header("location").unwrap_or_default();
        assert!(
            !location.starts_with("//") && !location.starts_with("/\\"),
            "{target}: {location}"
        );
    }
}

#[test]
fn compares_letters_as_set() {
    // CF-01
    let mut app = App::new();
    app.path_case(PathCase::Insensitive).get("/Users/:id", show);
    check(&client(app), &[("/uSERS/Ada", "/Users/:id id=Ada"), ("/user/Ada", "404")]);
}

#[test]
fn refuses_paths_that_are_no_text() {
    // CF-32, VA-048
    let client = client(App::new().get("/:a", show).get("/:a/:b", show));
    for path in ["/%ff", "/%zz", "/%", "/a%00", "/a b", "/\u{1}", "/%c3%28/x"] {
        let all = answers(&client, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert!(all.starts_with("HTTP/1.1 400 "), "{path:?}: {all}");
    }
    let all =
        answers(&client, "GET /%zz HTTP/1.1\r\nhost: x\r\n\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(all.matches("HTTP/1.1").count(), 1, "nothing after it is answered: {all}");
    assert!(all.contains("connection: close\r\n"), "{all}");
}

#[test]
fn never_climbs_out_of_a_wildcard() {
    let client = client(App::new().get("/files/*", show).get("/etc", show));
    for (target, shown) in [
        ("/files/../etc", "/files/* *=../etc"),
        ("/files/%2e%2e/etc", "/files/* *=../etc"),
        ("/files/..%2fetc", "/files/* *=../etc"),
    ] {
        let found = client.get(target).send().text();
        assert!(found == shown || found == "Not found", "{target}: {found}");
    }
}

#[test]
fn answers_any_method_with_any_and_extension_methods_by_name() {
    // PO-061, PO-062, CP-06, CP-07, HX-058
    let propfind = Method::from_bytes(b"PROPFIND").unwrap();
    let mut app = App::new();
    app.any("/h", async |req| format!("any {}", req.method())).post("/h", async |_| "post").method(
        propfind.clone(),
        "/p",
        async |_| "found",
    );
    let client = client(app);
    assert_eq!(client.get("/h").send().text(), "any GET");
    assert_eq!(client.put("/h").send().text(), "any PUT");
    assert_eq!(client.options("/h").send().text(), "any OPTIONS");
    assert_eq!(client.request(propfind.clone(), "/h").send().text(), "any PROPFIND");
    assert_eq!(client.post("/h").send().text(), "post");
    assert_eq!(client.request(propfind, "/p").send().text(), "found");
    let reply = client.get("/p").send();
    assert_eq!((reply.status().as_u16(), reply.header("allow")), (405, Some("OPTIONS, PROPFIND")));
    let lower = Method::from_bytes(b"get").unwrap();
    assert_eq!(client.request(lower, "/h").send().text(), "any get", "methods have case");
}

#[test]
fn routes_of_one_path_share_what_is_set_before_them() {
    // HX-075, HX-080, VA-015
    let mut app = App::new();
    app.route("/r")
        .get(async |_| "plain")
        .use_(async |req: Request, next: Next| next.run(req).await.with_header("x-step", "1"))
        .put(async |_| "put")
        .patch(async |_| "patched")
        .delete(async |_| "deleted")
        .method(Method::TRACE, async |_| "traced")
        .any(async |_| "rest");
    let client = client(app);
    let reply = client.get("/r").send();
    assert_eq!((&*reply.text(), reply.header("x-step")), ("plain", None));
    for (method, text) in [
        (Method::PUT, "put"),
        (Method::PATCH, "patched"),
        (Method::DELETE, "deleted"),
        (Method::TRACE, "traced"),
        (Method::POST, "rest"),
    ] {
        let reply = client.request(method, "/r").send();
        assert_eq!((&*reply.text(), reply.header("x-step")), (text, Some("1")));
    }
}

fn leaf() -> App {
    let mut leaf = App::new();
    leaf.get("/", show).get("/:id", show);
    leaf
}

#[test]
fn mounts_twice_and_nests() {
    // PO-030, PO-034, PO-046, PO-047, CF-23, CF-24, HX-073, PO-039
    let mut middle = App::new();
    middle.mount("/leaf", leaf()).get("/own", show);
    let mut app = App::new();
    app.get("/*", show)
        .mount("/a", middle.clone())
        .mount("/b/:tenant", middle)
        .mount("/users", leaf())
        .mount("/", App::new().get("/merged", show))
        .group("/g", |group| {
            group.get("/x", show).group("/h", |inner| {
                inner.get("/y", show);
            });
        });
    check(
        &client(app),
        &[
            ("/a/leaf", "/a/leaf"),
            ("/a/leaf/", "/a/leaf"),
            ("/a/leaf/7", "/a/leaf/:id id=7"),
            ("/a/own", "/a/own"),
            ("/b/ada/leaf/7", "/b/:tenant/leaf/:id tenant=ada id=7"),
            ("/b/ada/own", "/b/:tenant/own tenant=ada"),
            ("/users/5?a=1", "/users/:id id=5"),
            ("/usersx", "/* *=usersx"),
            ("/merged", "/merged"),
            ("/g/x", "/g/x"),
            ("/g/h/y", "/g/h/y"),
            ("/g/h/z", "/* *=g/h/z"),
        ],
    );
}

#[test]
fn shows_the_whole_target_below_mounts() {
    // PO-037, PO-040, PO-093
    let mut inner = App::new();
    inner.get("/:id", async |req| {
        let query: Vec<_> = req.query().get_all("a").collect();
        format!("{} {} {:?}", req.target(), req.path(), query.join("+"))
    });
    let mut app = App::new();
    app.mount("/users", App::new().mount("/deep", inner));
    let shown = "/users/deep/%35/?a=1&a=%202 /users/deep/%35/ \"1+ 2\"";
    assert_eq!(client(app).get("/users/deep/%35/?a=1&a=%202").send().text(), shown);
}

#[test]
fn answers_unknown_paths_by_the_nearest_not_found() {
    // CF-17, CF-25, PO-019, HX-077, PO-044, VA-023
    let mut deep = App::new();
    deep.get("/x", show).not_found(async |_| (410, "deep"));
    let mut silent = App::new();
    silent.get("/x", show);
    let mut outer = App::new();
    outer.get("/x", show).mount("/deep", deep).mount("/silent", silent.clone());
    outer.not_found(async |req| (404, format!("outer {} {}", req.method(), req.path())));
    let mut app = App::new();
    app.mount("/outer", outer).mount("/silent", silent).get("/", show);
    let client = client(app);
    let row = |path: &str, status: u16, text: &str| {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (status, text), "{path}");
    };
    row("/outer/deep/none", 410, "deep");
    row("/outer/deep", 410, "deep");
    row("/%6futer/deep/none", 410, "deep");
    row("/outer/deeper", 404, "outer GET /outer/deeper");
    row("/outer/silent/none", 404, "outer GET /outer/silent/none");
    row("/silent/none", 404, "Not found");
    row("/none", 404, "Not found");
    assert_eq!(client.post("/outer/deep/x").send().status(), 405);
}

#[test]
fn hands_unknown_paths_to_the_not_found_handler_with_all_there_is_to_know() {
    // PO-017, CP-35, HX-051
    let mut app = App::new();
    app.not_found(async |req| {
        assert!(req.pattern().is_none() && req.params().next().is_none());
        let body = req.text().await?;
        Ok((405, format!("{} {:?} {body}", req.method(), req.query().get("a"))))
    });
    let reply = client(app).post("/none?a=1").body("body").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (405, "POST Some(\"1\") body"));
}

#[test]
fn lists_routes_in_order() {
    // HX-035
    let mut app = App::new();
    app.get("/a", show)
        .any("/:b", show)
        .mount("/m", App::new().post("/c?".trim_end_matches('?'), show));
    let routes = app.routes().unwrap();
    let lines: Vec<_> =
        routes.iter().map(|(method, pattern)| format!("{method} {pattern}")).collect();
    assert_eq!(lines, ["GET /a", "ANY /:b", "POST /m/c"]);
}

#[test]
fn names_both_lines_of_a_duplicate() {
    // CF-10, HX-064, PO-069, VA-035
    let mut app = App::new();
    let line = line!();
    app.get("/users/:id", show);
    app.get("/users/:name", show);
    let text = problems(&app);
    let places = (format!("routing.rs:{}:", line + 1), format!("routing.rs:{}:", line + 2));
    assert!(text.contains("GET /users/:name is already registered as /users/:id"), "{text}");
    assert!(text.contains(&places.0) && text.contains(&places.1), "{text}");
}

#[test]
fn tells_all_mistakes_at_once() {
    // CF-09, CF-10, CF-78, PO-088, PO-091, CP-17, CP-18, PO-084, VA-036
    let mut app = App::new();
    app.get("/d/:x/:x", show)
        .get("/{id}", show)
        .get("/ab?cd", show)
        .get("/ab(cd)?e", show)
        .get("/a/*/b", show)
        .get("no-slash%", show)
        .use_at("/base/*", async |req: Request, next: Next| next.run(req).await)
        .mount("/m/:id?", App::new().get("/", show))
        .get("/twice", show)
        .get("/twice", show)
        .state(1_u8)
        .state(2_u8)
        .not_found(show)
        .not_found(show)
        .on_error(async |_, _| "one")
        .on_error(async |_, _| "two");
    app.route("/bad/:").get(show);
    let text = problems(&app);
    let lines = text.lines().filter(|line| line.contains("routing.rs:")).count();
    assert_eq!(lines, 13, "{text}");
    for words in [
        "already taken",
        "braces are reserved",
        "`?` is reserved",
        "`(` is reserved",
        "a wildcard is the last segment",
        "two hexadecimal digits",
        "a base path has no optional",
        "GET /twice is already registered",
        "state of type `u8` is given twice",
        "the not-found handler is set twice",
        "the error handler is set twice",
        "needs a name",
    ] {
        assert!(text.contains(words), "{words} is missing: {text}");
    }
    let error = app.start("127.0.0.1:0").unwrap_err();
    assert_eq!(error.to_string(), text);
}

#[test]
fn finds_duplicates_across_mounts() {
    // PO-031, PO-032, CP-44
    let mut app = App::new();
    app.mount("/s", leaf()).mount("/s", leaf());
    assert_eq!(problems(&app).matches("already registered").count(), 2);
    let mut app = App::new();
    app.get("/s/:name", show).mount("/s", leaf());
    assert_eq!(problems(&app).matches("already registered").count(), 1);
}

#[test]
fn refuses_a_mount_with_other_settings() {
    let mut odd = App::new();
    odd.path_case(PathCase::Insensitive).get("/x", show);
    let mut app = App::new();
    app.mount("/odd", odd.clone());
    assert!(problems(&app).contains("settings of the whole application"));
    let mut same = App::new();
    same.path_case(PathCase::Insensitive).mount("/odd", odd).mount("/plain", leaf());
    check(&client(same), &[("/ODD/X", "/odd/x"), ("/PLAIN/7", "/plain/:id id=7")]);
}

#[test]
#[should_panic(expected = "the application has mistakes")]
fn the_test_client_panics_with_the_mistakes() {
    let _ = TestClient::new(App::new().get("{", show));
}

#[test]
fn registers_without_a_leading_slash() {
    // PO-023
    let mut app = App::new();
    app.get("plain", show).mount("users", leaf());
    check(&client(app), &[("/plain", "/plain"), ("/users/7", "/users/:id id=7")]);
}
