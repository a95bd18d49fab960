//! What may be registered, and what a path is compared with.

use crate::support::{client, problems};
use shikra::prelude::*;
use shikra::testing::TestClient;

async fn show(req: Request) -> String {
    let params = req.params().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", req.pattern().unwrap_or("none"), params.collect::<String>())
}

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
fn compares_paths_segment_by_segment() {
    // HA-039, PO-073, PO-074, VA-047, CF-02, CF-03, CF-04
    let mut app = App::new();
    app.get("/Users/list", show).get("/users/:id/", show).get("/caf%C3%A9/%2Fx", show);
    check(
        &client(app),
        &[
            ("/Users/list", "/Users/list"),
            ("/Users/list/", "/Users/list"),
            ("/Users/list?x=/users/1", "/Users/list"),
            ("/users/list", "/users/:id/ id=list"),
            ("/USERS/list", "404"),
            ("/users", "404"),
            ("/users/1/2", "404"),
            ("/users//", "404"),
            ("//Users/list", "404"),
            ("/Users//list", "404"),
            ("/Us%65rs/l%69st", "/Users/list"),
            // Decoded first, then brought into normal form C; the encoded slash stays text.
            ("/cafe%CC%81/%2fx/", "/caf%C3%A9/%2Fx"),
            ("/caf%C3%A9//x", "404"),
        ],
    );
}

#[test]
fn literal_text_may_hold_colons_and_other_signs() {
    // VA-030, VA-033
    let mut app = App::new();
    app.get("/:any", async |_| "any")
        .get("/a-b_c.d~e!f$g&h'i,j;k=l@m", async |_| "signs")
        .get("/%3Ac", async |_| "colon first")
        .get("/a%3Ab", async |_| "colon")
        .get("/%2A", async |_| "star");
    check(
        &client(app),
        &[
            ("/a-b_c.d~e!f$g&h'i,j;k=l@m", "signs"),
            ("/:c", "colon first"),
            ("/%3ac", "colon first"),
            ("/a:b", "colon"),
            ("/*", "star"),
            ("/ab", "any"),
        ],
    );
}

#[test]
fn refuses_other_text_and_leaves_nothing_behind() {
    // VA-030, VA-034, VA-038, HX-068, CK-16, PO-141, CV-23
    let long = format!("/{}", "a".repeat(2047));
    let mut app = App::new();
    app.get(&long, show);
    assert_eq!(app.routes().unwrap().len(), 1);
    let patterns = [
        "",
        "/a b",
        "/a\0",
        "/a[x]",
        "/a|b",
        "/a\\b",
        "/a\"b",
        "/a<b",
        "/a^b",
        "/a`b",
        "/a?",
        "/a#b",
        "/foo/*/bar",
        "/s*",
        "/(a|b)",
        "/.*fly$",
        "/a+",
        "/{x}",
        "//",
        "/a%2",
        "/caf\u{e9}",
        "/:a\u{e9}",
    ];
    for pattern in patterns {
        let mut app = App::new();
        app.get("/good", show).get(pattern, show);
        let text = problems(&app);
        assert_eq!(text.matches("registering.rs:").count(), 1, "{pattern:?}: {text}");
        assert!(app.start("127.0.0.1:0").is_err(), "{pattern:?}");
    }
    let mut app = App::new();
    app.get(&format!("{long}a"), show);
    assert!(problems(&app).contains("2048"));
    let mut app = App::new();
    app.use_all_at("/:wild/*", (before(async |_| ()), before(async |_| ())));
    assert_eq!(problems(&app).lines().filter(|line| line.contains("registering.rs:")).count(), 1);
}

#[test]
fn a_wildcard_is_last_and_takes_the_whole_rest() {
    // HX-062, PO-082, CF-07
    let mut app = App::new();
    app.get("/files/*", show).get("/named/*tail", show).get("/maybe/*?", show).get("*", show);
    check(
        &client(app),
        &[
            ("/files/a", "/files/* *=a"),
            ("/files/a/b/c", "/files/* *=a/b/c"),
            ("/files/", "* *=files"),
            ("/named/a/b%20c", "/named/*tail tail=a/b c"),
            ("/maybe/", "/maybe/*?"),
            ("/maybe", "/maybe/*?"),
            ("/", "*"),
        ],
    );
}

#[test]
fn a_route_without_parameters_has_none() {
    // VA-057, VA-058
    let mut app = App::new();
    app.get("/plain", async |req| {
        let count = req.params().count();
        format!("{count} {:?} {:?}", req.param_str("id"), req.param_raw("id"))
    });
    app.get("/:id", async |req| format!("{:?}", req.params().collect::<Vec<_>>()));
    check(
        &client(app),
        &[("/plain", "0 None None"), ("/7", r#"[("id", "7")]"#), ("/a%20b", r#"[("id", "a b")]"#)],
    );
}

#[test]
fn the_core_brings_no_views() {
    // PO-138: templates are a crate of their own, which the default features do not bring.
    let manifest = include_str!("../../Cargo.toml");
    assert!(manifest.contains("default = [\"json\"]"));
    let template = manifest.lines().find(|line| line.starts_with("shikra-template"));
    assert!(template.is_none_or(|line| line.contains("optional = true")), "{template:?}");
}
