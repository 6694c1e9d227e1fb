//! The beginnings of values, for people.

use serde::Serialize;

/// The most characters of an argument that are taken down.
const EXCERPT: usize = 120;

/// The beginning of a value's JSON.
#[must_use]
pub fn excerpt<T: Serialize + ?Sized>(value: &T) -> String {
    struct Beginning(Vec<u8>);

    impl std::io::Write for Beginning {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.extend_from_slice(&bytes[..bytes.len().min(4 * EXCERPT)]);
            if self.0.len() > 4 * EXCERPT { Err(std::io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut beginning = Beginning(Vec::new());
    let whole = serde_json::to_writer(&mut beginning, value).is_ok();
    let text = String::from_utf8_lossy(&beginning.0);
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
