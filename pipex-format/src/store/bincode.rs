//! bincode's `legacy` configuration, little-endian and with integers of fixed size: what bincode 1 writes by default, and
//! the fastest to read and write. bincode itself is no longer maintained; its format is fixed and specified.

use std::io::Write;

use super::StoreResult;
use super::bincode_reader::{ReadError, read_with};
use super::bincode_writer::write_with;
use super::bulk::find_numbers;
use super::typed::{AnyPlace, AnyValue};

pub(super) fn encode(value: &dyn AnyValue, out: &mut dyn Write) -> StoreResult<()> {
    if let Some(numbers) = find_numbers(value.as_any()) {
        return Ok(write_with(out, &|writer| writer.numbers(numbers))?);
    }
    let schema = value.schema();
    if schema.asks_what_is_there() {
        let asks = "it asks what stands there, which bincode does not say (flatten, untagged, or any JSON value)";
        return Err(format!("{asks}: end the target in .json").into());
    }
    // What contains itself may nest deeper than one can read.
    if schema.is_recursive {
        let mut bytes = Vec::new();
        write_with(&mut bytes, &|writer| value.write_bincode(writer))?;
        decode(&bytes, &mut *value.place())?;
        return Ok(out.write_all(&bytes)?);
    }
    Ok(write_with(out, &|writer| value.write_bincode(writer))?)
}

pub(super) fn decode(bytes: &[u8], place: &mut dyn AnyPlace) -> StoreResult<()> {
    Ok(read_with(bytes, &mut |reader| place.read_bincode(reader))?)
}

/// Whether these may be the first bytes of what belongs at the place.
pub(super) fn is_beginning(bytes: &[u8], place: &mut dyn AnyPlace) -> bool {
    // What is a sequence begins with its length, and a text of somebody's, read as one, is beyond any disk.
    !place.schema().is_too_long(bytes)
        && matches!(read_with(bytes, &mut |reader| place.read_bincode(reader)), Err(ReadError::End))
}
