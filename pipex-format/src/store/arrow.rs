//! Record batches in Arrow's file format.

use std::io::{Cursor, Write};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;

use super::StoreResult;
use super::batches::{Batches, KEY, Table, read_guarded, write_checked};
use super::codec::Codec;

/// A [`Codec`] for a `RecordBatch`, or a `Vec<RecordBatch>` of one schema, in Arrow's file format (Feather 2): not compressed, so that
/// other programs can map it into their memory.
///
/// For vectors of structs no codec has to be named: [`FileStore`](struct@super::FileStore) writes them in this format where their
/// target ends in `.arrow` or `.feather`. `Parquet` is the same in the other format.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrow;

const MAGIC: &[u8] = b"ARROW1";

impl Arrow {
    fn write<T: Batches>(value: &T, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()> {
        let batches = value.as_batches();
        Ok(out.write_all(&write_checked(batches, |schema, bytes| write(schema, batches, note, bytes), read)?)?)
    }
}

fn write(schema: &SchemaRef, batches: &[RecordBatch], note: Option<&str>, bytes: &mut Vec<u8>) -> StoreResult<()> {
    let mut writer = FileWriter::try_new(bytes, schema)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    if let Some(note) = note {
        writer.write_metadata(KEY, note);
    }
    Ok(writer.finish()?)
}

fn read(bytes: &[u8], most: usize) -> StoreResult<Table> {
    let reader = FileReader::try_new(Cursor::new(bytes), None)?;
    let (schema, mut batches, mut rows) = (reader.schema(), Vec::new(), 0);
    for batch in reader {
        let batch = batch?;
        rows += batch.num_rows();
        batches.push(batch);
        if rows >= most {
            break;
        }
    }
    Ok((schema, batches))
}

/// The first rows, so many if there are.
pub(super) fn read_first(bytes: &[u8], most: usize) -> StoreResult<Table> {
    read_guarded(bytes, most, read)
}

impl<T: Batches> Codec<T> for Arrow {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        Arrow::write(value, None, out)
    }

    fn encode_with_note(&self, value: &T, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        Arrow::write(value, Some(note), out)
    }

    fn allows_note(&self) -> bool {
        true
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let (schema, batches) = read_first(bytes, usize::MAX)?;
        T::from_batches(batches, &schema)
    }

    fn name(&self) -> &'static str {
        "arrow"
    }

    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        let is_whole = bytes.starts_with(MAGIC) && bytes.ends_with(MAGIC);
        is_whole.then_some(()).ok_or("it does not begin and end in ARROW1, as an Arrow file does")
    }
}
