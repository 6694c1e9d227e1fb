//! Record batches as Parquet.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::StoreResult;
use super::batches::{Batches, KEY, Table, read_guarded, write_checked};
use super::codec::Codec;

/// A [`Codec`] for a `RecordBatch`, or a `Vec<RecordBatch>` of one schema, as Parquet: compressed by zstd, in row groups of
/// 1,048,576 rows, unless it is told otherwise. What made the file stands in its key-value metadata, under `pipex`.
///
/// For vectors of structs no codec has to be named: [`FileStore`](struct@super::FileStore) writes them as Parquet where their
/// target ends in `.parquet`. [`Rows`](super::Rows) writes them with these options.
///
/// A batch of a vector is a row group, or several if it has more rows than that; read, each row group is a batch. So the
/// rows come back, in their order, and so does how they were parted unless a batch has no rows or too many.
///
/// ```
/// use std::sync::Arc;
/// use pipex::store::Parquet;
/// use pipex::store::arrow_array::{Float64Array, RecordBatch};
/// use pipex::{FileStore, task};
///
/// #[task(target = "{path}/{funcname}.parquet", store = FileStore::new().codec(Parquet.snappy()))]
/// fn means(values: &[f64]) -> RecordBatch {
///     let column = Float64Array::from_iter_values(values.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0));
///     RecordBatch::try_from_iter([("mean", Arc::new(column) as Arc<_>)]).expect("one column")
/// }
///
/// pipex::testing::scope(|out| {
///     let output = means(&[1.0, 2.0, 4.0]).path(out).run().unwrap();
///     assert_eq!(output.load().unwrap().num_rows(), 2);
/// });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Parquet {
    compression: Compressed,
    row_group: usize,
}

#[derive(Debug, Clone, Copy)]
enum Compressed {
    Not,
    Snappy,
    Zstd,
}

/// The codec as it is without options, as a value.
#[expect(non_upper_case_globals, reason = "it is what it would be without fields")]
pub const Parquet: Parquet = Parquet::new();

const MAGIC: &[u8] = b"PAR1";

impl Default for Parquet {
    fn default() -> Self {
        Parquet::new()
    }
}

impl Parquet {
    /// The codec.
    #[must_use]
    pub const fn new() -> Self {
        Parquet { compression: Compressed::Zstd, row_group: 1 << 20 }
    }

    /// Compressed by Snappy, which every reader of Parquet knows.
    #[must_use]
    pub const fn snappy(self) -> Self {
        Parquet { compression: Compressed::Snappy, ..self }
    }

    /// Not compressed.
    #[must_use]
    pub const fn uncompressed(self) -> Self {
        Parquet { compression: Compressed::Not, ..self }
    }

    /// In row groups of so many rows at most, one at least. What reads only part of a file reads whole row groups.
    #[must_use]
    pub const fn row_group(self, rows: usize) -> Self {
        Parquet { row_group: if rows == 0 { 1 } else { rows }, ..self }
    }

    fn write<T: Batches>(self, value: &T, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()> {
        let batches = value.as_batches();
        let bytes = write_checked(batches, |schema, bytes| self.write_to(schema, batches, note, bytes), read)?;
        Ok(out.write_all(&bytes)?)
    }

    fn write_to(
        self,
        schema: &SchemaRef,
        batches: &[RecordBatch],
        note: Option<&str>,
        bytes: &mut Vec<u8>,
    ) -> StoreResult<()> {
        let is_union = |field: &&Field| matches!(field.data_type(), DataType::Union(..));
        let has_union =
            |field: &&FieldRef| Schema::new([FieldRef::clone(field)].to_vec()).flattened_fields().iter().any(is_union);
        if let Some(field) = schema.fields().iter().find(has_union) {
            return Err(
                format!("`{}` has an enum with data (a union), which Parquet does not have", field.name()).into()
            );
        }
        // The note is the last, so that it stands near the end however many columns there are.
        let types = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(schema));
        let note = note.map(|note| KeyValue::new(KEY.to_owned(), note.to_owned()));
        let compression = match self.compression {
            Compressed::Not => Compression::UNCOMPRESSED,
            Compressed::Snappy => Compression::SNAPPY,
            Compressed::Zstd => Compression::ZSTD(ZstdLevel::default()),
        };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(self.row_group))
            .set_key_value_metadata(Some(std::iter::once(types).chain(note).collect()))
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(bytes, schema.clone(), options)?;
        for batch in batches {
            writer.write(batch)?;
            writer.flush()?;
        }
        writer.close()?;
        Ok(())
    }
}

fn read(bytes: &[u8], most: usize) -> StoreResult<Table> {
    let bytes = Bytes::copy_from_slice(bytes);
    let metadata = ArrowReaderMetadata::load(&bytes, Default::default())?;
    let schema = without_note(metadata.schema());
    let (mut batches, mut left) = (Vec::new(), most);
    for (group, about) in metadata.metadata().row_groups().iter().enumerate() {
        if left == 0 {
            break;
        }
        let rows = usize::try_from(about.num_rows())?.clamp(1, left);
        left -= rows;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata.clone());
        for batch in builder.with_row_groups(vec![group]).with_limit(rows).with_batch_size(rows).build()? {
            batches.push(batch?.with_schema(schema.clone())?);
        }
    }
    Ok((schema, batches))
}

/// The first rows, so many if there are.
pub(super) fn read_first(bytes: &[u8], most: usize) -> StoreResult<Table> {
    read_guarded(bytes, most, read)
}

/// Readers put all of the file's metadata into the schema's.
fn without_note(schema: &SchemaRef) -> SchemaRef {
    let mut schema = Schema::clone(schema);
    schema.metadata.remove(KEY);
    schema.into()
}

impl<T: Batches> Codec<T> for Parquet {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        self.write(value, None, out)
    }

    fn encode_with_note(&self, value: &T, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        self.write(value, Some(note), out)
    }

    fn allows_note(&self) -> bool {
        true
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let (schema, batches) = read_first(bytes, usize::MAX)?;
        T::from_batches(batches, &schema)
    }

    fn name(&self) -> &'static str {
        "parquet"
    }

    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        let is_whole = bytes.len() > 2 * MAGIC.len() && bytes.starts_with(MAGIC) && bytes.ends_with(MAGIC);
        is_whole.then_some(()).ok_or("it does not begin and end in PAR1, as a Parquet file does")
    }
}
