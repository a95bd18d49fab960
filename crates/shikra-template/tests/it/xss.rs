//! Payloads that want out of text and quoted attributes.

use shikra_template::{Engine, context};

const PAYLOADS: [&str; 62] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.test></script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert`1`>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert&#40;1&#41;</script>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<form><button formaction=javascript:alert(1)>x",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
    "<base href=//evil.test/>",
    "<link rel=stylesheet href=//evil.test>",
    "<style>@import '//evil.test';</style>",
    "<!--><script>alert(1)</script>-->",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "' autofocus onfocus=alert(1) x='",
    "\"onclick=alert(1)//",
    "x\" y='z",
    "\\\"><script>alert(1)</script>",
    "\\'><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&#x3c;script&#x3e;alert(1)",
    "&quot;><script>alert(1)</script>",
    "&<script>",
    "&amp;lt;script",
    "%3Cscript%3Ealert(1)%3C/script%3E\"'<>",
    "\u{2028}<script>alert(1)</script>\u{2029}",
    "\0<script>alert(1)</script>",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "<\tscript>alert(1)</script>",
    "<script\n>alert(1)</script\n>",
    "\u{feff}<script>alert(1)</script>",
    "＜script＞alert(1)＜/script＞<",
    "<textarea></textarea><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "{{ raw('<script>') }}<b>",
    "{{ constructor.constructor('alert(1)')() }}<b>",
    "@import('index')<b>",
    "@if 1\n<b>@endif",
    "## <b>",
    "${alert(1)}<b>",
    "$&$`$'<b>",
];

/// What no output of a value may hold.
fn assert_harmless(inserted: &str, payload: &str, template: &str) {
    for sign in ['<', '>', '"', '\'', '`', '='] {
        assert!(!inserted.contains(sign), "{payload:?} in {template:?} became {inserted:?}");
    }
    let mut rest = inserted;
    while let Some(at) = rest.find('&') {
        rest = &rest[at + 1..];
        let known = ["amp;", "lt;", "gt;", "quot;", "#039;", "#96;", "#61;", "#47;"];
        assert!(known.iter().any(|entity| rest.starts_with(entity)), "{payload:?}: {inserted:?}");
    }
}

/// Resolves the escapes again; the page shows exactly what the data said.
fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#039;", "'"),
        ("&#96;", "`"),
        ("&#61;", "="),
        ("&#47;", "/"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

// HA-111, HA-113, HA-149: each payload at each position, escaped exactly once.
#[test]
fn payloads_stay_text() {
    let mut engine = Engine::new();
    engine.register("echo", |text: String| text);
    let positions = [
        ("<p>", "{{ v }}", "</p>"),
        ("<p title=\"", "{{ v }}", "\">"),
        ("<p title='", "{{ v }}", "'>"),
        ("<p>", "{{ echo(v) }}", "</p>"),
        ("<p title=\"", "{{ echo(v) }}", "\">"),
        ("<p>", "@for x in [v]\n{{ x }}\n@endfor", "</p>"),
        ("<p>", "@for [k, x] in {a: v}\n{{ x }}\n@endfor", "</p>"),
        ("<p>", "@set x = v @endset{{ x }}", "</p>"),
        ("<p>", "@set x = raw(v) @endset{{ x }}", "</p>"),
        ("<p>", "{{ [v] }}", "</p>"),
        ("<p>", "{{ '' + v }}", "</p>"),
        ("<p>", "{{ v || 'x' }}", "</p>"),
        ("<p>", "@component('c', {p: v})", "</p>"),
        ("<p>", "@component('layered', {p: v})", "</p>"),
    ];
    engine.add("components/c", "{{ p }}").expect("a template");
    engine
        .add("components/layered", "@layout('l')@block('b'){{ p }}@endblock")
        .expect("a template");
    engine.add("layouts/l", "@yield('b')").expect("a template");
    for (before, value, after) in positions {
        let template = format!("{before}{value}{after}");
        engine.add("index", &template).expect("a template");
        for payload in PAYLOADS {
            let page = engine.render("index", &context! { v: payload }).expect("a page");
            let inserted = page.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            let inserted = inserted.expect("the template's own text stays");
            assert_harmless(inserted, payload, &template);
            assert_eq!(unescape(inserted), payload, "{template}");
        }
    }
}

#[test]
fn keys_of_objects_are_escaped_too() {
    let engine = Engine::new();
    engine.add("index", "@for [k, x] in o\n{{ k }}\n@endfor").expect("a template");
    engine.add("json", "{{ o }}").expect("a template");
    for payload in PAYLOADS {
        let data = context! { o: shikra_template::Value::object([(payload, 1)]) };
        let page = engine.render("index", &data).expect("a page");
        assert_harmless(&page, payload, "key");
        assert_eq!(unescape(&page), payload);
        assert_harmless(&engine.render("json", &data).expect("a page"), payload, "json");
    }
}

#[test]
fn every_byte_is_escaped_at_every_position() {
    let engine = Engine::new();
    engine.add("index", "{{ v }}").expect("a template");
    for sign in ['&', '<', '>', '"', '\'', '`', '=', '/'] {
        for len in 0..70 {
            for at in [0, len / 2, len] {
                let mut text = "é".repeat(len / 2) + &"x".repeat(len - len / 2);
                let offset = text.char_indices().nth(at).map_or(text.len(), |(offset, _)| offset);
                text.insert(offset, sign);
                let page = engine.render("index", &context! { v: text.as_str() }).expect("a page");
                assert_harmless(&page, &text, "{{ v }}");
                assert_eq!(unescape(&page), text);
            }
        }
    }
}
