//! What killed processes left beside targets goes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::claim_file::{ClaimFile, Identity, OpenedClaim, remove_whatever};
use super::error::StoreError;
use super::object::Object;
use super::regular::{not_regular, open_regular};
use super::shared::{DRAFT, Shared, find_object};
use crate::model::target::Location;
use crate::model::temporary;

/// A temporary file that a killed process left.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// Where it is, or was.
    pub path: PathBuf,
    /// The bytes that it takes.
    pub bytes: u64,
}

/// Removes the temporary files in a directory that nobody uses: what killed processes left, beside targets that nobody has
/// made since. With `dry_run` it only says which.
///
/// A target's temporary files belong to who holds its claim, so this claims a target, without waiting, before it removes any.
/// What is not to be had goes to `each` as an error, and the rest goes on. A directory that is not there has none.
///
/// ```
/// use pipex::store::sweep;
///
/// sweep("out".as_ref(), true, &mut |left| match left {
///     Ok(left) => println!("{} would go", left.path.display()),
///     Err(error) => println!("{error}"),
/// })?;
/// # Ok::<(), pipex::store::StoreError>(())
/// ```
///
/// # Errors
/// When the directory cannot be listed.
pub fn sweep(
    directory: &Path,
    dry_run: bool,
    each: &mut dyn FnMut(Result<Leftover, StoreError>),
) -> Result<(), StoreError> {
    if let Some(object) = find_object(directory)? {
        return sweep_bucket(&object, false, dry_run, each);
    }
    let mut by_target: BTreeMap<String, Vec<OsString>> = BTreeMap::new();
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("list", directory, error)),
        Ok(entries) => entries,
    };
    for entry in entries {
        match entry {
            Ok(entry) => {
                let name = entry.file_name();
                if let Some(target) = name.to_str().and_then(temporary::claimed_target) {
                    by_target.entry(target).or_default().push(name);
                }
            }
            Err(error) => each(Err(StoreError::io("list", directory, error))),
        }
    }
    for (target, names) in by_target {
        let target = directory.join(target);
        let left = names.iter().filter_map(|name| Leftover::at(directory.join(name)));
        let swept = if dry_run { find(&target, left, each) } else { remove(&target, left, each) };
        if let Err(error) = swept {
            each(Err(error));
        }
    }
    Ok(())
}

/// The same of a bucket's directory, or of all below it.
fn sweep_bucket(object: &Object, is_deep: bool, dry_run: bool, each: Each<'_>) -> Result<(), StoreError> {
    object.sweep(is_deep, dry_run, &mut |left| each(left.map(|(path, bytes)| Leftover { path, bytes })))?;
    sweep(&object.local_directory()?, dry_run, each)
}

impl Shared {
    /// The same of all that is shared there, unless nothing is put there from here: what killed processes were putting there goes.
    #[doc(hidden)]
    pub fn sweep(&self, dry_run: bool, each: &mut dyn FnMut(Result<Leftover, StoreError>)) -> Result<(), StoreError> {
        if self.is_read_only {
            return Ok(());
        }
        let folder = self.folder();
        if let Some(object) = find_object(&folder)? {
            return sweep_bucket(&object, true, dry_run, each);
        }
        let mut directories = vec![folder];
        while let Some(directory) = directories.pop() {
            let failed = |error| StoreError::io("list", &directory, error);
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(failed)?,
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                if entry.file_type().is_ok_and(|file_type| file_type.is_dir()) {
                    directories.push(entry.path());
                } else if entry.file_name().to_string_lossy().starts_with(DRAFT) {
                    sweep_draft(entry.path(), dry_run).transpose().into_iter().for_each(&mut *each);
                }
            }
        }
        Ok(())
    }
}

/// Removes what is to become a shared file, unless somebody writes it.
fn sweep_draft(path: PathBuf, dry_run: bool) -> Result<Option<Leftover>, StoreError> {
    let file = match open_regular(&path, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| StoreError::io("open", &path, error))?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, error)),
    }
    let bytes = file.metadata().map_err(|error| StoreError::io("look at", &path, error))?.len();
    if !dry_run && let Err(error) = fs::remove_file(&path) {
        // It has got its name in the meantime.
        let has_gone = error.kind() == io::ErrorKind::NotFound;
        return if has_gone { Ok(None) } else { Err(StoreError::io("remove", &path, error)) };
    }
    Ok(Some(Leftover { path, bytes }))
}

