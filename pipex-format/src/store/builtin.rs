//! The codecs that pipex brings for all types that serde knows.
//!
//! They are one type, since what it can do is compiled for each type of value.

use std::any::TypeId;
use std::io::{Read, Write};
use std::sync::Arc;

#[cfg(feature = "arrow")]
use arrow_array::RecordBatch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
#[cfg(feature = "arrow")]
use super::arrow::Arrow;
#[cfg(feature = "csv")]
use super::codec::without_zst;
use super::codec::{Codec, Lossy, Shape};
#[cfg(feature = "csv")]
use super::csv;
use super::error::StoreError;
use super::extension::Extension;
#[cfg(feature = "msgpack")]
use super::message_pack;
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use super::pieces::Pieces;
#[cfg(feature = "arrow")]
use super::rows::Rows;
use super::schema::{Kind, Schema};
#[cfg(feature = "toml")]
use super::toml;
use super::verbatim::{self, is_bytes, is_text};
#[cfg(feature = "yaml")]
use super::yaml;
use super::{bincode, json, json_lines};
use crate::model::hash::is_same;
use crate::model::target::Location;

/// A codec for all types that serde knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    Bincode,
    /// Texts, checked to be UTF-8 when they are read.
    Text,
    Bytes,
    Json,
    JsonLines,
    #[cfg(feature = "csv")]
    Csv {
        /// No checksum will tell whether the text is whole.
        is_plain: bool,
    },
    #[cfg(feature = "toml")]
    Toml,
    #[cfg(feature = "yaml")]
    Yaml,
    #[cfg(feature = "msgpack")]
    MessagePack,
    #[cfg(feature = "arrow")]
    Arrow,
    #[cfg(feature = "parquet")]
    Parquet,
}

/// A type of values.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) id: TypeId,
    pub(super) name: &'static str,
    pub(super) schema: fn() -> Arc<Schema>,
}

