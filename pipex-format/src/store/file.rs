//! Outputs as files.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::claim_file::Identity;
use super::codec::{Codec, PIECE, Shape};
use super::error::StoreError;
use super::footer::{self, Footer};
use super::format::{AnyIo, ByExtension, Format, Io};
use super::note::{self, Note};
use super::object::Object;
use super::payload::Payload;
use super::pieces::{Pieces, SayWrong};
use super::regular::{self, kind, read_all, read_regular};
use super::stamp::Stamp;
use super::sweep::release_leftover;
use super::{Claim, Store, StoreResult};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::target::Location;

/// The default store: each output is a file, its target the path.
///
/// The target's extension says how it is written: `.json`, `.jsonl`, `.csv` (a vector of structs), with their cargo features `.toml`,
/// `.yaml`, `.msgpack`, `.parquet`, `.arrow`; a `String` as it is where the extension is a text's (`.md`, `.svg`), a `Vec<u8>` where it is another
/// program's (`.png`); else [bincode](https://docs.rs/bincode/2) in its `legacy` configuration; each also with `.zst`. Behind what
/// bincode or zstd read stands a footer, and in the metadata of tables a note: checksum, type, fingerprints of code and arguments;
/// [the file format](https://github.com/pipex-rs/pipex/blob/main/docs/src/format.md) specifies it.
///
/// A target that is a URL, such as `s3://bucket/run1/x.json`, is an object with the same bytes (cargo feature `object-store`):
/// [the guide](https://github.com/pipex-rs/pipex/blob/main/docs/src/stores.md#object-stores) says how.
///
/// A file is written beside its target and renamed, so it is there whole or not at all. What is damaged, truncated,
/// foreign or of another type is told by name when it is loaded, and never decoded; what is plain text has no footer,
/// so there it is what its parser notices.
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
pub struct FileStore<C = ByExtension, const DURABLE: bool = false> {
    // No more than that: a store that takes no memory is boxed for nothing, once a call.
    codec: C,
}

/// The default store, as a value.
#[expect(non_upper_case_globals, reason = "it is what it would be without fields")]
pub const FileStore: FileStore = FileStore::new();

impl FileStore {
    /// The store.
    #[must_use]
    pub const fn new() -> Self {
        FileStore { codec: ByExtension }
    }
}

impl<const DURABLE: bool> FileStore<ByExtension, DURABLE> {
    /// The same with this [`Codec`], whatever the target's extension; but with `.zst` at its end, compressed.
    #[must_use]
    pub const fn codec<C>(self, codec: C) -> FileStore<C, DURABLE> {
        FileStore { codec }
    }
}

impl<C> FileStore<C> {
    /// Outputs are on the disk when their task has run, so that they also survive a loss of power. Without it, the system
    /// writes them some seconds later.
    #[must_use]
    pub fn durable(self) -> FileStore<C, true> {
        FileStore { codec: self.codec }
    }
}

