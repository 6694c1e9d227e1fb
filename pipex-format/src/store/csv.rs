//! A vector of structs as CSV: a header, and a row for each.
//!
//! What is written is read again, and the columns are compared with the type's.

use serde::de::value::Error as ValueError;

use super::codec::Lossy;
use super::csv_rows::{ReadRows, WriteRows, read_rows};
use super::schema::Columns;
use super::typed::{AnyPlace, AnyValue};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The rows as text, with a header even if there are none: of a file that no checksum will tell to be whole, if it is plain.
pub(super) fn write(value: &dyn AnyValue, is_plain: bool) -> Result<Vec<u8>, AnyError> {
    let text = write_rows(value, false)?;
    complete(text, value.schema().columns, is_plain)
}

fn complete(mut text: Vec<u8>, columns: Option<Columns>, is_plain: bool) -> Result<Vec<u8>, AnyError> {
    if text.is_empty() {
        let mut header = csv::Writer::from_writer(Vec::new());
        match columns {
            Some(Columns { names, .. }) if !names.is_empty() => header.write_record(names)?,
            // A type that does not say what its columns are.
            _ => text.push(b'\n'),
        }
        text.append(&mut finish(header)?);
    }
    if is_plain {
        check_whole(&text).map_err(|problem| Lossy(problem.to_owned()))?;
    }
    Ok(text)
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, AnyError> {
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

pub(super) fn check_whole(text: &[u8]) -> Result<(), &'static str> {
    if text.contains(&0) {
        return Err("it has NUL bytes, as a file has of which not all was written");
    }
    if text.last() != Some(&b'\n') {
        return Err("it does not end in a newline");
    }
    if ends_in_quotes(text) { Err("it ends in the midst of a quoted text") } else { Ok(()) }
}

/// The first row as text, or all of them.
fn write_rows(value: &dyn AnyValue, only_first: bool) -> Result<Vec<u8>, AnyError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut has_first = false;
    match value.write_rows(WriteRows::new(&mut writer, only_first, &mut has_first)) {
        Err(_) if only_first && has_first => {}
        written => written?,
    }
    finish(writer)
}

/// Reads the vector that [`write`] was given.
pub(super) fn read(bytes: &[u8], place: &mut dyn AnyPlace) -> Result<(), AnyError> {
    let table = Table::parse(bytes)?;
    let columns = place.schema().columns;
    place.read_rows(table.rows()).map_err(|error| table.explain(error, columns))?;
    let first = match place.value() {
        Some(value) if !table.rows.is_empty() => write_rows(value, true)?,
        _ => Vec::new(),
    };
    table.check(bytes, &first, columns)
}

/// A text as the csv crate has read it.
struct Table {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn parse(bytes: &[u8]) -> Result<Self, AnyError> {
        let mut reader = csv::Reader::from_reader(bytes);
        let header = reader.headers()?.clone();
        Ok(Table { header, rows: reader.records().collect::<Result<_, _>>()? })
    }

    fn rows(&self) -> ReadRows<'_> {
        read_rows(&self.header, &self.rows)
    }

    /// Whether its columns are those of the type, whose first value is written like this.
    fn check(&self, bytes: &[u8], first: &[u8], columns: Option<Columns>) -> Result<(), AnyError> {
        if !self.rows.is_empty() {
            return check_header(&self.header, csv::Reader::from_reader(first).headers()?, columns);
        }
        // Nothing at all is what once stood for no rows.
        if bytes.is_empty() { Ok(()) } else { check_header_alone(&self.header, columns) }
    }

    fn explain(&self, error: ValueError, columns: Option<Columns>) -> AnyError {
        match columns.filter(|columns| columns.fields == Some(columns.names.len())) {
            // A column that is missing says more than what is missing in the first row.
            Some(columns) => difference(&self.header, columns.names).map_or_else(|| error.into(), AnyError::from),
            None => error.into(),
        }
    }
}

/// Whether text ends within quotes: the parser takes that for their end.
fn ends_in_quotes(text: &[u8]) -> bool {
    enum At {
        Start,
        Unquoted,
        Quoted,
        Quote,
    }

    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let end = text.iter().fold(At::Start, |at, byte| match (at, byte) {
        (At::Start | At::Quote, b'"') => At::Quoted,
        (At::Quoted, b'"') => At::Quote,
        (At::Quoted, _) => At::Quoted,
        (_, b',' | b'\n' | b'\r') => At::Start,
        _ => At::Unquoted,
    });
    matches!(end, At::Quoted)
}

/// Whether the columns are those of the rows, in whatever order: a column less may be a default in every row, and one more would
/// go without a word.
fn check_header(
    header: &csv::StringRecord,
    wanted: &csv::StringRecord,
    columns: Option<Columns>,
) -> Result<(), AnyError> {
    let wanted: Vec<_> = wanted.iter().collect();
    match difference(header, &wanted) {
        // As many as there are fields, and each is a field's or an alias of one: the rows would say if one were there twice.
        Some(_) if header.len() == wanted.len() && has_only(columns, header) => Ok(()),
        Some(difference) => Err(difference.into()),
        None => Ok(()),
    }
}

/// The same without rows.
fn check_header_alone(header: &csv::StringRecord, columns: Option<Columns>) -> Result<(), AnyError> {
    let names = columns.map_or(&[][..], |columns| columns.names);
    match difference(header, names) {
        Some(_) if columns.and_then(|columns| columns.fields) == Some(header.len()) && has_only(columns, header) => {
            Ok(())
        }
        Some(difference) => Err(difference.into()),
        None => Ok(()),
    }
}

fn has_only(columns: Option<Columns>, header: &csv::StringRecord) -> bool {
    columns.is_some_and(|columns| header.iter().all(|name| columns.names.contains(&name)))
}

/// What tells a header from the one that is wanted; the order is of no account.
fn difference(header: &csv::StringRecord, wanted: &[&str]) -> Option<String> {
    let list = |what: &str, names: Vec<&str>| {
        let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{what} {}", quoted.join(", ")))
    };
    let missing = list("without", wanted.iter().copied().filter(|name| !header.iter().any(|it| it == *name)).collect());
    let unknown = list("with", header.iter().filter(|name| !wanted.contains(name)).collect());
    let twice = (header.len() != wanted.len()).then(|| "with one twice".to_owned());
    let differences: Vec<_> = missing.into_iter().chain(unknown).collect();
    let differences = if differences.is_empty() { twice? } else { differences.join(", ") };
    Some(format!("its columns are others than those of its type: {differences}"))
}
