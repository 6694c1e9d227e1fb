//! A sequence as JSON Lines: a document a line.

use std::str::Lines;

use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;

use super::StoreResult;
use super::json::{Layout, Text, WriteJson};

/// The lines of what this writes.
pub(super) fn write(write: &WriteJson<'_>) -> StoreResult<Vec<u8>> {
    let mut text = Text::up_to(usize::MAX);
    write(&mut text, Layout::lines())?;
    let mut text = text.bytes;
    if text.is_empty() {
        // A file of no bytes counts as missing.
        text.push(b'\n');
    }
    if text.last() != Some(&b'\n') {
        return Err("only a sequence can be written as JSON Lines".into());
    }
    Ok(text)
}

/// Has this read all lines.
pub(super) fn read(text: &[u8], read: &mut dyn FnMut(&mut Documents<'_>) -> serde_json::Result<()>) -> StoreResult<()> {
    let mut documents = Documents::new(text)?;
    read(&mut documents)?;
    Ok(documents.expect_end()?)
}

/// The documents, as a sequence. Empty lines are none.
pub(super) struct Documents<'t> {
    lines: Lines<'t>,
    number: usize,
}

impl<'t> Documents<'t> {
    fn new(text: &'t [u8]) -> StoreResult<Self> {
        Ok(Documents { lines: str::from_utf8(text)?.lines(), number: 0 })
    }

    fn expect_end(&mut self) -> Result<(), String> {
        match self.next() {
            Some(_) => Err(format!("line {}: there are more lines than are asked for", self.number)),
            None => Ok(()),
        }
    }

    fn next(&mut self) -> Option<&'t str> {
        self.lines.by_ref().inspect(|_| self.number += 1).find(|line| !line.trim_ascii().is_empty())
    }
}

impl<'de> SeqAccess<'de> for Documents<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(line) = self.next() else { return Ok(None) };
        let mut document = serde_json::Deserializer::from_slice(line.as_bytes());
        match (seed.deserialize(&mut document), document.end()) {
            (Ok(element), Ok(())) => Ok(Some(element)),
            (Err(error), _) | (_, Err(error)) => Err(Error::custom(format!("line {}: {error}", self.number))),
        }
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
