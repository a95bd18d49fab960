//! The shortcuts for paths without parameters, and for paths that are compared as they are, against the
//! search that they save.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::super::whole::WholePaths;
use super::*;

/// What a router says, and what is known of the path afterwards.
fn all(router: &Router<String>, method: &Method, path: &str, params: &mut Params) -> String {
    let outcome = format!("{:?}", router.find(method, PathView::new(path), params));
    let values: Vec<_> = (0..params.len()).map(|index| params.value(index, path)).collect();
    let mut bases = PrefixSet::new(router.settings().path_case);
    for base in ["/", "/a", "/:x", "/a/b", "/a/:x", "/b:x", "/%2f", "/%C3%89"] {
        bases.insert(&Prefix::parse(base).unwrap(), base);
    }
    let under: Vec<_> = bases.matches(params, path).collect();
    format!("{outcome} {:?} {values:?} {under:?}", params.route())
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "a",
        "b",
        "A",
        "",
        "a%2Fb",
        "%C3%A9",
        "%25",
        "a%20b",
        ":p",
        ":p?",
        ":p",
        "abcdefgh",
        "abcdefghi",
    ]);
    let tail = prop::sample::select(vec!["", "", "", "/", "//", "/*", "/*?"]);
    (prop::collection::vec(segment, 0..4), tail).prop_map(|(segments, tail)| {
        let named =
            segments.iter().enumerate().map(|(at, text)| text.replace('p', &format!("p{at}")));
        let text: String = named.map(|text| format!("/{text}")).collect::<String>() + tail;
        if text.is_empty() { "/".into() } else { text }
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "a",
        "b",
        "A",
        "",
        "a%2Fb",
        "%61",
        "%C3%A9",
        "%25",
        "a%20b",
        "bc",
        "abcdefgh",
        "abcdefghi",
        "abcdefghijklmnopqrs",
    ]);
    prop::collection::vec(segment, 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn method() -> impl Strategy<Value = MethodMatch> {
    let methods = [Method::GET, Method::POST, Method::HEAD].map(MethodMatch::One);
    prop::sample::select([&methods[..], &[MethodMatch::Any]].concat())
}

proptest! {
    #![proptest_config(Config {
        cases: twin::cases(2000),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn says_what_the_search_says(
        routes in prop::collection::vec((method(), pattern()), 1..12),
        paths in prop::collection::vec(path(), 10),
        case in prop::sample::select(vec![PathCase::Sensitive, PathCase::Insensitive]),
        slash in prop::sample::select(vec![
            TrailingSlash::Ignore,
            TrailingSlash::Strict,
            TrailingSlash::Redirect,
        ]),
    ) {
        let settings = Settings::new().with_path_case(case).with_trailing_slash(slash);
        let mut builder = RouterBuilder::new(settings);
        let mut paths = paths;
        for (method, text) in routes {
            if let Ok(pattern) = Pattern::parse(&text) {
                let _ = builder.insert(method.clone(), pattern, format!("{method} {text}"));
            }
            // As it is registered, and with the other end.
            paths.push(format!("{text}/"));
            paths.push(text);
        }
        let quick = builder.clone().build();
        let mut slow = builder.build();
        slow.table.whole = WholePaths::default();
        let (mut params, mut other) = (Params::new(), Params::new());
        for path in &paths {
            for method in [Method::GET, Method::HEAD, Method::PUT] {
                let expected = all(&slow, &method, path, &mut other);
                let found = all(&quick, &method, path, &mut params);
                prop_assert_eq!(&found, &expected, "{} {}", method, path);
                if !path.contains('%') && path.is_ascii() {
                    // No shortcut takes triplets.
                    let spelled = twin::encoded(path);
                    let expected = all(&slow, &method, &spelled, &mut other);
                    prop_assert_eq!(&found, &expected, "{} {} as {}", method, path, spelled);
                }
            }
        }
    }
}

#[test]
fn is_taken_for_paths_without_parameters() {
    let router = router(Settings::new(), &["/", "/a/b", "/page/:n?", "/:id", "/a%2Fb", "/x/*"]);
    let found = |path| router.table.whole.find(PathView::new(path)).is_some();
    assert!(found("/") && found("/a/b") && found("/page"));
    assert!(!found("/a") && !found("/a/b/") && !found("/a%2Fb") && !found("/page/1"));
}
