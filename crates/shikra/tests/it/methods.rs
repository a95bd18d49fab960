//! Methods: all of them, those that answer by themselves, and `CONNECT`, whose target has no path.

use crate::control::step;
use crate::support::{answers, client, problems};
use shikra::prelude::*;
use shikra::testing::TestClient;

async fn method(req: Request) -> String {
    req.method().to_string()
}

#[test]
fn registers_every_method_in_one_chain() {
    // HX-057, PO-060, PO-064, HA-035, VA-012, CK-09
    let mut app = App::new();
    app.get("/", method)
        .post("/", method)
        .put("/", method)
        .patch("/", method)
        .delete("/", method)
        .options("/", method)
        .method(Method::TRACE, "/", method)
        .method(Method::from_bytes(b"PROPFIND").unwrap(), "/", method)
        .method(Method::TRACE, "/panics", async |req| {
            if req.path() == "/panics" { panic!("before the first wait") } else { "" }
        })
        .method(Method::TRACE, "/fails", async |_| {
            tokio::task::yield_now().await;
            Err::<&str, _>(std::io::Error::other("after it").into())
        })
        .on_error(async |_, err| (err.status(), "own error"))
        .head("/", async |_| 204.with_header("x-own", "head"))
        .get("/items", async |_| "list")
        .post("/items", async |_| (201, "create"))
        .put("/items/:id", async |req| Ok(format!("update {}", req.param::<u8>("id")?)))
        .delete("/items/:id", async |req| Ok(format!("delete {}", req.param::<u8>("id")?)));
    let client = client(app);
    for name in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
        let reply = client.request(Method::from_bytes(name.as_bytes()).unwrap(), "/").send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (200, name));
    }
    assert_eq!(client.head("/").send().header("x-own"), Some("head"));
    // A failure before the first wait and one after it go to the same handler.
    for path in ["/panics", "/fails"] {
        let reply = client.request(Method::TRACE, path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "own error"), "{path}");
    }
    assert_eq!(client.get("/items").send().text(), "list");
    assert_eq!(client.post("/items").send().text(), "create");
    assert_eq!(client.put("/items/7").send().text(), "update 7");
    assert_eq!(client.delete("/items/7").send().text(), "delete 7");
}

#[test]
fn a_route_value_takes_every_method_too() {
    // VA-014, VA-015, HX-058, HX-075, CF-31: a shorthand is a resource of one method.
    let mut app = App::new();
    app.route("/r")
        .use_(step("r"))
        .get(method)
        .head(async |_| 204.with_header("x-own", "head"))
        .options(method)
        .any(async |req| format!("any {}", req.method()));
    app.post("/r", method).get("/s", method);
    app.route("/s").post(method);
    let client = client(app);
    for (name, path, text, steps) in [
        ("GET", "/r", "GET", Some("r")),
        ("OPTIONS", "/r", "OPTIONS", Some("r")),
        ("BREW", "/r", "any BREW", Some("r")),
        ("POST", "/r", "POST", None),
        ("GET", "/s", "GET", None),
        ("POST", "/s", "POST", None),
    ] {
        let reply = client.request(Method::from_bytes(name.as_bytes()).unwrap(), path).send();
        assert_eq!((&*reply.text(), reply.header("x-steps")), (text, steps), "{name} {path}");
    }
    let reply = client.head("/r").send();
    assert_eq!((reply.header("x-own"), reply.header("x-steps")), (Some("head"), Some("r")));
}

#[test]
fn refuses_a_method_twice_on_one_route() {
    // VA-016, HX-064, CF-10
    let mut app = App::new();
    app.get("/a", method).route("/a").get(method);
    app.route("/b").put(method).put(method);
    app.route("/c").any(method).get(method).any(method);
    let text = problems(&app);
    for words in ["GET /a is already", "PUT /b is already", "ANY /c is already"] {
        assert!(text.contains(words), "{words} is missing: {text}");
    }
    assert_eq!(text.matches("is already registered").count(), 3, "{text}");
}

#[test]
fn head_is_answered_by_get_and_options_by_itself() {
    // HX-065, HX-066, HA-042, VA-025, VA-027, CF-14, CF-15, CV-05
    let mut app = App::new();
    app.get("/get", async |_| "seven b").post("/post", async |_| "").any("/any", method);
    app.head("/both", async |_| 204.with_header("x-own", "1")).get("/both", method);
    app.options("/own", async |_| "own options");
    let client = client(app);
    let reply = client.head("/get").send();
    assert_eq!((reply.status().as_u16(), reply.header("content-length")), (200, Some("7")));
    assert!(reply.bytes().is_empty());
    assert_eq!(client.head("/any").send().header("content-length"), Some("4"));
    assert_eq!(client.head("/both").send().header("x-own"), Some("1"));
    assert_eq!(client.head("/post").send().status(), 405);
    assert_eq!(client.options("/own").send().text(), "own options");
    for (path, allow) in [
        ("/get", "GET, HEAD, OPTIONS"),
        ("/post", "OPTIONS, POST"),
        ("/both", "GET, HEAD, OPTIONS"),
        ("/own", "OPTIONS"),
    ] {
        let reply = client.delete(path).send();
        assert_eq!((reply.status().as_u16(), reply.header("allow")), (405, Some(allow)), "{path}");
        if path != "/own" {
            let reply = client.options(path).send();
            assert_eq!((reply.status().as_u16(), reply.header("allow")), (204, Some(allow)));
        }
    }
}