impl Builtin {
    /// The one for this target.
    pub(super) fn for_target(target: &Location, of: Type) -> Result<&'static Self, StoreError> {
        let extension = Extension::find(target.as_str());
        if extension.takes_text() && is_text(of.id) {
            return Ok(&Builtin::Text);
        }
        if extension.takes_bytes() && is_bytes(of.id) {
            return Ok(&Builtin::Bytes);
        }
        let codec: Result<&'static Self, &'static str> = match extension {
            Extension::Bincode => Ok(&Builtin::Bincode),
            Extension::Json => Ok(&Builtin::Json),
            #[cfg(feature = "csv")]
            Extension::Csv if without_zst(target).1 => Ok(&Builtin::Csv { is_plain: false }),
            #[cfg(feature = "csv")]
            Extension::Csv => Ok(&Builtin::Csv { is_plain: true }),
            #[cfg(not(feature = "csv"))]
            Extension::Csv => Err("csv"),
            Extension::JsonLines => Ok(&Builtin::JsonLines),
            #[cfg(feature = "toml")]
            Extension::Toml => Ok(&Builtin::Toml),
            #[cfg(not(feature = "toml"))]
            Extension::Toml => Err("toml"),
            #[cfg(feature = "yaml")]
            Extension::Yaml => Ok(&Builtin::Yaml),
            #[cfg(not(feature = "yaml"))]
            Extension::Yaml => Err("yaml"),
            #[cfg(feature = "msgpack")]
            Extension::MessagePack => Ok(&Builtin::MessagePack),
            #[cfg(not(feature = "msgpack"))]
            Extension::MessagePack => Err("msgpack"),
            #[cfg(feature = "arrow")]
            Extension::Arrow => Ok(&Builtin::Arrow),
            #[cfg(not(feature = "arrow"))]
            Extension::Arrow => Err("arrow"),
            #[cfg(feature = "parquet")]
            Extension::Parquet => Ok(&Builtin::Parquet),
            #[cfg(not(feature = "parquet"))]
            Extension::Parquet => Err("parquet"),
            // Refused below.
            Extension::Text | Extension::Foreign => Ok(&Builtin::Bincode),
        };
        let codec = codec.map_err(|feature| StoreError::WithoutFeature { target: target.to_string(), feature })?;
        match find_refusal(extension, of.schema) {
            Some((takes, instead)) => {
                Err(StoreError::NotTaken { target: target.to_string(), value: of.name, takes, instead })
            }
            None => Ok(codec),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Builtin::Bincode => "bincode",
            Builtin::Text => "text",
            Builtin::Bytes => "bytes",
            Builtin::Json => "json",
            Builtin::JsonLines => "jsonl",
            #[cfg(feature = "csv")]
            Builtin::Csv { .. } => "csv",
            #[cfg(feature = "toml")]
            Builtin::Toml => "toml",
            #[cfg(feature = "yaml")]
            Builtin::Yaml => "yaml",
            #[cfg(feature = "msgpack")]
            Builtin::MessagePack => "msgpack",
            #[cfg(feature = "arrow")]
            Builtin::Arrow => "arrow",
            #[cfg(feature = "parquet")]
            Builtin::Parquet => "parquet",
        }
    }

    fn allows_note(self) -> bool {
        match self {
            #[cfg(feature = "arrow")]
            Builtin::Arrow => true,
            #[cfg(feature = "parquet")]
            Builtin::Parquet => true,
            _ => false,
        }
    }

    fn check_whole(self, bytes: &[u8]) -> Result<(), &'static str> {
        match self {
            Builtin::Json => json::check_whole(bytes),
            Builtin::JsonLines => check_ends_in_newline(bytes),
            #[cfg(feature = "csv")]
            Builtin::Csv { .. } => csv::check_whole(bytes),
            #[cfg(feature = "toml")]
            Builtin::Toml => check_ends_in_newline(bytes),
            #[cfg(feature = "yaml")]
            Builtin::Yaml => check_ends_in_newline(bytes),
            #[cfg(feature = "arrow")]
            Builtin::Arrow => Codec::<RecordBatch>::check_whole(&Arrow, bytes),
            #[cfg(feature = "parquet")]
            Builtin::Parquet => Codec::<RecordBatch>::check_whole(&Parquet, bytes),
            _ => Ok(()),
        }
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Builtin {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let text = match self {
            Builtin::Bincode => return bincode::encode(value, out),
            Builtin::Text | Builtin::Bytes => return verbatim::encode(value, out),
            #[cfg(feature = "arrow")]
            Builtin::Arrow => return Rows(Arrow).encode(value, out),
            #[cfg(feature = "parquet")]
            Builtin::Parquet => return Rows(Parquet).encode(value, out),
            Builtin::Json => json::write(value)?,
            Builtin::JsonLines => json_lines::write(value)?,
            #[cfg(feature = "csv")]
            Builtin::Csv { is_plain } => csv::write(value, *is_plain)?,
            #[cfg(feature = "toml")]
            Builtin::Toml => toml::write(value)?,
            #[cfg(feature = "yaml")]
            Builtin::Yaml => yaml::write(value)?,
            #[cfg(feature = "msgpack")]
            Builtin::MessagePack => message_pack::write(value)?,
        };
        // Text cannot say everything: JSON turns NaN into null, CSV an empty text into none. What would come back as something else
        // is refused while the value is still there.
        match self.decode(&text) {
            Ok(back) if is_same(value, &back) => Ok(out.write_all(&text)?),
            Ok::<T, _>(_) => Err(is_another().into()),
            Err(error) => Err(Lossy(error.to_string()).into()),
        }
    }

    fn encode_with_note(&self, value: &T, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        let _ = note;
        match self {
            #[cfg(feature = "arrow")]
            Builtin::Arrow => Rows(Arrow).encode_with_note(value, note, out),
            #[cfg(feature = "parquet")]
            Builtin::Parquet => Rows(Parquet).encode_with_note(value, note, out),
            _ => self.encode(value, out),
        }
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        match self {
            Builtin::Bincode => bincode::decode(bytes),
            Builtin::Text => verbatim::decode_text(bytes),
            Builtin::Bytes => verbatim::decode_bytes(bytes),
            Builtin::Json => json::read(bytes),
            Builtin::JsonLines => json_lines::read(bytes),
            #[cfg(feature = "csv")]
            Builtin::Csv { .. } => csv::read(bytes),
            #[cfg(feature = "toml")]
            Builtin::Toml => toml::read(bytes),
            #[cfg(feature = "yaml")]
            Builtin::Yaml => yaml::read(bytes),
            #[cfg(feature = "msgpack")]
            Builtin::MessagePack => message_pack::read(bytes),
            #[cfg(feature = "arrow")]
            Builtin::Arrow => Rows(Arrow).decode(bytes),
            #[cfg(feature = "parquet")]
            Builtin::Parquet => Rows(Parquet).decode(bytes),
        }
    }

    fn read(&self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<T>> {
        if *self == Builtin::Bincode { bincode::read_numbers(payload, bytes) } else { None }
    }

    fn pieces(&self, payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<T>> {
        if *self == Builtin::Bincode { bincode::pieces(payload, count) } else { None }
    }

    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<T>())
    }

    fn name(&self) -> &'static str {
        (*self).name()
    }

    fn allows_footer(&self) -> bool {
        *self == Builtin::Bincode
    }

    fn allows_note(&self) -> bool {
        (*self).allows_note()
    }

    fn allows_empty(&self) -> bool {
        matches!(self, Builtin::Text)
    }

    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        (*self).check_whole(bytes)
    }

    fn is_beginning(&self, bytes: &[u8]) -> bool {
        *self == Builtin::Bincode && bincode::is_beginning::<T>(bytes)
    }
}

