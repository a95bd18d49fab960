//! The naive twin: every pattern by obvious recursion, then the most specific of those that match.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

/// How one pattern takes one path. Ordered by specificity, then by what its pattern leaves open.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Take {
    /// A rank for each segment that is taken; for text around a value the lengths, longest first.
    steps: Vec<(u8, usize, usize)>,
    absent: usize,
    ranks: Vec<u8>,
    /// Which optional parameters are left out: those on the right first.
    left_out: Vec<bool>,
    values: Vec<Option<String>>,
}

fn takes(pattern: &[&str], path: &[&str], so_far: &Take, all: &mut Vec<Take>) {
    let Some((wanted, later)) = pattern.split_first() else {
        if path.is_empty() {
            all.push(so_far.clone());
        }
        return;
    };
    let with = |step: (u8, usize, usize), value: Option<Option<&str>>| {
        let mut take = so_far.clone();
        take.steps.push(step);
        take.values.extend(value.map(|value| value.map(str::to_owned)));
        take
    };
    if wanted.starts_with('*') {
        let rest = path.join("/");
        if wanted.ends_with('?') {
            all.push(with((5, 0, 0), Some((!rest.is_empty()).then_some(&rest))));
        } else if !rest.is_empty() {
            all.push(with((4, 0, 0), Some(Some(&rest))));
        }
        return;
    }
    if wanted.starts_with(':') && wanted.ends_with('?') {
        let mut take = so_far.clone();
        take.absent += 1;
        take.left_out.push(true);
        take.values.push(None);
        takes(later, path, &take, all);
    }
    let Some((found, rest)) = path.split_first() else { return };
    if wanted.starts_with(':') && wanted.ends_with('?') {
        if !found.is_empty() {
            let mut take = with((3, 0, 0), Some(Some(found)));
            take.left_out.push(false);
            takes(later, rest, &take, all);
        }
    } else if let Some(colon) = wanted.find(':') {
        // In these tests names have one letter.
        let (prefix, suffix) = (&wanted[..colon], &wanted[colon + 2..]);
        let value = found.strip_prefix(prefix).and_then(|found| found.strip_suffix(suffix));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let step = match prefix.len() + suffix.len() {
                0 => (2, 0, 0),
                len => (1, usize::MAX - len, usize::MAX - prefix.len()),
            };
            takes(later, rest, &with(step, Some(Some(value))), all);
        }
    } else if wanted == found {
        takes(later, rest, &with((0, 0, 0), None), all);
    }
}

fn rank(segment: &str) -> u8 {
    match segment {
        s if s.starts_with('*') => 4 + u8::from(s.ends_with('?')),
        s if s.starts_with(':') && s.ends_with('?') => 3,
        s if s.starts_with(':') && s.len() == 2 => 2,
        s if s.contains(':') => 1,
        _ => 0,
    }
}

fn cut(path: &str, slash: TrailingSlash) -> Vec<&str> {
    let body = &path[1..];
    if body.is_empty() {
        return Vec::new();
    }
    let stripped = body.strip_suffix('/').filter(|_| slash != TrailingSlash::Strict);
    stripped.unwrap_or(body).split('/').collect()
}

/// What the twin says, in the form of `answer`. Paths are decoded already.
fn naive(routes: &[(Method, String)], slash: TrailingSlash, method: &Method, path: &str) -> String {
    let segments = cut(path, slash);
    let mut best: Option<(Take, u8, String)> = None;
    let mut allowed = BTreeSet::new();
    for (registered, pattern) in routes {
        let parts = if pattern == "*" { vec!["*?"] } else { cut(pattern, slash) };
        let ranks = parts.iter().map(|part| rank(part)).collect();
        let start = Take { ranks, ..Take::default() };
        let mut all = Vec::new();
        takes(&parts, &segments, &start, &mut all);
        let Some(take) = all.into_iter().min() else { continue };
        allowed.insert(registered.as_str());
        let via_head = registered == Method::GET && method == Method::HEAD;
        if registered != method && !via_head {
            continue;
        }
        let values: Vec<_> =
            take.values.iter().flatten().map(|value| format!(" {value}")).collect();
        let line = format!("{registered} {pattern}{}", values.concat());
        // Two routes of one shape differ by method only; there HEAD itself comes first.
        let new = (take, u8::from(via_head), line);
        if best.as_ref().is_none_or(|(take, via, _)| {
            (&new.0.steps, new.0.absent, &new.0.ranks, new.1)
                < (&take.steps, take.absent, &take.ranks, *via)
        }) {
            best = Some(new);
        }
    }
    if let Some((_, _, line)) = best {
        return line;
    }
    if allowed.is_empty() {
        return "404".into();
    }
    if allowed.contains("GET") {
        allowed.insert("HEAD");
    }
    allowed.insert("OPTIONS");
    format!("405 {}", allowed.into_iter().collect::<Vec<_>>().join(", "))
}

/// The router's answer in the same form.
fn real(router: &Router<String>, method: &Method, path: &str, params: &mut Params) -> String {
    match router.find(method, PathView::new(path), params) {
        Outcome::Found { value, .. } => {
            let mut line = value.clone();
            for (_, value) in params.named(router, path).iter() {
                line = format!("{line} {value}");
            }
            line
        }
        Outcome::NoMethod { allowed } => format!("405 {allowed}"),
        other => format!("{other:?}").replace("NotFound", "404"),
    }
}

fn segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "ab", ":p", ":p", ":p?", ":p?", "a:p", ":p.b", ":p.a.b"])
}

