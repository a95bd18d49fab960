//! Methods: fall-through, 405, HEAD, OPTIONS, duplicates.

use super::*;

#[test]
fn merges_methods_of_one_pattern() {
    // CF-11, PO-063, VA-015
    check(
        Settings::new(),
        &["GET /u", "POST /u", "DELETE /u/:id", "PUT /u/:other"],
        &[
            ("GET /u", "GET /u"),
            ("POST /u", "POST /u"),
            ("DELETE /u/1", "DELETE /u/:id id=1"),
            ("PUT /u/1", "PUT /u/:other other=1"),
        ],
    );
}

#[test]
fn falls_through_to_a_less_specific_route_with_the_method() {
    // CF-13
    check(
        Settings::new(),
        &["GET /shop/cart", "POST /shop/:item", "DELETE /*"],
        &[
            ("GET /shop/cart", "GET /shop/cart"),
            ("POST /shop/cart", "POST /shop/:item item=cart"),
            ("DELETE /shop/cart", "DELETE /* *=shop/cart"),
        ],
    );
}

#[test]
fn unites_the_methods_of_all_matching_patterns() {
    // CF-12, CF-14, CF-15, VA-017, VA-018, VA-025, CP-04
    check(
        Settings::new(),
        &["GET /shop/cart", "POST /shop/:item", "PROPFIND /shop/*", "PUT /other"],
        &[
            ("PATCH /shop/cart", "405 GET, HEAD, OPTIONS, POST, PROPFIND"),
            ("PATCH /shop/x", "405 OPTIONS, POST, PROPFIND"),
            ("OPTIONS /shop/x/y", "405 OPTIONS, PROPFIND"),
            ("PATCH /none", "404"),
            ("REPORT /other", "405 OPTIONS, PUT"),
        ],
    );
}

#[test]
fn answers_head_by_get() {
    // CF-14
    check(
        Settings::new(),
        &["GET /a", "GET /b", "HEAD /b", "GET /c", "ANY /c", "HEAD /:x", "POST /d"],
        &[
            ("HEAD /a", "GET /a without body"),
            ("HEAD /b", "HEAD /b"),
            ("HEAD /c", "GET /c without body"),
            ("HEAD /d", "HEAD /:x x=d"),
        ],
    );
}

#[test]
fn prefers_the_method_to_any_method_at_one_pattern() {
    // PO-062, CP-06, HX-058, CK-07
    check(
        Settings::new(),
        &["ANY /h", "POST /h", "GET /x/:p", "ANY /x/t"],
        &[
            ("GET /h", "ANY /h"),
            ("OPTIONS /h", "ANY /h"),
            ("BREW /h", "ANY /h"),
            ("POST /h", "POST /h"),
            ("GET /x/t", "ANY /x/t"),
            ("POST /x/t", "ANY /x/t"),
        ],
    );
}

#[test]
fn takes_extension_methods() {
    // PO-061, CP-07, VA-012
    check(
        Settings::new(),
        &["PROPFIND /p", "CONNECT /p", "TRACE /p"],
        &[
            ("PROPFIND /p", "PROPFIND /p"),
            ("CONNECT /p", "CONNECT /p"),
            ("GET /p", "405 CONNECT, OPTIONS, PROPFIND, TRACE"),
        ],
    );
}

#[test]
fn limits_the_number_of_extension_methods() {
    let mut builder = RouterBuilder::default();
    let pattern = Pattern::parse("/").unwrap();
    let mut insert = |name: String| {
        let method = MethodMatch::One(name.parse().unwrap());
        builder.insert(method, pattern.clone(), ())
    };
    for index in 0..EXTENSION_METHODS_MAX {
        insert(format!("M{index}")).unwrap();
    }
    insert("GET".into()).unwrap();
    assert!(matches!(insert("LAST".into()), Err(InsertError::TooManyMethods { .. })));
    let router = builder.build();
    let outcome = router.find(&Method::PUT, PathView::new("/"), &mut Params::new());
    let Outcome::NoMethod { allowed } = outcome else { panic!("{outcome:?}") };
    // With GET come HEAD and OPTIONS.
    assert_eq!(allowed.iter().count(), EXTENSION_METHODS_MAX + 3);
    assert!(allowed.contains(&"M0".parse().unwrap()) && !allowed.contains(&Method::PUT));
}

/// Whether the second of two routes is refused under these settings.
fn collide(settings: Settings, first: &'static str, second: &'static str) -> bool {
    let mut builder = RouterBuilder::new(settings);
    let mut insert = |route: &'static str| {
        let (method, pattern) = split(route);
        builder.insert(method, Pattern::parse(pattern).unwrap(), route)
    };
    insert(first).unwrap();
    match insert(second) {
        Ok(_) => false,
        Err(InsertError::Duplicate { first: a, second: b, .. }) => {
            // CF-10: the caller can name both places.
            assert_eq!((a, b), (first, second));
            true
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn refuses_duplicates_by_shape() {
    // CF-10, VA-035, HX-064, HA-043, CK-08
    let defaults = Settings::new();
    for (first, second) in [
        ("/dup", "/dup"),
        ("/u/:a", "/u/:b"),
        ("/u/:a?", "/u/:b?"),
        ("/a", "/a/"),
        ("/%61", "/a"),
        ("/caf%C3%A9", "/cafe%CC%81"),
        ("*", "/*?"),
        ("/*", "/*rest"),
        ("/:a.js", "/:b.js"),
        ("ANY /x", "ANY /x"),
        ("users", "/users"),
    ] {
        assert!(collide(defaults, first, second), "{first} {second}");
    }
    for (first, second) in [
        ("GET /both", "POST /both"),
        ("ANY /both", "GET /both"),
        ("/a", "/A"),
        ("/u/:a", "/u/:a?"),
        ("/u", "/u/:a?"),
        ("/*", "/*?"),
        ("/:a.js", "/:a.ts"),
    ] {
        assert!(!collide(defaults, first, second), "{first} {second}");
    }
    assert!(collide(defaults.with_path_case(PathCase::Insensitive), "/a/:x.JS", "/A/:x.js"));
    assert!(!collide(defaults.with_trailing_slash(TrailingSlash::Strict), "/a", "/a/"));
    assert!(collide(defaults.with_trailing_slash(TrailingSlash::Redirect), "/a", "/a/"));
}

#[test]
fn keeps_what_was_there_when_it_refuses() {
    let mut builder = RouterBuilder::default();
    let pattern = |text| Pattern::parse(text).unwrap();
    builder.insert(Method::GET.into(), pattern("/u/:id"), 1).unwrap();
    let error = builder.insert(Method::GET.into(), pattern("/u/:name"), 2).unwrap_err();
    assert_eq!(error.to_string(), "GET /u/:name is already registered as /u/:id");
    assert_eq!(builder.routes().len(), 1);
    assert_eq!(builder.build().routes()[0].value(), &1);
}
