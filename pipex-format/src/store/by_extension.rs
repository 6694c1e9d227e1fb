//! The codecs that pipex brings, of which the target's extension chooses one.
//!
//! Nothing else knows of bincode, which is no longer maintained and here only writes: its format is fixed and specified, and
//! what reads it is our own.

use std::io::{BufWriter, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::bincode_reader::{self, ReadError};
use super::codec::{Codec, Shape};
use super::codec::{PIECE, check_comes_back, without_zst};
#[cfg(feature = "csv")]
use super::csv::Csv;
#[cfg(not(feature = "csv"))]
use super::error::StoreError;
use super::schema::schema;
use crate::model::target::Location;

/// The codec of [`FileStore::new`](super::FileStore::new): JSON where the target ends in `.json`, CSV where it ends in `.csv`, else bincode.
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
        match codec_name(target) {
            "json" => Ok(&Json),
            #[cfg(feature = "csv")]
            "csv" if without_zst(target).1 => Ok(&Csv { is_plain: false }),
            #[cfg(feature = "csv")]
            "csv" => Ok(&Csv { is_plain: true }),
            #[cfg(not(feature = "csv"))]
            "csv" => Err(StoreError::WithoutFeature { target: target.to_string(), feature: "csv" }.into()),
            _ => Ok(&Bincode),
        }
    }
}

/// The name of the codec that the target's extension stands for. An unknown one, which may be part of a name, is bincode.
pub(super) fn codec_name(target: &Location) -> &'static str {
    match without_zst(target).0.rsplit_once('.') {
        Some((_, "json")) => "json",
        Some((_, "csv")) => "csv",
        _ => "bincode",
    }
}

/// bincode's `legacy` configuration, little-endian and with integers of fixed size: what bincode 1 writes by default, and
/// the fastest to read and write.
const BINCODE: bincode::config::Configuration<bincode::config::LittleEndian, bincode::config::Fixint> =
    bincode::config::legacy();

struct Bincode;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Bincode {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let schema = schema::<T>();
        if schema.asks_what_is_there() {
            let asks = "it asks what stands there, which bincode does not say (flatten, untagged, or any JSON value)";
            return Err(format!("{asks}: end the target in .json").into());
        }
        // What contains itself may nest deeper than one can read.
        if schema.is_recursive {
            let bytes = bincode::serde::encode_to_vec(value, BINCODE)?;
            bincode_reader::read::<T>(&bytes)?;
            return Ok(out.write_all(&bytes)?);
        }
        // It writes number by number, which is not to be a call each.
        let mut out = BufWriter::with_capacity(PIECE, out);
        bincode::serde::encode_into_std_write(value, &mut out, BINCODE)?;
        Ok(out.flush()?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Ok(bincode_reader::read(bytes)?)
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

struct Json;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Json {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        check_comes_back(self, value, &text)?;
        Ok(out.write_all(&text)?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Ok(serde_json::from_slice(bytes)?)
    }

    fn name(&self) -> &'static str {
        "json"
    }

    /// A document that goes on would be another one.
    fn check_whole(&self, text: &[u8]) -> Result<(), &'static str> {
        match text.last() {
            Some(b'0'..=b'9') => Err("it ends in a digit, without a newline, and may go on"),
            _ => Ok(()),
        }
    }
}
