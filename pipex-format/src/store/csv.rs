//! A vector of structs as CSV: a header, and a row for each.
//!
//! The csv crate reads and writes one row at a time; these two adapters give it the rows of a `T` that is only known to be
//! `Serialize` and `Deserialize`.

use std::vec;

use serde::de::value::{Error as ValueError, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{self, Impossible, Serialize, Serializer};

use super::codec::Lossy;
use super::schema::{Columns, schema};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The rows as text, with a header even if there are none: of a file that no checksum will tell to be whole, if it is plain.
pub(super) fn write<T: Serialize + DeserializeOwned + 'static>(value: &T, is_plain: bool) -> Result<Vec<u8>, AnyError> {
    let text = write_rows(value, false)?;
    complete(text, schema::<T>().columns, is_plain)
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
fn write_rows<T: Serialize>(value: &T, only_first: bool) -> Result<Vec<u8>, AnyError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut has_first = false;
    match value.serialize(Rows { writer: &mut writer, only_first, has_first: &mut has_first }) {
        Err(_) if only_first && has_first => {}
        written => written?,
    }
    finish(writer)
}

/// The vector that [`write`] was given.
pub(super) fn read<T: Serialize + DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, AnyError> {
    let table = Table::parse(bytes)?;
    let columns = schema::<T>().columns;
    match T::deserialize(table.rows()) {
        Ok(value) => {
            let first = if table.rows.is_empty() { Vec::new() } else { write_rows(&value, true)? };
            table.check(bytes, &first, columns)?;
            Ok(value)
        }
        Err(error) => Err(table.explain(error, columns)),
    }
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

    fn rows(&self) -> SeqDeserializer<vec::IntoIter<Row<'_>>, ValueError> {
        let rows: Vec<_> = self.rows.iter().map(|row| Row { header: &self.header, row }).collect();
        SeqDeserializer::new(rows.into_iter())
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

/// Takes a sequence, and writes each element as a row.
struct Rows<'w> {
    writer: &'w mut csv::Writer<Vec<u8>>,
    /// It ends behind the first, by an error.
    only_first: bool,
    has_first: &'w mut bool,
}

fn not_rows<T>() -> Result<T, csv::Error> {
    Err(<csv::Error as ser::Error>::custom("only a vector of structs can be written as CSV"))
}

macro_rules! not_rows {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self $(, _: $type)*) -> Result<(), csv::Error> {
            not_rows()
        }
    )*};
}

impl<'w> Serializer for Rows<'w> {
    type Ok = ();
    type Error = csv::Error;
    type SerializeSeq = Self;
    type SerializeTuple = Impossible<(), csv::Error>;
    type SerializeTupleStruct = Impossible<(), csv::Error>;
    type SerializeTupleVariant = Impossible<(), csv::Error>;
    type SerializeMap = Impossible<(), csv::Error>;
    type SerializeStruct = Impossible<(), csv::Error>;
    type SerializeStructVariant = Impossible<(), csv::Error>;

    not_rows! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), csv::Error> {
        not_rows()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), csv::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), csv::Error> {
        not_rows()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, csv::Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, csv::Error> {
        not_rows()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, csv::Error> {
        not_rows()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, csv::Error> {
        not_rows()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, csv::Error> {
        not_rows()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, csv::Error> {
        not_rows()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, csv::Error> {
        not_rows()
    }
}

impl ser::SerializeSeq for Rows<'_> {
    type Ok = ();
    type Error = csv::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, row: &T) -> Result<(), csv::Error> {
        self.writer.serialize(row)?;
        *self.has_first = true;
        if self.only_first { not_rows() } else { Ok(()) }
    }

    fn end(self) -> Result<(), csv::Error> {
        Ok(())
    }
}

/// A row, as a map from the header's names to its fields.
struct Row<'r> {
    header: &'r csv::StringRecord,
    row: &'r csv::StringRecord,
}

impl<'de> IntoDeserializer<'de> for Row<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Row<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let fields = self.header.iter().zip(self.row.iter().map(Field));
        visitor.visit_map(MapDeserializer::new(fields)).map_err(|error: ValueError| {
            let line = self.row.position().map_or(0, csv::Position::line);
            ValueError::custom(format!("line {line}: {error}"))
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A field, parsed as what is asked for.
struct Field<'f>(&'f str);

impl<'de> IntoDeserializer<'de> for Field<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            let parsed = self.0.parse::<$type>();
            visitor.$visit(parsed.map_err(|error| ValueError::custom(format!("{:?}: {error}", self.0)))?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Field<'_> {
    type Error = ValueError;

    parsed! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_char visit_char char;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(de::value::StrDeserializer::new(self.0))
    }

    forward_to_deserialize_any! { str string seq tuple tuple_struct map struct identifier ignored_any }
}
