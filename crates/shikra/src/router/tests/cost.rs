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
