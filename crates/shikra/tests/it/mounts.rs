//! What belongs to a mount alone: its state, and its middleware around what it does not answer.

use crate::control::step;
use crate::support::{client, problems};
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{State, Unmatched};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

#[track_caller]
fn check(client: &TestClient, rows: &[(&str, &str, u16, &str)]) {
    for (method, path, status, steps) in rows {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply = client.request(method.clone(), path).send();
        let found = reply.header("x-steps").unwrap_or_default();
        assert_eq!((reply.status().as_u16(), found), (*status, *steps), "{method} {path}");
    }
}

#[test]
fn its_middleware_stands_around_unknown_paths_below_it() {
    // CF-21, CF-25, HX-082, HX-088, PO-114, PO-115
    let mut deep = App::new();
    deep.use_(step("deep")).get("/x", async |_| "x").not_found(async |_| 410);
    let mut mount = App::new();
    mount.use_(step("mount")).use_at("/base", step("base")).get("/x", async |_| "x");
    mount.mount("/deep/:id", deep);
    let mut app = App::new();
    app.use_(step("app")).use_at("/m", step("around")).mount("/m", mount).get("/x", async |_| "x");
    check(
        &client(app),
        &[
            ("GET", "/m/x", 200, "app around mount"),
            ("GET", "/m/none", 404, "app around mount"),
            ("GET", "/m", 404, "app around mount"),
            ("GET", "/%6d/none", 404, "app around mount"),
            ("PUT", "/m/x", 405, "app around mount"),
            ("OPTIONS", "/m/x", 204, "app around mount"),
            ("GET", "/m/base/none", 404, "app around mount base"),
            ("GET", "/m/deep/7/none", 410, "app around mount deep"),
            ("GET", "/m/deep", 404, "app around mount"),
            ("GET", "/mm", 404, "app"),
            ("GET", "/none", 404, "app"),
            ("PUT", "/x", 405, "app"),
        ],
    );
}

#[test]
fn its_guard_hides_what_there_is() {
    // CF-21: a client that may not come in cannot tell a path from none.
    let mut admin = App::new();
    admin.use_(before(async |_| Some((401, "log in first")))).get("/users", async |_| "users");
    let mut app = App::new();
    app.group("/admin", |group| {
        group.mount("/", admin);
        group.use_(before(async |req| req.header("x-key").is_none().then_some(403)));
    });
    let client = client(app);
    for (method, path) in [("GET", "/admin/users"), ("GET", "/admin/x"), ("PUT", "/admin/users")] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(client.request(method, path).send().status(), 403, "{path}");
    }
    assert_eq!(client.get("/admin/users").header("x-key", "1").send().status(), 401);
    assert_eq!(client.get("/administrator").send().status(), 404);
}

#[test]
fn what_is_mounted_at_the_root_guards_its_routes_alone() {
    // CF-21, PO-031: its routes are merged, and what no route answers is the application's.
    let mut members = App::new();
    members.use_(step("members")).get("/members", async |_| "members");
    members.not_found(async |_| 410);
    let mut app = App::new();
    app.use_(step("app")).mount("/", members).get("/public", async |_| "public");
    check(
        &client(app),
        &[
            ("GET", "/members", 200, "app members"),
            ("OPTIONS", "/public", 204, "app"),
            ("PUT", "/public", 405, "app"),
            ("GET", "/none", 410, "app"),
        ],
    );
}

#[test]
fn a_mount_below_a_host_child_does_the_same() {
    // CF-21, CF-75
    let mut mount = App::new();
    mount.use_(step("mount")).get("/x", async |_| "x");
    let mut child = App::new();
    child.use_(step("child")).mount("/m", mount);
    let mut app = App::new();
    app.use_(step("app")).use_at("/m", step("base")).host("h.test", child);
    let client = client(app);
    let steps = |path: &str| {
        let reply = client.get(path).header("host", "h.test").send();
        reply.header("x-steps").unwrap_or_default().to_owned()
    };
    assert_eq!(steps("/m/x"), "app base child mount");
    assert_eq!(steps("/m/none"), "app base child mount");
    assert_eq!(steps("/none"), "app child");
}

#[test]
fn parent_routes_and_mounts_are_one_table() {
    // CF-24, PO-033, PO-045, CP-41
    let mut mount = App::new();
    mount.use_(step("mount")).get("/x", async |_| "mount").get("/:id", async |_| "mount id");
    let mut app = App::new();
    app.mount("/s", mount);
    app.get("*", async |_| "parent").get("/s/more", async |_| "parent's more");
    let client = client(app);
    for (path, text, steps) in [
        ("/s/x", "mount", Some("mount")),
        ("/s/7", "mount id", Some("mount")),
        ("/s/more", "parent's more", None),
        ("/s/x/y", "parent", None),
        ("/s", "parent", None),
    ] {
        let reply = client.get(path).send();
        assert_eq!((&*reply.text(), reply.header("x-steps")), (text, steps), "{path}");
    }
}

async fn names(req: Request) -> String {
    let name = req.try_state::<&'static str>().copied().unwrap_or("none");
    format!("{name} {:?} {:?}", req.try_state::<u8>(), req.try_state::<i64>())
}

