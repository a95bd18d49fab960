//! Handlers for unknown paths and methods, per application, mount and host child.

use crate::support::{client, problems};
use shikra::Unmatched;
use shikra::prelude::*;

#[test]
fn a_not_found_handler_starts_with_404() {
    // HA-154, HA-157, VA-023, HX-051
    let mut app = App::new();
    app.not_found(async |req| match req.path() {
        "/status" => 200.into_response(),
        "/gone" => (410, "gone").into_response(),
        "/error" => Error::new(403, "no").into_response(),
        "/none" => None::<&str>.into_response(),
        _ => "text".into_response(),
    });
    let client = client(app);
    for (path, status) in
        [("/", 404), ("/status", 200), ("/gone", 410), ("/error", 403), ("/none", 404)]
    {
        for method in [Method::GET, Method::POST, Method::from_bytes(b"BREW").unwrap()] {
            assert_eq!(client.request(method, path).send().status(), status, "{path}");
        }
    }
}

#[test]
fn a_not_found_handler_may_be_for_some_methods() {
    // CF-17, HA-155, C25
    let mut mount = App::new();
    mount.not_found_for([Method::PUT], async |_| "mount PUT");
    let mut app = App::new();
    app.not_found_for([Method::GET], async |_| "GET")
        .not_found_for([Method::POST, Method::PUT], async |_| (410, "POST or PUT"))
        .not_found_for([Method::HEAD], async |_| 418)
        .mount("/m", mount);
    let mut host = App::new();
    host.not_found_for([Method::GET], async |_| (411, "host GET")).not_found(async |_| "host");
    app.host("h.test", host);
    let client = client(app);
    let rows = [
        (Method::GET, "t", "/x", 404, "GET"),
        (Method::POST, "t", "/x", 410, "POST or PUT"),
        (Method::DELETE, "t", "/x", 404, "Not found"),
        (Method::PUT, "t", "/m/x", 404, "mount PUT"),
        (Method::GET, "t", "/m/x", 404, "GET"),
        (Method::GET, "h.test", "/x", 411, "host GET"),
        (Method::HEAD, "h.test", "/x", 411, ""),
        (Method::HEAD, "t", "/x", 418, ""),
        (Method::POST, "h.test", "/x", 404, "host"),
    ];
    for (method, host, path, status, text) in rows {
        let reply = client.request(method.clone(), path).header("host", host).send();
        let found = (reply.status().as_u16(), reply.text());
        assert_eq!((found.0, &*found.1), (status, text), "{method} {host} {path}");
    }
}

#[test]
fn unmatched_is_told_whether_the_path_or_the_method_is_unknown() {
    // CF-12
    let mut app = App::new();
    app.get("/a", async |_| "a")
        .put("/a", async |_| "a")
        .unmatched(async |req, why| format!("{} {} {why:?}", req.method(), req.path()));
    let client = client(app);
    let reply = client.post("/a").send();
    assert_eq!(
        (reply.status().as_u16(), reply.header("allow")),
        (405, Some("GET, HEAD, OPTIONS, PUT"))
    );
    assert_eq!(reply.text(), "POST /a Method { allowed: \"GET, HEAD, OPTIONS, PUT\" }");
    let reply = client.post("/b").send();
    assert_eq!((reply.status().as_u16(), reply.header("allow")), (404, None));
    assert_eq!(reply.text(), "POST /b Path");
    // What is answered by itself stays so.
    let reply = client.options("/a").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (204, ""));
    assert_eq!(client.get("/%ff").send().status(), 400);
}

#[test]
fn a_405_of_unmatched_gets_allow_however_it_is_made() {
    // CF-12, VA-021
    let mut app = App::new();
    app.get("/:how", async |_| "").unmatched(async |req, why: Unmatched| match req.path() {
        "/number" => why.status().into_response(),
        "/error" => Error::new(405, "not so").into_response(),
        "/own" => 405.with_header("allow", "BREW"),
        "/teapot" => 418.into_response(),
        "/panic" => panic!("in unmatched"),
        _ => "text".into_response(),
    });
    app.on_error(async |_, err| (err.status(), "rendered"));
    let client = client(app);
    let all = Some("GET, HEAD, OPTIONS");
    for (path, status, allow) in [
        ("/number", 405, all),
        ("/error", 405, all),
        ("/own", 405, Some("BREW")),
        ("/teapot", 418, None),
        ("/panic", 500, None),
        ("/text", 405, all),
    ] {
        let reply = client.post(path).send();
        assert_eq!((reply.status().as_u16(), reply.header("allow")), (status, allow), "{path}");
        assert!(reply.header_all("allow").len() <= 1, "{path}");
    }
}

