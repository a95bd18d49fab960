//! Each rule on sample texts: what passes, what fails, and where.

use super::house::{House, floor, is_below};
use super::rules::judge;
use super::source::Source;
use super::table::{ANY, FLOORS, Inside};

const MAP: &str = "<!-- floors:unsafe -->\n`crates/shikra-engine/src/slot.rs`, \
                   `crates/shikra-engine/src/rt/`\n<!-- /floors:unsafe -->";

const MANIFESTS: &[(&str, &str)] = &[
    ("ARCHITECTURE.md", MAP),
    ("crates/shikra-proto/Cargo.toml", "[dependencies]\nhttp = \"1\"\nbytes = \"1\"\n"),
    ("crates/shikra-template/Cargo.toml", "[dependencies]\n"),
    (
        "crates/shikra-engine/Cargo.toml",
        "[dependencies]\nshikra-proto = \"0\"\ntokio = \"1\"\nlibc = \"0\"\n",
    ),
    (
        "crates/shikra/Cargo.toml",
        "[dependencies]\nshikra-proto = \"0\"\nshikra-engine = \"0\"\nhttp = \"1\"\n",
    ),
];

/// Judges the files and compares with the expected violations, given as `path:line: rule`.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let manifests = MANIFESTS.iter().filter(|(path, _)| files.iter().all(|(name, _)| name != path));
    let files: Vec<(String, String)> =
        manifests.chain(files).map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    let found = judge(&files);
    let short: Vec<String> =
        found.iter().map(|v| format!("{}:{}: {}", v.path, v.line, v.rule)).collect();
    assert_eq!(short, expected, "{found:#?}");
}

#[test]
fn an_empty_tree_breaks_nothing() {
    check(&[], &[]);
}

#[test]
fn a_room_uses_what_its_row_allows() {
    let head = "use crate::header::{Name, self};\nuse std::fmt;\nfn f() -> http::Method {}";
    check(&[("crates/shikra-proto/src/http1/head.rs", head)], &[]);
    check(
        &[("crates/shikra-proto/src/ws/frame.rs", "use bytes::Bytes;\nuse super::mask::apply;")],
        &[],
    );
}

#[test]
fn a_room_uses_nothing_else() {
    let path = "crates/shikra-proto/src/http1/head.rs";
    for text in [
        "use crate::ws::Frame;",
        "use crate::{header, ws::Frame};",
        "fn f() { crate::ws::mask() }",
        "use super::super::ws::Frame;",
        "use std::net::TcpStream;",
        "fn f(at: ::std::io::Error) {}",
        "fn f(at: std::fs::File) {}",
        "use std::{fmt, task::Poll};",
        "fn f() { let t = std::time::SystemTime::now(); }",
        "use super::super::*;",
    ] {
        check(
            &[(path, text), ("crates/shikra-proto/src/ws/mod.rs", "")],
            &[&format!("{path}:1: room")],
        );
    }
}

#[test]
fn what_looks_like_a_path_is_none() {
    let text = r##"
        // crate::ws::Frame
        /* std::net /* nested */ std::fs */
        fn f<'a>(x: &'a str) -> impl Sized + use<'a> {
            let quoted = "crate::ws \" std::net";
            let raw = r#"" std::fs::File "#;
            let letters = ['"', '\'', 'a'];
            let turbofish = Vec::<u8>::new();
            (Self::NAME, ws::local(), x.std::<u8>())
        }
    "##;
    check(&[("crates/shikra-proto/src/http1/head.rs", text)], &[]);
}

#[test]
fn a_module_needs_a_room() {
    check(&[("crates/shikra-proto/src/uri.rs", "")], &[]);
    check(
        &[("crates/shikra-proto/src/socket.rs", "")],
        &["crates/shikra-proto/src/socket.rs:1: room"],
    );
    check(&[("crates/other/src/a.rs", "")], &["crates/other/src/a.rs:1: room"]);
}

#[test]
fn names_in_the_root_of_a_crate_lead_to_their_rooms() {
    let path = "crates/shikra/src/request.rs";
    let root = (
        "crates/shikra/src/lib.rs",
        "mod app;\nmod error;\npub use app::App;\npub use error::Error as Oops;",
    );
    check(&[root, (path, "use crate::Oops;")], &[]);
    check(&[root, (path, "use crate::App;")], &[&format!("{path}:1: room")]);

    let engine = (
        "crates/shikra-engine/src/lib.rs",
        "mod body;\nmod conn;\npub use body::Body;\npub use conn::Http1;",
    );
    check(&[engine, (path, "use shikra_engine::Body;")], &[]);
    check(&[engine, (path, "use shikra_engine::Http1;")], &[&format!("{path}:1: room")]);
}

#[test]
fn exported_macros_lead_to_their_rooms() {
    let macros = ("crates/shikra/src/app.rs", "#[macro_export]\nmacro_rules! route { () => {} }");
    let path = "crates/shikra/src/request.rs";
    check(&[macros, (path, "fn f() { crate::route!() }")], &[&format!("{path}:1: room")]);
    check(&[macros, ("crates/shikra/src/prelude.rs", "pub use crate::route;")], &[]);
}

