//! Which route a path reaches, and with which values.

use super::*;

fn defaults() -> Settings {
    Settings::new()
}

#[test]
fn matches_static_paths() {
    // PO-074, HX-061, CF-01; the root is a path like any other.
    check(
        defaults(),
        &["/", "/users", "/users/all"],
        &[
            ("/", "/"),
            ("/users", "/users"),
            ("/users/all", "/users/all"),
            ("/Users", "404"),
            ("/user", "404"),
            ("/userss", "404"),
            ("/users/all/x", "404"),
            ("", "404"),
            ("*", "404"),
            ("users", "404"),
        ],
    );
}

#[test]
fn tells_texts_of_every_length_apart() {
    let routes = ["/a", "/ab", "/abc", "/abcd", "/abcdefgh", "/abcdefghi", "/abcdefgh01234567"];
    let rows = routes.map(|route| (route, route));
    check(defaults(), &routes, &rows);
    check(
        defaults(),
        &routes,
        &[("/abcdefgH", "404"), ("/abcdefgh01234568", "404"), ("/abcdefgh11234567", "404")],
    );
}

#[test]
fn compares_the_whole_text_where_hashes_collide() {
    // The table has two places, so every other look-alike meets the registered text in it.
    for len in 1..=40 {
        let text = "k".repeat(len);
        let mut builder = RouterBuilder::default();
        let pattern = Pattern::parse(&format!("/{text}")).unwrap();
        builder.insert(MethodMatch::Any, pattern, ()).unwrap();
        let router = builder.build();
        let mut params = Params::new();
        let mut check_none = |path: String| {
            let outcome = router.find(&Method::GET, PathView::new(&path), &mut params);
            assert!(matches!(outcome, Outcome::NotFound), "{path} is not /{text}");
        };
        for at in 0..len {
            for letter in "abcdefghijlmnopqrstuvwxyz".chars() {
                check_none(format!("/{}{letter}{}", &text[..at], &text[at + 1..]));
            }
        }
        for other in (1..=40).filter(|other| *other != len) {
            check_none(format!("/{}", "k".repeat(other)));
        }
        // Zero bytes are what short texts are filled up with.
        for zeros in 1..8 {
            check_none(format!("/{text}{}", "%00".repeat(zeros)));
        }
    }
}

#[test]
fn fills_parameters_with_one_segment_each() {
    // PO-075, PO-076, HX-060, HA-040, CP-05
    check(
        defaults(),
        &["/users/:id", "/users/:id/books/:title", "/x/:a"],
        &[
            ("/users/7", "/users/:id id=7"),
            ("/users/7/books/t", "/users/:id/books/:title id=7 title=t"),
            ("/users/7/books", "404"),
            ("/users/7/books/t/u", "404"),
            ("/users", "404"),
            ("/x/:a", "/x/:a a=:a"),
        ],
    );
}

#[test]
fn never_fills_a_parameter_with_nothing() {
    // CF-03, PO-087, VA-054
    check(
        defaults(),
        &["/users/:id", "/o/:id?", "/s/v:id", "/a"],
        &[
            ("/users/", "404"),
            ("/users//", "404"),
            ("//", "404"),
            ("/o//", "404"),
            ("/s/v", "404"),
            ("/a//", "404"),
            ("//a", "404"),
        ],
    );
}

#[test]
fn leaves_optional_parameters_out() {
    // CF-06, PO-077, PO-078, PO-079, PO-080, CP-10, CP-11, CP-12
    check(
        defaults(),
        &["/u/:id?", "/q/:a?/:b?", "/b/:x/:y?", "/w/:id?/books/:title?"],
        &[
            ("/u", "/u/:id?"),
            ("/u/", "/u/:id?"),
            ("/u/5", "/u/:id? id=5"),
            ("/u/5/6", "404"),
            ("/q", "/q/:a?/:b?"),
            ("/q/1", "/q/:a?/:b? a=1"),
            ("/q/1/2", "/q/:a?/:b? a=1 b=2"),
            ("/b", "404"),
            ("/b/1", "/b/:x/:y? x=1"),
            ("/b/1/2", "/b/:x/:y? x=1 y=2"),
            ("/b/1/2/3", "404"),
            ("/w/1/books", "/w/:id?/books/:title? id=1"),
            ("/w/1/books/t", "/w/:id?/books/:title? id=1 title=t"),
            ("/w/books", "/w/:id?/books/:title?"),
            ("/w/books/books", "/w/:id?/books/:title? title=books"),
            ("/w", "404"),
        ],
    );
}

