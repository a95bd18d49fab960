//! What hostile or careless templates and data can cost.

use std::time::{Duration, Instant};

use shikra_template::{Engine, Error, ErrorKind, Limits, Progress, Value, context};

fn render_with(limits: Limits, source: &str, data: &Value) -> Result<String, Error> {
    let engine = Engine::new().with_limits(limits);
    engine.add("index", source)?;
    engine.render("index", data)
}

fn render(source: &str, data: &Value) -> Result<String, Error> {
    render_with(Limits::default(), source, data)
}

fn check_limit(limits: Limits, source: &str, data: &Value) {
    let start = Instant::now();
    let error = render_with(limits, source, data).expect_err("a limit is passed");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error:#}");
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}

#[test]
fn floods_of_braces_and_signs_are_text() {
    for flood in
        ["{{", "{", "}}", "@", "@if", "@set ", "@for x ", "#", "{{{", "@component('", "\"", "\\"]
    {
        let source = flood.repeat(100_000);
        // Comments are the one flood that is not text.
        let expected = if flood == "#" { "" } else { source.as_str() };
        match render(&source, &context! {}) {
            Ok(page) => assert_eq!(page, expected, "{flood}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Syntax, "{flood}"),
        }
        for end in ["}}", "@endif", "@endset", "@endfor", "')", "'"] {
            // Whatever this is, it is decided soon and without a panic.
            let _ = render(&(source.clone() + end), &context! {});
        }
    }
}

// HA-133: any reasonable depth; what goes beyond is an error, not an overflow of the stack.
#[test]
fn nesting_is_allowed_up_to_a_hundred_levels() {
    let nested = |n: usize| "@if 1\n".repeat(n) + "x" + &"@endif".repeat(n);
    assert_eq!(render(&nested(99), &context! {}).expect("99 levels").trim(), "x");
    for n in [101, 10_000] {
        let error = render(&nested(n), &context! {}).expect_err("too deep");
        assert!(error.message().contains("nested deeper than 100 levels"), "{error}");
    }
    for (open, close) in
        [("(", ")"), ("[", "]"), ("!", ""), ("- ", ""), ("sum(", ")"), ("{a:", "}")]
    {
        let source = format!("{{{{ {}1{} }}}}", open.repeat(10_000), close.repeat(10_000));
        let error = render(&source, &context! {}).expect_err("too deep");
        assert_eq!(error.kind(), ErrorKind::Syntax, "{error}");
    }
}

#[test]
fn long_chains_of_operators_are_refused_before_they_overflow() {
    let chain = |n: usize| format!("{{{{ a{} }}}}", " + 1".repeat(n));
    assert_eq!(render(&chain(190), &context! { a: 0 }).expect("190 operators"), "190");
    for source in [chain(100_000), format!("{{{{ a{} }}}}", ".b".repeat(100_000))] {
        let error = render(&source, &context! { a: 0 }).expect_err("too long");
        assert!(error.message().contains("levels"), "{error}");
    }
    let branches = "@if a\n".to_owned() + &"@elseif a\n".repeat(10_000) + "@else x@endif";
    assert_eq!(render(&branches, &context! { a: 0 }).expect("a chain of branches is flat"), "x");
}

// HA-146
#[test]
fn use_of_templates_stops_at_the_depth_limit_and_not_before() {
    let engine = Engine::new();
    engine
        .add(
            "components/c",
            "{{ n }}@for x in (n > 1 ? [1] : [])\n@component('c', {n: n - 1})@endfor",
        )
        .expect("a template");
    engine.add("index", "@component('c', {n: n})").expect("a template");
    assert!(engine.render("index", &context! { n: 64 }).is_ok());
    let error = engine.render("index", &context! { n: 65 }).expect_err("65 levels");
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.message().contains("index > components/c > components/c"), "{error}");
    assert_eq!(error.trail().len(), 8);
}

