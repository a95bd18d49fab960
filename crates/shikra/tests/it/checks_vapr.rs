//! The checks from outside of Vapr's list, CV-01 to CV-27: methods, patterns, matching, the request.

use crate::checks::{Trace, ask, check, check_raw};
use crate::sockets::{ask as ask_socket, connect};
use crate::support::{answers, client, problems};
use shikra::prelude::*;
use shikra::router::{PathCase, TrailingSlash};

/// A handler that says which pattern matched, and with which values.
async fn show(req: Request) -> String {
    let params = req.params().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", req.pattern().unwrap_or("none"), params.collect::<String>())
}

fn showing(patterns: &[&str]) -> App {
    let mut app = App::new();
    for pattern in patterns {
        app.get(pattern, show);
    }
    app
}

#[test]
fn cv01_cv02_the_smallest_application() {
    // CV-01: its other half, a fresh crate on the oldest compiler, is a matter of continuous integration.
    let greeting = client(App::new().get("/", async |_| "hi there"));
    let connection = greeting.connect();
    for _ in 0..2 {
        connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        let reply = connection.read_reply().unwrap();
        reply.assert_status(200).assert_text("hi there").assert_header("content-length", "8");
    }
    // CV-02: without its port with TLS.
    let mut app = App::new();
    app.workers(1).get("/secure", async |req: Request| {
        format!("{} {} {:?}", req.is_secure(), req.method(), req.version())
    });
    let servers = [app.clone().start("127.0.0.1:0").unwrap(), app.start("127.0.0.1:0").unwrap()];
    for server in servers {
        let reply = ask_socket(&mut connect(server.addr()), "/secure");
        assert!(reply.ends_with("\r\n\r\nfalse GET HTTP/1.1"), "{reply}");
        server.stop();
        server.wait();
    }
}

