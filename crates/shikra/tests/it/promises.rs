//! What the project says about itself: packaging, licence, size, and programs that are as small as they look.

use super::sockets::{ask, connect};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines of one table of a manifest, comments aside.
fn table(manifest: &str, name: &str) -> Vec<String> {
    let header = format!("[{name}]");
    let lines = manifest.lines().map(str::trim).skip_while(|line| *line != header).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The names of all crates that `shikra` is made of, with these features.
fn crates(features: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["tree", "--package", "shikra", "--edges", "normal,build"]);
    command.args(["--prefix", "none", "--offline", "--locked"]).args(features);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_core_is_small_and_reaches_out_to_nobody() {
    // HX-007, PO-006, HA-013
    let core = crates(&["--no-default-features"]);
    assert!(core.contains("tokio") && core.contains("shikra-engine"), "{core:?}");
    assert!(core.len() < 60, "{} crates: {core:?}", core.len());
    assert!(!core.contains("serde_json"));
    assert!(crates(&[]).contains("serde_json"));
    // Nothing that could ask a registry for a newer version.
    for client in ["hyper", "reqwest", "ureq", "curl", "isahc", "attohttpc"] {
        assert!(!crates(&["--all-features"]).contains(client), "{client}");
    }
}

#[test]
fn every_feature_stands_alone_and_only_json_is_on() {
    // VA-001, PO-001
    let features = table(&read("crates/shikra/Cargo.toml"), "features");
    assert_eq!(features.first().map(String::as_str), Some(r#"default = ["json"]"#), "{features:?}");
    let check = read("xtask/src/check.rs");
    assert!(
        check.contains(r#""check", "--quiet", "-p", "shikra", "--lib", "--no-default-features""#)
    );
}

#[test]
fn the_licence_is_mit_for_every_crate() {
    // HX-009, PO-008
    assert!(read("LICENSE").starts_with("MIT License"));
    assert!(table(&read("Cargo.toml"), "workspace.package").contains(&r#"license = "MIT""#.into()));
    for name in ["shikra-proto", "shikra-template", "shikra-engine", "shikra"] {
        let package = table(&read(&format!("crates/{name}/Cargo.toml")), "package");
        assert!(package.contains(&"license.workspace = true".into()), "{name}: {package:?}");
        // VA-003: an older compiler is refused with a clear message.
        assert!(package.contains(&"rust-version.workspace = true".into()), "{name}: {package:?}");
    }
    let workspace = table(&read("Cargo.toml"), "workspace.package");
    let version =
        workspace.iter().find_map(|line| line.strip_prefix("rust-version = \"1.")).unwrap();
    assert!(version.trim_end_matches('"').parse::<u32>().unwrap() >= 85, "async closures");
}

#[test]
fn hello_world_needs_one_dependency_and_one_expression() {
    // HX-010, HA-304, VA-004, PO-007
    let hello = read("examples/hello.rs");
    let code: Vec<_> = hello.lines().filter(|line| !line.starts_with("//")).collect();
    assert!(code.iter().filter(|line| !line.trim().is_empty()).count() <= 4, "{hello}");
    let uses: Vec<_> = code.iter().filter(|line| line.starts_with("use ")).collect();
    assert_eq!(uses, [&"use shikra::prelude::*;"], "one dependency");
    // A path through another crate would begin like this.
    assert_eq!(hello.matches("::").count(), 5, "{hello}");
    assert!(!hello.contains("#["), "{hello}");
}

#[test]
fn public_items_are_documented_and_platforms_are_named() {
    // HX-008, HX-013
    let lints = table(&read("Cargo.toml"), "workspace.lints.rust");
    assert!(lints.contains(&r#"missing_docs = "warn""#.into()), "{lints:?}");
    for name in ["shikra-proto", "shikra-template", "shikra-engine", "shikra"] {
        let lints = table(&read(&format!("crates/{name}/Cargo.toml")), "lints");
        assert_eq!(lints, ["workspace = true"], "{name}");
    }
    // Warnings are errors where it is checked.
    assert!(read("xtask/src/check.rs").contains(r#""--all-features", "--", "-D", "warnings"]"#));
    let not_built = read("docs/not-built.md");
    let (_, platforms) = not_built.split_once("## Platforms").unwrap();
    for name in ["Linux", "macOS", "Windows"] {
        assert!(platforms.contains(name), "{name}");
    }
    assert!(read("README.md").contains("Linux is the tested platform"));
}

#[test]
fn an_application_without_routes_answers_404() {
    // CF-18, VA-011
    let mut app = App::new();
    app.host("empty.example", App::new());
    let client = TestClient::new(app);
    for host in ["x", "empty.example"] {
        let reply = client.get("/").header("host", host).send();
        assert_eq!((reply.status().as_u16(), reply.keeps_alive()), (404, true), "{host}");
    }
}

#[test]
fn one_application_runs_in_process_in_another_and_on_sockets() {
    // PO-053, PO-054
    let mut app = App::new();
    app.get("/user", async |_| Json(std::collections::BTreeMap::from([("name", "john")])));
    let mut outer = App::new();
    outer.mount("/outer", app.clone());
    assert_eq!(TestClient::new(outer).get("/outer/user").send().status(), 200);
    let server = app.clone().start("127.0.0.1:0").unwrap();
    assert!(ask(&mut connect(server.addr()), "/user").ends_with(r#"{"name":"john"}"#));
    server.stop_now();
    server.wait();
    let reply = TestClient::new(app).get("/user").send();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("content-length"), Some("15"));
    assert_eq!(reply.text(), r#"{"name":"john"}"#);
}

#[test]
fn the_parts_of_a_target_are_found_once_and_shown_as_they_were_sent() {
    // PO-056, PO-059, CF-36
    let mut app = App::new();
    app.get("/*?", async |req| {
        let pairs = req.query().iter().count();
        format!("{} {} {:?} {pairs}", req.target(), req.path(), req.query_str())
    });
    let client = TestClient::new(app);
    let rows = [
        ("/a%20b/?x=1&y=%20?z", "/a%20b/?x=1&y=%20?z /a%20b/ Some(\"x=1&y=%20?z\") 2"),
        ("/a", "/a /a None 0"),
        ("/a?", "/a? /a Some(\"\") 0"),
    ];
    for (target, wanted) in rows {
        assert_eq!(client.get(target).send().text(), wanted);
    }
}

#[test]
fn global_middleware_sees_every_request() {
    // HX-053
    let mut app = App::new();
    app.get("/a", async |_| "a").use_(async |req: Request, next: Next| {
        let path = req.path().to_owned();
        next.run(req).await.with_header("x-seen", &path)
    });
    let client = TestClient::new(app);
    for (method, path) in [("GET", "/a"), ("POST", "/a"), ("GET", "/nowhere"), ("PROPFIND", "/b")] {
        let reply = client.request(method.parse().unwrap(), path).send();
        assert_eq!(reply.header("x-seen"), Some(path), "{method}");
    }
}

#[test]
fn a_failing_handler_is_a_500_and_nothing_more() {
    // HA-012, HA-017
    let mut app = App::new();
    app.get("/error", async |_| Err::<u16, _>(std::io::Error::other("the secret cause").into()));
    app.get(
        "/panic",
        async |req| if req.path().len() > 1 { panic!("the secret cause") } else { 200 },
    );
    app.get("/", async |_| "hello");
    let open = TestClient::new(app.clone().development());
    let client = TestClient::new(app);
    let other = client.connect();
    for path in ["/error", "/panic"] {
        let reply = client.get(path).send();
        assert_eq!(reply.status(), 500);
        assert!(reply.keeps_alive() && !reply.text().contains("secret"), "{}", reply.text());
        assert_eq!(client.get("/").send().text(), "hello");
        let reply = open.get(path).send();
        assert!(reply.status() == 500 && reply.text().contains("the secret cause"), "{path}");
    }
    other.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(other.read_reply().unwrap().text(), "hello");
}

#[test]
fn replies_are_put_together_in_one_expression_and_any_order() {
    // HX-006
    let mut app = App::new();
    let cookie = || shikra::SetCookie::new("a", "b").unwrap();
    app.get("/one", async move |_| {
        let res = Response::new().with_status(403).with_header("x-a", "1").with_header("x-b", "2");
        res.with_cookie(&cookie()).with_body("no")
    });
    app.get("/other", async move |_| {
        let res = Response::new().with_body("no").with_header("x-b", "2").with_cookie(&cookie());
        res.with_header("x-a", "1").with_status(403)
    });
    let client = TestClient::new(app);
    let shown = |path: &str| {
        let reply = client.get(path).send();
        let fields = ["x-a", "x-b", "set-cookie"].map(|name| reply.header(name).map(str::to_owned));
        (reply.status().as_u16(), fields, reply.text())
    };
    assert_eq!(shown("/one"), shown("/other"));
    assert_eq!((shown("/one").0, &*shown("/one").2), (403, "no"));
    assert!(shown("/one").1[2].as_deref().unwrap().starts_with("a=b"));
}

#[test]
fn control_runs_forward_and_back_around_a_request_that_nobody_changes() {
    // VA-002
    #[derive(Default)]
    struct Steps(std::cell::RefCell<String>);
    fn note(req: &Request, step: &str) {
        if req.meta().get::<Steps>().is_none() {
            req.meta().insert(Steps::default());
        }
        let steps = req.meta().get::<Steps>().unwrap();
        steps.0.borrow_mut().push_str(&format!(
            "{step} {} {:?}, ",
            req.target(),
            req.header("x-a")
        ));
    }
    let mut app = App::new();
    for name in ["first", "second"] {
        app.use_(async move |req: Request, next: Next| {
            note(&req, name);
            let res = next.run(req.clone()).await;
            note(&req, &format!("after-{name}"));
            let steps = req.meta().get::<Steps>().unwrap().0.borrow().clone();
            res.with_header("x-steps", &steps)
        });
    }
    // A body is a stream like any other: mapped while it comes.
    app.post("/a", async |req| {
        note(&req, "handler");
        let mut body = req.body();
        shikra::stream(async move |out| {
            while let Some(chunk) = body.next().await {
                out.write(chunk?.to_ascii_uppercase()).await?;
            }
            Ok(())
        })
    });
    let client = TestClient::new(app);
    let reply = client.post("/a?b").header("x-a", "1").chunks(["one ", "two"]).send();
    assert_eq!(reply.text(), "ONE TWO");
    let names = ["first", "second", "handler", "after-second", "after-first"];
    let wanted: String = names.iter().map(|name| format!("{name} /a?b Some(\"1\"), ")).collect();
    assert_eq!(reply.header("x-steps").map(str::trim), Some(wanted.trim()));
}
