//! Host children: which application answers for a host, and what they share.

use crate::support::{answers, client, problems};
use shikra::prelude::*;
use shikra::router::{PathCase, TrailingSlash};
use shikra::testing::TestClient;

/// An application that answers `GET /` with a name.
fn named(name: &'static str) -> App {
    let mut app = App::new();
    app.get("/", async move |_| name);
    app
}

/// The status and text for `GET target` at a host.
fn ask(client: &TestClient, host: &str, target: &str) -> (u16, String) {
    let reply = client.get(target).header("host", host).send();
    (reply.status().as_u16(), reply.text())
}

#[track_caller]
fn check(client: &TestClient, rows: &[(&str, &str, u16, &str)]) {
    for (host, target, status, text) in rows {
        let found = ask(client, host, target);
        assert_eq!((found.0, &*found.1), (*status, *text), "{host} {target}");
    }
}

fn hosts(patterns: &[&'static str]) -> App {
    let mut app = App::new();
    for pattern in patterns {
        app.host(pattern, named(pattern));
    }
    app
}

#[test]
fn answers_by_the_most_specific_host() {
    // VA-207, VA-210, VA-211, VA-214, VA-215, VA-217, VA-220, CV-51
    let client = client(hosts(&["www.site.test", "dev.site.test:8080", "*.site.test:*"]));
    let rows = [
        ("www.site.test", "/", 200, "www.site.test"),
        ("WWW.SITE.TEST.", "/", 200, "www.site.test"),
        ("dev.site.test:8080", "/", 200, "dev.site.test:8080"),
        ("dev.site.test", "/", 200, "*.site.test:*"),
        ("x.site.test:5", "/", 200, "*.site.test:*"),
        ("a.b.site.test", "/", 404, "Not found"),
        ("site.test", "/", 404, "Not found"),
        ("www.site.test", "/none", 404, "Not found"),
        ("", "/", 404, "Not found"),
    ];
    check(&client, &rows);
}

#[test]
fn an_absolute_target_wins_over_host() {
    // VA-214, VA-230, CF-44
    let client = client(hosts(&["a.test", "b.test", "c.test:443"]));
    let rows = [
        ("b.test", "http://A.test/", 200, "a.test"),
        ("b.test", "http://a.test", 200, "a.test"),
        ("b.test", "http://a.test:80/?q", 200, "a.test"),
        // The scheme of the target implies the port.
        ("b.test", "https://a.test/", 200, "a.test"),
        ("b.test", "https://a.test:80/", 404, "Not found"),
        ("b.test", "HTTPS://c.test/", 200, "c.test:443"),
        ("b.test", "http://c.test/", 404, "Not found"),
        ("b.test", "/", 200, "b.test"),
    ];
    check(&client, &rows);
    assert_eq!(ask(&client, "a b", "http://a.test/").0, 400);
}

#[test]
fn serves_its_own_paths_to_other_hosts() {
    // CF-75, VA-208
    let mut app = hosts(&["a.test"]);
    app.get("/", async |_| "home").get("/own", async |_| "own");
    app.no_host(async |req| (421, format!("no host for {}", req.path())));
    app.not_found(async |_| (410, "gone"));
    let client = client(app);
    let rows = [
        ("a.test", "/", 200, "a.test"),
        ("a.test", "/own", 410, "gone"),
        ("other.test", "/", 200, "home"),
        ("other.test", "/own", 200, "own"),
        ("other.test", "/none", 421, "no host for /none"),
        ("[::1]", "/none", 421, "no host for /none"),
    ];
    check(&client, &rows);
    assert_eq!(client.post("/own").header("host", "other.test").send().status(), 405);
}

#[test]
fn asks_the_unknown_host_handler_for_any_path_and_method() {
    // VA-198, VA-213, VA-216, VA-218, VA-011, CV-53
    let mut app = App::new();
    app.host("x.test", named("x")).host("empty.test", App::new()).default_port(8080);
    app.no_host(async |_| Error::from_status(421));
    let client = client(app);
    let misdirected = "Misdirected Request";
    let rows = [
        ("x.test:8080", "/", 200, "x"),
        ("x.test", "/", 421, misdirected),
        ("y.test", "/any/path", 421, misdirected),
        ("[::1]", "/", 421, misdirected),
        ("127.0.0.1", "/", 421, misdirected),
        ("empty.test:8080", "/", 404, "Not found"),
    ];
    check(&client, &rows);
    assert_eq!(client.delete("/").header("host", "y.test").send().status(), 421);
    let all = answers(&client, "GET / HTTP/1.0\r\n\r\n");
    assert!(all.starts_with("HTTP/1.1 421 "), "{all}");
}

#[test]
fn an_unknown_host_is_404_unless_the_reply_says_otherwise() {
    // VA-217, HA-157
    let mut app = hosts(&["a.test"]);
    app.no_host(async |_| "nobody here");
    check(&client(app), &[("b.test", "/", 404, "nobody here")]);
}

#[test]
fn both_hosts_must_match_where_they_nest() {
    // VA-208
    let mut inner = hosts(&["api.a.test", "deep.b.test"]);
    inner.get("/inner", async |_| "inner").no_host(async |_| (421, "inner"));
    let mut app = App::new();
    app.host("*.a.test", inner).no_host(async |_| (421, "outer"));
    let client = client(app);
    let rows = [
        ("api.a.test", "/", 200, "api.a.test"),
        ("api.a.test", "/inner", 404, "Not found"),
        ("other.a.test", "/inner", 200, "inner"),
        ("other.a.test", "/", 421, "inner"),
        ("deep.b.test", "/", 421, "outer"),
        ("a.test", "/inner", 421, "outer"),
    ];
    check(&client, &rows);
}

fn mark(name: &'static str) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static {
    async move |req: Request, next: Next| {
        let mut res = next.run(req).await;
        let inside = res.header("x-steps").unwrap_or_default().to_owned();
        res.set_header("x-steps", format!("{name} {inside}"));
        res
    }
}

#[test]
fn the_parent_stands_around_its_hosts() {
    let mut child = named("child");
    child.use_(mark("child")).use_at("/p", mark("child /p"));
    child.mount("/p/m", App::new().use_(mark("mount")).get("/x", async |_| "x"));
    let mut app = App::new();
    app.use_(mark("app")).use_at("/p", mark("app /p")).use_at("/q", mark("app /q"));
    app.host("a.test", child).host("b.test", named("plain")).get("/:page", async |_| "page");
    let client = client(app);
    for (host, path, expected) in [
        ("a.test", "/", "app child"),
        ("a.test", "/none", "app child"),
        ("a.test", "/p/none", "app app /p child child /p"),
        ("a.test", "/%70/m/x", "app app /p child child /p mount"),
        ("b.test", "/q/none", "app app /q"),
        ("c.test", "/p", "app app /p"),
        ("c.test", "/none", "app"),
    ] {
        let reply = client.get(path).header("host", host).send();
        assert_eq!(reply.header("x-steps"), Some(expected), "{host} {path}");
    }
}

#[test]
fn errors_and_unknown_paths_go_outward_from_the_host() {
    // CF-17, CF-25, CF-26, VA-023
    let boom = async |_: Request| Err::<&str, _>(Error::new(402, "boom"));
    let mut own = App::new();
    own.get("/boom", boom).mount("/m", App::new().get("/boom", boom));
    own.on_error(async |_, err| (555, format!("own {}", err.message())));
    own.not_found(async |_| "own miss");
    let mut app = App::new();
    app.host("own.test", own).host("bare.test", App::new().get("/boom", boom));
    app.on_error(async |_, err| (556, format!("app {}", err.message())));
    app.not_found(async |_| "app miss");
    let client = client(app);
    let rows = [
        ("own.test", "/boom", 555, "own boom"),
        ("own.test", "/m/boom", 555, "own boom"),
        ("own.test", "/m/none", 404, "own miss"),
        ("own.test", "/none", 404, "own miss"),
        ("bare.test", "/boom", 556, "app boom"),
        ("bare.test", "/none", 404, "app miss"),
        ("none.test", "/boom", 404, "app miss"),
    ];
    check(&client, &rows);
    let panics = async |_: Request| -> &str { panic!("in a host child") };
    let mut app = App::new();
    app.host("a.test", App::new().get("/", panics).on_error(async |_, _| (557, "caught")));
    check(&self::client(app), &[("a.test", "/", 557, "caught")]);
}

#[test]
fn settings_flow_to_hosts_one_by_one() {
    // VA-010
    let mut own = App::new();
    own.get("/a/", async |_| "own").path_case(PathCase::Sensitive);
    let mut app = App::new();
    app.path_case(PathCase::Insensitive).trailing_slash(TrailingSlash::Strict).body_bytes_max(3);
    app.host("own.test", own);
    let echo = async |req: Request| req.text().await;
    app.host("bare.test", App::new().get("/a", async |_| "bare").post("/a", echo));
    let client = client(app);
    let rows = [
        ("own.test", "/a/", 200, "own"),
        ("own.test", "/a", 404, "Not found"),
        ("own.test", "/A/", 404, "Not found"),
        ("bare.test", "/A", 200, "bare"),
        ("bare.test", "/a/", 404, "Not found"),
    ];
    check(&client, &rows);
    let post = |body: &'static str| client.post("/a").header("host", "bare.test").body(body).send();
    assert_eq!((post("abc").status().as_u16(), post("abcd").status().as_u16()), (200, 413));
}

#[test]
fn a_host_sees_its_own_state_before_its_parent_s() {
    let show = async |req: Request| {
        let (number, text) = (req.try_state::<u32>().copied(), req.state::<String>());
        format!("{number:?} {text} {:?}", req.try_state::<u8>())
    };
    let app_of = || App::new().get("/", show).to_owned();
    let mut first = app_of();
    first.state(1_u32);
    let mut second = app_of();
    second.state("second".to_owned()).state_per_worker(async || Ok(2_u32));
    let mut third = app_of();
    third.state(3_u8);
    let mut app = app_of();
    app.state("app".to_owned()).state_per_worker(async || Ok(9_u8));
    app.host("first.test", first).host("second.test", second).host("third.test", third);
    let rows = [
        ("first.test", "/", 200, "Some(1) app Some(9)"),
        ("second.test", "/", 200, "Some(2) second Some(9)"),
        ("third.test", "/", 200, "None app Some(3)"),
        ("none.test", "/", 200, "None app Some(9)"),
    ];
    check(&client(app), &rows);
}

#[test]
fn one_connection_may_ask_for_several_hosts() {
    let client = client(hosts(&["a.test", "b.test"]));
    let ask = |host: &str| format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let all = answers(&client, ask("a.test") + &ask("b.test") + &ask("c.test") + &ask("a.test"));
    let texts = ["a.test", "b.test", "Not found", "a.test"];
    let places: Vec<_> = all.match_indices("\r\n\r\n").map(|(at, _)| &all[at + 4..]).collect();
    assert_eq!(places.len(), texts.len(), "{all}");
    assert!(places.iter().zip(texts).all(|(rest, text)| rest.starts_with(text)), "{all}");
}

#[test]
fn lists_the_routes_of_hosts_with_their_host() {
    let mut app = App::new();
    app.host("api.test", App::new().post("/x", async |_| "x")).get("/own", async |_| "own");
    let routes = app.routes().unwrap();
    let lines: Vec<_> = routes.iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(lines, ["GET /own", "POST api.test/x"]);
}

#[test]
fn refuses_bad_and_repeated_hosts_at_start() {
    // VA-209, VA-218, VA-219, CF-78, CV-52
    let mut app = App::new();
    let line = line!();
    app.host("a.com", named("a"));
    app.host("A.com:80", named("a"));
    app.host("a.com.", named("a"))
        .host("w*.com", named("a"))
        .host("a_b.com", named("a"))
        .host("a.com:080", named("a"))
        .host("a.com:65536", named("a"));
    app.no_host(async |_| 404);
    app.no_host(async |_| 404);
    app.host("b.com", App::new().get("no-slash%", async |_| "").get("/", async |_| ""));
    app.mount("/m", App::new().host("c.com", App::new()).no_host(async |_| 404));
    let text = problems(&app);
    let place = |offset: u32| format!("hosts.rs:{}:", line + offset);
    for words in [
        "the host `A.com:80` is already registered as `a.com`, at crates",
        "`a.com.`: a host name has no empty label",
        "`w*.com`: `*` stands for a whole label",
        "`a_b.com`: `_` has no place",
        "`a.com:080`: a port is",
        "`a.com:65536`: a port is",
        "the unknown-host handler is set twice, first at",
        "a mounted application has no hosts",
        "two hexadecimal digits",
        &place(1),
        &place(2),
        &place(8),
        &place(9),
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert_eq!(text.lines().filter(|line| line.contains("hosts.rs:")).count(), 10, "{text}");
}