#[test]
fn cv03_to_cv05_methods_of_a_path() {
    let mut app = App::new();
    app.get("/item/:sku", show);
    app.route("/doc/:id").get(show).patch(show).delete(show);
    app.get("/merged/:id", async |_| "got").post("/merged/:id", async |_| "posted");
    let with_routes = client(app);
    // CV-03: CF-12, CF-14 and CF-15 add what is answered by itself to `allow`, CF-16 the text.
    for line in ["POST /item/9", "PROPFIND /item/9"] {
        let reply = ask(&with_routes, line);
        reply.assert_status(405).assert_text("Method not allowed");
        reply.assert_header("allow", "GET, HEAD, OPTIONS");
    }
    check_raw(&with_routes, &[(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n", "HTTP/1.1 405 ")]);
    // CV-04
    let allowed = "DELETE, GET, HEAD, OPTIONS, PATCH";
    ask(&with_routes, "PUT /doc/1").assert_status(405).assert_header("allow", allowed);
    // CV-04: a resource with nothing is one that answers every method with 405.
    let mut none = App::new();
    none.route("/none").no_such_method(async |_| 405);
    ask(&client(none), "GET /none").assert_status(405).assert_header("allow", "");
    // CV-05: VA-014, VA-028
    check(
        &with_routes,
        &[
            ("GET /merged/1", 200, "got"),
            ("POST /merged/1", 200, "posted"),
            ("HEAD /merged/1", 200, ""),
            ("OPTIONS /merged/1", 204, ""),
            ("PUT /merged/1", 405, "Method not allowed"),
            ("OPTIONS *", 204, ""),
        ],
    );
    assert_eq!(ask(&with_routes, "HEAD /merged/1").header("content-length"), Some("3"));
    let reply = ask(&with_routes, "OPTIONS /merged/1");
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
}

#[test]
fn cv06_a_stream_for_head_is_freed_unread() {
    // CV-06
    let trace = Trace::default();
    let noted = trace.clone();
    let mut app = App::new();
    app.head("/h", async move |_| {
        let (guard, noted) = (noted.on_drop("freed"), noted.clone());
        stream(async move |out| {
            let _guard = guard;
            noted.note("ran");
            out.write("never sent").await
        })
    });
    let client = client(app);
    let all = answers(&client, "HEAD /h HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("\r\n\r\n"), "{all}");
    assert_eq!(trace.take(), "freed");
}

#[test]
fn cv07_cv08_answers_of_one_s_own() {
    let mut app = App::new();
    app.route("/q").get(show).no_such_method(async |req: Request| {
        (405, Reason("No")).with_header("x-m", req.method().as_str())
    });
    app.get("/a", show);
    let own = client(app.clone());
    // CV-07
    let reply = ask(&own, "DELETE /q");
    assert_eq!((reply.status().as_u16(), reply.reason()), (405, "No"));
    reply.assert_header("x-m", "DELETE").assert_header("allow", "GET, HEAD, OPTIONS");
    // CV-08: VA-022, with the text of CF-16.
    check(&own, &[("GET /b", 404, "Not found"), ("POST /b", 404, "Not found")]);
    app.use_(late(|_| |res| res.set_header("x-late", "1")));
    app.not_found(async |req: Request| (410, req.path().to_owned()));
    let reply = ask(&client(app), "PUT /no/where");
    reply.assert_status(410).assert_text("/no/where").assert_header("x-late", "1");
}

#[test]
fn cv09_to_cv11_letter_case_and_trailing_slash() {
    let mut app = showing(&["/Shop/Cart"]);
    app.path_case(PathCase::Insensitive);
    check(
        &client(app),
        &[
            // CV-09: by CF-01 this is a setting.
            ("GET /shop/cart", 200, "/Shop/Cart"),
            ("GET /SHOP/CART/", 200, "/Shop/Cart"),
            ("GET /shop/cart?x", 200, "/Shop/Cart"),
            // CV-09: CF-03, a distinct path, and not a malformed one.
            ("GET /shop/cart//", 404, "Not found"),
        ],
    );
    check(
        &client(showing(&["/Shop"])),
        &[
            // CV-10
            ("GET /Shop", 200, "/Shop"),
            ("GET /Shop/", 200, "/Shop"),
            ("GET /shop", 404, "Not found"),
        ],
    );
    let mut app = showing(&["/a", "/b/"]);
    app.path_case(PathCase::Insensitive).trailing_slash(TrailingSlash::Strict);
    check(
        &client(app),
        &[
            // CV-11
            ("GET /a", 200, "/a"),
            ("GET /a/", 404, "Not found"),
            ("GET /b", 404, "Not found"),
            ("GET /b/", 200, "/b/"),
            ("GET /A", 200, "/a"),
        ],
    );
}

#[test]
fn cv12_to_cv16_text_of_paths() {
    let mut app = showing(&["/na%C3%AFve", "/%E2%84%AA", "/stra%C3%9Fe", "/%EF%AC%81x"]);
    app.path_case(PathCase::Insensitive).get("/a%2Fb", show).get("/a/b", show);
    check(
        &client(app),
        &[
            // CV-12: VA-047
            ("GET /nai%CC%88ve", 200, "/na%C3%AFve"),
            ("GET /NA%C3%8FVE", 200, "/na%C3%AFve"),
            ("GET /naive", 404, "Not found"),
            ("GET /k", 200, "/%E2%84%AA"),
            ("GET /K", 200, "/%E2%84%AA"),
            // CV-13
            ("GET /STRASSE", 404, "Not found"),
            ("GET /STRA%E1%BA%9EE", 200, "/stra%C3%9Fe"),
            ("GET /fix", 404, "Not found"),
            // CV-14
            ("GET /a%2fb", 200, "/a%2Fb"),
            ("GET /A%2FB", 200, "/a%2Fb"),
            ("GET /a/b", 200, "/a/b"),
            ("GET /a%252Fb", 404, "Not found"),
        ],
    );
    let client = client(showing(&["/%F0%9F%98%80"]));
    check(
        &client,
        &[
            // CV-15
            ("GET /%F0%9F%98%80", 200, "/%F0%9F%98%80"),
            ("GET /%EF%98%80", 404, "Not found"),
            ("GET /%ED%A0%80", 400, "the path is not valid once decoded"),
        ],
    );
    let mut app = App::new();
    app.any("*", async |_| -> &str { unreachable!("nothing malformed reaches a handler") });
    let client = self::client(app);
    // CV-16
    for path in ["/%ff", "/x%c3", "/%C0%AF", "/%4"] {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        check_raw(&client, &[(head.as_bytes(), "HTTP/1.1 400 ")]);
    }
}

#[test]
fn cv17_literal_dots_colons_and_stars() {
    // CV-17: a colon inside a segment starts a parameter and a star is a wildcard (CF-07), so both are written
    // as triplets where they are text.
    let mut app = showing(&["/x", "/a%3Ab", "/%3Ac", "/s%2A"]);
    app.path_case(PathCase::Insensitive);
    check(
        &client(app),
        &[
            ("GET /y/../x", 404, "Not found"),
            ("GET /%2e%2e/x", 404, "Not found"),
            ("GET /A:B", 200, "/a%3Ab"),
            ("GET /:c", 200, "/%3Ac"),
            ("GET /s*", 200, "/s%2A"),
            ("GET /sx", 404, "Not found"),
        ],
    );
}

#[test]
fn cv18_cv19_the_most_specific_pattern() {
    // CV-18
    let mut patterns = ["/:a/:b/:c", "/a/:b/c", "/a/b/:c", "/:a/b/c", "/a/:b/:c"];
    for turn in 0..10 {
        patterns.rotate_left(1);
        if turn == 5 {
            patterns.reverse();
        }
        check(
            &client(showing(&patterns)),
            &[
                ("GET /a/b/c", 200, "/a/b/:c c=c"),
                ("GET /a/x/c", 200, "/a/:b/c b=x"),
                ("GET /a/x/y", 200, "/a/:b/:c b=x c=y"),
                ("GET /x/b/c", 200, "/:a/b/c a=x"),
                ("GET /x/y/z", 200, "/:a/:b/:c a=x b=y c=z"),
            ],
        );
    }
    // CV-19
    check(&client(showing(&["/a/:x/c", "/:y/b/d"])), &[("GET /a/b/d", 200, "/:y/b/d y=a")]);
}

#[test]
fn cv20_cv21_parameters_and_methods() {
    let mut app = App::new();
    app.path_case(PathCase::Insensitive)
        .get("/blog/:Slug", async |req| {
            let raw = req.param_raw("Slug").or_status(500)?;
            Ok(format!("{raw} {} {:?}", req.param::<String>("Slug")?, req.param_raw("slug")))
        })
        .get("/f/cart", show)
        .post("/f/:x", show);
    check(
        &client(app),
        &[
            // CV-20: CF-08, decoded, and raw by another name.
            ("GET /BLOG/My%20Post/", 200, "My%20Post My Post None"),
            ("GET /blog/", 404, "Not found"),
            ("GET /blog", 404, "Not found"),
            // CV-21: CF-13, the other route that has the method.
            ("POST /f/cart", 200, "/f/:x x=cart"),
        ],
    );
}

#[test]
fn cv22_cv23_what_does_not_build() {
    // CV-22: VA-016
    let mut app = showing(&["/foo", "/FOO"]);
    app.path_case(PathCase::Insensitive);
    for (app, words) in [
        (app, ["GET /FOO is already registered", "/foo"]),
        (showing(&["/:a", "/:b"]), ["GET /:b is already registered", "/:a"]),
        (showing(&["/a", "/%61"]), ["GET /%61 is already registered", "/a"]),
        (showing(&["/twice", "/twice"]), ["GET /twice is already registered", "/twice"]),
        (showing(&["/:n/:n"]), ["already taken", "/:n/:n"]),
    ] {
        let told = problems(&app);
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
    }
    let mut app = App::new();
    let _ = app.route("/empty");
    let told = problems(&app);
    assert!(told.contains("/empty"), "{told}");
    check(&client(App::new()), &[("GET /", 404, "Not found")]);
    // CV-23: PO-071 makes the leading slash optional, so `foo` is `/foo`.
    check(&client(showing(&["foo"])), &[("GET /foo", 200, "/foo")]);
    let long = |len: usize| format!("/{}", "a".repeat(len - 1));
    for pattern in ["/a b", "/[x]", "/:1x", "/a//b", &long(2049)] {
        assert!(!problems(&showing(&[pattern])).is_empty(), "{pattern}");
    }
    let ok = long(2048);
    check(&client(showing(&[&ok])), &[(&format!("GET {ok}"), 200, &ok)]);
}

#[test]
fn cv25_cv26_what_steps_know_of_a_request() {
    // CV-25: VA-100
    struct Parsed(u64);
    let mut app = App::new();
    app.use_(before(async |req| {
        if let Some(at) = req.header_parse::<u64>("x-at")? {
            req.meta().insert(Parsed(at));
        }
        Ok(())
    }));
    app.get("/at", async |req: Request| match req.meta().get::<Parsed>() {
        Some(at) => at.0.to_string(),
        None => "none".to_owned(),
    });
    app.get("/fields", async |req: Request| {
        let pad = ["x-pad", "X-Pad", "X-PAD"].map(|name| req.header(name));
        let all = req.header_all("x-r").map(|value| String::from_utf8_lossy(value));
        let all = all.collect::<Vec<_>>().join("+");
        format!("{pad:?} {:?} {all} {:?}", req.header("x-none"), req.header_joined("X-R"))
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("GET /at HTTP/1.1\r\nhost: x\r\nx-at: 7\r\n\r\n");
    connection.read_reply().unwrap().assert_text("7");
    connection.write("GET /at HTTP/1.1\r\nhost: x\r\n\r\n");
    connection.read_reply().unwrap().assert_text("none");
    // CV-26
    let fields = "X-Pad:  a b \t\r\nX-R: 1\r\nx-r: 2\r\n";
    let all = answers(&client, format!("GET /fields HTTP/1.1\r\nhost: x\r\n{fields}\r\n"));
    let wanted = r#"[Some("a b"), Some("a b"), Some("a b")] None 1+2 Some("1, 2")"#;
    assert!(all.ends_with(wanted), "{all}");
}

#[test]
fn cv27_parts_of_a_target() {
    // CV-27
    let mut app = App::new();
    app.not_found(async |req: Request| {
        let (host, port) = (req.host().unwrap_or_default().into_owned(), req.port());
        let parts = (req.scheme(), host, port, req.path(), req.query_str());
        (404, format!("{parts:?}"))
    });
    let client = client(app);
    for (target, wanted) in [
        ("/P%41/?a=1", r#"("http", "site.test", Some(80), "/P%41/", Some("a=1"))"#),
        // CF-36: a lone question mark is an empty query.
        ("/p?", r#"("http", "site.test", Some(80), "/p", Some(""))"#),
        ("/p", r#"("http", "site.test", Some(80), "/p", None)"#),
    ] {
        let reply = client.get(target).header("host", "Site.TEST:080").send();
        reply.assert_status(404).assert_text(wanted);
    }
}
