//! Random templates and data: the engine and its naive twin agree, whole and in pieces.

use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;

use proptest::prelude::*;
use shikra_template::{Engine, Progress, Value};

use crate::naive::{self, Sources, V};
use crate::plugins;

/// Random decisions; when they are used up, the first and simplest choice is taken each time.
struct Tape<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Tape<'_> {
    fn below(&mut self, n: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % n
    }

    fn pick<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices[self.below(choices.len())]
    }

    fn expr(&mut self, depth: usize) -> String {
        let leaf = depth == 0;
        match self.below(if leaf { 4 } else { 18 }) {
            0 | 3 => self.pick(NAMES).into(),
            1 => self.pick(LITERALS).into(),
            2 => self.pick(PATHS).into(),
            4 | 5 => {
                let (left, right) = (self.expr(depth - 1), self.expr(depth - 1));
                format!("{left} {} {right}", self.pick(OPERATORS))
            }
            6 => format!("({})", self.expr(depth - 1)),
            7 => format!("!{}", self.expr(0)),
            8 => format!("-{}", self.expr(0)),
            9 => {
                format!("({} ? {} : {})", self.expr(depth - 1), self.expr(0), self.expr(depth - 1))
            }
            10 => format!("[{}, {}]", self.expr(depth - 1), self.expr(0)),
            11 => format!("[...{}, {}]", self.expr(0), self.expr(depth - 1)),
            12 => self.object(depth - 1),
            13 => format!("({})[{}]", self.expr(depth - 1), self.expr(0)),
            14 => format!("{}?.{}", self.pick(NAMES), self.pick(&["k", "length", "0", "z"])),
            15 => {
                let (name, args) = (self.pick(PLUGINS), (self.expr(depth - 1), self.expr(0)));
                match name {
                    "sum" | "equals" | "and" => format!("{name}({}, {})", args.0, args.1),
                    name => format!("{name}({})", args.0),
                }
            }
            16 => format!("({}).{}", self.expr(depth - 1), self.pick(METHODS)),
            _ => format!("raw({})", self.expr(depth - 1)),
        }
    }

    fn object(&mut self, depth: usize) -> String {
        let (name, value) = (self.pick(&["k", "t", "i", "\"q r\""]), self.expr(depth));
        match self.below(4) {
            0 => format!("{{ {name}: {value} }}"),
            1 => format!("{{ ...{}, {name}: {value} }}", self.expr(0)),
            2 => format!("{{ s, {name}: {value}, u: {} }}", self.expr(0)),
            _ => format!("{{ {name}: {value}, ...{} }}", self.pick(NAMES)),
        }
    }

    fn body(&mut self, depth: usize, calls: &[&str], out: &mut String) {
        for _ in 0..self.below(4) {
            self.node(depth, calls, out);
        }
        out.push_str(self.pick(TEXTS));
    }

    fn node(&mut self, depth: usize, calls: &[&str], out: &mut String) {
        let choice = self.below(if depth == 0 { 6 } else { 10 });
        let written = match choice {
            0 => {
                out.push_str(self.pick(TEXTS));
                return;
            }
            1 | 2 => write!(out, "{{{{ {} }}}}", self.expr(2)),
            3 => write!(out, "{{{{\nraw({})}}}}", self.expr(1)),
            4 => write!(out, "@set {} = {} @endset", self.pick(&["t", "u", "a"]), self.expr(2)),
            5 if calls.is_empty() => write!(out, "@yield(\"{}\")", self.pick(&["a", "body"])),
            5 => {
                let props = if self.below(2) == 0 {
                    String::new()
                } else {
                    format!(", {}", self.object(1))
                };
                write!(out, "{}{props})", self.pick(calls))
            }
            6 | 7 => {
                writeln!(out, "@if {}", self.expr(2)).expect("strings take all");
                self.body(depth - 1, calls, out);
                if self.below(3) == 0 {
                    writeln!(out, "@elseif {}", self.expr(1)).expect("strings take all");
                    self.body(depth - 1, calls, out);
                }
                if self.below(2) == 0 {
                    out.push_str("@else");
                    self.body(depth - 1, calls, out);
                }
                write!(out, "@endif")
            }
            _ => {
                let names = self.pick(&["i", "j", "[k, v]", "[i, j]", "a"]);
                let list = match self.below(4) {
                    0 => "xs".to_owned(),
                    1 => "[1, 'x', o]".to_owned(),
                    2 => "o".to_owned(),
                    _ => self.expr(1),
                };
                writeln!(out, "@for {names} in {list}").expect("strings take all");
                self.body(depth - 1, calls, out);
                write!(out, "@endfor")
            }
        };
        written.expect("strings take all");
    }

    fn sources(&mut self) -> Sources {
        let mut sources = Sources::new();
        let mut add = |name: &str, source: String| {
            sources.insert(name.to_owned(), source);
        };
        let mut view = String::new();
        match self.below(4) {
            0 => {
                write!(view, "@layout('main', {})", self.object(1)).expect("strings take all");
                self.body(2, CALLS, &mut view);
            }
            1 => {
                let _ = write!(view, "@set t = {} @endset\n@layout('main')", self.expr(1));
                for _ in 0..=self.below(3) {
                    write!(view, " @block('{}')", self.pick(&["a", "body"]))
                        .expect("strings take all");
                    self.body(2, CALLS, &mut view);
                    view.push_str("@endblock\n");
                }
            }
            _ => self.body(3, CALLS, &mut view),
        }
        add("views/index", view);
        let mut layout = String::from("[@yield('body')");
        self.body(1, CALLS, &mut layout);
        layout.push_str("@yield('a')]");
        add("layouts/main", layout);
        let mut part = String::new();
        self.body(1, &CALLS[1..], &mut part);
        add("views/part", part);
        let mut component = String::new();
        self.body(2, &[], &mut component);
        add("components/c", component);
        sources
    }

    fn value(&mut self, depth: usize) -> V {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => V::Num(f64::from(u8::try_from(self.below(6)).unwrap_or(0))),
            1 => V::Str(
                self.pick(&["x", "", "<i>&'\"=/`", "12", "Zoë ", "{{ a }}@if", "a b"]).into(),
            ),
            2 => V::Bool(self.below(2) == 0),
            3 => V::Null,
            4 => V::Num([-1.5, 0.1, 1e21, 1e-7, 4096.0, -0.0][self.below(6)]),
            5 => V::Undef,
            6 | 7 => V::List(Rc::new((0..self.below(4)).map(|_| self.value(depth - 1)).collect())),
            _ => V::Obj(Rc::new(vec![
                ("k".into(), self.value(depth - 1)),
                ("z".into(), self.value(depth - 1)),
            ])),
        }
    }

    fn data(&mut self) -> V {
        let entries = ["a", "n", "s", "i"].map(|name| (name.to_owned(), self.value(2)));
        let mut entries = entries.to_vec();
        let xs = (0..self.below(4)).map(|_| self.value(1)).collect();
        entries.push(("xs".into(), V::List(Rc::new(xs))));
        let o = vec![("zeta".to_owned(), self.value(1)), ("k".to_owned(), self.value(2))];
        entries.push(("o".into(), V::Obj(Rc::new(o))));
        V::Obj(Rc::new(entries))
    }
}