#[test]
fn the_asterisk_is_for_options_alone() {
    // VA-028, CF-15: a pattern `*` is every path, and not the server.
    let client = client(App::new().any("*", method));
    for name in ["OPTIONS", "GET", "POST", "BREW"] {
        let all = answers(&client, format!("{name} * HTTP/1.1\r\nhost: x\r\n\r\n"));
        let status = if name == "OPTIONS" { "204 " } else { "400 " };
        assert!(all.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {all}");
    }
}

#[test]
fn a_less_specific_route_that_has_the_method_answers() {
    // VA-024 as CF-13 settles it
    let mut app = App::new();
    app.get("/shop/cart", async |_| "cart").post("/shop/:item", async |_| "item");
    let client = client(app);
    assert_eq!(client.post("/shop/cart").send().text(), "item");
    let reply = client.delete("/shop/cart").send();
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
}

#[test]
fn unknown_paths_are_404_for_every_method_and_keep_the_connection() {
    // VA-022, HA-158, HA-042, HX-051
    let client = client(App::new().get("/a", method));
    for name in ["GET", "POST", "DELETE", "OPTIONS", "BREW"] {
        let reply = client.request(Method::from_bytes(name.as_bytes()).unwrap(), "/b").send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (404, "Not found"), "{name}");
        assert!(reply.keeps_alive());
    }
    assert_eq!(client.connections(), 1);
}

fn connect(client: &TestClient, target: &str) -> String {
    let next = "GET /next HTTP/1.1\r\nhost: x\r\n\r\n";
    answers(client, format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n{next}"))
}

#[test]
fn connect_goes_to_its_route_and_closes_the_connection() {
    // CF-74, HX-057, CK-09
    let mut app = App::new();
    app.use_(step("global")).use_at("/x.example", step("base")).use_at("/", step("root"));
    app.any("/*?", async |_| "any").get("/next", async |_| "next");
    app.route("*").use_(step("own")).method(Method::CONNECT, async |req| {
        let (authority, path) = (req.authority().map(str::to_owned), req.path().to_owned());
        match authority.as_deref() {
            Some("open.example:443") => (200, "a body that a 2xx to CONNECT cannot have"),
            Some("panic.example:443") => panic!("in a CONNECT"),
            Some("x.example:443") if path.is_empty() => (403, "not there"),
            _ => (500, "no authority"),
        }
    });
    let client = client(app);
    let all = connect(&client, "x.example:443");
    assert!(all.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{all}");
    assert!(all.contains("x-steps: global root own\r\n"), "{all}");
    assert!(all.contains("connection: close\r\n") && all.ends_with("\r\n\r\nnot there"), "{all}");
    // What follows a tunnel is not HTTP, so nothing of it is answered.
    let all = connect(&client, "open.example:443");
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("\r\n\r\n"), "{all}");
    assert!(!all.contains("content-length") && all.matches("HTTP/1.1").count() == 1, "{all}");
    let all = connect(&client, "panic.example:443");
    assert!(all.starts_with("HTTP/1.1 500 "), "{all}");
    assert!(all.contains("connection: close\r\n") && !all.contains("next"), "{all}");
    // Any other form of target is refused, whatever is registered.
    for target in ["/path", "*", "http://x.example/", "x.example", ":443", "x.example:"] {
        let all = connect(&client, target);
        assert!(all.starts_with("HTTP/1.1 400 "), "{target}: {all}");
    }
    assert_eq!(client.get("/x").send().text(), "any");
    assert_eq!(client.delete("/none").send().text(), "any");
}

#[test]
fn connect_without_a_route_is_405_and_closes() {
    // CF-74, VA-029
    let client = client(App::new().any("*", async |_| "any").unmatched(async |_, _| "unmatched"));
    let all = connect(&client, "x.example:443");
    assert!(all.starts_with("HTTP/1.1 405 "), "{all}");
    assert!(all.contains("connection: close\r\n") && all.matches("HTTP/1.1").count() == 1, "{all}");
}

#[test]
fn a_route_for_connect_is_no_path() {
    // CF-74: it is listed, found by host, and answers nothing else.
    let mut child = App::new();
    child.method(Method::CONNECT, "*", async |_| 418).get("/", async |_| "child");
    let mut app = App::new();
    app.method(Method::CONNECT, "*", async |_| 403).host("h.test:*", child).get("/a", method);
    let listed: Vec<_> =
        app.routes().unwrap().iter().map(|(m, path)| format!("{m} {path}")).collect();
    assert_eq!(listed, ["GET /a", "CONNECT *", "GET h.test:*/", "CONNECT h.test:**"]);
    let client = client(app);
    assert!(connect(&client, "h.test:99").starts_with("HTTP/1.1 418 "));
    assert!(connect(&client, "other.test:99").starts_with("HTTP/1.1 403 "));
    assert_eq!(client.get("/none").send().status(), 404);
    assert_eq!(client.put("/a").send().header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn refuses_routes_for_connect_that_no_request_reaches() {
    // CF-74, CF-10
    let mut mount = App::new();
    mount.method(Method::CONNECT, "*", method);
    let mut app = App::new();
    let line = line!();
    app.method(Method::CONNECT, "*", method);
    app.method(Method::CONNECT, "*", method);
    app.method(Method::CONNECT, "/proxy", method);
    app.mount("/m", mount.clone()).mount("/", mount);
    let text = problems(&app);
    assert!(text.contains("CONNECT * is already registered, at "), "{text}");
    for offset in [1, 2, 3] {
        assert!(text.contains(&format!("methods.rs:{}:", line + offset)), "{text}");
    }
    assert_eq!(text.matches("a CONNECT has no path").count(), 2, "{text}");
}
