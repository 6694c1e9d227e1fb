//! What the macros refuse, and in what words.

#[test]
fn refusals() {
    trybuild::TestCases::new().compile_fail("../ui/*.rs");
}