#[test]
fn gives_wildcards_the_whole_rest() {
    // CF-07, PO-081, PO-082, PO-083, CP-13, CP-14
    check(
        defaults(),
        &["/f/*", "/n/*rest", "/z/*?", "/y/*rest?"],
        &[
            ("/f", "404"),
            ("/f/", "404"),
            ("/f/a", "/f/* *=a"),
            ("/f/a/", "/f/* *=a"),
            ("/f/a/b%20c", "/f/* *=a/b c"),
            ("/f/a//b", "/f/* *=a//b"),
            ("/f//", "404"),
            ("/n/a/b/c", "/n/*rest rest=a/b/c"),
            ("/z", "/z/*?"),
            ("/z/", "/z/*?"),
            ("/z/a/b", "/z/*? *=a/b"),
            ("/y/a", "/y/*rest? rest=a"),
        ],
    );
    check(
        defaults(),
        &["*"],
        &[("/", "*"), ("/x", "* *=x"), ("/x/y/z", "* *=x/y/z"), ("//", "*"), ("//x", "* *=/x")],
    );
}

#[test]
fn cuts_values_out_of_segments() {
    // PO-085, CP-15
    check(
        defaults(),
        &["/m/:t.mp4", "/m/:t.tar.gz", "/m/:t.gz", "/v/v:major", "/w/a:x-z", "/e/:n.%C3%A9"],
        &[
            ("/m/a.b.mp4", "/m/:t.mp4 t=a.b"),
            ("/m/a.mp3", "404"),
            ("/m/.mp4", "404"),
            ("/m/a%2Emp4", "/m/:t.mp4 t=a"),
            ("/m/%61%20b.mp4", "/m/:t.mp4 t=a b"),
            ("/m/a.tar.gz", "/m/:t.tar.gz t=a"),
            ("/m/a.gz", "/m/:t.gz t=a"),
            ("/v/v12", "/v/v:major major=12"),
            ("/v/w12", "404"),
            ("/w/a1-z", "/w/a:x-z x=1"),
            ("/w/a-z", "404"),
            ("/e/n.e%CC%81", "/e/:n.%C3%A9 n=n"),
        ],
    );
}

#[test]
fn prefers_the_most_specific_from_left_to_right() {
    // CF-05, VA-052, HX-063, HA-041, CP-09: in whatever order they are registered.
    let mut routes = ["/:x", "/fixed", "/f:x", "/:x?", "/*", "/*?"];
    for _ in 0..routes.len() {
        check(
            defaults(),
            &routes,
            &[
                ("/fixed", "/fixed"),
                ("/flow", "/f:x x=low"),
                ("/other", "/:x x=other"),
                ("/a/b", "/* *=a/b"),
                ("/", "/:x?"),
            ],
        );
        routes.rotate_left(1);
    }
}

#[test]
fn prefers_patterns_that_leave_nothing_out() {
    check(
        defaults(),
        &["/u/:id?/books", "/u/books", "/u/:name", "/d/:x?/*", "/d/*", "/p/:x?", "/p/:x?/:y?"],
        &[
            ("/u/books", "/u/books"),
            ("/u/1/books", "/u/:id?/books id=1"),
            ("/u/1", "/u/:name name=1"),
            ("/d/1", "/d/* *=1"),
            ("/d/1/2", "/d/:x?/* x=1 *=2"),
            ("/p/1", "/p/:x? x=1"),
            ("/p/1/2", "/p/:x?/:y? x=1 y=2"),
        ],
    );
}

#[test]
fn backs_out_of_dead_ends() {
    // VA-053, HA-041
    check(
        defaults(),
        &["/a/:x/c", "/:y/b/d", "/s/1/nope", "/s/:q/end", "/s/*"],
        &[
            ("/a/b/d", "/:y/b/d y=a"),
            ("/a/b/c", "/a/:x/c x=b"),
            ("/s/1/end", "/s/:q/end q=1"),
            ("/s/1/other", "/s/* *=1/other"),
        ],
    );
}

