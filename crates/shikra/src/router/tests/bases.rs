//! Base paths.

use super::*;

fn set(bases: &[&'static str], case: PathCase) -> PrefixSet<&'static str> {
    let mut set = PrefixSet::new(case);
    for base in bases {
        set.insert(&Prefix::parse(base).unwrap(), *base);
    }
    set
}

/// Each row is a path and the bases that cover it, in order.
fn check_bases(settings: Settings, bases: &[&'static str], rows: &[(&str, &[&str])]) {
    let set = set(bases, settings.path_case);
    let mut params = Params::new();
    for (path, expected) in rows {
        params.load(PathView::new(path), settings).unwrap();
        let found: Vec<_> = set.matches(&params, path).copied().collect();
        assert_eq!(found, *expected, "{path}");
    }
}

#[test]
fn ends_at_segment_boundaries_at_any_depth() {
    // CF-22, PO-025, PO-026, HX-088, HA-045, CP-23, CP-24, CP-25
    check_bases(
        Settings::new(),
        &["/users", "/a/b", "/c/"],
        &[
            ("/users", &["/users"]),
            ("/users/", &["/users"]),
            ("/users/1/x", &["/users"]),
            ("/usersx", &[]),
            ("/Users", &[]),
            ("/a/b/x", &["/a/b"]),
            ("/a/bc", &[]),
            ("/a", &[]),
            ("/c/1", &["/c/"]),
            ("//users", &[]),
        ],
    );
}

#[test]
fn guards_every_spelling() {
    // CF-22: `/%61ccount` is guarded like `/account`.
    check_bases(
        Settings::new(),
        &["/account", "/caf%C3%A9"],
        &[
            ("/%61ccount", &["/account"]),
            ("/%61ccount/x%2Fy", &["/account"]),
            ("/account%2Fx", &[]),
            ("/cafe%CC%81/1", &["/caf%C3%A9"]),
        ],
    );
    check_bases(
        Settings::new().with_path_case(PathCase::Insensitive),
        &["/Account", "/V:x"],
        &[("/aCCount", &["/Account"]), ("/ACC%4funt/1", &["/Account"]), ("/v1", &["/V:x"])],
    );
    check_bases(
        Settings::new().with_trailing_slash(TrailingSlash::Strict),
        &["/account"],
        &[("/account/", &["/account"]), ("/account", &["/account"])],
    );
}

#[test]
fn puts_shorter_bases_first() {
    // CF-20, PO-023, PO-024, PO-027, PO-028
    check_bases(
        Settings::new(),
        &["/a/b", "/", "a", "/:x", "/a", "/:x/b"],
        &[
            ("/a/b/c", &["/", "a", "/:x", "/a", "/a/b", "/:x/b"]),
            ("/z", &["/", "/:x"]),
            ("/", &["/"]),
            ("//", &["/"]),
        ],
    );
}

#[test]
fn covers_nothing_but_the_root_after_a_bad_path() {
    let set = set(&["/", "/a"], PathCase::Sensitive);
    let mut params = Params::new();
    for path in ["/a/%ff", "/a%zz", "*", ""] {
        params.load(PathView::new(path), Settings::new()).unwrap_err();
        assert_eq!(set.matches(&params, path).collect::<Vec<_>>(), [&"/"]);
    }
    params.load(PathView::new("/abc"), Settings::new()).unwrap();
    // Another path than the one that was cut: wrong, but no panic.
    assert_eq!(set.matches(&params, "").collect::<Vec<_>>(), [&"/"]);
}

#[test]
fn uses_the_segments_that_find_has_cut() {
    let router = router(Settings::new(), &["/:page"]);
    let set = set(&["/account"], PathCase::Sensitive);
    let mut params = Params::new();
    for path in ["/%61ccount", "/account/missing"] {
        router.find(&Method::GET, PathView::new(path), &mut params);
        assert_eq!(set.matches(&params, path).count(), 1);
    }
}

#[test]
fn refuses_what_is_no_base() {
    // HX-073
    for (base, problem) in [
        ("", PatternProblem::Empty),
        ("*", PatternProblem::NotInPrefix),
        ("/a/*", PatternProblem::NotInPrefix),
        ("/a/:b?", PatternProblem::NotInPrefix),
        ("/a//b", PatternProblem::EmptySegment),
    ] {
        assert_eq!(Prefix::parse(base).unwrap_err().problem(), problem, "{base}");
    }
    assert!(Prefix::parse("/").unwrap().is_empty());
    assert_eq!(Prefix::parse("a/b/").unwrap().text(), "/a/b");
}

#[test]
fn knows_where_the_static_part_decides() {
    use Coverage::{Always, Never, Sometimes};
    for (base, pattern, expected) in [
        ("/", "*", Always),
        ("/a", "/a", Always),
        ("/a", "/a/*", Always),
        ("/a", "/b", Never),
        ("/a/b", "/a", Never),
        ("/a", "/:x", Sometimes),
        ("/a", "/:x?", Sometimes),
        ("/a", "*", Sometimes),
        ("/a/b", "/:x/c", Never),
        ("/:x", "/a", Always),
        ("/:x", "/:y/b", Always),
        ("/v:x", "/v1", Always),
        ("/v:x", "/w1", Never),
        ("/v1", "/v:x", Sometimes),
        ("/w1", "/v:x", Never),
        ("/A", "/a", Never),
    ] {
        let (base, pattern) = (Prefix::parse(base).unwrap(), Pattern::parse(pattern).unwrap());
        assert_eq!(base.covers(&pattern, PathCase::Sensitive), expected, "{base:?} {pattern}");
    }
}
