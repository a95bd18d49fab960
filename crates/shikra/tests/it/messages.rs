//! What the compiler says to common mistakes.

#[test]
fn the_compiler_names_the_mistake_and_its_mending() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