#[test]
fn compares_decoded_segments() {
    // CF-04, CF-08, VA-041, VA-042, VA-043, PO-092, CP-19
    check(
        defaults(),
        &["/foo", "/~", "/.", "/a/b", "/a%2Fb", "/a%252Fb", "/u/:id", "/%C3%A9t%C3%A9", "/x%2A"],
        &[
            ("/f%6Fo", "/foo"),
            ("/f%6fo", "/foo"),
            ("/%7E", "/~"),
            ("/%2e", "/."),
            ("/a%2Fb", "/a%2Fb"),
            ("/a%2fb", "/a%2Fb"),
            ("/a/b", "/a/b"),
            ("/a%252Fb", "/a%252Fb"),
            ("/u/a%20b", "/u/:id id=a b"),
            ("/u/a%2Fb", "/u/:id id=a/b"),
            ("/u/a%2Fb/c", "404"),
            ("/u/100%25", "/u/:id id=100%"),
            ("/u/été", "/u/:id id=été"),
            ("/%c3%a9t%c3%a9", "/%C3%A9t%C3%A9"),
            ("/été", "/%C3%A9t%C3%A9"),
            ("/x*", "/x%2A"),
            ("/a/../foo", "404"), // VA-050
        ],
    );
}

#[test]
fn compares_in_normal_form_c() {
    // VA-044, VA-045
    check(
        defaults(),
        &["/caf%C3%A9", "/K", "/%ED%95%9C", "/fi", "/q%CC%A3%CC%87"],
        &[
            ("/cafe%CC%81", "/caf%C3%A9"),
            ("/caf%C3%A9", "/caf%C3%A9"),
            ("/%E2%84%AA", "/K"),
            ("/%E1%84%92%E1%85%A1%E1%86%AB", "/%ED%95%9C"),
            ("/%EF%AC%81", "404"),
            ("/q%CC%87%CC%A3", "/q%CC%A3%CC%87"),
        ],
    );
}

#[test]
fn reports_paths_that_are_not_utf_8() {
    // VA-048, VA-049, CF-32, CP-19
    let bad = [
        "/u/%zz",
        "/u/%",
        "/u/%4",
        "/u/a%2",
        "/%ff",
        "/%c3",
        "/%c3a",
        "/%C0%AF",
        "/%ED%A0%80",
        "/%F0%9F%98",
        "/u/1/2/3/4/%ff",
        "/%é",
    ];
    check(defaults(), &["/u/:id", "*"], &bad.map(|path| (path, "400")));
    check(
        defaults(),
        &["/%F0%9F%98%80"],
        &[("/%F0%9F%98%80", "/%F0%9F%98%80"), ("/%EF%98%80", "404")],
    );
}

#[test]
fn ignores_one_trailing_slash() {
    // CF-02, PO-086, VA-040
    check(
        defaults(),
        &["/a", "/b/", "/c/:id"],
        &[
            ("/a/", "/a"),
            ("/b", "/b/"),
            ("/b/", "/b/"),
            ("/c/1/", "/c/:id id=1"),
            ("/a//", "404"),
            ("/%61/", "/a"),
        ],
    );
}

#[test]
fn tells_trailing_slashes_apart() {
    // CF-02 with the option Strict, HX-061, CK-05, VA-040
    check(
        defaults().with_trailing_slash(TrailingSlash::Strict),
        &["/", "/a", "/a/", "/b/", "/c/:id", "/d/:id?/", "/f/*", "/g/*?"],
        &[
            ("/", "/"),
            ("//", "404"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/%61/", "/a/"),
            ("/a//", "404"),
            ("/b", "404"),
            ("/b/", "/b/"),
            ("/c/1/", "404"),
            ("/d/", "/d/:id?/"),
            ("/d/1/", "/d/:id?/ id=1"),
            ("/d/1", "404"),
            ("/f/", "404"),
            ("/f/a/", "/f/* *=a/"),
            ("/g/", "/g/*?"),
        ],
    );
}

#[test]
fn redirects_to_the_registered_form() {
    // CF-02 with the option Redirect
    check(
        defaults().with_trailing_slash(TrailingSlash::Redirect),
        &["/", "/a", "/b/", "/c/:id", "/f/*", "POST /p"],
        &[
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "308 /a"),
            ("/%61/", "308 /%61"),
            ("/b", "308 /b/"),
            ("/b/", "/b/"),
            ("/c/1/", "308 /c/1"),
            ("/f/a/", "/f/* *=a"),
            ("/p/", "405 OPTIONS, POST"),
            ("//evil.example/", "404"),
        ],
    );
}

