//! Reads bincode's `legacy` format: little-endian, integers in their own size, lengths as `u64`.
//!
//! A length is only believed as far as there are bytes: bincode itself makes room for what a length says before it looks for
//! what stands behind, so that a forged one ends the process.

use std::fmt;
use std::ptr;

use serde::de::value::U32Deserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::bulk::{Slot, find_slot_of_visitor};

/// The bytes of the stack that may be used for what contains itself, which can go as deep as there are bytes. Threads have two
/// megabytes of it, if nobody says otherwise.
const STACK: usize = 1 << 20;
/// How many elements may be read that take no bytes, such as those of a `Vec<()>`: nothing else bounds how many are said to be
/// there.
pub(super) const MOST_EMPTY: u64 = 1 << 24;

/// Reads a value, and puts it somewhere.
type Read<'r> = dyn FnMut(&mut Reader<'_>) -> Result<(), ReadError> + 'r;

/// Reads a value: all of the bytes, and nothing but them.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    let mut value = None;
    read_with(bytes, &mut |reader| {
        value = Some(T::deserialize(reader)?);
        Ok(())
    })?;
    Ok(value.expect("what is read without an error is read"))
}

/// Has this read all of the bytes, and nothing but them.
pub(super) fn read_with(bytes: &[u8], read: &mut Read<'_>) -> Result<(), ReadError> {
    let here = 0_u8;
    let mut reader = Reader::new(bytes, &here, None);
    read(&mut reader)?;
    if reader.rest.is_empty() { Ok(()) } else { Err(ReadError::LeftOver(reader.rest.len())) }
}

/// Reads a sequence of so many elements, whose length does not stand before them, from the beginning of the bytes.
pub(super) fn read_part(bytes: &[u8], length: u64, read: &mut Read<'_>) -> Part {
    let here = 0_u8;
    let mut reader = Reader::new(bytes, &here, Some(length));
    let read = read(&mut reader);
    Part { read, used: bytes.len() - reader.rest.len(), needs_more: reader.has_ended }
}

/// What was read from the beginning of some bytes.
pub(super) struct Part {
    pub(super) read: Result<(), ReadError>,
    /// How many bytes it took.
    pub(super) used: usize,
    /// Whether there were too few.
    pub(super) needs_more: bool,
}

/// What is wrong with the bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it ends before the value does")]
    End,
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    #[error("it has {0} where {1} should be")]
    Invalid(u64, &'static str),
    #[error("it has text that is not UTF-8")]
    NotText,
    #[error("it nests so deep that reading it would take all of the stack")]
    TooDeep,
    #[error("it has more than {MOST_EMPTY} elements that take no bytes")]
    TooMany,
    #[error("the type asks what stands there, which bincode does not say")]
    Asks,
    #[error("{0}")]
    Refused(String),
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ReadError::Refused(message.to_string())
    }
}