impl<T, C: Codec<T>, const DURABLE: bool> Store<T> for FileStore<C, DURABLE> {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(Store::<T>::stamp(self, target)?.is_some())
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        stamp(target, &|| Ok(Format::new(&mut Io::for_target(&self.codec, target)?, target).shortest()))
    }

    fn format(&self) -> Option<Fingerprint> {
        self.codec.shape().as_ref().map(Shape::fingerprint)
    }

    fn load(&self, target: &Location) -> StoreResult<T> {
        match Io::for_target(&self.codec, target) {
            Ok(mut io) => {
                let read = load(&mut io, target);
                io.into_value(read)
            }
            Err(error) => Err(error),
        }
    }

    fn pieces(&self, target: &Location, count: usize) -> StoreResult<Option<Pieces<T>>>
    where
        T: 'static,
    {
        let mut io = Io::for_target(&self.codec, target)?;
        match find_pieces(&mut io, target) {
            Ok(Some((payload, say))) => Ok(io.pieces(payload, count).map(|pieces| pieces.told(say))),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, claim: Claim, value: &T) -> StoreResult<u64> {
        let target = claim.target().clone();
        match Io::for_target(&self.codec, &target) {
            Ok(io) => save(&mut io.of(value), claim, &target, DURABLE),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        remove(target)
    }
}

fn stamp(target: &Location, shortest: &dyn Fn() -> StoreResult<u64>) -> StoreResult<Option<Stamp>> {
    let is_whole = |bytes: u64| -> StoreResult<bool> {
        let is_whole = bytes >= footer::SHORTEST || bytes >= shortest()?;
        if !is_whole {
            tracing::warn!("{target} has {bytes} bytes, too few to be whole: it counts as missing");
        }
        Ok(is_whole)
    };
    if let Some(object) = Object::find(target.as_str())? {
        return match object.look()? {
            None => shortest().map(|_| None),
            Some((stamp, bytes)) => Ok(is_whole(bytes)?.then_some(stamp)),
        };
    }
    let Some(metadata) = metadata(target.path())? else {
        // What could not be saved is refused before its function runs.
        return shortest().map(|_| None);
    };
    if metadata.is_dir() {
        return Err(StoreError::Directory { path: target.path().to_owned() }.into());
    }
    if !is_whole(metadata.len())? {
        return Ok(None);
    }
    if metadata.nlink() > 1 {
        release_leftover(target, Identity::new(&metadata));
    }
    Ok(Some(Stamp::from_metadata(&metadata)))
}

/// Has the codec read what is there.
fn load(io: &mut dyn AnyIo, target: &Location) -> StoreResult<()> {
    let mut format = Format::new(io, target);
    let bytes = match Object::find(target.as_str())? {
        Some(object) => object.read()?,
        None => {
            let file = regular::read(target.path())?;
            // What is wrong with it is found out below.
            if let Ok(Some((payload, footer))) = find_payload(&format, &file, LARGE, target)
                && format.read(payload, &footer)
            {
                return Ok(());
            }
            read_all(file, target.path())?
        }
    };
    let name = target.as_str();
    if !format.has_footer() {
        format.check_whole(&bytes, target)?;
        if let (true, Some(note)) = (format.has_note(), note::check(&bytes, name)?) {
            format.check_footer(&note, target)?;
        }
        return format.decode(&bytes, None, name);
    }
    let (payload, footer) = Footer::split(&bytes, name, |bytes| format.is_beginning(bytes))?;
    format.check_footer(&footer, target)?;
    format.decode(payload, footer.expanded, name)
}

/// What is there, to be read in pieces, if it has a footer.
fn find_pieces(io: &mut dyn AnyIo, target: &Location) -> StoreResult<Option<(Box<dyn Read + Send>, SayWrong)>> {
    let format = Format::new(io, target);
    let found = match Object::find(target.as_str())? {
        Some(object) if format.has_footer() => Payload::find_in_bucket(&object, target)?,
        Some(_) => None,
        None => find_payload(&format, &regular::read(target.path())?, 0, target)?,
    };
    let Some((payload, footer)) = found else { return Ok(None) };
    format.check_footer(&footer, target)?;
    format.open_pieces(payload).map(Some)
}

/// Has the codec write the value.
fn save(io: &mut dyn AnyIo, mut claim: Claim, target: &Location, is_durable: bool) -> StoreResult<u64> {
    let format = Format::new(io, target);
    let record = claim.record();
    let failed = |error| StoreError::io("write", target.path(), error);

    let codec = format.recorded_codec(target).map(str::to_owned);
    let (type_name, shape) = (format.io.type_name(), format.io.shape());
    let footer = |length, checksum, expanded| Footer {
        codec: codec.clone(),
        ..Footer::new(record, type_name, shape, length, checksum, expanded)
    };
    let note = format.has_note().then(|| Note::reserve(footer(0, record.arguments(), None)));
    let mut written = None;
    let mut sink = Sink { out: claim.writer(), buffer: Vec::with_capacity(4 << 10), flushed: 0, hasher: None };
    let encoded = format.encode(note.as_ref(), &mut sink, target.as_str());
    let expanded = match encoded {
        Ok(expanded) => expanded,
        Err(error) => return Err(claim.writing_failed().map_or(error, Into::into)),
    };
    if sink.is_empty() && format.shortest() > 0 && !format.has_footer() {
        return Err(StoreError::NothingEncoded { target: target.to_string(), codec: format.name() }.into());
    }
    let finished = sink.finish(|length, checksum| {
        written = Some((length, checksum));
        format.has_footer().then(|| footer(length, checksum, expanded))
    });
    if let Err(error) = finished {
        return Err(claim.writing_failed().unwrap_or_else(|| failed(error)).into());
    }
    let mut is_recorded = format.has_footer();
    if let Some((length, checksum)) = written {
        claim.has_content(checksum);
        if let Some(note) = note {
            is_recorded = claim.fill_in(note, length, checksum).map_err(failed)?;
        }
    }
    if is_recorded {
        claim.has_record();
    }
    Ok(claim.commit_as(is_durable).map_err(failed)?)
}

fn remove(target: &Location) -> StoreResult<()> {
    match Object::find(target.as_str())? {
        Some(object) => Ok(object.remove()?),
        None => Ok(fs::remove_file(target.path()).map_err(|error| StoreError::io("remove", target.path(), error))?),
    }
}

/// The bytes of a file that is worth another look, at its footer, before it is read.
const LARGE: u64 = 256 << 10;

/// The payload of a file of `least` bytes or more, if it has a whole footer and is what is asked for.
fn find_payload(
    format: &Format<'_>,
    file: &File,
    least: u64,
    target: &Location,
) -> StoreResult<Option<(Payload, Footer)>> {
    if !format.has_footer() {
        return Ok(None);
    }
    let found = Payload::find(file, least, target).map_err(|error| StoreError::io("read", target.path(), error))?;
    if let Some((_, footer)) = &found {
        format.check_footer(footer, target)?;
    }
    Ok(found)
}

/// What the system knows of a file or directory, or of what a link to one leads to; `None` if nothing is there.
pub(super) fn metadata(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => match kind(metadata.file_type()) {
            Some(found) if !metadata.is_dir() => Err(StoreError::not_regular(path, found)),
            _ => Ok(Some(metadata)),
        },
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(StoreError::io("look for", path, error)),
    }
}