#[test]
fn batteries_live_on_the_public_surface() {
    let path = "crates/shikra/src/session/mod.rs";
    let used = "use crate::request::Request;\nuse crate::store::Store;\nuse crate::app::App;";
    check(&[(path, used)], &[]);
    for text in [
        "use crate::router::Router;",
        "use crate::dispatch::run;",
        "use crate::csrf::Token;",
        "use shikra_engine::body::Body;",
    ] {
        check(&[(path, text)], &[&format!("{path}:1: room")]);
    }
    check(
        &[("crates/shikra/src/app.rs", "use crate::session::Sessions;")],
        &["crates/shikra/src/app.rs:1: room"],
    );
}

#[test]
fn the_reactor_and_libc_stay_in_their_room() {
    let text = "use tokio::net::TcpStream;\nfn f() { libc::close(1) }";
    check(&[("crates/shikra-engine/src/rt/socket.rs", text)], &[]);
    let path = "crates/shikra-engine/src/worker.rs";
    check(&[(path, text)], &[&format!("{path}:1: room"), &format!("{path}:2: room")]);
    check(&[(path, "use tokio::sync::Notify;")], &[]);
}

#[test]
fn tests_may_reach_anywhere() {
    let path = "crates/shikra-proto/src/http1/head.rs";
    let text =
        "#[cfg(test)]\nmod oracle {\n    use std::net::TcpStream;\n}\n#[cfg(test)]\nuse crate::ws;";
    check(&[(path, text)], &[]);
    check(&[("crates/shikra-proto/src/http1/tests.rs", "use std::net::TcpStream;")], &[]);
    check(
        &[(path, "#[cfg(any(test, feature = \"testing\"))]\nuse std::net::TcpStream;")],
        &[&format!("{path}:2: room")],
    );
}

#[test]
fn inline_modules_count_for_super() {
    let path = "crates/shikra-proto/src/http1/head.rs";
    let text = "mod inner {\n    use super::super::scan;\n    use super::super::super::uri;\n}";
    check(&[(path, text)], &[]);
    let text = "mod inner {}\nuse super::super::ws;";
    check(&[(path, text)], &[&format!("{path}:2: room")]);
}

