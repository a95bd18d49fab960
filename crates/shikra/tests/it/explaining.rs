//! `App::explain`: what it says, and that the dispatch does the same.

use crate::control::step;
use crate::support::{client, problems};
use shikra::explain::{Answer, Explained, Tier};
use shikra::prelude::*;
use shikra::router::{MethodMatch, TrailingSlash};

/// An application with everything that a request can meet.
fn site() -> App {
    let mut admin = App::new();
    admin.use_(step("admin")).use_at("/users", step("users"));
    admin
        .route("/users/:id")
        .use_(step("route"))
        .get(async |_| "user")
        .no_such_method(async |_| (405, "no such method"));
    admin.get("/users/new", async |_| "new").unmatched(async |_, _| "admin unmatched");
    admin.on_error(async |_, err| (err.status(), "admin error"));
    let mut api = App::new();
    api.use_(step("api")).get("/v:n", async |_| "version");
    api.not_found_for([Method::GET], async |_| "api get");
    let mut app = App::new();
    app.use_(step("app")).use_at("/:any/users", step("any users"));
    app.get("/", async |_| "home").any("/any/*?", async |_| "any").post("/form", async |_| 204);
    app.get("/slash/", async |_| "slash").trailing_slash(TrailingSlash::Redirect);
    app.mount("/admin", admin).mount("/", App::new().get("/merged", async |_| "merged"));
    app.host("api.test", api).not_found(async |_| "app not found");
    app.catch(async |_, _: &std::fmt::Error| 500);
    app.on_error(async |_, err| (err.status(), "app error"));
    app
}

fn explain(method: &str, target: &str) -> Explained {
    site().explain(method, target).unwrap()
}

/// The tiers and base paths of a chain, outermost first.
fn chain(explained: &Explained) -> Vec<(Tier, &str)> {
    explained.chain.iter().map(|step| (step.tier, &*step.below)).collect()
}

#[test]
fn names_the_route_its_rivals_and_the_chain() {
    // HX-035, HX-042, HX-063, HX-072, PO-072
    let found = explain("GET", "/admin/users/7?q=1");
    let route = found.route.as_ref().unwrap();
    assert_eq!((&route.method, &*route.pattern), (&Method::GET.into(), "/admin/users/:id"));
    assert_eq!((found.answer.clone(), found.host.as_deref()), (Answer::Route, None));
    assert_eq!(found.params, [("id".to_owned(), "7".to_owned())]);
    assert_eq!(found.place, Some(route.place));
    assert!(route.place.file().ends_with("explaining.rs"));
    assert_eq!(
        chain(&found),
        [
            (Tier::Global, "/"),
            (Tier::Base, "/:any/users"),
            (Tier::Mount, "/admin"),
            (Tier::Base, "/admin/users"),
            (Tier::Route, "/admin/users/:id"),
        ]
    );
    let places: Vec<_> = found.chain.iter().map(|step| step.place.line()).collect();
    let [app, any_users, admin, users, own] = places[..] else { panic!("{places:?}") };
    assert!(admin == users && admin < own && own < app && app == any_users, "{places:?}");
    assert!(found.chain.iter().all(|step| step.name.contains("step")));
    let (rival, reason) = &found.others[0];
    assert_eq!(rival.pattern, "/admin/users/new");
    assert!(reason.contains("segment 3 is `7`, not `new`"), "{reason}");
    let handlers: Vec<_> = found.error_handlers.iter().map(|h| (h.is_catch, &*h.below)).collect();
    assert_eq!(handlers, [(false, "/admin"), (true, "/"), (false, "/")]);
}

#[test]
fn names_who_answers_where_no_route_does() {
    // HX-042, HX-077, CF-21, CF-25
    let status = |code: u16| Answer::Shikra(StatusCode::from_u16(code).unwrap());
    for (method, target, answer, steps) in [
        ("GET", "/none", Answer::NotFound, 1),
        ("PUT", "/form", status(405), 1),
        ("OPTIONS", "/form", status(204), 1),
        ("OPTIONS", "*", status(204), 1),
        ("HEAD", "/", Answer::Route, 1),
        ("GET", "/slash", status(308), 1),
        ("GET", "/%ff", status(400), 1),
        ("CONNECT", "x.test:1", status(405), 1),
        ("PUT", "/admin/users/7", Answer::NoSuchMethod, 5),
        ("GET", "/admin/none", Answer::Unmatched, 2),
        ("GET", "/admin/users/7/x", Answer::Unmatched, 4),
        ("GET", "http://api.test/v1", Answer::Route, 2),
        ("GET", "http://api.test/none", Answer::NotFound, 2),
        ("HEAD", "http://api.test/none", Answer::NotFound, 2),
        ("PUT", "http://api.test/none", Answer::NotFound, 2),
        ("PUT", "http://api.test/v1", status(405), 2),
        ("GET", "http://other.test/none", Answer::NotFound, 1),
    ] {
        let found = explain(method, target);
        assert_eq!(
            (&found.answer, found.chain.len()),
            (&answer, steps),
            "{method} {target}: {found}"
        );
        assert_eq!(found.place.is_none(), matches!(answer, Answer::Shikra(_)), "{method} {target}");
        let is_api = target.contains("api.test");
        assert_eq!(found.host.as_deref(), is_api.then_some("api.test"), "{method} {target}");
        assert!(found.to_string().starts_with(&format!("{method} {target}: ")));
    }
}

