//! Sources of templates: any text compiles or is refused with a place, and all stages agree on which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra_template::{Engine, ErrorKind, dump};

fuzz_target!(|bytes: &[u8]| {
    let source = String::from_utf8_lossy(bytes);
    let added = Engine::new().add("template", &source);
    let (tokens, tree) = (dump::tokens(&source), dump::tree(&source));
    let instructions = dump::instructions(&source);
    assert_eq!(added.is_ok(), instructions.is_ok());
    assert!(added.is_err() || tree.is_ok());
    assert!(tree.is_err() || tokens.is_ok());
    let bare = Engine::new().without_layouts().without_components().add("template", &source);
    for template in added.iter().chain(&bare) {
        for warning in template.warnings() {
            assert!(warning.place().line() <= source.matches('\n').count() + 1);
        }
    }
    for error in added.err().iter().chain(bare.err().as_ref()) {
        assert_eq!(error.kind(), ErrorKind::Syntax);
        let place = error.place().expect("a mistake has a place");
        let line = source.split('\n').nth(place.line() - 1).expect("the line exists");
        assert!(place.column() <= line.chars().count() + 1, "{error:#}");
        assert!(place.excerpt().chars().count() <= 120);
    }
});