const NAMES: &[&str] = &["a", "n", "s", "xs", "o", "i", "j", "k", "v", "t", "u", "nope"];
const LITERALS: &[&str] = &[
    "1",
    "0",
    "2.5",
    "'x'",
    "\"\"",
    "'<b>'",
    "true",
    "false",
    "null",
    "undefined",
    "'3'",
    "'\\'q'",
];
const PATHS: &[&str] = &[
    "o.k",
    "o.k.z",
    "xs[0]",
    "xs.length",
    "xs.1",
    "o['zeta']",
    "s.length",
    "i.k",
    "nope.x.y",
    "o?.k?.z",
    "v.k",
    "t.k",
    "a.0.k",
    "s[0]",
];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "===", "!==", "==", "!=", "&&", "||", "??"];
const PLUGINS: &[&str] = &["sum", "equals", "and", "uppercase", "reverse", "identity", "nope"];
const METHODS: &[&str] = &[
    "trim()",
    "toUpperCase()",
    "includes('x')",
    "slice(1)",
    "slice(-2, 3)",
    "split(' ')",
    "join('+')",
    "join()",
    "indexOf(1)",
    "replace('i', '$&')",
    "startsWith('1')",
    "endsWith('>')",
    "slice(n, i)",
    "split('')",
    "toLowerCase().length",
];
const TEXTS: &[&str] = &[
    "",
    ".a",
    "<b>",
    " w ",
    "\n",
    "  \n ",
    "é",
    "@",
    "{ ",
    "}",
    "# ",
    " ## note {{ a }}\n",
    "\t- ",
    "$&",
];
const CALLS: &[&str] = &["@import('part'", "@component('c'"];

