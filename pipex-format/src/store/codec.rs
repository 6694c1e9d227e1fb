//! From a value to bytes and back, as the target's extension says.
//!
//! Nothing else knows of bincode, which is no longer maintained and here only writes: its format is fixed and specified, and
//! what reads it is our own.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bincode_reader::{self, ReadError};
use super::compression::{compress, expand};
use super::csv;
use super::schema::schema;
use crate::model::hash::is_same;
use crate::model::target::Location;

/// What codecs say.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// How an output is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Format {
    codec: Codec,
    zstd: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Codec {
    Bincode,
    Json,
    Csv,
}

/// bincode's `legacy` configuration, little-endian and with integers of fixed size: what bincode 1 writes by default, and
/// the fastest to read and write.
const BINCODE: bincode::config::Configuration<bincode::config::LittleEndian, bincode::config::Fixint> =
    bincode::config::legacy();

impl Format {
    /// The format that the target's extension stands for. An unknown one, which may be part of a name, is bincode.
    pub(super) fn from_target(target: &Location) -> Self {
        let name = target.as_str();
        let (name, zstd) = match name.strip_suffix(".zst") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let codec = if name.ends_with(".json") {
            Codec::Json
        } else if name.ends_with(".csv") {
            Codec::Csv
        } else {
            Codec::Bincode
        };
        Format { codec, zstd }
    }

    /// The name of the codec.
    pub(super) fn name(self) -> &'static str {
        match (self.codec, self.zstd) {
            (Codec::Bincode, false) => "bincode",
            (Codec::Json, false) => "json",
            (Codec::Csv, false) => "csv",
            (Codec::Bincode, true) => "zstd of bincode",
            (Codec::Json, true) => "zstd of json",
            (Codec::Csv, true) => "zstd of csv",
        }
    }

    /// Whether a footer stands behind the payload. Text stays plain, for people and other programs.
    pub(super) fn has_footer(self) -> bool {
        self.zstd || self.codec == Codec::Bincode
    }

    /// Whether the payload is text.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_text(self) -> bool {
        !self.has_footer()
    }

    /// The bytes of the shortest file that can be whole. JSON has at least a digit, CSV a newline.
    pub(super) fn shortest(self) -> u64 {
        if self.has_footer() { super::footer::SHORTEST } else { 1 }
    }

    /// Whether text that has no checksum can be whole; else what it lacks. A document that goes on would be another one.
    pub(super) fn check_whole(self, text: &[u8]) -> Result<(), &'static str> {
        match (self.codec, text.last()) {
            (Codec::Csv, _) if text.contains(&0) => Err("it has NUL bytes, as a file has of which not all was written"),
            (Codec::Csv, last) if last != Some(&b'\n') => Err("it does not end in a newline"),
            (Codec::Csv, _) if csv::ends_in_quotes(text) => Err("it ends in the midst of a quoted text"),
            (Codec::Json, Some(b'0'..=b'9')) => Err("it ends in a digit, without a newline, and may go on"),
            _ => Ok(()),
        }
    }

    /// Writes the value's payload; how many bytes it expands to, if it is compressed.
    pub(super) fn encode<T: Serialize + DeserializeOwned + 'static>(
        self,
        value: &T,
        out: &mut impl Write,
    ) -> Result<Option<u64>, Error> {
        if !self.zstd {
            return self.codec.encode(value, out, |text| self.check_whole(text)).map(|()| None);
        }
        compress(out, |out| self.codec.encode(value, out, |_| Ok(()))).map(Some)
    }

    /// Reads what [`encode`](Format::encode) wrote: all of it, and nothing but it. `expanded` is what that gave, if it is known.
    pub(super) fn decode<T: Serialize + DeserializeOwned + 'static>(
        self,
        payload: &[u8],
        expanded: Option<u64>,
    ) -> Result<T, Error> {
        if !self.zstd {
            return self.codec.decode(payload);
        }
        self.codec.decode(&expand(payload, expanded)?)
    }

    /// Whether bytes that have no footer are the beginning of a payload of this format. The value is only tried.
    pub(super) fn is_beginning<T: DeserializeOwned + 'static>(self, bytes: &[u8]) -> bool {
        const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
        if self.zstd {
            return bytes.starts_with(&ZSTD_MAGIC);
        }
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

impl Codec {
    fn encode<T: Serialize + DeserializeOwned + 'static>(
        self,
        value: &T,
        out: &mut impl Write,
        check_whole: impl FnOnce(&[u8]) -> Result<(), &'static str>,
    ) -> Result<(), Error> {
        let text = match self {
            Codec::Bincode if schema::<T>().asks_what_is_there() => {
                let asks =
                    "it asks what stands there, which bincode does not say (flatten, untagged, or any JSON value)";
                return Err(format!("{asks}: end the target in .json").into());
            }
            // What contains itself may nest deeper than one can read.
            Codec::Bincode if schema::<T>().is_recursive => {
                let bytes = bincode::serde::encode_to_vec(value, BINCODE)?;
                bincode_reader::read::<T>(&bytes)?;
                out.write_all(&bytes)?;
                return Ok(());
            }
            Codec::Bincode => {
                bincode::serde::encode_into_std_write(value, out, BINCODE)?;
                return Ok(());
            }
            Codec::Json => {
                let mut text = serde_json::to_vec_pretty(value)?;
                text.push(b'\n');
                text
            }
            Codec::Csv => csv::encode(value)?,
        };
        check_whole(&text).map_err(|problem| Lossy(problem.to_owned()))?;
        self.comes_back(value, &text)?;
        out.write_all(&text)?;
        Ok(())
    }

    fn decode<T: Serialize + DeserializeOwned + 'static>(self, bytes: &[u8]) -> Result<T, Error> {
        match self {
            Codec::Bincode => Ok(bincode_reader::read(bytes)?),
            Codec::Json => Ok(serde_json::from_slice(bytes)?),
            Codec::Csv => csv::decode(bytes),
        }
    }

    /// Text cannot say everything: JSON turns NaN into null, CSV an empty text into none. What would come back as something
    /// else is refused while the value is still there.
    fn comes_back<T: Serialize + DeserializeOwned + 'static>(self, value: &T, text: &[u8]) -> Result<(), Error> {
        let back: T = self.decode(text).map_err(|error| Lossy(error.to_string()))?;
        if is_same(value, &back) {
            return Ok(());
        }
        Err(Lossy("another value does (NaN, an infinity, or an empty text where there may be none)".to_owned()).into())
    }
}

/// What would come back is not what was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Lossy(pub(super) String);