/// Bytes that are read.
pub(super) struct Reader<'b> {
    rest: &'b [u8],
    /// Where on the stack the reading began.
    stack: usize,
    /// How many elements were read that took no bytes.
    empty: u64,
    /// The first length, if it is not among the bytes.
    first_length: Option<u64>,
    /// Whether more bytes were asked for than there are, whatever the type made of that.
    has_ended: bool,
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8], here: &u8, first_length: Option<u64>) -> Self {
        Reader { rest: bytes, stack: ptr::from_ref(here).addr(), empty: 0, first_length, has_ended: false }
    }

    #[inline]
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else { return Err(self.end()) };
        self.rest = rest;
        Ok(*bytes)
    }

    #[cold]
    fn end(&mut self) -> ReadError {
        self.has_ended = true;
        ReadError::End
    }

    fn length(&mut self) -> Result<u64, ReadError> {
        match self.first_length.take() {
            Some(length) => Ok(length),
            None => self.bytes().map(u64::from_le_bytes),
        }
    }

    /// As many of these as the next length says.
    fn slice(&mut self, width: usize) -> Result<&'b [u8], ReadError> {
        let length = usize::try_from(self.length()?).ok().and_then(|length| length.checked_mul(width));
        self.take(length.unwrap_or(usize::MAX))
    }

    fn take(&mut self, bytes: usize) -> Result<&'b [u8], ReadError> {
        let Some((slice, rest)) = self.rest.split_at_checked(bytes) else { return Err(self.end()) };
        self.rest = rest;
        Ok(slice)
    }

    fn numbers(&mut self, slot: &mut dyn Slot) -> Result<(), ReadError> {
        let bytes = self.slice(slot.width())?;
        slot.begin(bytes.len() / slot.width()).map_err(de::Error::custom)?;
        slot.extend(bytes);
        Ok(())
    }

    fn text(&mut self) -> Result<&'b str, ReadError> {
        std::str::from_utf8(self.slice(1)?).map_err(|_| ReadError::NotText)
    }

    fn nested<R>(&mut self, inner: impl FnOnce(&mut Self) -> Result<R, ReadError>) -> Result<R, ReadError> {
        let here = 0_u8;
        if ptr::from_ref(&here).addr().abs_diff(self.stack) > STACK {
            return Err(ReadError::TooDeep);
        }
        inner(self)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            visitor.$visit(<$type>::from_le_bytes(self.bytes()?))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = ReadError;

    numbers! {
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
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.bytes()? {
            [0] => visitor.visit_bool(false),
            [1] => visitor.visit_bool(true),
            [other] => Err(ReadError::Invalid(other.into(), "a bool")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let length = match self.rest.first() {
            None | Some(0x00..0x80) => 1,
            Some(0x80..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(_) => 4,
        };
        let character = std::str::from_utf8(self.take(length)?).ok().and_then(|text| text.chars().next());
        visitor.visit_char(character.ok_or(ReadError::NotText)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_string(self.text()?.to_owned())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_string(self.text()?.to_owned())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_byte_buf(self.slice(1)?.to_vec())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_byte_buf(self.slice(1)?.to_vec())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.bytes()? {
            [0] => visitor.visit_none(),
            [1] => self.nested(|reader| visitor.visit_some(reader)),
            [other] => Err(ReadError::Invalid(other.into(), "an option")),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        self.nested(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let mut numbers = None;
        if let Some(slot) = find_slot_of_visitor(&visitor, &mut numbers) {
            self.numbers(slot)?;
            return numbers.ok_or(ReadError::End);
        }
        let left = self.length()?;
        self.nested(|reader| visitor.visit_seq(ReadElements { reader, left }))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.nested(|reader| visitor.visit_seq(ReadElements { reader, left: count as u64 }))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(count, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let left = self.length()?;
        self.nested(|reader| visitor.visit_map(ReadElements { reader, left }))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.nested(|reader| visitor.visit_enum(reader))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::Asks)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence, a tuple, a struct or a map.
struct ReadElements<'r, 'b> {
    reader: &'r mut Reader<'b>,
    left: u64,
}

impl<'b> ReadElements<'_, 'b> {
    #[inline]
    fn element<R>(&mut self, read: impl FnOnce(&mut Reader<'b>) -> Result<R, ReadError>) -> Result<R, ReadError> {
        let before = self.reader.rest.len();
        let element = read(self.reader)?;
        if self.reader.rest.len() == before {
            self.reader.empty += 1;
            if self.reader.empty > MOST_EMPTY {
                return Err(ReadError::TooMany);
            }
        }
        Ok(element)
    }

    /// Some make room for as many as this says: no more than there are bytes.
    fn hint(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX).min(self.reader.rest.len())
    }
}

impl<'de> SeqAccess<'de> for ReadElements<'_, 'de> {
    type Error = ReadError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        match self.element(|reader| seed.deserialize(reader)) {
            Ok(element) => Ok(Some(element)),
            Err(error) => Err(error),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de> MapAccess<'de> for ReadElements<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), ReadError> {
        let variant: U32Deserializer<ReadError> = u32::from_le_bytes(self.bytes()?).into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