#[test]
fn the_nearest_state_of_a_type_is_found() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let mut deep = App::new();
    deep.state(3_u8).get("/", names);
    let mut mount = App::new();
    mount.state("mount").state_per_worker(async || {
        MADE.fetch_add(1, Ordering::Relaxed);
        Ok(-1_i64)
    });
    mount.get("/", names).mount("/deep", deep).not_found(names);
    mount.get("/extracted", shikra::with(async |_, State(name): State<&'static str>| name));
    let mut child = App::new();
    child.state("child").get("/", names).mount("/m", mount.clone());
    let mut app = App::new();
    app.state("app").state(1_u8).get("/", names).mount("/m", mount).host("h.test", child);
    app.use_(async |req: Request, next: Next| {
        let seen = names(req.clone()).await;
        next.run(req).await.with_header("x-seen", seen)
    });
    app.unmatched(async |req, _: Unmatched| names(req).await);
    app.mount("/sibling", App::new().get("/", names));
    let client = client(app);
    for (host, path, text) in [
        ("t", "/", "app Some(1) None"),
        ("t", "/m", "mount Some(1) Some(-1)"),
        ("t", "/m/deep", "mount Some(3) Some(-1)"),
        ("t", "/m/none", "mount Some(1) Some(-1)"),
        ("t", "/none", "app Some(1) None"),
        ("t", "/sibling", "app Some(1) None"),
        ("h.test", "/", "child Some(1) None"),
        ("h.test", "/m/deep", "mount Some(3) Some(-1)"),
    ] {
        let reply = client.get(path).header("host", host).send();
        assert_eq!(reply.text(), text, "{host}{path}");
        assert_eq!(reply.header("x-seen"), Some(text), "middleware of {host}{path} sees the same");
    }
    assert_eq!(client.get("/m/extracted").send().text(), "mount");
    assert_eq!(MADE.load(Ordering::Relaxed), 2, "once for each mount of the one worker");
}

#[test]
fn state_of_a_worker_wins_where_it_is_nearer() {
    let mut mount = App::new();
    mount.state("shared by the mount").get("/", names);
    let mut own = App::new();
    own.state_per_worker(async || Ok("the worker's of the mount")).get("/", names);
    let mut app = App::new();
    app.state_per_worker(async || Ok("the worker's")).get("/", names);
    app.mount("/shared", mount).mount("/own", own);
    let client = client(app);
    assert_eq!(client.get("/").send().text(), "the worker's None None");
    assert_eq!(client.get("/shared").send().text(), "shared by the mount None None");
    assert_eq!(client.get("/own").send().text(), "the worker's of the mount None None");
}

#[test]
fn one_type_may_be_given_by_the_application_and_by_its_mounts() {
    let mut mount = App::new();
    mount.state(2_u8).state(3_u8);
    let mut app = App::new();
    app.state(1_u8).mount("/a", App::new().state(2_u8)).mount("/b", mount);
    assert_eq!(problems(&app).matches("is given twice").count(), 1);
}

#[test]
fn an_application_is_a_value_that_many_others_may_hold() {
    // HX-072, HX-073, HA-036, HA-038, PO-030, PO-034, PO-047
    let mut feature = App::new();
    feature.use_(step("feature")).get("/", async |_| "index").post("/:id", async |_| "post");
    let mut first = App::new();
    first.mount("one", feature.clone()).mount("/two/", feature.clone());
    let mut second = App::new();
    second.mount("/", feature.clone()).mount("/deep", first.clone());
    let listed = |app: &App| {
        let routes = app.routes().unwrap();
        routes.iter().map(|(method, path)| format!("{method} {path}")).collect::<Vec<_>>()
    };
    assert_eq!(listed(&feature), ["GET /", "POST /:id"], "mounting leaves it as it was");
    assert_eq!(listed(&first), ["GET /one", "POST /one/:id", "GET /two", "POST /two/:id"]);
    assert_eq!(listed(&second)[2..4], ["GET /deep/one", "POST /deep/one/:id"]);
    let (alone, first, second) = (client(feature), client(first), client(second));
    for (client, path) in [
        (&alone, "/"),
        (&first, "/one"),
        (&first, "/two"),
        (&second, "/"),
        (&second, "/deep/one"),
        (&second, "/deep/two"),
    ] {
        let reply = client.get(path).send();
        assert_eq!((&*reply.text(), reply.header("x-steps")), ("index", Some("feature")), "{path}");
    }
    assert_eq!(first.get("/").send().status(), 404);
}

#[test]
fn the_application_itself_is_what_is_passed_around() {
    // PO-011, PO-053, PO-142, CP-45: registered on, looked into, mounted, tested and served.
    let mut app = App::new();
    app.get("/:id", async |req| req.param::<String>("id"));
    assert_eq!(app.explain("GET", "/7").unwrap().params, [("id".to_owned(), "7".to_owned())]);
    assert!(app.explain("GET", "/7/8").unwrap().route.is_none());
    let mut around = App::new();
    around.mount("/in", app.clone());
    assert_eq!(client(around).get("/in/7").send().text(), "7");
    assert_eq!(client(app.clone()).get("/7").send().text(), "7");
    let server = app.start("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.write_all(b"GET /7 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n7"), "{reply}");
    server.stop();
    server.wait();
}
