//! The beginnings of values, for people.

use serde::Serialize;

use crate::store::json::{Layout, Text};

/// The most characters of an argument that are taken down.
const EXCERPT: usize = 120;

/// The beginning of a value's JSON.
#[must_use]
pub fn excerpt<T: Serialize + ?Sized>(value: &T) -> String {
    let mut beginning = Text::up_to(4 * EXCERPT);
    let whole = beginning.write(value, Layout::line()).is_ok();
    shorten(&beginning.bytes, whole)
}

fn shorten(beginning: &[u8], whole: bool) -> String {
    let text = String::from_utf8_lossy(beginning);
    let mut excerpt: String = text.chars().take(EXCERPT).collect();
    if !whole || excerpt.len() < text.len() {
        excerpt.push_str("..");
    }
    excerpt
}

/// The beginning of a text.
#[must_use]
pub fn excerpt_text(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}
