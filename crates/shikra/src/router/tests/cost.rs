//! What a search costs at worst.

use std::time::{Duration, Instant};

use super::*;

/// The best of many searches, since a machine that does other work only ever adds time.
fn best(router: &Router<usize>, path: &str) -> Duration {
    let mut params = Params::new();
    let once = |_| {
        let start = Instant::now();
        router.find(&Method::GET, PathView::new(path), &mut params);
        start.elapsed()
    };
    (0..30).map(once).min().unwrap()
}

/// The processor time that this thread has had, where the system tells it: on a loaded machine the clock runs on
/// while other programs have the processor. It is a few milliseconds behind.
fn spent(begin: Instant) -> Duration {
    let read = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = read.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| begin.elapsed(), Duration::from_nanos)
}

/// Without optimisation the same work takes up to thirty times as long.
fn limit() -> Duration {
    Duration::from_millis(if cfg!(debug_assertions) { 30 } else { 1 })
}

fn adversarial() -> Router<usize> {
    let mut builder = RouterBuilder::default();
    let mut insert = |text: String| {
        let index = builder.routes().len();
        builder.insert(Method::GET.into(), Pattern::parse(&text).unwrap(), index).unwrap();
    };
    let optionals: String = (0..PATTERN_OPTIONALS_MAX).map(|i| format!("/:o{i}?")).collect();
    // Each segment fits both branches of every node, and the last one fits none.
    for bits in 0..256 {
        let text: String = (0..8)
            .map(|i| if bits >> i & 1 == 0 { "/a".to_owned() } else { format!("/:p{i}") })
            .collect();
        insert(format!("{text}/end"));
    }
    insert(format!("{optionals}/end"));
    insert(format!("/a{optionals}/b"));
    insert(format!("{}/x", "/a".repeat(PATTERN_SEGMENTS_MAX - 1)));
    let params = (0..PATTERN_SEGMENTS_MAX - 1).map(|i| format!("/:p{i}")).collect::<String>();
    insert(format!("{params}/y"));
    insert("/a/:x.tar.gz/*".into());
    builder.build()
}

#[test]
fn stays_under_a_millisecond_on_hostile_paths() {
    let router = adversarial();
    let target_max = 16 * 1024;
    for unit in ["/a", "/", "/%61", "a", "/%C3%A9", "%CC%81", "%CC%81%CC%A3", "/a.tar.g", "//a"] {
        let path = format!("/{}", unit.repeat(target_max / unit.len()));
        for path in [&path[..], &path[1..]] {
            let took = best(&router, path);
            assert!(took < limit(), "{took:?} for {unit:?} repeated");
        }
    }
    for count in 1..80 {
        let took = best(&router, &"/a".repeat(count));
        assert!(took < limit(), "{took:?} for {count} segments");
    }
}

/// Ten thousand routes as large applications have them: literal, with parameters, with a suffix, with a tail.
fn large() -> (Vec<String>, Router<usize>) {
    let pattern = |at: usize| match at % 5 {
        0 => format!("/api/v{}/things{at}", at % 7),
        1 => format!("/api/v{}/things{at}/:id", at % 7),
        2 => format!("/shops/:shop/section{at}/:item/edit"),
        3 => format!("/reports{at}/:name.json"),
        _ => format!("/files{at}/*"),
    };
    let patterns: Vec<_> = (0..10_000).map(pattern).collect();
    let mut builder = RouterBuilder::default();
    for (index, text) in patterns.iter().enumerate() {
        builder.insert(Method::GET.into(), Pattern::parse(text).unwrap(), index).unwrap();
    }
    (patterns, builder.build())
}

#[test]
fn ten_thousand_routes_are_built_and_found_in_no_time() {
    let slower = if cfg!(debug_assertions) { 30 } else { 1 };
    let begin = Instant::now();
    let build = || {
        let start = spent(begin);
        let built = large();
        (spent(begin) - start, built)
    };
    let (took, (patterns, router)) = (0..5).map(|_| build()).min_by_key(|built| built.0).unwrap();
    assert!(took < Duration::from_millis(100) * slower, "building took {took:?}");
    let mut params = Params::new();
    let paths: Vec<_> = patterns
        .iter()
        .map(|text| text.replace(":id", "7").replace(":shop", "s").replace(":item", "i"))
        .map(|text| text.replace(":name", "n").replace('*', "a/b"))
        .collect();
    // Many rounds at a time, so that the time is large beside what the system's own count of it lacks.
    const ROUNDS: usize = 10;
    let round = |_| {
        let start = spent(begin);
        for path in paths.iter().cycle().take(ROUNDS * paths.len()) {
            router.find(&Method::GET, PathView::new(path), &mut params);
        }
        (spent(begin) - start) / u32::try_from(ROUNDS * paths.len()).unwrap()
    };
    let took = (0..3).map(round).min().unwrap();
    assert!(took < Duration::from_micros(1) * slower, "finding took {took:?} a path");
    for (index, path) in paths.iter().enumerate() {
        let outcome = router.find(&Method::GET, PathView::new(path), &mut params);
        assert!(matches!(outcome, Outcome::Found { value, .. } if *value == index), "{path}");
    }
}

#[test]
fn finds_a_route_as_fast_among_many() {
    // VA-061: the cost of a search does not grow with the number of routes.
    let among = |count: usize| {
        let mut builder = RouterBuilder::default();
        for index in 0..count {
            for text in [format!("/r{index}/list"), format!("/r{index}/:id/more")] {
                builder.insert(MethodMatch::Any, Pattern::parse(&text).unwrap(), index).unwrap();
            }
        }
        let router = builder.build();
        let many = |path: &str| {
            let mut params = Params::new();
            let mut batch = || {
                let start = Instant::now();
                for _ in 0..100 {
                    let outcome = router.find(&Method::GET, PathView::new(path), &mut params);
                    assert!(matches!(outcome, Outcome::Found { .. }));
                }
                start.elapsed()
            };
            (0..50).map(|_| batch()).min().unwrap()
        };
        many("/r3/list").max(many("/r7/x/more"))
    };
    let (few, some, lots) = (among(10), among(1_000), among(50_000));
    // A list or a scan would be 100 and 5,000 times as slow.
    assert!(some < few * 5 && lots < few * 5, "{few:?} {some:?} {lots:?}");
}
