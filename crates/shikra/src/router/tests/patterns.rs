//! The grammar of patterns.

use super::*;

#[test]
fn accepts_the_grammar() {
    // PO-089, HX-060 (names of one letter)
    for (pattern, names) in [
        ("/", &[][..]),
        ("*", &["*"]),
        ("/users", &[]),
        ("/users/", &[]),
        ("/a-b_c.d~e!$&',;=@f", &[]),
        ("/:i", &["i"]),
        ("/:_a1", &["_a1"]),
        ("/:a/:b?/:c.json/v:d", &["a", "b", "c", "d"]),
        ("/x/*", &["*"]),
        ("/x/*?", &["*"]),
        ("/x/*rest", &["rest"]),
        ("/x/*rest?", &["rest"]),
        ("/a%3Ab/%2A", &[]),
        ("/..", &[]),
    ] {
        let parsed = Pattern::parse(pattern).unwrap();
        assert_eq!(parsed.names().collect::<Vec<_>>(), names, "{pattern}");
        assert_eq!(parsed.to_string(), pattern);
    }
}

#[test]
fn refuses_and_points_at_the_place() {
    use PatternProblem::*;
    // CP-17, CP-18, PO-084, PO-088, VA-030, VA-031, VA-032, VA-036, VA-037, CF-07, CF-09
    for (pattern, at, problem) in [
        ("", 0, Empty),
        ("//", 1, EmptySegment),
        ("/a//b", 3, EmptySegment),
        ("/a//", 3, EmptySegment),
        ("/users/{id}", 7, Brace),
        ("/a}", 2, Brace),
        ("/ab?cd", 3, Reserved('?')),
        ("/ab+cd", 3, Reserved('+')),
        ("/ab(cd)?e", 3, Reserved('(')),
        ("/a b", 2, Reserved(' ')),
        ("/a\0", 2, Reserved('\0')),
        ("/a%00", 2, Reserved('\0')),
        ("/a#b", 2, Reserved('#')),
        ("/:a.x?y", 5, Reserved('?')),
        ("/ab*cd", 3, Star),
        ("/.*fly$", 2, Star),
        ("/a/*/b", 4, Star),
        ("/a/*/", 4, Star),
        ("/a/**", 3, Star),
        ("/a/*.js", 3, Star),
        ("/%zz", 1, Triplet),
        ("/%4", 1, Triplet),
        ("/%ff", 1, NotUtf8),
        ("/a/:", 3, MissingName),
        ("/:1x", 1, MissingName),
        ("/12:30", 3, MissingName),
        ("/:a:b", 3, TwoParams),
        ("/:name?.json", 6, OptionalAffix),
        ("/:name.json?", 11, OptionalAffix),
        ("/v:major?", 8, OptionalAffix),
        ("/d/:x/:x", 7, DuplicateName),
        ("/é/:x/:x", 1, NotAscii('é')),
        ("/a\u{301}", 2, NotAscii('\u{301}')),
        ("/:a한", 3, NotAscii('한')),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        let found = (error.position(), error.problem());
        assert_eq!(found, (at, problem), "{pattern}: {error}");
        assert_eq!(error.pattern(), pattern);
    }
}

#[test]
fn shows_the_place_below_the_pattern() {
    let error = Pattern::parse("/d/:x/:x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "this parameter name is already taken in the pattern\n  /d/:x/:x\n         ^",
    );
    let error = Pattern::parse("/café").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`é` is not ASCII, in a path it is written `%C3%A9`\n  /café\n      ^",
    );
    let error = Pattern::parse("/ab+cd").unwrap_err();
    assert_eq!(error.to_string(), "`+` is reserved, as text it is written `%2B`\n  /ab+cd\n     ^");
}

#[test]
fn stays_within_its_limits() {
    use PatternProblem::*;
    let problem = |pattern: String| Pattern::parse(&pattern).map_err(|error| error.problem()).err();
    let segments = |count: usize| "/a".repeat(count);
    assert_eq!(problem(segments(PATTERN_SEGMENTS_MAX)), None);
    assert_eq!(problem(segments(PATTERN_SEGMENTS_MAX + 1)), Some(TooManySegments));
    let bytes = |count: usize| format!("/{}", "a".repeat(count - 1));
    assert_eq!(problem(bytes(PATTERN_BYTES_MAX)), None);
    assert_eq!(problem(bytes(PATTERN_BYTES_MAX + 1)), Some(TooLong));
    let optionals = |count: usize| (0..count).map(|index| format!("/:o{index}?")).collect();
    assert_eq!(problem(optionals(PATTERN_OPTIONALS_MAX)), None);
    assert_eq!(problem(optionals(PATTERN_OPTIONALS_MAX + 1)), Some(TooManyOptionals));
}

#[test]
fn matches_at_its_limits() {
    let longest = "/a".repeat(PATTERN_SEGMENTS_MAX);
    let mut builder = RouterBuilder::default();
    builder.insert(MethodMatch::Any, Pattern::parse(&longest).unwrap(), 1).unwrap();
    let under = format!("{}/*", "/a".repeat(PATTERN_SEGMENTS_MAX - 1));
    builder.insert(MethodMatch::Any, Pattern::parse(&under).unwrap(), 2).unwrap();
    let router = builder.build();
    let mut params = Params::new();
    for (count, expected) in [(62, None), (63, None), (64, Some(1)), (65, Some(2)), (9000, Some(2))]
    {
        for unit in ["/a", "/%61"] {
            let path = unit.repeat(count);
            let outcome = router.find(&Method::GET, PathView::new(&path), &mut params);
            let found = match outcome {
                Outcome::Found { value, .. } => Some(*value),
                _ => None,
            };
            assert_eq!(found, expected, "{count} of {unit}");
            if found == Some(2) {
                let rest = params.value(0, &path).unwrap();
                assert_eq!(rest.len(), (count - PATTERN_SEGMENTS_MAX + 1) * 2 - 1);
            }
        }
    }
}

#[test]
fn knows_the_part_before_the_first_parameter() {
    for (pattern, prefix) in [
        ("/", "/"),
        ("*", "/"),
        ("/:a", "/"),
        ("/a", "/a"),
        ("/a/b/", "/a/b"),
        ("/a/b/:c/d", "/a/b"),
        ("/a/v:c", "/a"),
        ("a/*", "/a"),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().static_prefix(), prefix, "{pattern}");
    }
}

#[test]
fn joins_mounts_with_one_slash() {
    // HX-073, HA-037
    for (mount, pattern, joined) in [
        ("/p", "/", "/p"),
        ("p", "x", "/p/x"),
        ("/p/", "/x/", "/p/x/"),
        ("/", "/x", "/x"),
        ("/:tenant/a", "/:id?", "/:tenant/a/:id?"),
        ("/p", "*", "/p/*?"),
        ("/p", "/*", "/p/*"),
    ] {
        let mount = Prefix::parse(mount).unwrap();
        let under = Pattern::parse(pattern).unwrap().under(&mount).unwrap();
        assert_eq!(under.text(), joined);
    }
    let mount = Prefix::parse("/:id").unwrap();
    let error = Pattern::parse("/x/:id").unwrap().under(&mount).unwrap_err();
    assert_eq!(error.problem(), PatternProblem::DuplicateName);
}
