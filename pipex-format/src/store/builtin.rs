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
use super::elements::{Elements, read_numbers};
use super::error::StoreError;
use super::extension::Extension;
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use super::pieces::Pieces;
use super::schema::{Kind, Schema, schema};
use super::typed::{AnyPlace, AnyValue, taken};
use super::verbatim::{self, is_bytes, is_text};
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

    /// Writes a value, and with it this note where it can have one.
    fn write(self, value: &dyn AnyValue, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()> {
        let _ = note;
        let text = match self {
            Builtin::Bincode => return bincode::encode(value, out),
            Builtin::Text | Builtin::Bytes => return verbatim::encode(value.as_any(), out),
            #[cfg(feature = "arrow")]
            Builtin::Arrow => return value.write_arrow(note, out),
            #[cfg(feature = "parquet")]
            Builtin::Parquet => return value.write_parquet(note, out),
            Builtin::Json => json::write(&|text, layout| value.write_json(text, layout))?,
            Builtin::JsonLines => json_lines::write(&|text, layout| value.write_json(text, layout))?,
            #[cfg(feature = "csv")]
            Builtin::Csv { is_plain } => csv::write(value, is_plain)?,
            #[cfg(feature = "toml")]
            Builtin::Toml => value.write_toml()?,
            #[cfg(feature = "yaml")]
            Builtin::Yaml => value.write_yaml()?,
            #[cfg(feature = "msgpack")]
            Builtin::MessagePack => value.write_message_pack()?,
        };
        // Text cannot say everything: JSON turns NaN into null, CSV an empty text into none. What would come back as something else
        // is refused while the value is still there.
        let mut back = value.place();
        match (self.read(&text, &mut *back), back.value()) {
            (Ok(()), Some(back)) if is_same(&|hasher| value.hash(hasher), &|hasher| back.hash(hasher)) => {
                Ok(out.write_all(&text)?)
            }
            (Ok(()), _) => Err(is_another().into()),
            (Err(error), _) => Err(Lossy(error.to_string()).into()),
        }
    }

    /// Reads a value.
    fn read(self, bytes: &[u8], place: &mut dyn AnyPlace) -> StoreResult<()> {
        match self {
            Builtin::Bincode => bincode::decode(bytes, place),
            Builtin::Text => verbatim::decode_text(bytes, place.as_any()),
            Builtin::Bytes => verbatim::decode_bytes(bytes, place.as_any()),
            Builtin::Json => Ok(place.read_json(bytes)?),
            Builtin::JsonLines => json_lines::read(bytes, &mut |documents| place.read_documents(documents)),
            #[cfg(feature = "csv")]
            Builtin::Csv { .. } => csv::read(bytes, place),
            #[cfg(feature = "toml")]
            Builtin::Toml => place.read_toml(bytes),
            #[cfg(feature = "yaml")]
            Builtin::Yaml => place.read_yaml(bytes),
            #[cfg(feature = "msgpack")]
            Builtin::MessagePack => place.read_message_pack(bytes),
            #[cfg(feature = "arrow")]
            Builtin::Arrow => place.read_arrow(bytes),
            #[cfg(feature = "parquet")]
            Builtin::Parquet => place.read_parquet(bytes),
        }
    }

    /// Reads a value from a payload of so many bytes, where it can.
    fn read_from(self, payload: &mut dyn Read, bytes: u64, place: &mut dyn AnyPlace) -> Option<StoreResult<()>> {
        if self == Builtin::Bincode { read_numbers(payload, bytes, place) } else { None }
    }

    fn has_pieces(self, schema: fn() -> Arc<Schema>) -> bool {
        self == Builtin::Bincode && schema().outermost == Some(Kind::Sequence)
    }

    fn is_beginning(self, bytes: &[u8], place: &mut dyn AnyPlace) -> bool {
        self == Builtin::Bincode && bincode::is_beginning(bytes, place)
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Builtin {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        self.write(value, None, out)
    }

    fn encode_with_note(&self, value: &T, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        self.write(value, Some(note), out)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let mut place = None;
        taken((*self).read(bytes, &mut place), place)
    }

    #[expect(clippy::manual_map, reason = "a closure would be compiled for each type")]
    fn read(&self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<T>> {
        let mut place = None;
        match self.read_from(payload, bytes, &mut place) {
            Some(read) => Some(taken(read, place)),
            None => None,
        }
    }

    fn pieces(&self, payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<T>> {
        if !self.has_pieces(schema::<T>) {
            return None;
        }
        let mut elements = Elements::new(payload, count);
        Some(Pieces::new(move || {
            let mut piece = None;
            match (elements.next(&mut piece), piece) {
                (Err(error), _) => Some(Err(error)),
                (Ok(()), Some(piece)) => Some(Ok(piece)),
                (Ok(()), None) => None,
            }
        }))
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
        (*self).is_beginning(bytes, &mut None::<T>)
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
