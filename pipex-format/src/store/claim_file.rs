//! The file by which a target is claimed.
//!
//! Its name follows from the target's, and it is locked (`flock`) while its holder lives, so a killed holder releases it.
//! A lock is one on a *file*; what a claim needs is one on a *name*. So whoever has got the lock looks whether the name still
//! means the file that it has locked, and begins again if not; and only who has both may remove the name. `docs/src/format.md`
//! has the protocol and why it holds; `tests/claim_model.rs` searches its states.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustix::fs::OFlags;

use super::error::StoreError;
use super::regular::not_regular;
use super::unnamed;
use crate::model::temporary;

/// What tells a file from all others, as long as it is open or has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    pub(super) inode: u64,
}

impl Identity {
    pub(super) fn new(metadata: &Metadata) -> Self {
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Whether the path is a name of this file.
    pub(super) fn is_at(self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(there) => Ok(Identity::new(&there) == self),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A claim's file that is open, and has yet to be locked.
pub(super) struct OpenedClaim<'p> {
    path: &'p Path,
    file: File,
    /// It was made here, and nobody else had it since.
    is_new: bool,
}

impl<'p> OpenedClaim<'p> {
    /// Opens the claim's file, or makes it. Its directory is made only when opening says that it is missing.
    pub(super) fn open(path: &'p Path) -> Result<Self, StoreError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match options().create_new(true).open(path) {
                Ok(file) => return Ok(OpenedClaim { path, file, is_new: true }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match Self::existing(path)? {
                    Some(opened) => return Ok(opened),
                    None => error,
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    create_parent(path).map_err(|error| StoreError::io("make the directory of", path, error))?;
                    error
                }
                Err(error) => return Err(StoreError::io("open", path, error)),
            };
            // Again and again, since others remove claims, and a directory of claims with the last one.
            if attempts == 1_000 {
                return Err(StoreError::io("open", path, error));
            }
        }
    }

    /// Opens the claim's file, if there is one.
    pub(super) fn existing(path: &'p Path) -> Result<Option<Self>, StoreError> {
        match options().open(path) {
            Ok(file) => Ok(Some(OpenedClaim { path, file, is_new: false })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(not_regular(path).unwrap_or_else(|| StoreError::io("open", path, error))),
        }
    }

    pub(super) fn lock(&mut self) -> Result<(), StoreError> {
        self.is_new = false;
        loop {
            match self.file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => return locked.map_err(|error| StoreError::io("lock", self.path, error)),
            }
        }
    }

    /// Locks it, unless another has.
    pub(super) fn try_lock(&self) -> Result<bool, StoreError> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(StoreError::io("lock", self.path, error)),
        }
    }

    /// The claim, if the file is what its name still means, now that it is locked. What a killed holder left goes, and then
    /// the name is to be opened again: the file may be the target, too, so it is never written to.
    pub(super) fn hold(self, target: &Path) -> Result<Option<ClaimFile>, StoreError> {
        let OpenedClaim { path, file, is_new } = self;
        let failed = |error| StoreError::io("look at", path, error);
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(not_regular(path).unwrap_or_else(|| failed(io::ErrorKind::InvalidInput.into())));
        }
        let identity = Identity::new(&metadata);
        // A new file that has a name has this one.
        if !(is_new && metadata.nlink() > 0 || identity.is_at(path).map_err(failed)?) {
            return Ok(None);
        }
        let is_leftover = metadata.len() > 0 || metadata.nlink() > 1;
        if is_leftover || !is_new {
            let beside = [
                temporary::own(path, identity.inode),
                temporary::draft(target, identity.inode),
                temporary::old(target, identity.inode),
            ];
            // Where one cannot be removed, whoever needs its name will say so.
            beside.iter().for_each(|leftover| _ = remove_whatever(leftover));
        }
        if is_leftover {
            fs::remove_file(path).or_else(unless_missing).map_err(|error| StoreError::io("remove", path, error))?;
            return Ok(None);
        }
        Ok(Some(ClaimFile::new(path.to_owned(), file, identity)))
    }
}

