//! How the value of one target is written: by its codec, and compressed or not.

use std::error::Error;
use std::io::{self, Write};

use super::StoreResult;
use super::by_extension::codec_name;
use super::codec::{Codec, Lossy, without_zst};
use super::compression::{TooLarge, compress, expand};
use super::error::StoreError;
use super::footer;
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

    /// The bytes of the shortest file that can be whole.
    pub(super) fn shortest(&self) -> u64 {
        if self.has_footer() { footer::SHORTEST } else { 1 }
    }

    /// Whether a file that has no checksum can be whole.
    pub(super) fn check_whole(&self, bytes: &[u8], target: &str) -> Result<(), StoreError> {
        let not_whole = |problem| StoreError::NotWhole { target: target.to_owned(), problem };
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

    /// Writes the value's payload; how many bytes it expands to, if it is compressed. What the system says of the writing is
    /// no fault of the codec.
    pub(super) fn encode(&self, value: &T, out: &mut dyn Write, target: &str) -> StoreResult<Option<u64>> {
        let encoded = if self.is_compressed {
            compress(out, |out| self.codec.encode(value, out)).map(Some)
        } else {
            self.codec.encode(value, out).map(|()| None)
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