fn is_another() -> Lossy {
    Lossy("another value does (NaN, an infinity, or an empty text where there may be none)".to_owned())
}

/// Of text that ends in a newline whatever the value.
fn check_ends_in_newline(text: &[u8]) -> Result<(), &'static str> {
    if text.last() == Some(&b'\n') { Ok(()) } else { Err("it does not end in a newline") }
}

/// What targets with this extension take and what to do instead, if it is certain that a value of this schema cannot be written there.
fn find_refusal(extension: Extension, schema: fn() -> Arc<Schema>) -> Option<(&'static str, &'static str)> {
    const OTHERWISE: &str = "give the task `store = ..` with a codec that writes it, or `save = false` and a `#[target]` parameter to \
                             write it yourself, or end the target otherwise; without an extension any value is kept";
    const AS_JSON: &str = "end the target in .json, or in nothing, which keeps any value";
    let is = |kinds: &[Kind]| {
        let outermost = schema().outermost;
        // What does not say it may be anything.
        outermost.is_none_or(|kind| kind == Kind::Anything || kinds.contains(&kind))
    };
    match extension {
        Extension::Text => Some(("a text (a `String`) or bytes (a `Vec<u8>`)", OTHERWISE)),
        Extension::Foreign => Some(("the bytes of another program's format (a `Vec<u8>`)", OTHERWISE)),
        Extension::Csv | Extension::Arrow | Extension::Parquet => {
            let rows = schema().element.is_none_or(|row| matches!(row, Kind::Struct | Kind::Anything));
            (!is(&[Kind::Sequence]) || !rows).then_some(("a vector of structs", AS_JSON))
        }
        Extension::JsonLines => {
            (!is(&[Kind::Sequence, Kind::Tuple])).then_some(("a vector, a line for each element", AS_JSON))
        }
        Extension::Toml => {
            let tables = [Kind::Struct, Kind::Map, Kind::Enum, Kind::Option];
            (!is(&tables)).then_some(("a struct or a map", AS_JSON))
        }
        Extension::Bincode | Extension::Json | Extension::Yaml | Extension::MessagePack => None,
    }
}