#[test]
fn ignores_case_where_asked_to() {
    // CF-01 with the option Insensitive, VA-039, VA-046, VA-055
    check(
        defaults().with_path_case(PathCase::Insensitive),
        &["/Foo", "/u/:id", "/m/V:x.TXT", "/stra%C3%9Fe", "/%CE%9F%CE%94%CE%9F%CE%A3", "/%C3%89/*"],
        &[
            ("/foo", "/Foo"),
            ("/FOO", "/Foo"),
            ("/f%4Fo", "/Foo"),
            ("/U/Jo", "/u/:id id=Jo"),
            ("/u/%4Ao", "/u/:id id=Jo"),
            ("/m/v1A.Txt", "/m/V:x.TXT x=1A"),
            ("/STRA%E1%BA%9EE", "/stra%C3%9Fe"),
            ("/STRASSE", "404"),
            ("/%CE%BF%CE%B4%CE%BF%CF%82", "/%CE%9F%CE%94%CE%9F%CE%A3"),
            ("/%CE%BF%CE%B4%CE%BF%CF%83", "404"),
            ("/e%CC%81/A%20b", "/%C3%89/* *=A b"),
        ],
    );
}

#[test]
fn gives_values_as_they_were_sent() {
    // CF-08, VA-056, HX-060
    let routes = ["/u/:id", "/m/v:x.js", "/f/*", "/o/:a?/:b"];
    let router = router(Settings::new(), &routes);
    let mut params = Params::new();
    let mut check = |path: &'static str, expected: &[(&str, Option<&str>)]| {
        router.find(&Method::GET, PathView::new(path), &mut params);
        let named = params.named(&router, path);
        for (name, raw) in expected {
            assert_eq!(named.raw(name), *raw, "{name} of {path}");
        }
        assert_eq!(params.len(), expected.len());
    };
    check("/u/a%20b", &[("id", Some("a%20b"))]);
    check("/u/plain", &[("id", Some("plain"))]);
    check("/m/%76a%20b%2E%6As", &[("x", Some("a%20b"))]);
    check("/m/v1.js", &[("x", Some("1"))]);
    check("/f/a%2Fb/c/", &[("*", Some("a%2Fb/c"))]);
    check("/o/1", &[("a", None), ("b", Some("1"))]);
}

#[test]
fn lists_names_and_routes_in_order() {
    // PO-072, CK-15
    let router = router(Settings::new(), &["/a/:x/:y?/*z", "POST b", "ANY *"]);
    let mut params = Params::new();
    router.find(&Method::GET, PathView::new("/a/1/2/3"), &mut params);
    let route = params.route().unwrap();
    assert_eq!(router.param_names(route).collect::<Vec<_>>(), ["x", "y", "z"]);
    let listed: Vec<_> = router
        .routes()
        .iter()
        .map(|route| format!("{} {} {}", route.method(), route.pattern(), route.value()))
        .collect();
    // PO-071: the leading slash may be left out.
    assert_eq!(listed, ["GET /a/:x/:y?/*z /a/:x/:y?/*z", "POST /b POST b", "ANY * ANY *"]);
}

#[test]
fn forgets_the_request_before() {
    let router = router(Settings::new(), &["/u/:id"]);
    let mut params = Params::new();
    router.find(&Method::GET, PathView::new("/u/%41"), &mut params);
    assert_eq!(params.value(0, "/u/%41"), Some("A"));
    router.find(&Method::GET, PathView::new("/none/x"), &mut params);
    assert!(params.is_empty() && params.route().is_none());
    router.find(&Method::GET, PathView::new("/u/b"), &mut params);
    assert_eq!(params.value(0, "/u/b"), Some("b"));
    // A path other than the one that was cut gives nothing, and does not panic.
    assert_eq!(params.value(0, "/"), None);
}
