//! The engine from the side of Rust: loading, caching, plugins, rendering in pieces.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use shikra_template::{
    Engine, ErrorKind, Minify, Object, Progress, Rest, Text, Value, WarningKind, context,
};

type Sources = Arc<Mutex<HashMap<String, String>>>;

fn loading(sources: &Sources) -> (Engine, Arc<AtomicUsize>) {
    let loads = Arc::new(AtomicUsize::new(0));
    let (sources, counted) = (Arc::clone(sources), Arc::clone(&loads));
    let engine = Engine::new().with_loader(move |name: &str| {
        counted.fetch_add(1, Ordering::Relaxed);
        match name {
            "views/broken" => Err(std::io::Error::other("the disk is on fire")),
            name => Ok(sources.lock().expect("one thread").get(name).cloned()),
        }
    });
    (engine, loads)
}

fn sources(all: &[(&str, &str)]) -> Sources {
    let all = all.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned()));
    Arc::new(Mutex::new(all.collect()))
}

// HA-090, HA-104: compiled once and kept, loaded again when told so.
#[test]
fn templates_are_loaded_once_until_they_are_invalidated() {
    let sources = sources(&[("views/a", "1@import('b')"), ("views/b", "x")]);
    let (engine, loads) = loading(&sources);
    for _ in 0..3 {
        assert_eq!(engine.render("views/a", &context! {}).expect("a page"), "1x");
    }
    assert_eq!(loads.load(Ordering::Relaxed), 2);
    sources.lock().expect("one thread").insert("views/b".into(), "y".into());
    assert_eq!(engine.render("views/a", &context! {}).expect("a page"), "1x");
    let begun = engine.start("views/a", &context! {}).expect("a page");
    engine.invalidate("views/b");
    assert_eq!(engine.render("views/a", &context! {}).expect("a page"), "1y");
    assert_eq!(begun.finish().expect("a page"), "1y");
    engine.invalidate_all();
    assert_eq!(engine.render("views/a", &context! {}).expect("a page"), "1y");
    assert_eq!(loads.load(Ordering::Relaxed), 5);
}

// HA-104: a template that does not compile is not kept, and the one before it stays.
#[test]
fn a_broken_template_does_not_replace_a_good_one() {
    let engine = Engine::new();
    engine.add("a", "good").expect("a template");
    assert!(engine.add("a", "{{ }}").is_err());
    assert_eq!(engine.render("a", &context! {}).expect("a page"), "good");
}

// HA-099
#[test]
fn missing_templates_and_failing_loaders_are_told_apart() {
    let (engine, _) = loading(&sources(&[("views/a", "{{ 1 }}\n@import('broken')")]));
    let error = engine.render("views/none", &context! {}).expect_err("no such template");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = engine.render("views/a", &context! {}).expect_err("the import fails");
    assert_eq!(error.kind(), ErrorKind::Load);
    assert_eq!(error.to_string(), "views/a:2:1: `views/broken` could not be loaded");
    let cause = std::error::Error::source(&error).expect("the loader's own error");
    assert_eq!(cause.to_string(), "the disk is on fire");
}

// HA-105
#[test]
fn names_from_outside_cannot_leave() {
    let (engine, loads) = loading(&sources(&[]));
    let long = "x".repeat(1025);
    for name in [
        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a\0", "C:/a",
        "a\nb", &long,
    ] {
        let error = engine.render(name, &context! {}).expect_err("a refused name");
        assert_eq!(error.kind(), ErrorKind::Name, "{name:?}");
        assert!(engine.add(name, "").is_err());
        assert!(engine.start(name, &context! {}).is_err());
    }
    assert_eq!(loads.load(Ordering::Relaxed), 0);
    for name in ["a", "a/b", "a.b", "..a", "a..", "é", &long[1..]] {
        let error = engine.render(name, &context! {}).expect_err("no such template");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name:?}");
    }
}

// HA-106: neither the data nor another rendering sees what a page sets.
#[test]
fn nothing_carries_over_to_another_page() {
    let engine = Engine::new();
    engine.add("sets", "@set v = 1 @endset{{ v }}{{ d }}").expect("a template");
    engine.add("reads", "[{{ v }}]").expect("a template");
    let data = context! { d: 2 };
    let copy = data.clone();
    for _ in 0..3 {
        assert_eq!(engine.render("sets", &data).expect("a page"), "12");
        assert_eq!(engine.render("reads", &data).expect("a page"), "[]");
    }
    assert_eq!(data, copy);
}

