//! How the value of one target is written: by a codec, which the target's extension chooses unless the store was given one, and
//! compressed or not.

use std::error::Error;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
#[cfg(feature = "arrow")]
use super::arrow::Arrow;
use super::bincode_reader::{self, ReadError};
use super::bincode_writer;
use super::codec::{Codec, Lossy, Shape, without_zst};
use super::compression::{TooLarge, compress, expand, reader};
#[cfg(feature = "csv")]
use super::csv::Csv;
use super::error::StoreError;
use super::extension::Extension;
use super::footer::{self, Footer};
use super::json::Json;
use super::json_lines::JsonLines;
#[cfg(feature = "msgpack")]
use super::message_pack::MessagePack;
use super::note::Note;
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use super::payload::Payload;
use super::pieces::{Elements, Pieces, read_numbers};
#[cfg(feature = "arrow")]
use super::rows::Rows;
use super::schema::{Kind, schema};
#[cfg(feature = "toml")]
use super::toml::Toml;
use super::verbatim::{Bytes, Text, is_bytes, is_text};
#[cfg(feature = "yaml")]
use super::yaml::Yaml;
use crate::model::target::Location;

/// How the value of a target is written.
pub(super) struct Format<'c, T> {
    codec: &'c dyn Codec<T>,
    is_compressed: bool,
}

impl<'c, T> Format<'c, T> {
    /// The codec for this target, and zstd if it ends in `.zst`.
    pub(super) fn for_target(codec: &'c impl Codec<T>, target: &Location) -> StoreResult<Self> {
        let (_, is_compressed) = without_zst(target);
        if is_compressed && cfg!(not(feature = "zstd")) {
            return Err(StoreError::WithoutFeature { target: target.to_string(), feature: "zstd" }.into());
        }
        Ok(Format { codec: codec.for_target(target)?, is_compressed })
    }

    /// What errors call it.
    pub(super) fn name(&self) -> String {
        let name = self.codec.name();
        if self.is_compressed { format!("zstd of {name}") } else { name.to_owned() }
    }