/// Says whether there was a page, rather than an error on both sides.
fn agree(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let mut tape = Tape { bytes, at: 0 };
    let (sources, mut data) = (tape.sources(), tape.data());
    let serialized = tape.below(2) == 1;
    if serialized {
        // Serde knows one kind of nothing.
        data = data.without_undefined();
    }
    let mut engine = Engine::new();
    plugins::register(&mut engine);
    for (name, source) in &sources {
        if let Err(error) = engine.add(name, source) {
            return Err(TestCaseError::fail(format!("{error:#}\n{source}")));
        }
    }
    let mut values = data.to_value();
    if serialized {
        values = Value::from_serialize(&values).expect("values can be serialized");
    }
    let page = engine.render("views/index", &values);
    let expected = naive::render(&sources, "views/index", &data);
    match (&page, &expected) {
        (Ok(page), Ok(expected)) => {
            prop_assert_eq!(page, expected, "{:#?}\n{}", sources, values);
            let mut pieces = String::new();
            let mut render =
                engine.start("views/index", &values).expect("it has just been rendered");
            let budget = tape.below(20);
            while render.resume(&mut pieces, budget).expect("it has just been rendered")
                == Progress::More
            {}
            prop_assert_eq!(page, &pieces, "in pieces: {:#?}", sources);
        }
        (Err(_), Err(_)) => {}
        _ => prop_assert!(false, "{:?}\n{:?}\n{:#?}\n{}", page, expected, sources, values),
    }
    Ok(page.is_ok())
}

/// 25,000 templates and contexts; four of these tests run beside one another.
fn run(len: std::ops::Range<usize>) {
    let config = ProptestConfig { cases: 25_000, failure_persistence: None, ..Default::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let tapes = proptest::collection::vec(any::<u8>(), len);
    let pages = Cell::new(0);
    let agreed = runner.run(&tapes, |bytes| {
        pages.set(pages.get() + u32::from(agree(&bytes)?));
        Ok(())
    });
    if let Err(failure) = agreed {
        panic!("{failure}");
    }
    // Agreeing on errors alone would prove little.
    assert!(pages.get() > 17_500, "only {} pages", pages.get());
    println!("{} pages", pages.get());
}

// HA-116 to HA-124, HA-126 to HA-128, HA-130 to HA-138, HA-141 to HA-144 at once, against a twin.
#[test]
fn agrees_with_the_twin_on_small_templates() {
    run(0..40);
}

#[test]
fn agrees_with_the_twin_on_middling_templates() {
    run(20..80);
}

#[test]
fn agrees_with_the_twin_on_larger_templates() {
    run(60..140);
}

#[test]
fn agrees_with_the_twin_on_the_largest_templates() {
    run(100..240);
}