// HA-107, C22
#[test]
fn concurrent_pages_do_not_mix() {
    let engine = Engine::new().with_minify(Minify::Html);
    engine.add("layouts/l", "<main>@yield('body')</main>").expect("a template");
    engine
        .add("index", "@layout('l')@set v = n @endset@for x in xs\n{{ v }}-{{ x }}  ,\n@endfor")
        .expect("a template");
    let page = |n: i32| {
        let xs: Vec<i32> = (0..50).map(|x| x + n).collect();
        engine.render("index", &context! { n, xs }).expect("a page")
    };
    let expected: Vec<String> = (0..200).map(page).collect();
    std::thread::scope(|scope| {
        for start in 0..4 {
            let (expected, page) = (&expected, &page);
            scope.spawn(move || {
                for n in (start..200).step_by(4) {
                    assert_eq!(page(n), expected[usize::try_from(n).expect("small")]);
                }
            });
        }
    });
}

// HA-100
#[test]
fn a_later_plugin_replaces_and_a_page_has_its_own() {
    let mut engine = Engine::new();
    engine.register("who", || "first").register("who", || "second");
    engine.add("index", "{{ who() }}").expect("a template");
    assert_eq!(engine.render("index", &context! {}).expect("a page"), "second");
    let own = std::rc::Rc::new("own".to_owned());
    let shared = std::rc::Rc::clone(&own);
    let page = engine.start("index", &context! {}).expect("a page");
    let page = page.with_plugin("who", move || shared.as_str().to_owned()).finish();
    assert_eq!(page.expect("a page"), "own");
    assert_eq!(engine.render("index", &context! {}).expect("a page"), "second");
}

#[test]
fn clones_are_configured_apart() {
    let mut engine = Engine::new();
    engine.register("who", || "first");
    engine.add("index", "{{ who() }}").expect("a template");
    let mut other = engine.clone();
    other.register("who", || "other");
    assert_eq!(engine.render("index", &context! {}).expect("a page"), "first");
    assert_eq!(other.render("index", &context! {}).expect("a page"), "other");
}

#[test]
fn plugins_take_and_give_many_types() {
    let mut engine = Engine::new().strict();
    engine
        .register("ints", |a: i64, b: i32, c: u8, d: u16, e: u32, f: u64| {
            a + i64::from(b)
                + i64::from(c)
                + i64::from(d)
                + i64::from(e)
                + i64::try_from(f).unwrap_or(0)
        })
        .register("texts", |a: String, b: Text, c: char| format!("{a}{b}{c}"))
        .register("list", |items: Vec<i64>| items.iter().sum::<i64>())
        .register("map", |map: BTreeMap<String, f64>| map.values().sum::<f64>())
        .register("object", |object: Object| object.len())
        .register("flags", |a: bool, b: Option<bool>| (a && b.unwrap_or(true)).then_some("yes"))
        .register("count", |all: Rest<Value>| all.0.len())
        .register("index", |at: usize| ["a", "b"].get(at).copied().unwrap_or("none"));
    for (source, expected) in [
        ("{{ ints(1, -2, 3, 4, 5, 6.0) }}", "17"),
        ("{{ texts('a', 'b', 'é') }}", "abé"),
        ("{{ list([1, 2, 3]) }}", "6"),
        ("{{ map({a: 1, b: 2.5}) }}", "3.5"),
        ("{{ object({a: 1}) }}", "1"),
        ("{{ flags(true) }}{{ flags(true, false) }}{{ flags(true, null) }}", "yesyes"),
        ("{{ count() }}{{ count(1, 'x', null) }}", "03"),
        ("{{ index(1) }}", "b"),
    ] {
        engine.add("index", source).expect("a template");
        assert_eq!(engine.render("index", &context! {}).expect(source), expected, "{source}");
    }
    for (source, message) in [
        ("{{ ints(1.5, 0, 0, 0, 0, 0) }}", "argument 1 wants a whole number, got a number"),
        ("{{ ints(0, 0, -1, 0, 0, 0) }}", "argument 3 wants a whole number from 0, got a number"),
        ("{{ ints(0, 0, 256, 0, 0, 0) }}", "argument 3 wants a whole number from 0, got a number"),
        ("{{ texts('a', 'b', 'cd') }}", "argument 3 wants one character, got text"),
        ("{{ list([1, 'x']) }}", "argument 1 wants a list, got a list"),
        ("{{ object([]) }}", "argument 1 wants an object, got a list"),
        ("{{ flags(1) }}", "argument 1 wants a truth value, got a number"),
        ("{{ flags(true, 1) }}", "argument 2 wants a truth value, got a number"),
        ("{{ flags() }}", "argument 1 is missing, it wants a truth value"),
        ("{{ index(0, 1) }}", "takes 1 argument, got 2"),
    ] {
        engine.add("index", source).expect("a template");
        let error = engine.render("index", &context! {}).expect_err(source);
        assert_eq!(error.kind(), ErrorKind::Plugin);
        assert!(error.message().ends_with(message), "{source}: {error}");
    }
}

