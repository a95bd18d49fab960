//! Tables of patterns and paths, and a naive twin.

mod bases;
mod cost;
mod explained;
mod hosts;
mod idempotent;
mod matching;
mod methods;
mod patterns;
mod twin;
mod whole;

use http::Method;

use super::*;

/// A router whose routes stand for their own text, such as `GET /users/:id`.
fn router(settings: Settings, routes: &[&'static str]) -> Router<&'static str> {
    let mut builder = RouterBuilder::new(settings);
    for route in routes {
        let (method, pattern) = split(route);
        builder.insert(method, Pattern::parse(pattern).unwrap(), *route).unwrap();
    }
    builder.build()
}

/// `METHOD /pattern`; `ANY` is every method, and without a method it is `GET`.
fn split(route: &str) -> (MethodMatch, &str) {
    match route.split_once(' ') {
        Some(("ANY", pattern)) => (MethodMatch::Any, pattern),
        Some((method, pattern)) => (MethodMatch::One(method.parse().unwrap()), pattern),
        None => (MethodMatch::One(Method::GET), route),
    }
}

/// What a router says, as one line: the route and its parameters, or the outcome.
fn answer(router: &Router<&'static str>, request: &str) -> String {
    let (method, path) = split(request);
    let MethodMatch::One(method) = method else { panic!("a request has one method") };
    let mut params = Params::new();
    match router.find(&method, PathView::new(path), &mut params) {
        Outcome::Found { value, via_head, .. } => {
            let mut line = (*value).to_owned();
            if via_head {
                line.push_str(" without body");
            }
            for (name, value) in params.named(router, path).iter() {
                line.push_str(&format!(" {name}={value}"));
            }
            line
        }
        Outcome::NoMethod { allowed } => format!("405 {allowed}"),
        Outcome::Redirect { to, .. } => format!("308 {}", to.apply(path)),
        Outcome::NotFound => "404".into(),
        Outcome::BadPath => "400".into(),
    }
}

/// Each row is a request and what the router says to it.
fn check(settings: Settings, routes: &[&'static str], rows: &[(&str, &str)]) {
    let router = router(settings, routes);
    for (request, expected) in rows {
        assert_eq!(answer(&router, request), *expected, "{request} among {routes:?}");
    }
}

#[test]
fn a_long_path_leaves_no_memory_behind() {
    let router = super::RouterBuilder::<()>::default().build();
    let mut params = super::Params::new();
    let usual = "/users/7/books/9";
    router.find(&http::Method::GET, super::PathView::new(usual), &mut params);
    let kept = params.segments.capacity_bytes();
    params.shed();
    assert_eq!(params.segments.capacity_bytes(), kept);
    let long = "/%61".repeat(4000);
    router.find(&http::Method::GET, super::PathView::new(&long), &mut params);
    assert!(params.segments.capacity_bytes() > 16_000);
    params.shed();
    assert_eq!(params.segments.capacity_bytes(), 0);
}
