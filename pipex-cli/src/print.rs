//! How things are shown to people, and to programs. All that is said goes through here, and names are data from outside:
//! none of it is a command to a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;

use crate::CommandError;

/// The text with all that a terminal would obey, or that would turn the direction of what is written, spelled out.
pub fn make_visible(text: &str) -> Cow<'_, str> {
    escape_hidden(text, |c| c.escape_default().to_string())
}

/// The same of a text of several lines, which stay as they are.
pub fn make_lines_visible(text: &str) -> Cow<'_, str> {
    escape_hidden(
        text,
        |c| if matches!(c, '\n' | '\t' | '\r') { c.to_string() } else { c.escape_default().to_string() },
    )
}

fn escape_hidden(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_hidden = |c: char| c.is_control() || turns(c);
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_hidden(c) { escape(c) } else { c.to_string() }).collect())
}

/// A table: its head, and rows. Columns whose head begins with a space are numbers, and stand to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| make_visible(cell)).collect()).collect();
    let mut out = io::stdout().lock();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].trim().len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (column, cell) in cells.enumerate() {
            let width = widths[column];
            let _ = match head[column].starts_with(' ') {
                true => write!(text, "{cell:>width$}  "),
                false => write!(text, "{cell:width$}  "),
            };
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(&mut head.iter().map(|name| name.trim()))?;
    rows.iter().try_for_each(|row| line(&mut row.iter().map(|cell| &**cell)))
}

/// A line for people.
pub fn line(text: impl AsRef<str>) -> io::Result<()> {
    raw(make_visible(text.as_ref()))
}

/// What is made for programs, and has escaped what it has to.
pub fn raw(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref())
}

/// The same, to a file or to stdout.
pub fn to_output(output: Option<&Path>, text: String) -> Result<(), CommandError> {
    match output {
        None => raw(text)?,
        Some(path) => {
            fs::write(path, text + "\n").map_err(|source| CommandError::Write { path: path.to_owned(), source })?;
            line(path.to_string_lossy())?;
        }
    }
    Ok(())
}

/// A line for people, beside what was asked for.
pub fn to_stderr(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "pipex: {}", make_visible(text.as_ref()));
}

pub fn json(value: &impl Serialize) -> Result<(), CommandError> {
    Ok(raw(escape_json(&serde_json::to_string_pretty(value)?))?)
}

/// JSON, with all that a terminal would obey spelled out.
pub fn escape_json(text: &str) -> Cow<'_, str> {
    // Within strings only: elsewhere there are none but line breaks.
    escape_hidden(text, |c| if c == '\n' { "\n".to_owned() } else { format!("\\u{:04x}", u32::from(c)) })
}

pub fn format_bytes(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

/// How long ago, in its largest unit.
pub fn format_age(moment: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(moment).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

pub fn format_seconds(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

/// `1 output`, `2 outputs`.
pub fn format_count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let name = "a\u{1b}[2Jb\u{9b}c\nd\u{202e}e\u{7f} ä";
        assert_eq!(make_visible(name), "a\\u{1b}[2Jb\\u{9b}c\\nd\\u{202e}e\\u{7f} ä");
        assert_eq!(make_lines_visible("a\tb\r\nc\u{1b}"), "a\tb\r\nc\\u{1b}");
        assert!(matches!(make_visible("out/clean Ä.csv"), Cow::Borrowed(_)));
    }
}