/// All that is there at a target.
pub(super) fn read_target(target: &Location) -> Result<Vec<u8>, StoreError> {
    match Object::find(target.as_str())? {
        Some(object) => object.read(),
        None => read_regular(target.path()),
    }
}

/// Writes a payload in large pieces and takes its checksum on the way. A small output is one write.
struct Sink<'o> {
    out: &'o mut dyn Write,
    buffer: Vec<u8>,
    flushed: u64,
    hasher: Option<Box<Xxh3>>,
}

impl Sink<'_> {
    fn is_empty(&self) -> bool {
        self.flushed == 0 && self.buffer.is_empty()
    }

    fn write_piece(&mut self, piece: &[u8]) -> io::Result<()> {
        self.hasher.get_or_insert_with(|| Box::new(Xxh3::new())).update(piece);
        self.out.write_all(piece)?;
        self.flushed += piece.len() as u64;
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
        self.out.write_all(&self.buffer)
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        // What is a piece by itself is not copied.
        let is_piece = bytes.len() > PIECE / 2;
        if (is_piece || self.buffer.len() + bytes.len() > PIECE) && !self.buffer.is_empty() {
            let mut buffer = std::mem::take(&mut self.buffer);
            self.write_piece(&buffer)?;
            buffer.clear();
            self.buffer = buffer;
        }
        if is_piece {
            return self.write_piece(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