#[test]
fn the_nearest_scope_answers_what_is_unmatched() {
    // CF-12, CF-17, CF-25, HX-077
    let mut inner = App::new();
    inner.get("/x", async |_| "x").unmatched(async |_, why| format!("inner {}", why.status()));
    let mut half = App::new();
    half.get("/x", async |_| "x").not_found(async |_| "half");
    let mut host = App::new();
    host.get("/x", async |_| "x").unmatched(async |_, why| format!("host {}", why.status()));
    let mut app = App::new();
    app.mount("/inner", inner).mount("/half", half).host("h.test", host);
    app.not_found(async |_| "app path").unmatched(async |_, why| format!("app {}", why.status()));
    app.get("/x", async |_| "x");
    let client = client(app);
    for (method, host, path, text) in [
        (Method::GET, "t", "/inner/none", "inner 404 Not Found"),
        (Method::GET, "t", "/innermost", "app path"),
        (Method::POST, "t", "/inner/x", "inner 405 Method Not Allowed"),
        (Method::GET, "t", "/half/none", "half"),
        (Method::POST, "t", "/half/x", "app 405 Method Not Allowed"),
        (Method::GET, "t", "/none", "app path"),
        (Method::POST, "t", "/x", "app 405 Method Not Allowed"),
        (Method::GET, "h.test", "/inner/x", "host 404 Not Found"),
        (Method::POST, "h.test", "/x", "host 405 Method Not Allowed"),
    ] {
        let reply = client.request(method.clone(), path).header("host", host).send();
        assert_eq!(reply.text(), text, "{method} {host} {path}");
    }
}

#[test]
fn of_two_mounts_on_one_prefix_the_first_answers() {
    // HX-077
    let mut first = App::new();
    first.not_found(async |_| "first").mount("/", App::new().not_found(async |_| "inside first"));
    let mut second = App::new();
    second.not_found(async |_| "second").mount("/x", App::new().not_found(async |_| "x"));
    let mut bare = App::new();
    bare.mount("/m", App::new().not_found(async |_| "m"));
    let mut app = App::new();
    app.mount("/api", first).mount("/api", second).mount("/", bare);
    let client = client(app);
    for (path, text) in [
        ("/api", "inside first"),
        ("/api/y", "inside first"),
        ("/api/x/y", "x"),
        ("/api-x", "Not found"),
        ("/m/y", "m"),
    ] {
        assert_eq!(client.get(path).send().text(), text, "{path}");
    }
}

#[test]
fn middleware_stands_around_what_is_unmatched() {
    // CF-21, HX-082, HA-051
    let mut app = App::new();
    app.use_(late(|_| {
        |res| {
            let status = res.status();
            res.set_header("x-late", status.as_str());
        }
    }));
    app.get("/a", async |_| "a").unmatched(async |_, _| "unmatched");
    let client = client(app);
    assert_eq!(client.get("/b").send().header("x-late"), Some("404"));
    assert_eq!(client.post("/a").send().header("x-late"), Some("405"));
}

#[test]
fn refuses_a_handler_that_is_set_twice_and_names_both_places() {
    // CF-78, VA-023
    let mut app = App::new();
    let line = line!();
    app.unmatched(async |_, _| 404);
    app.unmatched(async |_, _| 404);
    app.not_found_for([Method::GET, Method::PUT], async |_| 404);
    app.not_found_for([Method::PUT, Method::POST], async |_| 404);
    app.not_found_for([], async |_| 404);
    let mut mount = App::new();
    mount.unmatched(async |_, _| 404).unmatched(async |_, _| 404);
    // Mounted twice, the mistake is still one.
    app.mount("/m", mount.clone()).mount("/n", mount);
    let text = problems(&app);
    let place = |offset: u32| format!("scopes.rs:{}:", line + offset);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("scopes.rs")).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].contains(&place(1)) && lines[0].contains(&place(2)), "{text}");
    assert!(lines[1].contains(&place(3)) && lines[1].contains(&place(4)), "{text}");
    assert!(lines[1].contains("the not-found handler for PUT is set twice"), "{text}");
    assert!(lines[2].contains("for no methods"), "{text}");
    assert!(lines[3].contains("the handler of what is unmatched is set twice"), "{text}");
    // One scope has nothing to do with the next.
    let mut app = App::new();
    app.unmatched(async |_, _| 404).mount("/m", App::new().unmatched(async |_, _| 404));
    app.host("a.test", App::new().unmatched(async |_, _| 404));
    assert!(app.routes().is_ok());
}