/// A link is not followed, and a FIFO is not waited for.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    options
}

fn create_parent(path: &Path) -> io::Result<()> {
    match fs::create_dir_all(path.parent().unwrap_or(Path::new(""))) {
        // It was there, and went before it was seen.
        Err(error) if !matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => Err(error),
        _ => Ok(()),
    }
}

/// A claim's file: open, locked, and what its name means, unless somebody removes it who knows nothing of claims. Dropped, it
/// goes, and all that it has beside it.
#[derive(Debug)]
pub(super) struct ClaimFile {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) identity: Identity,
    /// Its number in [`HELD`].
    number: u64,
    /// It has the target's name as well as its own.
    has_both_names: bool,
}

/// What goes with a claim.
struct HeldClaim {
    path: PathBuf,
    identity: Identity,
    beside: Vec<PathBuf>,
}

/// The claims of this process.
static HELD: Mutex<BTreeMap<u64, HeldClaim>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<u64, HeldClaim>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever ends the process writes, and then no claim is taken or let go any more: what is taken would be left behind, and the
/// name of what is let go be removed twice, the second time as another's.
static ENDING: RwLock<()> = RwLock::new(());

/// The process does not end while this is held.
pub(super) fn unless_ending() -> RwLockReadGuard<'static, ()> {
    ENDING.read().unwrap_or_else(PoisonError::into_inner)
}

/// No claim of this process is taken, committed or let go while this is held.
pub type Ending = RwLockWriteGuard<'static, ()>;

/// Removes all claims of this process, which is about to end, with what has been written and not committed.
pub(super) fn remove_claims() -> Ending {
    let ending = ENDING.write().unwrap_or_else(PoisonError::into_inner);
    held().values().for_each(|held| held.remove(false));
    ending
}

impl HeldClaim {
    /// Removes its name, unless that means another file by now.
    fn remove(&self, is_named: bool) {
        for path in &self.beside {
            let _ = remove_whatever(path);
        }
        // While it is locked: whoever waits finds that the name no longer means the file it got.
        if is_named || matches!(self.identity.is_at(&self.path), Ok(true)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl ClaimFile {
    fn new(path: PathBuf, file: File, identity: Identity) -> Self {
        static CLAIMS: AtomicU64 = AtomicU64::new(0);
        let number = CLAIMS.fetch_add(1, Ordering::Relaxed);
        held().insert(number, HeldClaim { path: path.clone(), identity, beside: Vec::new() });
        ClaimFile { path, file, identity, number, has_both_names: false }
    }

    /// Waits for the claim.
    pub(super) fn wait(path: &Path, target: &Path) -> Result<Self, StoreError> {
        loop {
            let mut not_ending = unless_ending();
            let mut opened = OpenedClaim::open(path)?;
            if !opened.try_lock()? {
                drop(not_ending);
                opened.lock()?;
                not_ending = unless_ending();
            }
            let held = opened.hold(target)?;
            drop(not_ending);
            if let Some(held) = held {
                return Ok(held);
            }
        }
    }

    /// The claim, unless another holds it.
    pub(super) fn try_now(path: &Path, target: &Path) -> Result<Option<Self>, StoreError> {
        loop {
            let _not_ending = unless_ending();
            let opened = OpenedClaim::open(path)?;
            if !opened.try_lock()? {
                return Ok(None);
            }
            if let Some(held) = opened.hold(target)? {
                return Ok(Some(held));
            }
        }
    }

    /// Whether its name still means it.
    pub(super) fn is_held(&self) -> io::Result<bool> {
        self.identity.is_at(&self.path)
    }

    /// Has this go with the claim, too.
    pub(super) fn has_beside(&self, path: PathBuf) {
        if let Some(held) = held().get_mut(&self.number) {
            held.beside.push(path);
        }
    }
}

impl Drop for ClaimFile {
    fn drop(&mut self) {
        let _not_ending = unless_ending();
        let held = held().remove(&self.number);
        if let Some(held) = held {
            held.remove(self.has_both_names);
        }
        // A clone of the file may live on, and the lock with it.
        let _ = self.file.unlock();
    }
}

/// Removes the file or directory that may be there.
pub(super) fn remove_whatever(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(path).or_else(unless_missing),
        removed => removed.or_else(unless_missing),
    }
}

/// What is gone is gone.
pub(super) fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// How a file is given a name of its own, which nobody else uses: then it can be renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The open file is linked: on Linux, where `/proc` is mounted. A target that is missing it gets at once.
    OpenFile,
    /// The claim's name is linked, and then it is looked at what that was.
    Path,
    /// It is copied: on file systems where a file has one name only.
    Copy,
}

impl Way {
    pub(super) const ALL: &[Way] = &[Way::OpenFile, Way::Path, Way::Copy];
}

impl ClaimFile {
    /// Gives the file, which is whole, the target's name, in the first of these ways that can be had; what is there is
    /// replaced. The file that is there now; `None` if the claim is lost, and then nothing has changed.
    pub(super) fn put_in_place(&mut self, target: &Path, durable: bool, ways: &[Way]) -> io::Result<Option<Metadata>> {
        if ways.contains(&Way::OpenFile) {
            match unnamed::link(&self.file, target) {
                Ok(()) => {
                    let metadata = self.file.metadata()?;
                    self.has_both_names = metadata.nlink() > 1;
                    return Ok(Some(metadata));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.file.metadata()?.nlink() == 0 => {
                    return Ok(None);
                }
                // Something is there; what else may be wrong, the other ways say.
                Err(_) => {}
            }
        }
        // What another has made, who could claim the target since this claim was lost, is not replaced.
        if !self.is_held()? {
            return Ok(None);
        }
        let own = temporary::own(&self.path, self.identity.inode);
        // Of an earlier file with this number: nobody who lives uses it, since this one's lock is ours.
        fs::remove_file(&own).or_else(unless_missing)?;
        self.has_beside(own.clone());
        let Some(metadata) = self.name(&own, durable, ways)? else { return Ok(None) };
        match fs::rename(&own, target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&own).is_err() => Ok(None),
            renamed => renamed.map(|()| Some(metadata)),
        }
    }

