//! The beginnings of values, for people.

use std::string::FromUtf8Error;

use serde::Serialize;

use crate::store::json::{Layout, Text};

/// The most characters of an argument that are taken down.
const EXCERPT: usize = 120;

/// The beginning of a value's JSON.
#[must_use]
pub fn excerpt<T: Serialize + ?Sized>(value: &T) -> String {
    let mut beginning = Text::up_to(4 * EXCERPT);
    let whole = beginning.write(value, Layout::line()).is_ok();
    shorten(beginning.bytes, whole)
}

fn shorten(beginning: Vec<u8>, whole: bool) -> String {
    let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    let mut text = String::from_utf8(beginning).unwrap_or_else(lossy);
    let end = if text.len() > EXCERPT { text.char_indices().nth(EXCERPT) } else { None };
    if let Some((end, _)) = end {
        text.truncate(end);
    }
    if !whole || end.is_some() {
        text.push_str("..");
    }
    text
}

/// The beginning of a text.
#[must_use]
pub fn excerpt_text(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}
