//! A sequence as JSON Lines: a document a line.

use std::io::{self, Write};
use std::str::Lines;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::Error;
use serde_json::ser::Formatter;

use super::StoreResult;
use super::codec::{Codec, check_comes_back};

pub(super) struct JsonLines;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for JsonLines {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let mut text = Vec::new();
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, OneALine::default()))?;
        if text.is_empty() {
            // A file of no bytes counts as missing.
            text.push(b'\n');
        }
        if text.last() != Some(&b'\n') {
            return Err("only a sequence can be written as JSON Lines".into());
        }
        check_comes_back(self, value, &text)?;
        Ok(out.write_all(&text)?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let mut documents = Documents { lines: str::from_utf8(bytes)?.lines(), number: 0 };
        let value = T::deserialize(&mut documents)?;
        match documents.next() {
            Some(_) => Err(format!("line {}: there are more lines than are asked for", documents.number).into()),
            None => Ok(value),
        }
    }

    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn check_whole(&self, text: &[u8]) -> Result<(), &'static str> {
        if text.last() == Some(&b'\n') { Ok(()) } else { Err("it does not end in a newline") }
    }
}

/// Writes the elements of the outermost array as lines, without it.
#[derive(Default)]
struct OneALine {
    depth: usize,
}

impl Formatter for OneALine {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.depth == 1 { Ok(()) } else { out.write_all(b"[") }
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth == 0 { Ok(()) } else { out.write_all(b"]") }
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if self.depth == 1 || first { Ok(()) } else { out.write_all(b",") }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.depth == 1 { out.write_all(b"\n") } else { Ok(()) }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        out.write_all(b"}")
    }
}

/// The documents, as a sequence. Empty lines are none.
struct Documents<'t> {
    lines: Lines<'t>,
    number: usize,
}

impl<'t> Documents<'t> {
    fn next(&mut self) -> Option<&'t str> {
        self.lines.by_ref().inspect(|_| self.number += 1).find(|line| !line.trim_ascii().is_empty())
    }
}

impl<'de> SeqAccess<'de> for Documents<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(line) = self.next() else { return Ok(None) };
        let mut document = serde_json::Deserializer::from_str(line);
        let element = seed.deserialize(&mut document).and_then(|element| document.end().map(|()| element));
        element.map(Some).map_err(|error| Error::custom(format!("line {}: {error}", self.number)))
    }
}

impl<'de> Deserializer<'de> for &mut Documents<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}