    /// Gives the file a name that nobody else uses; `None` if the claim is lost.
    fn name(&self, own: &Path, durable: bool, ways: &[Way]) -> io::Result<Option<Metadata>> {
        let mut refused = io::Error::from(io::ErrorKind::Unsupported);
        for way in ways {
            let named = match way {
                Way::OpenFile => unnamed::link(&self.file, own).and_then(|()| self.file.metadata()),
                Way::Path => match fs::hard_link(&self.path, own) {
                    Ok(()) if !self.identity.is_at(own)? => return Ok(None),
                    linked => linked.and_then(|()| self.file.metadata()),
                },
                Way::Copy => self.copy(own, durable),
            };
            match named {
                Ok(metadata) => return Ok(Some(metadata)),
                Err(_) if !self.is_held()? => return Ok(None),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn copy(&self, own: &Path, durable: bool) -> io::Result<Metadata> {
        let mut copy = OpenOptions::new().write(true).create_new(true).open(own)?;
        let mut file = &self.file;
        file.rewind()?;
        io::copy(&mut file, &mut copy)?;
        if durable {
            copy.sync_all()?;
        }
        copy.metadata()
    }

    /// Renames what a function wrote to its draft to the target; `false` if the claim is lost: then so may be the draft.
    pub(super) fn put_draft_in_place(&self, draft: &Path, target: &Path) -> io::Result<bool> {
        let _not_ending = unless_ending();
        if !self.is_held()? {
            return Ok(false);
        }
        match fs::rename(draft, target) {
            // A directory is there, which no other can be renamed over: it goes first.
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                let old = temporary::old(target, self.identity.inode);
                remove_whatever(&old)?;
                fs::rename(target, &old)?;
                self.has_beside(old);
                fs::rename(draft, target)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(draft).is_err() => {
                return Ok(false);
            }
            renamed => renamed?,
        }
        Ok(true)
    }
}