impl Leftover {
    /// What is there, if it has not gone meanwhile.
    fn at(path: PathBuf) -> Option<Result<Self, StoreError>> {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() || metadata.is_dir() => {
                Some(Ok(Leftover { path, bytes: metadata.len() }))
            }
            Ok(_) => not_regular(&path).map(Err),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(StoreError::io("look at", &path, error))),
        }
    }
}

type Each<'e> = &'e mut dyn FnMut(Result<Leftover, StoreError>);

/// Does this while nobody makes the target; `None` if a process does.
#[doc(hidden)]
pub fn while_unclaimed<R>(target: &Location, act: impl FnOnce() -> R) -> Result<Option<R>, StoreError> {
    let claim = ClaimFile::try_now(&target.sibling(), target.path())?;
    Ok(claim.map(|_claim| act()))
}

/// Tells of what would go, if nobody holds the claim now.
fn find(
    target: &Path,
    left: impl Iterator<Item = Result<Leftover, StoreError>>,
    each: Each<'_>,
) -> Result<(), StoreError> {
    if OpenedClaim::existing(&temporary::claim(target))?.is_none_or(|claim| claim.try_lock().unwrap_or(false)) {
        left.for_each(each);
    }
    Ok(())
}

fn remove(
    target: &Path,
    left: impl Iterator<Item = Result<Leftover, StoreError>>,
    each: Each<'_>,
) -> Result<(), StoreError> {
    // Looked at before the claim's own file, which is there from now on, is taken for one.
    let left: Vec<_> = left.collect();
    let path = temporary::claim(target);
    let Some(claim) = ClaimFile::try_now(&path, target)? else { return Ok(()) };
    let away = temporary::old(target, claim.identity.inode);
    remove_whatever(&away).map_err(|error| StoreError::io("remove", &away, error))?;
    for left in left {
        let removed = left.and_then(|left| {
            if left.path != path {
                take_away(&left.path, &away).map_err(|error| StoreError::io("remove", &left.path, error))?;
            }
            Ok(left)
        });
        each(removed);
    }
    Ok(())
}

/// Removes a file or directory of which nothing is to be seen in part: who lost the claim may be about to rename it.
fn take_away(path: &Path, away: &Path) -> io::Result<()> {
    match fs::rename(path, away) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed.and_then(|()| remove_whatever(away)),
    }
}

/// Removes a claim that a killed process left beside this target, which a function wrote itself: it has a file of its own, so the
/// target does not tell.
pub(super) fn release_leftover_beside(target: &Location) {
    let claim = target.sibling();
    if fs::symlink_metadata(&claim).is_ok() {
        // Whoever lives holds it.
        drop(ClaimFile::try_now(&claim, target.path()));
    }
}

/// Removes the name of a claim that is also a name of this target: a process was killed between putting it in place and
/// letting its claim go.
pub(super) fn release_leftover(target: &Location, identity: Identity) {
    let claim = target.sibling();
    if matches!(identity.is_at(&claim), Ok(true)) {
        // Whoever holds it has just put the target in place, and removes it himself.
        drop(ClaimFile::try_now(&claim, target.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::{ClaimFile, while_unclaimed};
    use crate::model::target::Location;

    #[test]
    fn nothing_is_done_while_somebody_makes_the_target() {
        let dir = tempfile::tempdir().unwrap();
        let target = Location::new(dir.path().join("target").to_str().unwrap());
        let held = ClaimFile::try_now(&target.sibling(), target.path()).unwrap().unwrap();
        assert_eq!(while_unclaimed(&target, || "done").unwrap(), None);
        drop(held);
        assert_eq!(while_unclaimed(&target, || "done").unwrap(), Some("done"));
        assert!(!target.sibling().exists());
    }
}
