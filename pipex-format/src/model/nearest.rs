//! Names that were mistyped.

/// How unlike two names are: how many characters have to be typed, deleted or exchanged to make one of the other.
#[must_use]
pub fn count_differences(one: &str, other: &str) -> usize {
    strsim::osa_distance(one, other)
}