#[test]
fn files_stay_short_without_their_tests() {
    let path = "crates/shikra-proto/src/uri.rs";
    let code = "const A: u8 = 1;\n".repeat(599);
    check(&[(path, &code)], &[]);
    let with_tests = format!("{code}#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(100));
    check(&[(path, &with_tests)], &[]);
    check(&[("crates/shikra-proto/src/uri/tests.rs", &code.repeat(3))], &[]);
    check(&[(path, &format!("{code}{code}"))], &[&format!("{path}:1198: length")]);
    check(&[(path, &format!("{code}\n"))], &[&format!("{path}:600: length")]);
}

#[test]
fn the_root_of_a_library_only_exports() {
    let path = "crates/shikra-proto/src/lib.rs";
    let text = "//! Docs.\n#![doc = include_str!(\"../README.md\")]\nmod date;\npub(crate) mod uri;\n\
                #[cfg(feature = \"x\")]\npub mod ws;\npub use uri::{Uri, Path as P};\n\
                #[cfg(test)]\nmod tests;\n";
    check(&[(path, text)], &[]);
    for text in ["use uri::Uri;", "pub fn f() {}", "const A: u8 = 1;", "mod a { }", "impl A {}"] {
        check(&[(path, &format!("mod uri;\n{text}"))], &[&format!("{path}:2: lib")]);
    }
    // Only libraries: a program has its `main`.
    check(&[("examples/hello.rs", "fn main() {}")], &[]);
}

#[test]
fn unsafe_code_stands_where_the_map_says() {
    let text = "fn f() {\n    unsafe { g() }\n}";
    check(&[("crates/shikra-engine/src/slot.rs", text)], &[]);
    check(&[("crates/shikra-engine/src/rt/socket.rs", text)], &[]);
    for path in ["crates/shikra-engine/src/body.rs", "examples/hello.rs", "xtask/src/a.rs"] {
        check(&[(path, text)], &[&format!("{path}:2: unsafe")]);
    }
    let path = "crates/shikra/tests/it/heap.rs";
    check(&[(path, "#[unsafe(no_mangle)]\nfn f() {}")], &[&format!("{path}:1: unsafe")]);
    check(&[(path, "#![forbid(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";")], &[]);
}

#[test]
fn the_map_must_have_its_list() {
    check(&[("ARCHITECTURE.md", "no markers")], &["ARCHITECTURE.md:1: unsafe"]);
    check(&[("ARCHITECTURE.md", "<!-- floors:unsafe -->")], &["ARCHITECTURE.md:1: unsafe"]);
}

#[test]
fn no_modules_go_in_circles() {
    let [buffer, timer, clock] =
        ["buffer", "timer", "clock"].map(|name| format!("crates/shikra-engine/src/{name}.rs"));
    let down = "use crate::clock::Clock;";
    check(&[(&timer, down), (&buffer, down), (&clock, "")], &[]);
    check(
        &[(&timer, down), (&clock, "use crate::buffer::A;"), (&buffer, "use super::timer::B;")],
        &[&format!("{buffer}:1: cycle")],
    );
    // One idea in two files may refer both ways.
    check(
        &[
            ("crates/shikra/src/request.rs", "use crate::error::Error;"),
            ("crates/shikra/src/error.rs", "use crate::request::Request;"),
        ],
        &[],
    );
}

#[test]
fn no_test_is_ignored() {
    let path = "crates/shikra/tests/it/a.rs";
    check(&[(path, "#[test]\nfn f() {}\n// #[ignore]")], &[]);
    check(&[(path, "#[test]\n#[ignore = \"slow\"]\nfn f() {}")], &[&format!("{path}:2: ignore")]);
    check(&[(path, "#[cfg_attr(miri, ignore)]\nfn f() {}")], &[&format!("{path}:1: ignore")]);
}

#[test]
fn no_test_sleeps() {
    let path = "crates/shikra/tests/it/a.rs";
    check(&[(path, "fn f() { shikra::sleep(a).await }")], &[]);
    for text in [
        "fn f() { std::thread::sleep(a) }",
        "use std::thread;\nfn f() { thread::sleep(a) }",
        "use tokio::time::{Duration, sleep};",
        "fn f() { tokio::time::sleep(a).await }",
    ] {
        let line = text.lines().count();
        check(&[(path, text)], &[&format!("{path}:{line}: sleep")]);
    }
    let path = "xtask/src/a.rs";
    check(&[(path, "fn f() { std::thread::sleep(a) }")], &[]);
    check(&[(path, "#[test]\nfn f() { std::thread::sleep(a) }")], &[&format!("{path}:2: sleep")]);
}

#[test]
fn marks_for_later_work_name_an_issue() {
    let path = "examples/hello.rs";
    check(&[(path, "// TODO: see #12\nconst A: &str = \"TODO\";\n// TODOS are words.")], &[]);
    check(&[(path, "fn f() {}\n/* one\n FIXME: two */")], &[&format!("{path}:3: issue")]);
    check(&[(path, "// TODO # 12")], &[&format!("{path}:1: issue")]);
}

/// What the table allows between modules of one crate has no circles either, so a tree that keeps
/// to the table can't have any between rooms.
#[test]
fn the_table_itself_goes_downwards() {
    for floor in FLOORS {
        let mut left: Vec<_> = floor.rooms.iter().collect();
        // Take away rooms that use none of those left, until nothing is left.
        while !left.is_empty() {
            let before = left.len();
            let uses = |room: &super::table::Room, module: &str| {
                let path = ["crate".to_owned(), module.to_owned()];
                room.may.iter().flat_map(|list| list.iter()).any(|entry| is_below(&path, entry))
                    && !room.never.iter().any(|entry| is_below(&path, entry))
            };
            let left_before = left.clone();
            left.retain(|room| {
                left_before.iter().any(|other| {
                    other.name != room.name && other.modules.iter().any(|module| uses(room, module))
                })
            });
            assert!(left.len() < before, "{}: {:?}", floor.folder, left);
        }
    }
}

#[test]
fn the_table_names_each_module_once() {
    for floor in FLOORS {
        let mut modules: Vec<_> = floor.rooms.iter().flat_map(|room| room.modules).collect();
        let count = modules.len();
        modules.sort();
        modules.dedup();
        assert_eq!(modules.len(), count, "{}", floor.folder);
        let any = floor.rooms.iter().filter(|room| room.modules.contains(&ANY));
        assert!(any.count() <= 1);
        assert!(floor.rooms.iter().all(|room| room.inside == Inside::Freely
            || room.modules.len() > 1
            || room.modules == [ANY]));
    }
}

#[test]
fn paths_are_compared_by_segment() {
    let path = ["tokio", "network"].map(str::to_owned);
    assert!(is_below(&path, "tokio"));
    assert!(!is_below(&path, "tokio::net"));
    assert!(!is_below(&path[..1], "tokio::net"));
}

#[test]
fn knows_the_module_of_a_file() {
    let module = |path| Source::parse(path, "").module();
    assert_eq!(module("crates/a/src/lib.rs"), Some(vec![]));
    assert_eq!(module("crates/a/src/conn/mod.rs"), Some(vec!["conn"]));
    assert_eq!(module("crates/a/src/conn/http1.rs"), Some(vec!["conn", "http1"]));
    assert_eq!(module("crates/a/tests/it/main.rs"), None);
    assert!(floor("nowhere").is_none());
    let house = House::new(&[], &[]);
    assert!(!house.has_module("a", "conn"));
}
