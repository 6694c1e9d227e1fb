//! The first rows of a table, for people.

use arrow_array::RecordBatch;
use serde_json::{Map, Value};

use super::batches::Batches as _;
use super::extension::Extension;
use super::{StoreResult, arrow, parquet};

/// The first rows of a table.
#[derive(Debug)]
#[non_exhaustive]
pub struct FirstRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// A value for each column. What JSON does not have is null.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are more.
    pub has_more: bool,
}

impl FirstRows {
    /// Of the table in a file of this name, which has these bytes; `None` if by its name it has none.
    ///
    /// # Errors
    /// When they are no table of that format, or have a type that JSON has no form for.
    pub fn read(name: &str, bytes: &[u8], most: usize) -> StoreResult<Option<Self>> {
        let (schema, batches) = match Extension::find(name) {
            Extension::Arrow => arrow::read_first(bytes, most.saturating_add(1))?,
            Extension::Parquet => parquet::read_first(bytes, most.saturating_add(1))?,
            _ => return Ok(None),
        };
        let all = RecordBatch::from_batches(batches, &schema)?;
        let first = all.slice(0, all.num_rows().min(most));
        Ok(Some(FirstRows {
            columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
            rows: serde_arrow::from_record_batch(&first)?,
            has_more: all.num_rows() > most,
        }))
    }
}