/// What a base is made of; each at most once, so that no name is.
const BASE_SEGMENTS: &[&str] = &["a", "b", "ab", "a.b", ":x", "a:y", ":z.b"];

fn pattern() -> impl Strategy<Value = String> {
    let tail = prop::sample::select(vec!["", "", "", "", "/", "/*", "/*?"]);
    (prop::collection::vec(segment(), 0..5), tail).prop_map(|(segments, tail)| {
        let mut text = String::new();
        for (index, segment) in segments.iter().enumerate() {
            // Names differ within a pattern and have one letter.
            let name = char::from(b'p' + u8::try_from(index).unwrap()).to_string();
            text = format!("{text}/{}", segment.replace('p', &name));
        }
        let text = text + tail;
        if text.is_empty() { "/".into() } else { text }
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::GET, Method::GET, Method::POST, Method::HEAD])
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "ab", "a.b", "c.a.b", ".b", "a", "b", ""]);
    prop::collection::vec(segment, 1..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// The number of cases, or what `PROPTEST_CASES` asks for: `cargo xtask models` asks for many more.
pub(super) fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").map_or(usual, |cases| cases.parse().expect("a number of cases"))
}

/// The same path with every third character as a triplet.
pub(super) fn encoded(path: &str) -> String {
    let encode = |(at, c): (usize, char)| match c {
        '/' => "/".to_owned(),
        c if at % 3 == 0 => format!("%{:02x}", u32::from(c)),
        c => c.to_string(),
    };
    path.chars().enumerate().map(encode).collect()
}

proptest! {
    #![proptest_config(Config { cases: cases(3000), failure_persistence: None, ..Config::default() })]

    /// Ten paths a case in two spellings: 60,000 comparisons.
    #[test]
    fn agrees_with_the_router(
        routes in prop::collection::vec((method(), pattern()), 1..12),
        requests in prop::collection::vec((method(), path()), 10),
        slash in prop::sample::select(vec![TrailingSlash::Ignore, TrailingSlash::Strict]),
    ) {
        let mut builder = RouterBuilder::new(Settings::new().with_trailing_slash(slash));
        let mut kept = Vec::new();
        for (method, text) in routes {
            let parsed = Pattern::parse(&text).unwrap();
            if builder.insert(method.clone().into(), parsed, format!("{method} {text}")).is_ok() {
                kept.push((method, text));
            }
        }
        let router = builder.build();
        let mut params = Params::new();
        for (method, path) in requests {
            let expected = naive(&kept, slash, &method, &path);
            let found = real(&router, &method, &path, &mut params);
            prop_assert_eq!(&found, &expected, "{} {} among {:?}", method, path, kept);
            let other = encoded(&path);
            prop_assert_eq!(real(&router, &method, &other, &mut params), expected, "{}", other);
        }
    }

    /// A base covers what its pattern with a wildcard behind it takes, and `covers` foretells it.
    #[test]
    fn agrees_with_base_paths(
        base in prop::sample::subsequence(BASE_SEGMENTS, 0..4).prop_shuffle(),
        pattern in pattern(),
        paths in prop::collection::vec(path(), 10),
    ) {
        let text = format!("/{}", base.join("/"));
        let prefix = Prefix::parse(&text).unwrap();
        let pattern = Pattern::parse(&pattern).unwrap();
        let coverage = prefix.covers(&pattern, PathCase::Sensitive);
        let mut bases = PrefixSet::new(PathCase::Sensitive);
        bases.insert(&prefix, ());
        let mut builder = RouterBuilder::default();
        builder.insert(MethodMatch::Any, pattern.clone(), ()).unwrap();
        let router = builder.build();
        let wanted = [&base[..], &["*?"]].concat();
        let mut params = Params::new();
        for path in paths.iter().flat_map(|path| [path.clone(), encoded(path)]) {
            let outcome = router.find(&Method::GET, PathView::new(&path), &mut params);
            let found = matches!(outcome, Outcome::Found { .. });
            let covered = bases.matches(&params, &path).next().is_some();
            if found && coverage != Coverage::Sometimes {
                prop_assert_eq!(covered, coverage == Coverage::Always, "{} {} {}", text, pattern, path);
            }
            if !path.contains('%') {
                let mut all = Vec::new();
                let segments = cut(&path, TrailingSlash::Ignore);
                takes(&wanted, &segments, &Take::default(), &mut all);
                prop_assert_eq!(covered, !all.is_empty(), "{} {}", text, path);
            }
        }
    }

    /// No text of a path panics, in a router or in what explains it, under any settings.
    #[test]
    fn survives_every_path(path in "[/%a-f0-9é\u{301}*:. ]{0,40}|.{0,60}") {
        let patterns = ["/a/:x/b", "/a:x", "/:x.%C3%A9", "/*", "/:a?/b/:c?/*rest?"];
        for case in [PathCase::Sensitive, PathCase::Insensitive] {
            for slash in [TrailingSlash::Ignore, TrailingSlash::Strict, TrailingSlash::Redirect] {
                let settings = Settings::new().with_path_case(case).with_trailing_slash(slash);
                let router = router(settings, &patterns);
                let mut params = Params::new();
                router.find(&Method::GET, PathView::new(&path), &mut params);
                for index in 0..params.len() {
                    let value = params.value(index, &path);
                    prop_assert_eq!(value.is_some(), params.raw(index, &path).is_some());
                    prop_assert!(value != Some(""));
                }
                router.explain(&Method::GET, &path);
            }
        }
    }
}