#[test]
fn branching_recursion_runs_out_of_steps() {
    let engine = Engine::new();
    engine.add("index", "@import('index')@import('index')").expect("a template");
    let start = Instant::now();
    let error = engine.render("index", &context! {}).expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::Limit);
    engine
        .add("two", "@if n < 60\n@import('two', {n: n + 1})@import('two', {n: n + 1})@endif")
        .expect("a template");
    let error = engine.render("two", &context! { n: 0 }).expect_err("2^60 uses");
    assert!(error.message().contains("steps"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn huge_loops_run_out_of_steps() {
    let many: Vec<i32> = (0..10_000).collect();
    let data = context! { xs: many };
    let source = "@for a in xs\n@for b in xs\n@for c in xs\n@endfor@endfor@endfor";
    check_limit(Limits::default(), source, &data);
    // Exactly enough, and one less.
    let one = "@for a in xs\n{{ a }}@endfor";
    let enough = (1..1_000_000_u64)
        .map(|steps_max| Limits { steps_max, ..Limits::default() })
        .step_by(1000)
        .find(|limits| render_with(*limits, one, &data).is_ok());
    let enough = enough.expect("a million steps are enough").steps_max;
    check_limit(Limits { steps_max: enough - 1000, ..Limits::default() }, one, &data);
}

#[test]
fn output_stops_at_its_limit_and_not_before() {
    let limits = Limits { output_bytes_max: 10, ..Limits::default() };
    for source in [
        "{{ t }}",
        "@for c in t.split('')\n{{ c }}@endfor",
        "@for x in [t]\n{{ x }}@endfor",
        "{{ [t] }}",
    ] {
        let page = render_with(limits, source, &context! { t: "0123456789" });
        assert_eq!(page.expect("ten bytes"), "0123456789");
        check_limit(limits, source, &context! { t: "0123456789+" });
    }
    assert!(render_with(limits, "0123456789", &context! {}).is_ok());
    check_limit(limits, "0123456789+", &context! {});
    // Escapes count as they go out.
    check_limit(limits, "{{ t }}", &context! { t: "<<<" });
}

#[test]
fn blocks_count_towards_the_output() {
    let limits = Limits { output_bytes_max: 10, ..Limits::default() };
    let engine = Engine::new().with_limits(limits);
    engine.add("layouts/l", "@yield('a')@yield('a')").expect("a template");
    engine.add("index", "@layout('l')@block('a'){{ t }}@endblock").expect("a template");
    assert_eq!(engine.render("index", &context! { t: "12345" }).expect("ten bytes").len(), 10);
    for t in ["123456", "12345678901"] {
        let error = engine.render("index", &context! { t }).expect_err("more than ten bytes");
        assert_eq!(error.kind(), ErrorKind::Limit);
    }
}

#[test]
fn values_do_not_grow_without_bound() {
    let doubling =
        "@set s = 'x' @endset".to_owned() + &"@set s = s + s @endset".repeat(60) + "{{ s.length }}";
    check_limit(Limits::default(), &doubling, &context! {});
    let lists =
        "@set l = [1, 1] @endset".to_owned() + &"@set l = [l, l] @endset".repeat(60) + "{{ l }}";
    check_limit(Limits::default(), &lists, &context! {});
    let spread = "@set l = [1, 1] @endset".to_owned() + &"@set l = [...l, ...l] @endset".repeat(60);
    check_limit(Limits::default(), &spread, &context! {});
    let replace =
        "@set s = 'aa' @endset".to_owned() + &"@set s = s.replace('a', s) @endset".repeat(60);
    check_limit(Limits::default(), &replace, &context! {});
    let joined =
        "@set s = 'aaaa' @endset".to_owned() + &"@set s = s.split('').join(s) @endset".repeat(60);
    check_limit(Limits::default(), &joined, &context! {});
    let limits = Limits { value_bytes_max: 8, ..Limits::default() };
    assert_eq!(
        render_with(limits, "{{ a + a }}", &context! { a: "1234" }).expect("8 bytes"),
        "12341234"
    );
    check_limit(limits, "{{ a + a }}", &context! { a: "12345" });
}

#[test]
fn work_on_long_text_costs_steps() {
    let text = "x".repeat(4 << 20);
    let items: Vec<i32> = (0..100_000).collect();
    let data = context! { text, items };
    for source in [
        "@for i in items\n@set n = text.length @endset@endfor",
        "@for i in items\n@set n = text[4000000] @endset@endfor",
        "@for i in items\n@set n = text.trim() @endset@endfor",
        "@for i in items\n@if text === text + 'y'\n@endif@endfor",
        "@for i in items\n@if text * 1\n@endif@endfor",
        "@for i in items\n@if items.includes(-1)\n@endif@endfor",
    ] {
        check_limit(Limits { steps_max: 5_000_000, ..Limits::default() }, source, &data);
    }
}

#[test]
fn deep_data_is_printed_or_refused_but_never_overflows() {
    let mut deep = Value::from(1);
    for _ in 0..200 {
        deep = Value::list([deep]);
    }
    assert_eq!(render("{{ d }}", &context! { d: deep.clone() }).expect("200 levels"), "1");
    for _ in 0..1000 {
        deep = Value::object([("a", deep)]);
    }
    check_limit(Limits::default(), "{{ d }}", &context! { d: deep });
}

#[test]
fn sources_and_names_have_limits() {
    let limits = Limits { source_bytes_max: 10, ..Limits::default() };
    assert!(render_with(limits, "0123456789", &context! {}).is_ok());
    check_limit(limits, "0123456789+", &context! {});
    let sets = |n: usize| (0..n).map(|i| format!("@set x{i} = 1 @endset")).collect::<String>();
    assert!(render(&sets(500), &context! {}).is_ok());
    let error = render(&sets(501), &context! {}).expect_err("too many names");
    assert!(error.message().contains("500 names"), "{error}");
    let args = |n: usize| format!("{{{{ and({}) }}}}", "1,".repeat(n));
    assert!(render(&args(255), &context! {}).is_ok());
    assert!(render(&args(256), &context! {}).is_err());
}

#[test]
fn a_page_that_only_works_gives_way_to_others() {
    let items: Vec<i32> = (0..1000).collect();
    let engine = Engine::new();
    engine.add("index", "@for a in items\n@for b in items\n@endfor@endfor").expect("a template");
    let mut render = engine.start("index", &context! { items }).expect("a page");
    let (mut turns, mut out) = (0, String::new());
    while render.resume(&mut out, 1000).expect("within its limits") == Progress::More {
        turns += 1;
    }
    assert!(turns > 5, "{turns} turns without output");
    assert!(out.is_empty());
}
