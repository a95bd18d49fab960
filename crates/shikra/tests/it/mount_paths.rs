//! The path below a mount or base path, and what the mount has taken of it.

use crate::support::client;
use shikra::prelude::*;

/// What a step sees, for a header or a body.
fn seen(req: &Request) -> String {
    format!("{:?} {} {}", req.mount_path(), req.relative_path(), req.path())
}

/// A middleware that adds what it sees.
async fn noting(req: Request, next: Next) -> Response {
    let before = seen(&req);
    let mut res = next.run(req.clone()).await;
    // What stood below has not changed this handle.
    assert_eq!(before, seen(&req));
    res.append_header("x-seen", before);
    res
}

#[test]
fn each_level_of_mounts_sees_the_path_below_itself() {
    // CF-23, PO-036, PO-038, PO-098: the path stays whole everywhere, and the part below is an accessor of its own.
    let mut inner = App::new();
    inner.use_(noting).get("/", async |req: Request| seen(&req));
    inner.get("/:k", async |req: Request| format!("{} {:?}", seen(&req), req.query_str()));
    let mut middle = App::new();
    middle.use_(noting).mount("/b", inner);
    let mut app = App::new();
    app.use_(noting).use_at("/a", noting).mount("/a", middle);
    app.get("/", async |req: Request| seen(&req));
    app.get("/a/own", async |req: Request| seen(&req));
    let client = client(app);
    let ask = |path: &str| {
        let reply = client.get(path).send();
        let notes = reply.header_all("x-seen");
        let notes = notes.into_iter().map(str::to_owned);
        (reply.text(), notes.collect::<Vec<_>>())
    };
    let (body, notes) = ask("/a/b/c?k=1");
    assert_eq!(body, r#""/a/b" /c /a/b/c Some("k=1")"#);
    let wanted = [
        r#""/a/b" /c /a/b/c"#,
        r#""/a" /b/c /a/b/c"#,
        r#""/a" /b/c /a/b/c"#,
        r#""" /a/b/c /a/b/c"#,
    ];
    assert_eq!(notes, wanted);
    assert_eq!(ask("/a/b").0, r#""/a/b" / /a/b"#);
    assert_eq!(ask("/a/b/").0, r#""/a/b" / /a/b/"#);
    assert_eq!(ask("/%61/b/%63").0, r#""/%61/b" /%63 /%61/b/%63 None"#);
    assert_eq!(ask("/").0, r#""" / /"#);
    // The route is the application's own, though a base path covers it.
    let (body, notes) = ask("/a/own");
    assert_eq!(body, r#""" /a/own /a/own"#);
    assert_eq!(notes, [r#""/a" /own /a/own"#, r#""" /a/own /a/own"#]);
}

#[test]
fn base_paths_and_mounts_on_one_prefix_agree() {
    // CP-39, PO-041, PO-042, PO-098; a parameter of the prefix is a segment like any other.
    let mut app = App::new();
    app.use_at("/s/:id", noting).group("/s/:id", |sub| {
        sub.get("/", async |req: Request| seen(&req)).get("/*", async |req: Request| seen(&req));
    });
    let client = client(app);
    for (path, wanted) in [
        ("/s/7/5/6?a=1", r#""/s/7" /5/6 /s/7/5/6"#),
        ("/s/7?a=1", r#""/s/7" / /s/7"#),
        ("/s/a%2Fb/x", r#""/s/a%2Fb" /x /s/a%2Fb/x"#),
    ] {
        let reply = client.get(path).send();
        assert_eq!(
            (reply.text(), reply.header("x-seen")),
            (wanted.to_owned(), Some(wanted)),
            "{path}"
        );
    }
}

#[test]
fn answers_without_a_route_know_their_mount() {
    // CF-23
    let mut app = App::new();
    app.group("/fails", |sub| {
        sub.get("/now", async |_| Err::<u16, _>(Error::new(402, "no")));
        sub.on_error(async |req: Request, _: &Error| (402, seen(&req)));
        sub.not_found(async |req: Request| seen(&req));
    });
    app.group("/told", |sub| {
        sub.get("/x", async |_| 204).unmatched(async |req: Request, _| seen(&req));
    });
    app.on_error(async |req: Request, error: &Error| (error.status(), seen(&req)));
    let client = client(app);
    let ask = |path: &str| client.get(path).send().text();
    assert_eq!(ask("/fails/now"), r#""/fails" /now /fails/now"#);
    assert_eq!(ask("/fails/never"), r#""/fails" /never /fails/never"#);
    assert_eq!(ask("/told/never"), r#""/told" /never /told/never"#);
    assert_eq!(ask("/never"), r#""" /never /never"#);
    assert_eq!(client.options("*").send().status(), 204);
}
