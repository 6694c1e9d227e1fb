//! How things are shown to people, and to programs. All that is said goes through here, and names are data from outside:
//! none of it is a command to a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

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

/// A table: its head, and rows. Columns whose head begins with a space are numbers, and stand to the right. It goes through the rows
/// twice, first for the widths of columns, and keeps none of them: there may be a million.
pub fn table<R>(head: &[&str], rows: R) -> io::Result<()>
where
    R: IntoIterator<Item: IntoIterator<Item: AsRef<str>>> + Clone,
{
    let mut widths: Vec<usize> = head.iter().map(|name| name.trim().len()).collect();
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(make_visible(cell.as_ref()).chars().count());
        }
    }
    let is_number = head.iter().map(|name| name.starts_with(' '));
    let columns: Vec<(usize, bool)> = widths.into_iter().zip(is_number).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    write_row(&mut out, &columns, head.iter().map(|name| name.trim()))?;
    rows.into_iter().try_for_each(|row| write_row(&mut out, &columns, row))?;
    out.flush()
}

fn write_row(
    out: &mut impl Write,
    columns: &[(usize, bool)],
    cells: impl IntoIterator<Item: AsRef<str>>,
) -> io::Result<()> {
    let mut text = String::new();
    for ((width, is_number), cell) in columns.iter().zip(cells) {
        let cell = make_visible(cell.as_ref());
        let _ = match is_number {
            true => write!(text, "{cell:>width$}  "),
            false => write!(text, "{cell:width$}  "),
        };
    }
    writeln!(out, "{}", text.trim_end())
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

/// A value as JSON, as it is made: nothing of the text is kept.
pub fn json(value: &impl Serialize) -> Result<(), CommandError> {
    let mut out = EscapedJson(BufWriter::new(io::stdout().lock()));
    // That nobody reads any more is no matter of JSON.
    serde_json::to_writer_pretty(&mut out, value).map_err(|error| match error.io_error_kind() {
        Some(_) => CommandError::Output(error.into()),
        None => error.into(),
    })?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// What an iterator gives, as an array that is never there as a whole.
pub struct JsonRows<I>(pub I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for JsonRows<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// Writes JSON that comes in whole characters, with all that a terminal would obey spelled out.
struct EscapedJson<W>(W);

impl<W: Write> Write for EscapedJson<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(part).map_err(io::Error::other)?;
        self.0.write_all(escape_json(text).as_bytes())?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
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
    format_age_at(Timestamp::now(), moment)
}

/// The same as it was at a time, so that it is the same text whenever it is asked for.
pub fn format_age_at(now: Timestamp, moment: Timestamp) -> String {
    let seconds = now.duration_since(moment).as_secs().max(0);
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
        let mut json = EscapedJson(Vec::new());
        serde_json::to_writer(&mut json, name).unwrap();
        let written = String::from_utf8(json.0).unwrap();
        assert_eq!(written, "\"a\\u001b[2Jb\\u009bc\\nd\\u202ee\\u007f ä\"");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), name);
    }
}
