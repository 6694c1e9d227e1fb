//! Outputs as files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::claim_file::Identity;
use super::codec::{Format, Lossy};
use super::compression::TooLarge;
use super::error::StoreError;
use super::footer::Footer;
use super::listing::{Stamp, metadata};
use super::regular::read_regular;
use super::schema::schema;
use super::sweep::release_leftover;
use super::{Claim, Store, StoreResult};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::target::Location;

/// The default store: each output is a file, its target the path.
///
/// The target's extension says how it is written: `.json`, `.csv` (a vector of structs), else
/// [bincode](https://docs.rs/bincode/2) in its `legacy` configuration; each also with `.zst`. Behind what bincode or zstd
/// read stands a footer: checksum, type, fingerprints of code and arguments;
/// [the file format](https://github.com/pipex-rs/pipex/blob/main/docs/src/format.md) specifies it.
///
/// A file is written beside its target and renamed, so it is there whole or not at all. What is damaged, truncated,
/// foreign or of another type is told by name when it is loaded, and never decoded; plain `.json` and `.csv` have no footer,
/// so there it is what their parsers notice.
///
/// ```
/// use pipex::{FileStore, task};
///
/// #[task(target = "{path}/{base}.json.zst", store = FileStore::new().durable())]
/// fn squares(count: u64) -> Vec<u64> {
///     (0..count).map(|x| x * x).collect()
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct FileStore<const DURABLE: bool = false>;

impl FileStore {
    /// The store.
    #[must_use]
    pub const fn new() -> Self {
        FileStore
    }

    /// Outputs are on the disk when their task has run, so that they also survive a loss of power. Without it, the system
    /// writes them some seconds later.
    #[must_use]
    pub const fn durable(self) -> FileStore<true> {
        FileStore
    }
}

impl<T: Serialize + DeserializeOwned + 'static, const DURABLE: bool> Store<T> for FileStore<DURABLE> {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(Store::<T>::stamp(self, target)?.is_some())
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        let Some(metadata) = metadata(target.path())? else { return Ok(None) };
        if metadata.is_dir() {
            return Err(StoreError::Directory { path: target.path().to_owned() }.into());
        }
        let shortest = Format::from_target(target).shortest();
        if metadata.len() < shortest {
            tracing::warn!("{target} has {} bytes, too few to be whole: it counts as missing", metadata.len());
            return Ok(None);
        }
        if metadata.nlink() > 1 {
            release_leftover(target, Identity::new(&metadata));
        }
        Ok(Some(Stamp::from_metadata(&metadata)))
    }

    fn format(&self) -> Option<Fingerprint> {
        Some(schema::<T>().fingerprint)
    }

    fn load(&self, target: &Location) -> StoreResult<T> {
        let format = Format::from_target(target);
        let bytes = read_regular(target.path())?;
        if !format.has_footer() {
            let not_whole = |problem| StoreError::NotWhole { target: target.to_string(), problem };
            format.check_whole(&bytes).map_err(not_whole)?;
            return decode(format, &bytes, None, target.as_str());
        }
        let (payload, footer) = Footer::split(&bytes, target.as_str(), |bytes| format.is_beginning::<T>(bytes))?;
        footer.check_type::<T>(target.as_str())?;
        decode(format, payload, footer.expanded, target.as_str())
    }

    fn save(&self, mut claim: Claim, value: &T) -> StoreResult<u64> {
        let format = Format::from_target(claim.target());
        let target = claim.target().clone();
        let record = claim.record();
        let failed = |error| StoreError::io("write", target.path(), error);

        let mut checksum = None;
        let mut sink = Sink { file: claim.file(), buffer: Vec::with_capacity(4 << 10), flushed: 0, hasher: None };
        let expanded = encode(format, value, &mut sink, target.as_str())?;
        let finished = sink.finish(|length, of_payload| {
            checksum = Some(of_payload);
            format.has_footer().then(|| Footer::new::<T>(record, length, of_payload, expanded))
        });
        finished.map_err(failed)?;
        if let Some(checksum) = checksum {
            claim.has_content(checksum);
        }
        if format.has_footer() {
            claim.has_record();
        }
        Ok(claim.commit_as(DURABLE).map_err(failed)?)
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        Ok(fs::remove_file(target.path()).map_err(|error| StoreError::io("remove", target.path(), error))?)
    }
}

/// Decodes a payload that is whole.
pub(super) fn decode<T: Serialize + DeserializeOwned + 'static>(
    format: Format,
    payload: &[u8],
    expanded: Option<u64>,
    target: &str,
) -> StoreResult<T> {
    format.decode(payload, expanded).map_err(|source| {
        let target = target.to_owned();
        if source.is::<TooLarge>() {
            return StoreError::TooLarge { target, source }.into();
        }
        StoreError::Decode { target, codec: format.name(), source }.into()
    })
}

/// Encodes a value, as [`Format::encode`] does; what the system says of the writing is no fault of the codec.
pub(super) fn encode<T: Serialize + DeserializeOwned + 'static>(
    format: Format,
    value: &T,
    out: &mut impl Write,
    target: &str,
) -> StoreResult<Option<u64>> {
    let (target, codec) = (target.to_owned(), format.name());
    let source = match format.encode(value, out) {
        Ok(expanded) => return Ok(expanded),
        Err(source) => source,
    };
    if let Some(Lossy(reason)) = source.downcast_ref() {
        return Err(StoreError::Lossy { target, codec, reason: reason.clone() }.into());
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*source);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            let error = io::Error::from_raw_os_error(error);
            return Err(StoreError::io("write", target.as_ref(), error).into());
        }
        cause = error.source();
    }
    Err(StoreError::Encode { target, codec, source }.into())
}

/// Writes a payload to the file in large pieces and takes its checksum on the way. A small output is one write.
struct Sink<'f> {
    file: &'f mut File,
    buffer: Vec<u8>,
    flushed: u64,
    hasher: Option<Box<Xxh3>>,
}

impl Sink<'_> {
    const PIECE: usize = 64 << 10;

    fn flush_piece(&mut self) -> io::Result<()> {
        self.hasher.get_or_insert_with(|| Box::new(Xxh3::new())).update(&self.buffer);
        self.file.write_all(&self.buffer)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest, and the footer behind it.
    fn finish(mut self, footer: impl FnOnce(u64, Fingerprint) -> Option<Footer>) -> io::Result<()> {
        let checksum = match &mut self.hasher {
            None => fingerprint_bytes(&self.buffer),
            Some(hasher) => {
                hasher.update(&self.buffer);
                Fingerprint::new(hasher.digest128())
            }
        };
        if let Some(footer) = footer(self.flushed + self.buffer.len() as u64, checksum) {
            footer.append_to(&mut self.buffer);
        }
        self.file.write_all(&self.buffer)
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > Self::PIECE && !self.buffer.is_empty() {
            self.flush_piece()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