    /// What a footer says of the codec: its name, unless it is the one that the target's extension stands for.
    pub(super) fn recorded_codec(&self, target: &Location) -> Option<&'static str> {
        Some(self.codec.name()).filter(|name| *name != codec_name(target))
    }

    /// Whether this codec wrote the payload. Bincode would read another's as something else.
    pub(super) fn check_codec(&self, recorded: Option<&str>, target: &Location) -> Result<(), StoreError> {
        if recorded == self.recorded_codec(target) {
            return Ok(());
        }
        Err(StoreError::OtherCodec {
            target: target.to_string(),
            found: recorded.unwrap_or_else(|| codec_name(target)).to_owned(),
            wanted: self.codec.name().to_owned(),
        })
    }

    /// Whether a footer stands behind the payload. Text stays plain, for people and other programs.
    pub(super) fn has_footer(&self) -> bool {
        self.is_compressed || self.codec.allows_footer()
    }

    /// Whether a note stands within the payload, which says what a footer would.
    pub(super) fn has_note(&self) -> bool {
        !self.has_footer() && self.codec.allows_note()
    }

    /// The bytes of the shortest file that can be whole.
    pub(super) fn shortest(&self) -> u64 {
        if self.has_footer() { footer::SHORTEST } else { u64::from(!self.codec.allows_empty()) }
    }

    /// Whether a file that has no checksum can be whole, and was not written by a codec that has one.
    pub(super) fn check_whole(&self, bytes: &[u8], target: &Location) -> Result<(), StoreError> {
        if let Some(footer) = Footer::find(bytes) {
            self.check_codec(footer.codec.as_deref(), target)?;
        }
        let not_whole = |problem| StoreError::NotWhole { target: target.to_string(), problem };
        self.codec.check_whole(bytes).map_err(not_whole)
    }

    /// Whether bytes that have no footer are the beginning of a payload of this format.
    pub(super) fn is_beginning(&self, bytes: &[u8]) -> bool {
        const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
        if self.is_compressed { bytes.starts_with(&ZSTD_MAGIC) } else { self.codec.is_beginning(bytes) }
    }

    /// Reads what [`encode`](Format::encode) wrote: all of it, and nothing but it. `expanded` is what that gave, if it is known.
    pub(super) fn decode(&self, payload: &[u8], expanded: Option<u64>, target: &str) -> StoreResult<T> {
        let decoded = if self.is_compressed {
            expand(payload, expanded).and_then(|bytes| self.codec.decode(&bytes))
        } else {
            self.codec.decode(payload)
        };
        decoded.map_err(|source| {
            let target = target.to_owned();
            if source.is::<TooLarge>() {
                return StoreError::TooLarge { target, source }.into();
            }
            StoreError::Decode { target, codec: self.name(), source }.into()
        })
    }

    /// Reads a value from its payload where the codec can, and the value is whole. What is wrong with it, [`decode`](Format::decode) says.
    pub(super) fn read(&self, payload: Payload, footer: &Footer) -> Option<T> {
        let bytes = if self.is_compressed { footer.expanded? } else { footer.length };
        self.codec.read(&mut self.open(payload).ok()?, bytes)?.ok()
    }

    /// The value in pieces of so many elements, if the codec has them.
    pub(super) fn pieces(&self, payload: Payload, count: usize) -> StoreResult<Option<Pieces<T>>>
    where
        T: 'static,
    {
        let (again, name) = (payload.anew(), self.name());
        let say = move |error: Box<dyn Error + Send + Sync>| match io::copy(&mut again.anew(), &mut io::sink()) {
            Err(error) => again.failed(error).into(),
            Ok(_) => StoreError::Decode { target: again.target(), codec: name.clone(), source: error }.into(),
        };
        let pieces = match self.open(payload) {
            Ok(payload) => self.codec.pieces(payload, count),
            Err(error) => return Err(say(error.into())),
        };
        Ok(pieces.map(|pieces| -> Pieces<T> { Box::new(pieces.map(move |piece| piece.map_err(&say))) }))
    }

    /// What the codec wrote.
    fn open(&self, payload: Payload) -> io::Result<Box<dyn Read + Send>> {
        if self.is_compressed { reader(payload) } else { Ok(Box::new(payload)) }
    }

    /// Writes the value's payload, and within it the note's blank if it has one; how many bytes it expands to, if it is
    /// compressed. What the system says of the writing is no fault of the codec.
    pub(super) fn encode(
        &self,
        value: &T,
        note: Option<&Note>,
        out: &mut dyn Write,
        target: &str,
    ) -> StoreResult<Option<u64>> {
        let encoded = match note {
            _ if self.is_compressed => compress(out, |out| self.codec.encode(value, out)).map(Some),
            Some(note) => self.codec.encode_with_note(value, note.blank(), out).map(|()| None),
            None => self.codec.encode(value, out).map(|()| None),
        };
        encoded.map_err(|source| self.refused(source, target).into())
    }

    fn refused(&self, source: Box<dyn Error + Send + Sync>, target: &str) -> StoreError {
        let codec = self.name();
        if let Some(Lossy(reason)) = source.downcast_ref() {
            return StoreError::Lossy { target: target.to_owned(), codec, reason: reason.clone() };
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*source);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
                return StoreError::io("write", target.as_ref(), io::Error::from_raw_os_error(error));
            }
            cause = error.source();
        }
        StoreError::Encode { target: target.to_owned(), codec, source }
    }
}

