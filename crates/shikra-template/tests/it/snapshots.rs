//! What each stage makes of a dozen templates, compared with the files in `tests/snapshots`.
//!
//! With `SHIKRA_UPDATE` set the files are written anew.

use std::path::Path;

use shikra_template::dump;

const TEMPLATES: [(&str, &str); 13] = [
    ("text", "<p>a</p> ## note\n{{{ b }}} a@b.c"),
    ("folding", "a{{ 1 + 2 * 3 }}b{{ '<' }}c{{ raw('<') }}d{{ true ? 'x' : y }}"),
    ("paths", "{{ a }}{{ a.b.0 }}{{ a?.b['c'] }}{{ a[b] }}{{ raw(a.b) }}{{ a.b.length }}"),
    ("operators", "{{ !a && -b * 2 + c >= d || e ?? f }}{{ a === b ? c : d }}"),
    ("literals", "{{ [1, 'x', ...a] }}{{ {k: a, 'b c': 2} }}{{ {...a, b} }}{{ [] }}"),
    ("calls", "{{ f(1, g(a), {k: 1}) }}{{ a.trim().slice(1) }}{{ a?.trim() }}{{ raw(f()) + 1 }}"),
    ("set", "@set x = a @endset{{ x }}@if a\n@set y = 1 @endset@endif{{ y }}@set x = x @endset"),
    ("if", "@if a\nA\n@elseif b\nB\n@else\nC\n@endif"),
    ("for", "@for x in xs\n <li>{{ x }}{{ y }}</li>\n@endfor"),
    ("cells", "@for row in rows\n<tr>@for c in row\n<td>{{ c }}</td>\n@endfor</tr>\n@endfor"),
    (
        "for_nested",
        "@for [k, v] in o\n@for x in v\n@set s = k + x @endset{{ k }}{{ s }}\n@endfor\n@endfor",
    ),
    ("layout", "@set w = 1 @endset@layout(\"main\", { title: w })\n@block('a')A{{ w }}@endblock"),
    ("uses", "@for p in ps\n@component('c', {p})@import('../x')@yield('b')\n@endfor"),
];

fn compare(name: &str, stage: &str, found: &str) {
    let file = format!("tests/snapshots/{name}.{stage}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
    if std::env::var_os("SHIKRA_UPDATE").is_some() {
        std::fs::write(&path, found).expect("a writable file");
        return;
    }
    let expected =
        std::fs::read_to_string(&path).expect("a snapshot; set SHIKRA_UPDATE to make it");
    assert_eq!(expected, found, "{file} differs; look at it, then set SHIKRA_UPDATE");
}

#[test]
fn stages_give_what_they_gave() {
    for (name, source) in TEMPLATES {
        compare(name, "tokens", &dump::tokens(source).expect("tokens"));
        compare(name, "tree", &dump::tree(source).expect("a tree"));
        compare(name, "instructions", &dump::instructions(source).expect("instructions"));
    }
}
