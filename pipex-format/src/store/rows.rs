//! A vector of structs as a record batch: a column for each field, by serde_arrow.

use std::io::Write;
use std::marker::PhantomData;

use arrow_array::RecordBatch;
use arrow_schema::FieldRef;
use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::Serialize;
use serde_arrow::schema::{SchemaLike, TracingOptions};

use super::StoreResult;
use super::codec::{Codec, Lossy, Shape};
use super::schema::schema;
use crate::model::hash::is_same;

/// A [`Codec`] for vectors of structs, from one for a `RecordBatch`: a column for each field.
///
/// ```
/// use pipex::store::{Parquet, Rows};
/// use pipex::{FileStore, task};
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Reading { station: String, celsius: Option<f64> }
///
/// #[task(target = "{path}/{base}.parquet", store = FileStore::new().codec(Rows(Parquet.snappy())))]
/// fn readings(count: usize) -> Vec<Reading> {
///     vec![Reading { station: "EWR".to_owned(), celsius: Some(1.5) }; count]
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows<C>(pub C);

impl<T, C> Codec<T> for Rows<C>
where
    T: Serialize + DeserializeOwned + 'static,
    C: Codec<RecordBatch>,
{
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        self.0.encode(&to_batch(value)?, out)
    }

    fn encode_with_note(&self, value: &T, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        self.0.encode_with_note(&to_batch(value)?, note, out)
    }

    fn allows_note(&self) -> bool {
        self.0.allows_note()
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        from_batch(&self.0.decode(bytes)?)
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<T>())
    }

    fn allows_footer(&self) -> bool {
        self.0.allows_footer()
    }

    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        self.0.check_whole(bytes)
    }

    fn allows_empty(&self) -> bool {
        self.0.allows_empty()
    }

    fn is_beginning(&self, bytes: &[u8]) -> bool {
        self.0.is_beginning(bytes)
    }
}

/// The rows as columns, if they come back from there.
fn to_batch<T: Serialize + DeserializeOwned + 'static>(value: &T) -> StoreResult<RecordBatch> {
    // What is said of a value does not always name the field.
    let rows = || format!("of rows as `{}`", schema::<T>().shape);
    let written = trace_fields(value).and_then(|fields| Ok(serde_arrow::to_record_batch(&fields, value)?));
    let batch = written.map_err(|error| format!("{error}, {}", rows()))?;
    let back = from_batch::<T>(&batch).map_err(|error| Lossy(format!("{error}, {}", rows())))?;
    if is_same(&|hasher| hasher.serialize(value), &|hasher| hasher.serialize(&back)) {
        return Ok(batch);
    }
    Err(Lossy(format!("another value does (an option within an option?), {}", rows())).into())
}

/// The columns, as the type says them, rows or none; where it does not say enough, as the rows do.
fn trace_fields<T: Serialize + DeserializeOwned>(value: &T) -> StoreResult<Vec<FieldRef>> {
    let options = || {
        let maps = TracingOptions::default().map_as_struct(false);
        maps.enums_without_data_as_strings(true).allow_null_fields(true)
    };
    let by_type = Vec::<FieldRef>::from_type::<Element<T>>(options());
    Ok(by_type.or_else(|error| Vec::<FieldRef>::from_samples(value, options()).map_err(|_| error))?)
}

/// The vector that [`to_batch`] was given. Columns may stand in any order; one that is missing may be a default in every row, and
/// one more would go without a word.
fn from_batch<T: DeserializeOwned + 'static>(batch: &RecordBatch) -> StoreResult<T> {
    if let Some(columns) = schema::<T>().columns {
        let there = batch.schema_ref().fields();
        let quote = |what: &str, name: &str| format!("its columns are others than those of its type: {what} `{name}`");
        if let Some(unknown) = there.iter().find(|field| !columns.names.contains(&field.name().as_str())) {
            return Err(quote("with", unknown.name()).into());
        }
        let missing = columns.names.iter().find(|name| !there.iter().any(|field| field.name() == *name));
        if let Some(missing) = missing.filter(|_| columns.fields.is_some_and(|fields| there.len() < fields)) {
            return Err(quote("without", missing).into());
        }
    }
    Ok(serde_arrow::from_record_batch(batch)?)
}

/// One element of a `T`, to see what it asks for.
struct Element<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(Single(Some(deserializer))).map(|_| Element(PhantomData))
    }
}

/// A sequence of one.
struct Single<D>(Option<D>);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Single<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> SeqAccess<'de> for Single<D> {
    type Error = D::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, D::Error> {
        self.0.take().map(|element| seed.deserialize(element)).transpose()
    }
}
