//! What was brought into its normal form once stays as it is: encoding it again and cutting it again
//! changes nothing, and a redirect leads to a path that is not redirected.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::super::path::{Segments, View, fold};
use super::*;

/// The segments of a path in the spellings that are compared and given to handlers.
#[derive(Debug, PartialEq, Eq)]
struct Normal {
    slash: bool,
    text: Vec<String>,
    key: Vec<String>,
}

fn normal(path: &str, settings: Settings) -> Option<Normal> {
    let mut segments = Segments::default();
    segments.load(PathView::new(path), settings).ok()?;
    let spelled = |view: View<'_>| {
        let text = |at| String::from_utf8(view.segment(at).to_vec()).expect("segments are text");
        (0..segments.count()).map(text).collect()
    };
    Some(Normal {
        slash: segments.slash() == super::super::pattern::Slash::With,
        text: spelled(segments.text_view(path)),
        key: spelled(segments.key_view(path)),
    })
}

/// A path of these segments, with every byte as a triplet that `keep` does not keep.
fn path_of(segments: &[String], slash: bool, keep: impl Fn(u8) -> bool) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if keep(byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if slash || segments.is_empty() {
        path.push('/');
    }
    path
}

/// Bytes that stand for themselves wherever a path has them (RFC 3986 §2.3).
fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn settings() -> impl Strategy<Value = Settings> {
    let cases = prop::sample::select(vec![PathCase::Sensitive, PathCase::Insensitive]);
    let slashes = prop::sample::select(vec![
        TrailingSlash::Ignore,
        TrailingSlash::Strict,
        TrailingSlash::Redirect,
    ]);
    (cases, slashes)
        .prop_map(|(case, slash)| Settings::new().with_path_case(case).with_trailing_slash(slash))
}

/// Text that is composed, decomposed, has more than one lower case, or means something in a path.
fn piece() -> impl Strategy<Value = String> {
    let chosen = prop::sample::select(vec![
        "a",
        "Z",
        "/",
        "%",
        "%2F",
        "%25",
        ".",
        "..",
        "é",
        "e\u{301}",
        "É",
        "E\u{301}",
        "ß",
        "ẞ",
        "İ",
        "ı",
        "Σ",
        "ς",
        "ΑΣ",
        "J\u{30c}",
        "ǰ",
        "\u{1e9b}\u{323}",
        "ﬁ",
        "한",
        "\u{1112}\u{1161}\u{11ab}",
        "Å",
        "\u{212b}",
        "\u{212a}",
        "Ω",
        "\u{2126}",
        "\u{345}",
        "ᾳ",
        "ᾼ",
        "ǅ",
        " ",
        "?",
        "*",
        ":x",
    ]);
    prop_oneof![4 => chosen.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

/// The path as a client may spell it: any byte may be a triplet, with digits in upper or lower case.
fn path() -> impl Strategy<Value = String> {
    let segment = prop::collection::vec(piece(), 0..4).prop_map(|pieces| pieces.concat());
    (prop::collection::vec(segment, 1..6), any::<bool>(), any::<u64>()).prop_map(
        |(segments, slash, bits)| {
            let mut at = 0;
            let mut path = String::new();
            for segment in &segments {
                path.push('/');
                for c in segment.chars() {
                    at += 1;
                    if c.is_ascii() && unreserved(c as u8) && bits >> (at % 64) & 1 == 0 {
                        path.push(c);
                        continue;
                    }
                    let mut utf8 = [0; 4];
                    for byte in c.encode_utf8(&mut utf8).bytes() {
                        let upper = bits >> (at % 61) & 2 == 0;
                        path.push_str(&if upper {
                            format!("%{byte:02X}")
                        } else {
                            format!("%{byte:02x}")
                        });
                    }
                }
            }
            if slash { path + "/" } else { path }
        },
    )
}

proptest! {
    #![proptest_config(Config { cases: twin::cases(2000), failure_persistence: None, ..Config::default() })]

    #[test]
    fn normal_form_is_normal(path in path(), settings in settings()) {
        let once = normal(&path, settings).expect("well-formed paths have segments");
        for keep in [unreserved, |_: u8| false] {
            let again = path_of(&once.text, once.slash, keep);
            let twice = normal(&again, settings);
            prop_assert_eq!(twice.as_ref(), Some(&once), "{} again as {}", path, again);
            // What is compared is found under itself.
            let folded = path_of(&once.key, once.slash, keep);
            let found = normal(&folded, settings).map(|normal| normal.key);
            prop_assert_eq!(found.as_ref(), Some(&once.key), "{} folded as {}", path, folded);
        }
        for text in &once.text {
            prop_assert_eq!(fold(&fold(text)), fold(text));
        }
    }

    #[test]
    fn redirects_end_after_one(
        path in path(),
        case in prop::sample::select(vec![PathCase::Sensitive, PathCase::Insensitive]),
    ) {
        let settings =
            Settings::new().with_path_case(case).with_trailing_slash(TrailingSlash::Redirect);
        let router = router(settings, &["/", "/a", "/b/", "/:x", "/:x/:y/", "/a/b/:z/", "/x/*"]);
        let mut params = Params::new();
        let outcome = router.find(&Method::GET, PathView::new(&path), &mut params);
        let Outcome::Redirect { to, .. } = outcome else { return Ok(()) };
        let there = to.apply(&path);
        let outcome = router.find(&Method::GET, PathView::new(&there), &mut params);
        prop_assert!(matches!(outcome, Outcome::Found { .. }), "{} to {}: {:?}", path, there, outcome);
    }
}
