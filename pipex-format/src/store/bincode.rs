//! bincode's `legacy` configuration, little-endian and with integers of fixed size: what bincode 1 writes by default, and
//! the fastest to read and write. bincode itself is no longer maintained; its format is fixed and specified.

use std::io::{Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::bincode_reader::{self, ReadError};
use super::bincode_writer;
use super::bulk::find_numbers;
pub(super) use super::pieces::read_numbers;
use super::pieces::{Elements, Pieces};
use super::schema::{Kind, schema};

pub(super) fn encode<T: Serialize + DeserializeOwned + 'static>(value: &T, out: &mut dyn Write) -> StoreResult<()> {
    if let Some(numbers) = find_numbers(value) {
        return Ok(bincode_writer::write_numbers(numbers, out)?);
    }
    let schema = schema::<T>();
    if schema.asks_what_is_there() {
        let asks = "it asks what stands there, which bincode does not say (flatten, untagged, or any JSON value)";
        return Err(format!("{asks}: end the target in .json").into());
    }
    // What contains itself may nest deeper than one can read.
    if schema.is_recursive {
        let mut bytes = Vec::new();
        bincode_writer::write(value, &mut bytes)?;
        bincode_reader::read::<T>(&bytes)?;
        return Ok(out.write_all(&bytes)?);
    }
    Ok(bincode_writer::write(value, out)?)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> StoreResult<T> {
    Ok(bincode_reader::read(bytes)?)
}

pub(super) fn pieces<T: DeserializeOwned + 'static>(payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<T>> {
    let is_sequence = schema::<T>().outermost == Some(Kind::Sequence);
    if is_sequence { Some(Box::new(Elements::new(payload, count))) } else { None }
}

pub(super) fn is_beginning<T: DeserializeOwned + 'static>(bytes: &[u8]) -> bool {
    // What is a sequence begins with its length, and a text of somebody's, read as one, is beyond any disk.
    !schema::<T>().is_too_long(bytes) && matches!(bincode_reader::read::<T>(bytes), Err(ReadError::End))
}
