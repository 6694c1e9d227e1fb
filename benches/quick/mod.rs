//! How much a benchmark is to do.

/// Whether it is only asked whether it builds and starts: `cargo test --benches` does not say `--bench`.
pub fn quick() -> bool {
    let said = |flag: &str| std::env::args().any(|argument| argument == flag);
    !said("--bench") || said("--test")
}

/// So many rounds, if it is to measure.
pub fn rounds(rounds: usize) -> usize {
    if quick() { 1 } else { rounds }
}
