//! Record batches, as what is written in a table's format.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use super::StoreResult;
use super::codec::Lossy;

/// The key of the note in a table's metadata.
pub(super) const KEY: &str = "pipex";

/// One record batch, or several of one schema.
pub trait Batches: Sized {
    #[doc(hidden)]
    fn as_batches(&self) -> &[RecordBatch];

    #[doc(hidden)]
    fn from_batches(batches: Vec<RecordBatch>, schema: &SchemaRef) -> StoreResult<Self>;
}

impl Batches for RecordBatch {
    fn as_batches(&self) -> &[RecordBatch] {
        std::slice::from_ref(self)
    }

    fn from_batches(mut batches: Vec<RecordBatch>, schema: &SchemaRef) -> StoreResult<Self> {
        match batches.pop() {
            Some(one) if batches.is_empty() => Ok(one),
            last => {
                batches.extend(last);
                Ok(concat_batches(schema, &batches)?)
            }
        }
    }
}

impl Batches for Vec<RecordBatch> {
    fn as_batches(&self) -> &[RecordBatch] {
        self
    }

    fn from_batches(batches: Vec<RecordBatch>, schema: &SchemaRef) -> StoreResult<Self> {
        Ok(if batches.is_empty() { vec![RecordBatch::new_empty(schema.clone())] } else { batches })
    }
}

/// What a reader of a table's format gives.
pub(super) type Table = (SchemaRef, Vec<RecordBatch>);

/// Writes batches, and reads them back: what would come back as something else is refused.
pub(super) fn write_checked(
    batches: &[RecordBatch],
    write: impl FnOnce(&SchemaRef, &mut Vec<u8>) -> StoreResult<()>,
    read: impl FnOnce(&[u8], usize) -> StoreResult<Table>,
) -> StoreResult<Vec<u8>> {
    let schema = batches.first().ok_or("there is no batch, and so no schema: give an empty one")?.schema();
    if schema.metadata().contains_key(KEY) {
        let reason = format!("its schema's metadata has a `{KEY}`, which is where the file says what made it");
        return Err(Lossy(reason).into());
    }
    let mut bytes = Vec::new();
    guard(|| write(&schema, &mut bytes))?;
    let (schema_back, back) = read_guarded(&bytes, usize::MAX, read).map_err(|error| Lossy(error.to_string()))?;
    check_same((&schema, batches), (&schema_back, &back))?;
    Ok(bytes)
}

/// Reads so many rows, if there are so many.
pub(super) fn read_guarded(
    bytes: &[u8],
    most: usize,
    read: impl FnOnce(&[u8], usize) -> StoreResult<Table>,
) -> StoreResult<Table> {
    guard(|| read(bytes, most))
}

/// Arrow's crates may panic at what is no table of theirs, and at types that they do not write.
fn guard<R>(act: impl FnOnce() -> StoreResult<R>) -> StoreResult<R> {
    let panicked = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        Err(format!("arrow's crate gave up: {}", text.unwrap_or("it does not say why")).into())
    };
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(panicked)
}

/// Whether the rows are the same, however they are parted.
fn check_same(given: (&SchemaRef, &[RecordBatch]), back: (&SchemaRef, &[RecordBatch])) -> Result<(), Lossy> {
    if given.1 == back.1 {
        return Ok(());
    }
    let others = given.0.fields().iter().zip(back.0.fields()).find(|(field, back)| field != back);
    if let Some((field, back)) = others {
        let types = format!("`{}` is a {}, and becomes a {}", field.name(), field.data_type(), back.data_type());
        return Err(Lossy(types));
    }
    let join = |(schema, batches): (&SchemaRef, &[RecordBatch])| {
        concat_batches(schema, batches).map_err(|error| Lossy(error.to_string()))
    };
    let (given, back) = (join(given)?, join(back)?);
    if given == back {
        return Ok(());
    }
    let columns = given.columns().iter().zip(back.columns()).zip(given.schema_ref().fields());
    let mut others = columns.filter(|((given, back), _)| given != back).map(|(_, field)| field.name().as_str());
    Err(Lossy(others.next().map_or_else(
        || "its schema's metadata, or how many rows there are".to_owned(),
        |column| format!("`{column}` has other values"),
    )))
}
