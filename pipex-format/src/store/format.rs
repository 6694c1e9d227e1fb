//! How the value of one target is written: by a codec, which the target's extension chooses unless the store was given one, and
//! compressed or not.

use std::any::TypeId;
use std::error::Error;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::builtin::{Builtin, Type};
use super::codec::{Codec, Lossy, Shape, without_zst};
use super::compression::{TooLarge, compress, expand, reader};
use super::error::StoreError;
use super::extension::Extension;
use super::footer::{self, Footer};
use super::note::Note;
use super::payload::Payload;
use super::pieces::{Pieces, SayWrong};
use super::schema::schema;
use super::typed::{NOTHING, taken};
use crate::model::target::Location;

/// A codec at work: on the value that it writes, or for the one that it reads, whatever their type.
pub(super) trait AnyIo {
    /// The name of the type.
    fn type_name(&self) -> &'static str;
    /// The shape of the type, if it is known.
    fn shape(&self) -> Option<&Shape>;
    /// What the codec says of itself.
    fn traits(&self) -> Traits;
    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str>;
    fn is_beginning(&self, bytes: &[u8]) -> bool;
    /// Writes the value, and with it this note.
    fn encode(&self, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()>;
    /// Reads the value.
    fn decode(&mut self, bytes: &[u8]) -> StoreResult<()>;
    /// Reads it from its payload, where the codec can.
    fn read(&mut self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<()>>;
}

/// What a codec says of itself.
#[derive(Clone, Copy)]
pub(super) struct Traits {
    name: &'static str,
    allows_footer: bool,
    allows_note: bool,
    allows_empty: bool,
}

/// The codec of values of a type, the value that it is to write, and the one that it has read.
pub(super) struct Io<'c, T> {
    codec: &'c dyn Codec<T>,
    shape: Option<Shape>,
    given: Option<&'c T>,
    read: Option<T>,
}

impl<'c, T> Io<'c, T> {
    /// The codec for this target.
    pub(super) fn for_target<C: Codec<T>>(codec: &'c C, target: &Location) -> StoreResult<Self> {
        match (check_compression(target), codec.for_target(target)) {
            (Ok(()), Ok(of_target)) => Ok(Io { codec: of_target, shape: codec.shape(), given: None, read: None }),
            (Err(error), _) => Err(error.into()),
            (_, Err(error)) => Err(error),
        }
    }

    /// The same, for this value.
    pub(super) fn of(self, value: &'c T) -> Self {
        Io { given: Some(value), ..self }
    }

    /// What was read, once it was.
    pub(super) fn into_value(self, read: StoreResult<()>) -> StoreResult<T> {
        taken(read, self.read)
    }

    /// What it reads from a payload in pieces of so many elements, if the codec has them.
    pub(super) fn pieces(&self, payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<T>>
    where
        T: 'static,
    {
        self.codec.pieces(payload, count)
    }
}

impl<T> AnyIo for Io<'_, T> {
    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn shape(&self) -> Option<&Shape> {
        self.shape.as_ref()
    }

    fn traits(&self) -> Traits {
        let codec = self.codec;
        Traits {
            name: codec.name(),
            allows_footer: codec.allows_footer(),
            allows_note: codec.allows_note(),
            allows_empty: codec.allows_empty(),
        }
    }

    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        self.codec.check_whole(bytes)
    }

    fn is_beginning(&self, bytes: &[u8]) -> bool {
        self.codec.is_beginning(bytes)
    }

