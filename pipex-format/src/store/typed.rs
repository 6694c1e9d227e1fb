//! What serde does with values of a type. This is compiled for each type; all else that codecs do is compiled once, and sees a value that
//! it writes and a place for one that it reads.

use std::any::Any;
#[cfg(feature = "arrow")]
use std::io::Write;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
#[cfg(feature = "arrow")]
use super::arrow::Arrow;
use super::bincode_reader::{ReadError, Reader};
use super::bincode_writer::{WriteError, Writer};
#[cfg(feature = "arrow")]
use super::codec::Codec as _;
#[cfg(feature = "csv")]
use super::csv_rows::{ReadRows, WriteRows};
use super::json::{Layout, Text};
use super::json_lines::Documents;
#[cfg(feature = "msgpack")]
use super::message_pack;
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
#[cfg(feature = "arrow")]
use super::rows::Rows;
use super::schema::{Schema, schema};
#[cfg(feature = "toml")]
use super::toml;
#[cfg(feature = "yaml")]
use super::yaml;
use crate::model::hash::Hasher;

/// A value that is written.
pub(super) trait AnyValue {
    fn as_any(&self) -> &dyn Any;
    /// A place for another of its type.
    fn place(&self) -> Box<dyn AnyPlace>;
    fn schema(&self) -> Arc<Schema>;
    fn hash(&self, hasher: &mut Hasher);
    fn write_bincode(&self, writer: &mut Writer<'_>) -> Result<(), WriteError>;
    fn write_json(&self, text: &mut Text, layout: Layout<'_>) -> serde_json::Result<()>;
    #[cfg(feature = "csv")]
    fn write_rows(&self, rows: WriteRows<'_>) -> Result<(), csv::Error>;
    #[cfg(feature = "toml")]
    fn write_toml(&self) -> StoreResult<Vec<u8>>;
    #[cfg(feature = "yaml")]
    fn write_yaml(&self) -> StoreResult<Vec<u8>>;
    #[cfg(feature = "msgpack")]
    fn write_message_pack(&self) -> StoreResult<Vec<u8>>;
    #[cfg(feature = "arrow")]
    fn write_arrow(&self, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()>;
    #[cfg(feature = "parquet")]
    fn write_parquet(&self, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()>;
}

/// A place for a value that is read.
pub(super) trait AnyPlace {
    /// An `Option` of the value.
    fn as_any(&mut self) -> &mut dyn Any;
    /// What is there.
    fn value(&self) -> Option<&dyn AnyValue>;
    fn schema(&self) -> Arc<Schema>;
    fn read_bincode(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError>;
    fn read_json(&mut self, text: &[u8]) -> serde_json::Result<()>;
    fn read_documents(&mut self, documents: &mut Documents<'_>) -> serde_json::Result<()>;
    #[cfg(feature = "csv")]
    fn read_rows(&mut self, rows: ReadRows<'_>) -> Result<(), serde::de::value::Error>;
    #[cfg(feature = "toml")]
    fn read_toml(&mut self, text: &[u8]) -> StoreResult<()>;
    #[cfg(feature = "yaml")]
    fn read_yaml(&mut self, text: &[u8]) -> StoreResult<()>;
    #[cfg(feature = "msgpack")]
    fn read_message_pack(&mut self, bytes: &[u8]) -> StoreResult<()>;
    #[cfg(feature = "arrow")]
    fn read_arrow(&mut self, bytes: &[u8]) -> StoreResult<()>;
    #[cfg(feature = "parquet")]
    fn read_parquet(&mut self, bytes: &[u8]) -> StoreResult<()>;
}

impl<T: Serialize + DeserializeOwned + 'static> AnyValue for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn place(&self) -> Box<dyn AnyPlace> {
        Box::new(None::<T>)
    }

    fn schema(&self) -> Arc<Schema> {
        schema::<T>()
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.serialize(self);
    }

    fn write_bincode(&self, writer: &mut Writer<'_>) -> Result<(), WriteError> {
        writer.value(self)
    }

    fn write_json(&self, text: &mut Text, layout: Layout<'_>) -> serde_json::Result<()> {
        text.write(self, layout)
    }

    #[cfg(feature = "csv")]
    fn write_rows(&self, rows: WriteRows<'_>) -> Result<(), csv::Error> {
        self.serialize(rows)
    }

    #[cfg(feature = "toml")]
    fn write_toml(&self) -> StoreResult<Vec<u8>> {
        toml::write(self)
    }

    #[cfg(feature = "yaml")]
    fn write_yaml(&self) -> StoreResult<Vec<u8>> {
        yaml::write(self)
    }

    #[cfg(feature = "msgpack")]
    fn write_message_pack(&self) -> StoreResult<Vec<u8>> {
        message_pack::write(self)
    }

    #[cfg(feature = "arrow")]
    fn write_arrow(&self, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()> {
        match note {
            Some(note) => Rows(Arrow).encode_with_note(self, note, out),
            None => Rows(Arrow).encode(self, out),
        }
    }

    #[cfg(feature = "parquet")]
    fn write_parquet(&self, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()> {
        match note {
            Some(note) => Rows(Parquet).encode_with_note(self, note, out),
            None => Rows(Parquet).encode(self, out),
        }
    }
}

/// What is said where a value should be.
pub(super) const NOTHING: &str = "there is no value";

/// The value that was read.
pub(super) fn taken<T>(read: StoreResult<()>, place: Option<T>) -> StoreResult<T> {
    match (read, place) {
        (Ok(()), Some(value)) => Ok(value),
        (Ok(()), None) => Err(NOTHING.into()),
        (Err(error), _) => Err(error),
    }
}

/// Puts there what was read.
macro_rules! put {
    ($place:expr, $read:expr) => {
        match $read {
            Ok(value) => {
                *$place = Some(value);
                Ok(())
            }
            Err(error) => Err(error),
        }
    };
}

impl<T: Serialize + DeserializeOwned + 'static> AnyPlace for Option<T> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn value(&self) -> Option<&dyn AnyValue> {
        match self {
            Some(value) => Some(value),
            None => None,
        }
    }

    fn schema(&self) -> Arc<Schema> {
        schema::<T>()
    }

    fn read_bincode(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        put!(self, T::deserialize(reader))
    }

    fn read_json(&mut self, text: &[u8]) -> serde_json::Result<()> {
        put!(self, serde_json::from_slice(text))
    }

    fn read_documents(&mut self, documents: &mut Documents<'_>) -> serde_json::Result<()> {
        put!(self, T::deserialize(documents))
    }

    #[cfg(feature = "csv")]
    fn read_rows(&mut self, rows: ReadRows<'_>) -> Result<(), serde::de::value::Error> {
        put!(self, T::deserialize(rows))
    }

    #[cfg(feature = "toml")]
    fn read_toml(&mut self, text: &[u8]) -> StoreResult<()> {
        put!(self, toml::read(text))
    }

    #[cfg(feature = "yaml")]
    fn read_yaml(&mut self, text: &[u8]) -> StoreResult<()> {
        put!(self, yaml::read(text))
    }

    #[cfg(feature = "msgpack")]
    fn read_message_pack(&mut self, bytes: &[u8]) -> StoreResult<()> {
        put!(self, message_pack::read(bytes))
    }

    #[cfg(feature = "arrow")]
    fn read_arrow(&mut self, bytes: &[u8]) -> StoreResult<()> {
        put!(self, Rows(Arrow).decode(bytes))
    }

    #[cfg(feature = "parquet")]
    fn read_parquet(&mut self, bytes: &[u8]) -> StoreResult<()> {
        put!(self, Rows(Parquet).decode(bytes))
    }
}