#[test]
fn names_the_handler_for_unknown_hosts() {
    // CF-75, VA-218
    let mut app = App::new();
    app.host("a.test", App::new().get("/", async |_| "a"))
        .no_host(async |_| 421)
        .get("/x", async |_| "");
    for (target, answer) in [
        ("/none", Answer::NoHost),
        ("http://b.test/none", Answer::NoHost),
        ("http://b.test/x", Answer::Route),
        ("http://a.test/none", Answer::Shikra(StatusCode::NOT_FOUND)),
        ("http://a.test:80/", Answer::Route),
        ("https://a.test/", Answer::Route),
        ("https://a.test:80/", Answer::NoHost),
    ] {
        assert_eq!(app.explain("GET", target).unwrap().answer, answer, "{target}");
    }
}

#[test]
fn tells_it_in_words() {
    let text = explain("GET", "/admin/users/7").to_string();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].starts_with("GET /admin/users/7: GET /admin/users/:id answers, at "),
        "{text}"
    );
    for words in [
        "  GET /admin/users/new, at ",
        ": segment 3 is `7`, not `new`",
        "  middleware of the application `/`: ",
        "  middleware of the mount `/admin`: ",
        "  middleware of the base path `/admin/users`: ",
        "  middleware of the route `/admin/users/:id`: ",
        "  errors below `/admin`, at ",
        "  errors of one type below `/`, at ",
    ] {
        assert!(lines.iter().any(|line| line.contains(words)), "{words} is missing: {text}");
    }
    let text = explain("PUT", "/form").to_string();
    assert!(text.contains("POST only; the answer is 405 Method Not Allowed"), "{text}");
    let text = explain("GET", "/admin/none").to_string();
    assert!(text.contains("no pattern matches; the handler of what is unmatched answers, at "));
}

#[test]
fn knows_the_route_for_connect() {
    // CF-74
    let mut app = App::new();
    app.use_(step("app")).method(Method::CONNECT, "*", async |_| 403);
    let found = app.explain("CONNECT", "x.test:443").unwrap();
    assert_eq!((&found.answer, found.chain.len()), (&Answer::Route, 1));
    let route = found.route.as_ref().unwrap();
    assert_eq!((&route.method, &*route.pattern), (&MethodMatch::One(Method::CONNECT), "*"));
    assert!(found.to_string().starts_with("CONNECT x.test:443: CONNECT * answers, at "), "{found}");
}

#[test]
fn refuses_what_no_client_can_send() {
    let app = site();
    for (method, target) in
        [("GET", "a b"), ("GET", ""), ("G T", "/"), ("CONNECT", "/"), ("GET", "*")]
    {
        assert!(app.explain(method, target).is_err(), "{method} {target}");
    }
    let mut broken = App::new();
    broken.get("/a//b", async |_| "");
    assert_eq!(broken.explain("GET", "/").unwrap_err().to_string(), problems(&broken));
}

#[test]
fn the_dispatch_does_what_is_explained() {
    let client = client(site());
    let paths = [
        "/",
        "/any",
        "/any/x/y",
        "/form",
        "/form/",
        "/slash",
        "/slash/",
        "/admin",
        "/admin/users",
        "/admin/users/7",
        "/admin/users/new",
        "/admin/users/7/x",
        "/admin/x",
        "/x/users/y",
        "/merged",
        "/none",
        "/v1",
        "/vx",
        "/%61dmin/users/7",
        "/admin%2Fusers",
        "//",
        "/admin//",
    ];
    for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::OPTIONS] {
        for path in paths {
            for host in ["t.test", "api.test"] {
                let target = format!("http://{host}{path}");
                let found = site().explain(&method, &target).unwrap();
                let reply = client.request(method.clone(), path).header("host", host).send();
                let steps = reply.header("x-steps").unwrap_or_default().replace("any users", "any");
                assert_eq!(steps.split_whitespace().count(), found.chain.len(), "{found}\n{steps}");
                let code = reply.status().as_u16();
                let text = reply.text();
                let agrees = match &found.answer {
                    Answer::Route => code == 200 || code == 204,
                    Answer::NoSuchMethod => code == 405,
                    Answer::NotFound => code == 404 && (text.is_empty() || !text.contains("error")),
                    Answer::Unmatched => matches!(code, 404 | 405) && !text.contains("error"),
                    Answer::Shikra(status) => code == status.as_u16(),
                    _ => false,
                };
                assert!(agrees, "{code} {text}: {found}");
            }
        }
    }
}