    fn encode(&self, note: Option<&str>, out: &mut dyn Write) -> StoreResult<()> {
        match (self.given, note) {
            (Some(value), Some(note)) => self.codec.encode_with_note(value, note, out),
            (Some(value), None) => self.codec.encode(value, out),
            (None, _) => Err(NOTHING.into()),
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> StoreResult<()> {
        match self.codec.decode(bytes) {
            Ok(value) => self.read = Some(value),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn read(&mut self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<()>> {
        match self.codec.read(payload, bytes) {
            None => None,
            Some(Ok(value)) => {
                self.read = Some(value);
                Some(Ok(()))
            }
            Some(Err(error)) => Some(Err(error)),
        }
    }
}

/// Whether a target can be compressed, if it says so.
fn check_compression(target: &Location) -> Result<(), StoreError> {
    if cfg!(not(feature = "zstd")) && without_zst(target).1 {
        return Err(StoreError::WithoutFeature { target: target.to_string(), feature: "zstd" });
    }
    Ok(())
}

/// How the value of a target is written.
pub(super) struct Format<'i> {
    pub(super) io: &'i mut dyn AnyIo,
    traits: Traits,
    is_compressed: bool,
}

impl<'i> Format<'i> {
    /// By this codec, and zstd if the target ends in `.zst`.
    pub(super) fn new(io: &'i mut dyn AnyIo, target: &Location) -> Self {
        let (traits, (_, is_compressed)) = (io.traits(), without_zst(target));
        Format { io, traits, is_compressed }
    }

    /// What errors call it.
    pub(super) fn name(&self) -> String {
        let name = self.traits.name;
        if self.is_compressed { format!("zstd of {name}") } else { name.to_owned() }
    }

    /// What a footer says of the codec: its name, unless it is the one that the target's extension stands for.
    pub(super) fn recorded_codec(&self, target: &Location) -> Option<&'static str> {
        Some(self.traits.name).filter(|name| *name != codec_name(target))
    }

    /// Whether this codec wrote the payload. Bincode would read another's as something else.
    pub(super) fn check_codec(&self, recorded: Option<&str>, target: &Location) -> Result<(), StoreError> {
        if recorded == self.recorded_codec(target) {
            return Ok(());
        }
        Err(StoreError::OtherCodec {
            target: target.to_string(),
            found: recorded.unwrap_or_else(|| codec_name(target)).to_owned(),
            wanted: self.traits.name.to_owned(),
        })
    }

    /// Whether what has this footer is what is asked for.
    pub(super) fn check_footer(&self, footer: &Footer, target: &Location) -> Result<(), StoreError> {
        self.check_codec(footer.codec.as_deref(), target)?;
        footer.check_type(self.io.type_name(), self.io.shape(), target.as_str())
    }

    /// Whether a footer stands behind the payload. Text stays plain, for people and other programs.
    pub(super) fn has_footer(&self) -> bool {
        self.is_compressed || self.traits.allows_footer
    }

    /// Whether a note stands within the payload, which says what a footer would.
    pub(super) fn has_note(&self) -> bool {
        !self.has_footer() && self.traits.allows_note
    }

    /// The bytes of the shortest file that can be whole.
    pub(super) fn shortest(&self) -> u64 {
        if self.has_footer() { footer::SHORTEST } else { u64::from(!self.traits.allows_empty) }
    }

    /// Whether a file that has no checksum can be whole, and was not written by a codec that has one.
    pub(super) fn check_whole(&self, bytes: &[u8], target: &Location) -> Result<(), StoreError> {
        if let Some(footer) = Footer::find(bytes) {
            self.check_codec(footer.codec.as_deref(), target)?;
        }
        let not_whole = |problem| StoreError::NotWhole { target: target.to_string(), problem };
        self.io.check_whole(bytes).map_err(not_whole)
    }

    /// Whether bytes that have no footer are the beginning of a payload of this format.
    pub(super) fn is_beginning(&self, bytes: &[u8]) -> bool {
        const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
        if self.is_compressed { bytes.starts_with(&ZSTD_MAGIC) } else { self.io.is_beginning(bytes) }
    }

    /// Reads what [`encode`](Format::encode) wrote: all of it, and nothing but it. `expanded` is what that gave, if it is known.
    pub(super) fn decode(&mut self, payload: &[u8], expanded: Option<u64>, target: &str) -> StoreResult<()> {
        let decoded = if self.is_compressed {
            expand(payload, expanded).and_then(|bytes| self.io.decode(&bytes))
        } else {
            self.io.decode(payload)
        };
        decoded.map_err(|source| {
            let target = target.to_owned();
            if source.is::<TooLarge>() {
                return StoreError::TooLarge { target, source }.into();
            }
            StoreError::Decode { target, codec: self.name(), source }.into()
        })
    }

    /// Reads a value from its payload where the codec can; whether it did, and the value is whole. What is wrong with it,
    /// [`decode`](Format::decode) says.
    pub(super) fn read(&mut self, payload: Payload, footer: &Footer) -> bool {
        let Some(bytes) = (if self.is_compressed { footer.expanded } else { Some(footer.length) }) else {
            return false;
        };
        self.open(payload).is_ok_and(|mut payload| self.io.read(&mut payload, bytes).is_some_and(|read| read.is_ok()))
    }

    /// What the codec wrote, and what is said of it when that is wrong.
    pub(super) fn open_pieces(&self, payload: Payload) -> StoreResult<(Box<dyn Read + Send>, SayWrong)> {
        let (again, name) = (payload.anew(), self.name());
        let say = move |error: AnyError| -> AnyError {
            match io::copy(&mut again.anew(), &mut io::sink()) {
                Err(error) => again.failed(error).into(),
                Ok(_) => StoreError::Decode { target: again.target(), codec: name.clone(), source: error }.into(),
            }
        };
        match self.open(payload) {
            Ok(payload) => Ok((payload, Box::new(say))),
            Err(error) => Err(say(error.into())),
        }
    }

    /// What the codec wrote.
    fn open(&self, payload: Payload) -> io::Result<Box<dyn Read + Send>> {
        if self.is_compressed { reader(payload) } else { Ok(Box::new(payload)) }
    }

    /// Writes the value's payload, and within it the note's blank if it has one; how many bytes it expands to, if it is
    /// compressed. What the system says of the writing is no fault of the codec.
    pub(super) fn encode(&self, note: Option<&Note>, out: &mut dyn Write, target: &str) -> StoreResult<Option<u64>> {
        let encoded = if self.is_compressed {
            compress(out, |out| self.io.encode(None, out)).map(Some)
        } else {
            self.io.encode(note.map(Note::blank), out).map(|()| None)
        };
        encoded.map_err(|source| self.refused(source, target).into())
    }

    fn refused(&self, source: AnyError, target: &str) -> StoreError {
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

type AnyError = Box<dyn Error + Send + Sync>;

/// The codec of [`FileStore::new`](super::FileStore::new), chosen by the target's extension. Texts and bytes are written as they are
/// where it stands for a text, or for another program's format. JSON, JSON Lines, CSV, and with their cargo features TOML, YAML,
/// MessagePack, Arrow and Parquet are written by serde; anything else is bincode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByExtension;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for ByExtension {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        Builtin::Bincode.encode(value, out)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Builtin::Bincode.decode(bytes)
    }

    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<T>())
    }

    fn for_target(&self, target: &Location) -> StoreResult<&dyn Codec<T>> {
        let of = Type { id: TypeId::of::<T>(), name: std::any::type_name::<T>(), schema: schema::<T> };
        match Builtin::for_target(target, of) {
            Ok(builtin) => Ok(builtin),
            Err(error) => Err(error.into()),
        }
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