#[test]
fn names_of_plugins_are_checked_when_they_are_registered() {
    for name in ["raw", "true", "null", "1a", "a-b", "", "é"] {
        let refused = std::panic::catch_unwind(|| {
            Engine::new().register(name, || 1);
        });
        assert!(refused.is_err(), "{name:?}");
    }
}

// HA-102, CF-80
#[test]
fn defaults_come_after_data_and_set() {
    let mut engine = Engine::new();
    engine.set_default("nonce", "engine");
    engine.add("index", "{{ nonce }}{{ generateNonce() }}").expect("a template");
    engine.add("sets", "@set nonce = 's' @endset{{ nonce }}").expect("a template");
    assert_eq!(engine.render("index", &context! {}).expect("a page"), "engine");
    let start = |name: &str, data: &Value| {
        let page = engine.start(name, data).expect("a page");
        page.with_default("nonce", "page").with_plugin("generateNonce", || "!").finish()
    };
    assert_eq!(start("index", &context! {}).expect("a page"), "page!");
    assert_eq!(start("index", &context! { nonce: "data" }).expect("a page"), "data!");
    assert_eq!(start("sets", &context! {}).expect("a page"), "s");
}

#[test]
fn pieces_keep_to_their_budget_but_for_one_stretch() {
    let engine = Engine::new();
    engine.add("layouts/l", "<@yield('body')>").expect("a template");
    engine.add("index", "@layout('l')@for x in xs\n{{ x }}é\n@endfor").expect("a template");
    let xs: Vec<i32> = (0..1000).collect();
    let data = context! { xs };
    let whole = engine.render("index", &data).expect("a page");
    for budget in [0, 1, 2, 3, 7, 64, 1000, usize::MAX] {
        let mut render = engine.start("index", &data).expect("a page");
        let (mut page, mut piece) = (String::new(), String::new());
        loop {
            let progress = render.resume(&mut piece, budget).expect("a page");
            assert!(piece.len() <= budget.saturating_add(8), "{} of {budget}", piece.len());
            page.push_str(&piece);
            piece.clear();
            if progress == Progress::Done {
                break;
            }
        }
        assert_eq!(page, whole);
        assert_eq!(render.resume(&mut piece, 10).expect("nothing"), Progress::Done);
        assert!(piece.is_empty());
    }
}

// HA-089: a page that fails gives out nothing, and a rendering that failed stays failed.
#[test]
fn a_failed_page_is_over() {
    let engine = Engine::new();
    engine.add("index", "before @for x in 5\n@endfor after").expect("a template");
    assert!(engine.render("index", &context! {}).is_err());
    let mut render = engine.start("index", &context! {}).expect("a page");
    let mut out = String::new();
    assert!(render.resume(&mut out, usize::MAX).is_err());
    let len = out.len();
    assert_eq!(render.resume(&mut out, 100).expect("over"), Progress::Done);
    assert_eq!(out.len(), len);
}

#[test]
fn a_failed_page_that_is_minified_puts_nothing_more_out() {
    let engine = Engine::new().with_minify(Minify::Html);
    engine.add("index", "a <b{{ s }}@for x in 5\n@endfor").expect("a template");
    let mut render = engine.start("index", &context! { s: "b" }).expect("a page");
    let mut out = String::new();
    assert_eq!(render.resume(&mut out, 1).expect("the first piece"), Progress::More);
    assert!(render.resume(&mut out, 100).is_err());
    assert_eq!(render.resume(&mut out, 100).expect("over"), Progress::Done);
    assert_eq!(out, "a"); // the tag and the blank before it were held back
}

struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("no space left"))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn pages_go_into_writers() {
    let engine = Engine::new();
    engine.add("index", "@for x in xs\n{{ x }}, \n@endfor").expect("a template");
    let xs: Vec<i32> = (0..10_000).collect();
    let data = context! { xs };
    let whole = engine.render("index", &data).expect("a page");
    let mut bytes = Vec::new();
    engine.start("index", &data).expect("a page").write_to(&mut bytes).expect("a page");
    assert_eq!(bytes, whole.as_bytes());
    let mut text = String::new();
    engine.start("index", &data).expect("a page").write_fmt_to(&mut text).expect("a page");
    assert_eq!(text, whole);
    let error = engine.start("index", &data).expect("a page").write_to(&mut Full);
    let error = error.expect_err("the writer fails");
    assert_eq!(error.kind(), ErrorKind::Output);
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn minifying_does_not_depend_on_the_pieces() {
    let engine = Engine::new().with_minify(Minify::Html);
    let source = "<p>  a <!-- b --> {{ s }} </p>\n<pre> {{ s }}  </pre> <td>  <b>x</b>  y</td>";
    engine.add("index", source).expect("a template");
    let data = context! { s: "  <  \n  é  " };
    let whole = engine.render("index", &data).expect("a page");
    let mut page = String::new();
    let mut render = engine.start("index", &data).expect("a page");
    while render.resume(&mut page, 1).expect("a page") == Progress::More {}
    assert_eq!(page, whole);
}

#[test]
fn data_that_is_no_object_is_no_data() {
    let engine = Engine::new();
    engine.add("index", "[{{ a }}]").expect("a template");
    for data in [Value::Undefined, Value::Null, 5.into(), "x".into(), vec![1].into()] {
        assert_eq!(engine.render("index", &data).expect("a page"), "[]");
    }
}

#[test]
fn rust_types_become_values() {
    let big = u64::MAX;
    let data = context! {
        big, small: -5_i8, float: 0.1_f32, none: None::<&str>, some: Some(1), unit: (), c: 'é',
        list: [1, 2], map: BTreeMap::from([("b", 1), ("a", 2)]), text: String::from("t"),
        shared: Arc::<str>::from("s"), i: i128::MIN, infinite: f32::INFINITY,
    };
    let engine = Engine::new();
    engine
        .add("index", "{{ big }} {{ small }} {{ float }} {{ none }} {{ some }} {{ unit }} {{ c }} {{ list }} {{ map.a }} {{ text }}{{ shared }} {{ i }} {{ infinite }}")
        .expect("a template");
    let page = engine.render("index", &data).expect("a page");
    assert_eq!(
        page,
        "18446744073709551615 -5 0.1  1  é 1,2 2 ts -170141183460469231731687303715884105728 Infinity"
    );
}

#[test]
fn templates_tell_what_is_suspect() {
    let engine = Engine::new();
    engine.add("b", "<a href=\"{{ x }}\">").expect("a template");
    let template = engine.add("a", "@if(x)").expect("a template");
    assert_eq!(template.name(), "a");
    assert_eq!(template.warnings().len(), 1);
    let all = engine.warnings();
    let kinds: Vec<_> =
        all.iter().map(|warning| (warning.place().template(), warning.kind())).collect();
    assert_eq!(kinds, [("a", WarningKind::Lookalike), ("b", WarningKind::Context)]);
    assert_eq!(engine.template("b").expect("a template").warnings(), &all[1..]);
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let source = format!("{}{{{{ ~ }}}}{}", "é".repeat(500), "z".repeat(500));
    let error = Engine::new().add("index", &source).expect_err("a mistake");
    let place = error.place().expect("a place");
    assert_eq!((place.line(), place.column()), (1, 504));
    assert_eq!(place.excerpt().chars().count(), 120);
    let shown = format!("{error:#}");
    let lines: Vec<_> = shown.lines().collect();
    let mark = lines[2].chars().position(|c| c == '^').expect("a mark");
    assert_eq!(lines[1].chars().nth(mark), Some('~'));
}

// HA-095: the settings count, not when they were made.
#[test]
fn templates_follow_settings_that_change_after_they_were_added() {
    let engine = Engine::new();
    engine.add("layouts/l", "<@yield('body')>").expect("a template");
    engine.add("index", "@layout('l')x").expect("a template");
    let without = engine.clone().without_layouts();
    assert_eq!(without.render("index", &context! {}).expect("a page"), "x");
    assert_eq!(engine.render("index", &context! {}).expect("a page"), "<x>");
    let again = without.with_layouts("layouts");
    assert_eq!(again.render("index", &context! {}).expect("a page"), "<x>");
}

#[test]
fn a_page_within_a_page_is_a_page_of_its_own() {
    let inner = Engine::new();
    inner.add("index", "@for x in [1, 2]\n{{ x }}{{ y }}@endfor").expect("a template");
    let mut engine = Engine::new().strict();
    engine.register("inner", move |y: i64| inner.render("index", &context! { y }));
    engine.add("index", "@for x in [7, 8]\n{{ x }}({{ inner(x) }})@endfor").expect("a template");
    let page = engine.render("index", &context! {}).expect("a page");
    assert_eq!(page, "7(1727)8(1828)");
}
