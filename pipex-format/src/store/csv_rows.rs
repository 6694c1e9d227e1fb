//! The rows of a vector of structs, which is only known to be `Serialize` and `Deserialize`, for the csv crate, which writes and reads one row
//! at a time.

use std::vec;

use serde::de::value::{Error as ValueError, MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{self, Impossible, Serialize, Serializer};

use crate::model::hash::collect_seq;

/// Takes a sequence, and writes each element as a row.
pub(super) struct WriteRows<'w> {
    writer: &'w mut csv::Writer<Vec<u8>>,
    only_first: bool,
    has_first: &'w mut bool,
}

impl<'w> WriteRows<'w> {
    /// With `only_first` it ends behind the first, by an error, and `has_first` says whether there was one.
    pub(super) fn new(writer: &'w mut csv::Writer<Vec<u8>>, only_first: bool, has_first: &'w mut bool) -> Self {
        WriteRows { writer, only_first, has_first }
    }
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

impl<'w> Serializer for WriteRows<'w> {
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

    collect_seq!(csv::Error);

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

impl ser::SerializeSeq for WriteRows<'_> {
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

/// All rows, as they are read.
pub(super) type ReadRows<'r> = SeqDeserializer<vec::IntoIter<Row<'r>>, ValueError>;

pub(super) fn read_rows<'r>(header: &'r csv::StringRecord, rows: &'r [csv::StringRecord]) -> ReadRows<'r> {
    let rows: Vec<_> = rows.iter().map(|row| Row { header, row }).collect();
    SeqDeserializer::new(rows.into_iter())
}

/// A row, as a map from the header's names to its fields.
pub(super) struct Row<'r> {
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
