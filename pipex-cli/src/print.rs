//! How things are shown to people, and to programs.

use std::io::{self, Write};

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;

use crate::Error;

/// A table: its head, and rows. Columns whose head begins with a space are numbers, and stand to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].trim().len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let mut line = |cells: &[&str]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let width = widths[column];
            if head[column].starts_with(' ') {
                text.push_str(&format!("{cell:>width$}"));
            } else {
                text.push_str(&format!("{cell:width$}"));
            }
            text.push_str("  ");
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(&head.iter().map(|name| name.trim()).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// A line for people.
pub fn line(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref())
}

pub fn json(value: &impl Serialize) -> Result<(), Error> {
    Ok(line(serde_json::to_string_pretty(value)?)?)
}

pub fn bytes(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

/// How long ago, in its largest unit.
pub fn age(moment: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(moment).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

pub fn seconds(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

/// `1 output`, `2 outputs`.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
