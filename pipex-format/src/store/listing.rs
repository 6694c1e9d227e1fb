//! What a store keeps, whatever the type of its values.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use xxhash_rust::xxh3::Xxh3;

use super::entry::Entry;
use super::error::StoreError;
use super::file::{metadata, read_target};
use super::footer::Footer;
use super::note;
use super::object::Object;
use super::regular;
use super::stamp::Stamp;
use super::{StoreResult, remove_whatever};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::target::Location;

/// What a store keeps, whatever the type of its values. [`Store::listing`](super::Store::listing) gives it.
///
/// A store whose targets are paths has [`Files`] by default. Any other implements this on itself, so that its outputs
/// can be told stale, and listed, shown and removed by the `pipex` command.
pub trait Listing: Send + Sync {
    /// What tells the targets of this listing from those of others: empty where targets are paths, else such as
    /// `sqlite:out/outputs.sqlite`. It stands in the journal.
    fn address(&self) -> Cow<'_, str>;

    /// What tells the output that is there from one that was there before; `None` if nothing is there.
    ///
    /// # Errors
    /// When it cannot be told.
    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>>;

    /// What is there, looked at thoroughly; `None` if nothing is.
    ///
    /// # Errors
    /// When it cannot be told.
    fn entry(&self, target: &Location) -> StoreResult<Option<Entry>>;

    /// The payload: what was saved, as it was encoded, without what was recorded beside it.
    ///
    /// # Errors
    /// When it is not there, or not what was saved.
    fn payload(&self, target: &Location) -> StoreResult<Vec<u8>>;

    /// Shows every target whose name begins with `prefix`.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn list(&self, prefix: &str, each: &mut dyn FnMut(Location)) -> StoreResult<()>;

    /// Removes the target; one that is not there is an error.
    ///
    /// # Errors
    /// When the target is still there, or was not.
    fn remove(&self, target: &Location) -> StoreResult<()>;
}

/// The listing of all stores whose targets are paths or URLs: of files, of directories that functions have written, and of objects.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

impl Listing for Files {
    fn address(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        if let Some(object) = Object::find(target.as_str())? {
            return Ok(object.look()?.map(|(stamp, _)| stamp));
        }
        Ok(metadata(target.path())?.as_ref().map(Stamp::from_metadata))
    }

    fn entry(&self, target: &Location) -> StoreResult<Option<Entry>> {
        if let Some(object) = Object::find(target.as_str())? {
            return Ok(object.entry()?);
        }
        let path = target.path();
        let Some(metadata) = metadata(path)? else { return Ok(None) };
        let failed = |error| StoreError::io("read", path, error);
        let saved = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let mut entry = Entry::new(Stamp::from_metadata(&metadata), metadata.len(), saved);
        if metadata.is_dir() {
            let (content, bytes) = fingerprint_directory(path)?;
            (entry.content, entry.bytes) = (Some(content), bytes);
            return Ok(Some(entry));
        }
        let mut file = regular::read(path)?;
        let mut said = Footer::read_at_end(&file, metadata.len()).map_err(failed)?;
        if said.is_none() {
            said = note::read_at_end(&file, metadata.len()).map_err(failed)?.map(|(_, footer)| footer);
        }
        match said {
            Some(footer) => {
                (entry.content, entry.expanded) = (footer.checksum, footer.expanded);
                entry.made = Some(footer.made());
            }
            None => entry.content = Some(fingerprint_file(&mut file).map_err(failed)?),
        }
        Ok(Some(entry))
    }

    fn payload(&self, target: &Location) -> StoreResult<Vec<u8>> {
        let mut bytes = read_target(target)?;
        // What has no footer is all payload.
        match Footer::split(&bytes, target.as_str(), |_| false) {
            Ok((payload, _)) => {
                let length = payload.len();
                bytes.truncate(length);
            }
            Err(StoreError::Foreign { .. }) => {
                note::check_if_there(&bytes, target.as_str())?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(bytes)
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(Location)) -> StoreResult<()> {
        if let Some(object) = Object::find(prefix)? {
            return Ok(object.list(each)?);
        }
        let within = Path::new(prefix);
        let root = if prefix.ends_with('/') || within.is_dir() { within } else { within.parent().unwrap_or(within) };
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            let here = if directory.as_os_str().is_empty() { Path::new(".") } else { &directory };
            let entries = match fs::read_dir(here) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io("list", here, error).into()),
            };
            for entry in entries {
                let entry = entry.map_err(|error| StoreError::io("list", here, error))?;
                let path = directory.join(entry.file_name());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    directories.push(path);
                } else if let Some(name) = path.to_str().filter(|name| name.starts_with(prefix)) {
                    each(Location::new(name));
                }
            }
        }
        Ok(())
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        if let Some(object) = Object::find(target.as_str())? {
            return Ok(object.remove()?);
        }
        let path = target.path();
        let there = fs::symlink_metadata(path).and_then(|_| remove_whatever(path));
        Ok(there.map_err(|error| StoreError::io("remove", path, error))?)
    }
}

/// The fingerprint of a file's bytes.
pub(crate) fn fingerprint_file(file: &mut File) -> io::Result<Fingerprint> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Xxh3::new();
    let mut piece = vec![0; 256 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Fingerprint::new(hasher.digest128())),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// The fingerprint of the names and contents below a directory, and the bytes of its files.
fn fingerprint_directory(directory: &Path) -> Result<(Fingerprint, u64), StoreError> {
    let failed = |error| StoreError::io("read", directory, error);
    let names = fs::read_dir(directory).map_err(failed)?.map(|entry| Ok(entry?.file_name()));
    let mut names: Vec<_> = names.collect::<io::Result<_>>().map_err(failed)?;
    names.sort();
    let (mut content, mut bytes) = (fingerprint_bytes(b"directory"), 0);
    for name in names {
        let path = directory.join(&name);
        let (fingerprint, its_bytes) = if path.is_dir() {
            fingerprint_directory(&path)?
        } else {
            let failed = |error| StoreError::io("read", &path, error);
            let mut file = regular::read(&path)?;
            (fingerprint_file(&mut file).map_err(failed)?, file.metadata().map_err(failed)?.len())
        };
        content = content.then(fingerprint_bytes(name.as_encoded_bytes())).then(fingerprint);
        bytes += its_bytes;
    }
    Ok((content, bytes))
}