#[test]
fn a_route_may_answer_the_methods_that_it_lacks() {
    // VA-019, VA-020, VA-021, CV-07
    let own = async |req: Request| {
        let (id, method) = (req.param::<String>("id")?, req.method().to_string());
        Ok((405, Reason("No")).with_header("x-m", format!("{method} {id} {:?}", req.pattern())))
    };
    let mut app = App::new();
    app.use_at("/q", late(|_| |res| res.set_header("x-base", "q")));
    app.route("/q/:id").get(async |_| "get").no_such_method(own);
    app.put("/q/only", async |_| "put").patch("/*", async |_| "any depth");
    app.route("/alone").no_such_method(async |_| "alone");
    app.route("/small").body_bytes_max(1).get(async |_| "").no_such_method(async |_| 200);
    app.unmatched(async |_, why| format!("unmatched {}", why.status()));
    let client = client(app);
    let reply = client.delete("/q/a%20b").send();
    assert_eq!((reply.status().as_u16(), reply.reason()), (405, "No"));
    assert_eq!(reply.header("x-m"), Some("DELETE a b Some(\"/q/:id\")"));
    assert_eq!(reply.header_all("allow"), ["GET, HEAD, OPTIONS, PATCH"]);
    assert_eq!(reply.header("x-base"), Some("q"));
    // CF-13: a pattern that has the method goes first.
    assert_eq!(client.patch("/q/a").send().text(), "any depth");
    assert_eq!(client.get("/q/only").send().text(), "get");
    assert_eq!(client.delete("/q/only").send().header("x-m"), Some("DELETE only Some(\"/q/:id\")"));
    assert_eq!(client.delete("/other").send().text(), "unmatched 405 Method Not Allowed");
    assert_eq!(client.options("/q/a").send().status(), 204);
    let reply = client.patch("/alone").send();
    assert_eq!(reply.text(), "any depth");
    assert_eq!(client.post("/small").send().status(), 200);
    assert_eq!(client.post("/small").body("ab").send().status(), 413);
    let mut app = App::new();
    app.route("/alone").no_such_method(async |_| "alone");
    let client = self::client(app);
    let reply = client.get("/alone").send();
    assert_eq!((reply.status().as_u16(), reply.header("allow")), (405, Some("")));
    assert_eq!(client.get("/").send().status(), 404);
}

#[test]
fn errors_of_a_route_s_other_methods_stay_in_its_scope() {
    let mut mount = App::new();
    mount.route("/x").get(async |_| "x").no_such_method(async |_| Error::new(405, "no"));
    mount.on_error(async |_, err| (err.status(), "mount"));
    let mut app = App::new();
    app.mount("/m", mount.clone()).on_error(async |_, err| (err.status(), "app"));
    let reply = client(app).put("/m/x").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (405, "mount"));
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn refuses_a_second_handler_for_other_methods() {
    // CF-78, VA-020
    let mut app = App::new();
    let line = line!();
    app.route("/a/:x").no_such_method(async |_| 405);
    app.route("/a/:y").no_such_method(async |_| 405);
    app.route("/b").any(async |_| "b").no_such_method(async |_| 405);
    let text = problems(&app);
    for offset in 1..4 {
        assert!(text.contains(&format!("scopes.rs:{}:", line + offset)), "{text}");
    }
    assert_eq!(text.matches("the handler for other methods").count(), 2, "{text}");
}

#[test]
fn refuses_a_route_without_a_handler() {
    // CF-84, VA-013
    let mut app = App::new();
    let line = line!();
    app.route("/empty");
    app.route("/steps").use_(before(async |_| ())).body_bytes_max(1);
    app.route("/whole").use_(before(async |_| ())).get(async |_| "whole");
    let text = problems(&app);
    for (offset, path) in [(1, "/empty"), (2, "/steps")] {
        let words = format!("the route `{path}` has no handler");
        let place = format!("scopes.rs:{}:", line + offset);
        let mut lines = text.lines();
        assert!(lines.any(|line| line.contains(&words) && line.contains(&place)), "{text}");
    }
    assert!(!text.contains("/whole"), "{text}");
}
