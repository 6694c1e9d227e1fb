//! zstd, with a bound to what comes out: a few bytes of it can stand for more than there is memory.

use std::io::{self, Read, Write};

use super::StoreResult;
use crate::environment::setting;
use crate::model::resources::parse_bytes;

/// How many bytes a payload may expand to that does not say to how many it does, unless [`LIMIT_SETTING`] says otherwise.
const LIMIT: u64 = 1 << 30;
const LIMIT_SETTING: &str = "PIPEX_DECODE_LIMIT";

/// The payload expands to more than it may.
#[derive(Debug, thiserror::Error)]
#[error(
    "it expands to more than {limit} bytes, and does not say to how many: set {LIMIT_SETTING} to more, such as 8GB, to read it"
)]
pub(super) struct TooLarge {
    limit: u64,
}

/// The bytes that a compressed payload stands for.
///
/// `bytes` is how many they are, if that is known ([`Entry::expanded`](super::Entry::expanded)): more are an error. Else they may be
/// as many as the environment's `PIPEX_DECODE_LIMIT` allows (bytes, or such as `8GB`), which without it is 1 GiB.
///
/// # Errors
/// When the payload is no zstd, or expands to more.
pub fn expand(payload: &[u8], bytes: Option<u64>) -> StoreResult<Vec<u8>> {
    match bytes {
        Some(bytes) => {
            let expanded = decompress(payload, bytes, bytes)?;
            if expanded.len() as u64 != bytes {
                return Err(format!("it does not expand to the {bytes} bytes that it is said to").into());
            }
            Ok(expanded)
        }
        None => {
            let limit =
                setting(LIMIT_SETTING, "a number of bytes, such as 8000000000 or 8GB", parse_bytes)?.unwrap_or(LIMIT);
            let expanded = decompress(payload, limit, 0)?;
            if expanded.len() as u64 > limit { Err(TooLarge { limit }.into()) } else { Ok(expanded) }
        }
    }
}

/// Compresses what `write` writes; how many bytes that were.
#[cfg(feature = "zstd")]
pub(super) fn compress(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> StoreResult<()>) -> StoreResult<u64> {
    let mut encoder = Counted { out: zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?, bytes: 0 };
    write(&mut encoder)?;
    encoder.out.finish()?;
    Ok(encoder.bytes)
}

/// At most one byte more than `limit`, in `room` bytes if that is how many they are.
#[cfg(feature = "zstd")]
fn decompress(payload: &[u8], limit: u64, room: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let room = usize::try_from(room).ok().and_then(|room| bytes.try_reserve_exact(room).ok());
    room.ok_or(io::ErrorKind::OutOfMemory)?;
    zstd::Decoder::with_buffer(payload)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a compressed payload stands for.
#[cfg(feature = "zstd")]
pub(super) fn reader(payload: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::Decoder::new(payload)?))
}

#[cfg(not(feature = "zstd"))]
pub(super) fn compress(_: &mut dyn Write, _: impl FnOnce(&mut dyn Write) -> StoreResult<()>) -> StoreResult<u64> {
    Err(without_zstd().into())
}

#[cfg(not(feature = "zstd"))]
fn decompress(_: &[u8], _: u64, _: u64) -> io::Result<Vec<u8>> {
    Err(without_zstd())
}

#[cfg(not(feature = "zstd"))]
pub(super) fn reader(_: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Err(without_zstd())
}

#[cfg(not(feature = "zstd"))]
fn without_zstd() -> io::Error {
    io::Error::other("pipex was built without its cargo feature `zstd`")
}

/// Counts what is written.
#[cfg(feature = "zstd")]
struct Counted<W> {
    out: W,
    bytes: u64,
}

#[cfg(feature = "zstd")]
impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
