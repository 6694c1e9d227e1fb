//! Copies of objects on this machine, for functions that open paths.
//!
//! They stand in one directory of the user's, each under a name that says of which object it is, and of which version of it: what is written anew
//! has another name, so that none is ever stale. Any of them may go at any time; the one that was used longest ago goes when there is too much.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use object_store::ObjectMeta;
use tempfile::NamedTempFile;

use super::place::Object;
use super::ranges::Ranges;
use super::seen::Seen;
use crate::environment::{cache_directory, setting};
use crate::model::fingerprint::fingerprint_bytes;
use crate::model::resources::parse_bytes;
use crate::store::claim_file::Identity;
use crate::store::error::StoreError;

/// How many bytes they take together, unless `PIPEX_DOWNLOADS` says otherwise.
const LIMIT: u64 = 5_000_000_000;

/// A copy of an object. Nobody removes it while this lives who knows of locks.
pub(in crate::store) struct LocalCopy {
    pub(in crate::store) path: PathBuf,
    _kept: Kept,
}

enum Kept {
    Locked { _file: File },
    Temporary { _file: NamedTempFile },
}

/// Where copies are kept, and how many bytes of them; `None` if none are.
fn settings() -> Result<Option<(PathBuf, u64)>, StoreError> {
    let parse = |text: &str| if text == "off" { Some(0) } else { parse_bytes(text) };
    let limit = setting("PIPEX_DOWNLOADS", "a number of bytes, such as 20GB, or `off`", parse);
    let limit = limit.map_err(|error| StoreError::Setting { source: error.into() })?.unwrap_or(LIMIT);
    Ok(cache_directory().filter(|_| limit > 0).map(|directory| (directory.join("downloads"), limit)))
}

impl Object {
    /// A file of this machine that has what the object has.
    pub(in crate::store) fn copy_to_this_machine(&self) -> Result<LocalCopy, StoreError> {
        let Some(meta) = self.head()? else { return Err(StoreError::Missing { target: self.name.to_string() }) };
        // What does not say its version, or says one that only this process knows, is none that can be told again.
        let is_told = meta.e_tag.is_some() && !self.bucket.name.starts_with("memory");
        if let Some((directory, limit)) = settings()?
            && is_told
            && meta.size <= limit
        {
            match self.keep_copy(&meta, &directory, limit) {
                Err(StoreError::Io { source, .. }) => {
                    tracing::warn!("{} cannot be used: {source}", directory.display())
                }
                kept => return kept,
            }
        }
        let file = self.download(&meta, &std::env::temp_dir())?;
        Ok(LocalCopy { path: file.path().to_owned(), _kept: Kept::Temporary { _file: file } })
    }

    fn keep_copy(&self, meta: &ObjectMeta, directory: &Path, limit: u64) -> Result<LocalCopy, StoreError> {
        let failed = |error| StoreError::io("use", directory, error);
        fs::create_dir_all(directory).map_err(failed)?;
        let (object, version) = (fingerprint_bytes(self.name.as_bytes()), Seen::from_meta(meta).stamp.get());
        let path = directory.join(format!("{object}-{version:016x}{}", self.extension()));
        if let Some(file) = find(&path, meta.size).map_err(failed)? {
            return Ok(LocalCopy { path, _kept: Kept::Locked { _file: file } });
        }
        let file = self.download(meta, directory)?;
        // Whoever changes it in its place would change it for all.
        fs::set_permissions(file.path(), Permissions::from_mode(0o400)).map_err(failed)?;
        let file = file.persist(&path).map_err(|error| failed(error.error))?;
        make_room(directory, limit).map_err(failed)?;
        Ok(LocalCopy { path, _kept: Kept::Locked { _file: file } })
    }

    /// What files of this machine that stand for it end in: libraries go by extensions.
    pub(super) fn extension(&self) -> String {
        let extension = Path::new(&*self.name).extension().and_then(OsStr::to_str);
        extension.map(|extension| format!(".{extension}")).unwrap_or_default()
    }

    /// A file in this directory that has what the object has. It goes when it is dropped.
    fn download(&self, meta: &ObjectMeta, directory: &Path) -> Result<NamedTempFile, StoreError> {
        let failed = |error| StoreError::io("write a copy into", directory, error);
        let file = tempfile::Builder::new().prefix("pipex-").suffix(&self.extension()).tempfile_in(directory);
        let mut file = file.map_err(failed)?;
        file.as_file().lock_shared().map_err(failed)?;
        let mut ranges = Ranges::new(self.clone(), meta.e_tag.clone(), meta.size);
        ranges.copy_to(file.as_file_mut())?.map_err(failed)?;
        Ok(file)
    }
}

/// The copy that is there, if it is whole. From now on it is the one that was used last.
fn find(path: &Path, bytes: u64) -> io::Result<Option<File>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    file.lock_shared()?;
    let metadata = file.metadata()?;
    if metadata.len() != bytes || !Identity::new(&metadata).is_at(path)? {
        return Ok(None);
    }
    file.set_modified(SystemTime::now())?;
    Ok(Some(file))
}

/// Removes what was used longest ago, until no more than so many bytes are left. What somebody uses stays.
fn make_room(directory: &Path, limit: u64) -> io::Result<()> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        // Others remove some as well.
        if let Ok(metadata) = fs::symlink_metadata(&path)
            && metadata.is_file()
        {
            copies.push((metadata.modified()?, metadata.len(), path));
        }
    }
    let mut bytes: u64 = copies.iter().map(|(_, bytes, _)| bytes).sum();
    copies.sort();
    for (_, length, path) in copies {
        if bytes <= limit {
            break;
        }
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok() && fs::remove_file(&path).is_ok()) {
            bytes -= length;
        }
    }
    Ok(())
}