/// The codec of [`FileStore::new`](super::FileStore::new), chosen by the target's extension. Texts and bytes are written as they are
/// where it stands for a text, or for another program's format. JSON, JSON Lines, CSV, and with their cargo features TOML, YAML,
/// MessagePack, Arrow and Parquet are written by serde; anything else is bincode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByExtension;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for ByExtension {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        Bincode.encode(value, out)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Bincode.decode(bytes)
    }

    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<T>())
    }

    fn for_target(&self, target: &Location) -> StoreResult<&dyn Codec<T>> {
        let extension = Extension::find(target.as_str());
        if extension.takes_text() && is_text::<T>() {
            return Ok(&Text);
        }
        if extension.takes_bytes() && is_bytes::<T>() {
            return Ok(&Bytes);
        }
        let codec: Result<&dyn Codec<T>, &'static str> = match extension {
            Extension::Bincode => Ok(&Bincode),
            Extension::Json => Ok(&Json),
            #[cfg(feature = "csv")]
            Extension::Csv if without_zst(target).1 => Ok(&Csv { is_plain: false }),
            #[cfg(feature = "csv")]
            Extension::Csv => Ok(&Csv { is_plain: true }),
            #[cfg(not(feature = "csv"))]
            Extension::Csv => Err("csv"),
            Extension::JsonLines => Ok(&JsonLines),
            #[cfg(feature = "toml")]
            Extension::Toml => Ok(&Toml),
            #[cfg(not(feature = "toml"))]
            Extension::Toml => Err("toml"),
            #[cfg(feature = "yaml")]
            Extension::Yaml => Ok(&Yaml),
            #[cfg(not(feature = "yaml"))]
            Extension::Yaml => Err("yaml"),
            #[cfg(feature = "msgpack")]
            Extension::MessagePack => Ok(&MessagePack),
            #[cfg(not(feature = "msgpack"))]
            Extension::MessagePack => Err("msgpack"),
            #[cfg(feature = "arrow")]
            Extension::Arrow => Ok(&Rows(Arrow)),
            #[cfg(not(feature = "arrow"))]
            Extension::Arrow => Err("arrow"),
            #[cfg(feature = "parquet")]
            Extension::Parquet => Ok(&Rows(Parquet)),
            #[cfg(not(feature = "parquet"))]
            Extension::Parquet => Err("parquet"),
            // Refused below.
            Extension::Text | Extension::Foreign => Ok(&Bincode),
        };
        let codec = codec.map_err(|feature| StoreError::WithoutFeature { target: target.to_string(), feature })?;
        match find_refusal::<T>(extension) {
            Some((takes, instead)) => {
                let (target, value) = (target.to_string(), std::any::type_name::<T>());
                Err(StoreError::NotTaken { target, value, takes, instead }.into())
            }
            None => Ok(codec),
        }
    }
}

/// What targets with this extension take and what to do instead, if it is certain that a `T` cannot be written there.
fn find_refusal<T: DeserializeOwned + 'static>(extension: Extension) -> Option<(&'static str, &'static str)> {
    const OTHERWISE: &str = "give the task `store = ..` with a codec that writes it, or `save = false` and a `#[target]` parameter to \
                             write it yourself, or end the target otherwise; without an extension any value is kept";
    const AS_JSON: &str = "end the target in .json, or in nothing, which keeps any value";
    let is = |kinds: &[Kind]| {
        let outermost = schema::<T>().outermost;
        // What does not say it may be anything.
        outermost.is_none_or(|kind| kind == Kind::Anything || kinds.contains(&kind))
    };
    match extension {
        Extension::Text => Some(("a text (a `String`) or bytes (a `Vec<u8>`)", OTHERWISE)),
        Extension::Foreign => Some(("the bytes of another program's format (a `Vec<u8>`)", OTHERWISE)),
        Extension::Csv | Extension::Arrow | Extension::Parquet => {
            let rows = schema::<T>().element.is_none_or(|row| matches!(row, Kind::Struct | Kind::Anything));
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

/// The name of the codec that a footer means which does not say one: that of the extensions that had a codec when footers
/// began. All later codecs are said.
pub(super) fn codec_name(target: &Location) -> &'static str {
    match Extension::find(target.as_str()) {
        Extension::Json => "json",
        Extension::Csv => "csv",
        _ => "bincode",
    }
}

/// bincode's `legacy` configuration, little-endian and with integers of fixed size: what bincode 1 writes by default, and
/// the fastest to read and write. bincode itself is no longer maintained; its format is fixed and specified.
pub(super) struct Bincode;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Bincode {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
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

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Ok(bincode_reader::read(bytes)?)
    }

    fn read(&self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<T>> {
        read_numbers(payload, bytes)
    }

    fn pieces(&self, payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<T>> {
        let is_sequence = schema::<T>().outermost == Some(Kind::Sequence);
        is_sequence.then(|| -> Pieces<T> { Box::new(Elements::new(payload, count)) })
    }

    fn name(&self) -> &'static str {
        "bincode"
    }

    fn allows_footer(&self) -> bool {
        true
    }

    fn is_beginning(&self, bytes: &[u8]) -> bool {
        // What is a sequence begins with its length, and a text of somebody's, read as one, is beyond any disk.
        let shape = &schema::<T>().shape;
        if (shape.starts_with(['[', '{']) || shape.starts_with("str"))
            && bytes.first_chunk().is_some_and(|length| u64::from_le_bytes(*length) > 1 << 48)
        {
            return false;
        }
        matches!(bincode_reader::read::<T>(bytes), Err(ReadError::End))
    }
}
