//! Writes bincode's `legacy` format: little-endian, integers in their own size, lengths as `u64`.
//!
//! [bincode](https://docs.rs/bincode/2) itself, which is no longer maintained, asks its writer for room number by number.

use std::fmt;
use std::io::{self, Write};

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::bulk::{Numbers, find_numbers_within};
use super::codec::PIECE;
use crate::model::hash::collect_seq;

/// Writes a value.
pub(crate) fn write<T: Serialize>(value: &T, out: &mut dyn Write) -> Result<(), WriteError> {
    write_with(out, &|writer| writer.value(value))
}

/// Writes what this does.
pub(super) fn write_with(
    out: &mut dyn Write,
    write: &dyn Fn(&mut Writer<'_>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut writer = Writer { buffer: Vec::with_capacity(PIECE), out };
    write(&mut writer)?;
    writer.flush()
}

/// Why a value cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("it is a sequence or a map that does not say how long it is")]
    NoLength,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Refused(String),
}

impl ser::Error for WriteError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        WriteError::Refused(message.to_string())
    }
}

/// What is written.
pub(super) struct Writer<'w> {
    buffer: Vec<u8>,
    out: &'w mut dyn Write,
}

impl Writer<'_> {
    #[cold]
    fn flush(&mut self) -> Result<(), WriteError> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), WriteError> {
        if self.buffer.len() + N > PIECE {
            self.flush()?;
        }
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    fn length(&mut self, length: usize) -> Result<(), WriteError> {
        self.put((length as u64).to_le_bytes())
    }

    fn slice(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.length(bytes.len())?;
        if self.buffer.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        if bytes.len() > PIECE {
            return Ok(self.out.write_all(bytes)?);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn numbers(&mut self, numbers: &dyn Numbers) -> Result<(), WriteError> {
        let count = numbers.count();
        self.length(count)?;
        let mut start = 0;
        while start < count {
            let room = (PIECE - self.buffer.len()) / numbers.width();
            let end = count.min(start + room);
            numbers.append(start..end, &mut self.buffer);
            if end < count {
                self.flush()?;
            }
            start = end;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        match find_numbers_within(value) {
            Some(numbers) => self.numbers(numbers),
            None => value.serialize(self),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty;)*) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result<(), WriteError> {
            self.put(number.to_le_bytes())
        }
    )*};
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.put([value.into()])
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        let mut bytes = [0; 4];
        value.encode_utf8(&mut bytes).bytes().try_for_each(|byte| self.put([byte]))
    }

    fn serialize_str(self, text: &str) -> Result<(), WriteError> {
        self.slice(text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), WriteError> {
        self.slice(bytes)
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        self.put([0])
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        self.put([1])?;
        self.value(value)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, variant: u32, _: &'static str) -> Result<(), WriteError> {
        self.put(variant.to_le_bytes())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), WriteError> {
        self.value(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.put(variant.to_le_bytes())?;
        self.value(value)
    }

    collect_seq!(WriteError);

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, WriteError> {
        self.length(length.ok_or(WriteError::NoLength)?)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, WriteError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, WriteError> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, WriteError> {
        self.put(variant.to_le_bytes())?;
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, WriteError> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, WriteError> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        variant: u32,
        variant_name: &'static str,
        count: usize,
    ) -> Result<Self, WriteError> {
        self.serialize_tuple_variant(name, variant, variant_name, count)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of what has several stand one after the other.
macro_rules! parts {
    ($($parts:ident $method:ident($($key:ty)?);)*) => {$(
        impl $parts for &mut Writer<'_> {
            type Ok = ();
            type Error = WriteError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), WriteError> {
                self.value(value)
            }

            fn end(self) -> Result<(), WriteError> {
                Ok(())
            }
        }
    )*};
}
parts! {
    SerializeSeq serialize_element();
    SerializeTuple serialize_element();
    SerializeTupleStruct serialize_field();
    SerializeTupleVariant serialize_field();
    SerializeStruct serialize_field(&'static str);
    SerializeStructVariant serialize_field(&'static str);
}

impl SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        self.value(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.value(value)
    }

    fn end(self) -> Result<(), WriteError> {
        Ok(())
    }
}
