//! Answers in words.

use super::*;

fn check_words(settings: Settings, routes: &[&'static str], rows: &[(&str, &str)]) {
    let router = router(settings, routes);
    for (request, expected) in rows {
        let (MethodMatch::One(method), path) = split(request) else { panic!("{request}") };
        assert_eq!(router.explain(&method, path).to_string(), *expected);
    }
}

#[test]
fn says_why_others_lost() {
    check_words(
        Settings::new(),
        &["GET /users/:id", "GET /users/new", "POST /users/:id", "GET /users/*", "GET /Users/new"],
        &[
            (
                "GET /users/new",
                "GET /users/new: GET /users/new answers\n  \
                 POST /users/:id: the path matches, but it answers POST\n  \
                 GET /users/:id: segment 2 is a parameter here and literal text in /users/new\n  \
                 GET /users/*: segment 2 is part of a wildcard here and literal text in \
                 /users/new\n  \
                 GET /Users/new: only upper and lower case differ",
            ),
            (
                "PUT /users",
                "PUT /users: no pattern matches\n  \
                 GET /users/:id: the path ends before a parameter\n  \
                 GET /users/new: the path ends before `new`\n  \
                 POST /users/:id: the path ends before a parameter\n  \
                 GET /users/*: nothing is left for its wildcard\n  \
                 GET /Users/new: segment 1 is `users`, not `Users`",
            ),
        ],
    );
}

#[test]
fn says_what_became_of_the_request() {
    check_words(
        Settings::new(),
        &["GET /a"],
        &[
            ("GET /%ff", "GET /%ff: the path is not percent-encoded UTF-8"),
            ("HEAD /a", "HEAD /a: GET /a answers without its body"),
            (
                "PUT /a",
                "PUT /a: the path answers GET, HEAD, OPTIONS only\n  \
                 GET /a: the path matches, but it answers GET",
            ),
        ],
    );
    check_words(
        Settings::new().with_trailing_slash(TrailingSlash::Redirect),
        &["GET /a"],
        &[("GET /a/", "GET /a/: redirected to /a, GET /a ends without a slash")],
    );
    check_words(
        Settings::new().with_trailing_slash(TrailingSlash::Strict),
        &["GET /a"],
        &[("GET /a/", "GET /a/: no pattern matches\n  GET /a: only the trailing slash differs")],
    );
}

#[test]
fn names_at_most_ten_routes() {
    let routes: Vec<String> = (0..20).map(|index| format!("/x/{index}")).collect();
    let mut builder = RouterBuilder::default();
    for route in &routes {
        builder.insert(MethodMatch::Any, Pattern::parse(route).unwrap(), ()).unwrap();
    }
    let explanation = builder.build().explain(&Method::GET, "/x/y");
    assert_eq!(explanation.winner(), None);
    assert_eq!(explanation.notes().len(), 10);
    assert_eq!(explanation.notes()[0].route().index(), 0);
    assert_eq!(explanation.notes()[0].reason(), "segment 2 is `y`, not `0`");
}
