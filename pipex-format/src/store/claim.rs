//! The claim on a target: the right, held by one at a time, to make its value.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::claim_file::Way;
use super::claim_file::{ClaimFile, remove_whatever};
use super::entry::PutObject;
use super::error::StoreError;
use super::note::Note;
use super::object::{Claimed, Object};
use super::record::Record;
use super::regular;
use super::stamp::Stamp;
use crate::model::fingerprint::Fingerprint;
use crate::model::target::{Location, url_scheme};
use crate::model::temporary;

/// What a store tells of what it saved.
#[derive(Debug, Default)]
pub struct Receipt {
    /// The fingerprint of the content, if the store tells it.
    pub content: OnceLock<Fingerprint>,
    /// What tells it from what was there before.
    pub stamp: OnceLock<Stamp>,
    /// The bytes that it takes, if it is a file.
    pub bytes: OnceLock<u64>,
    /// The record stands beside the value.
    pub is_recorded: AtomicBool,
    /// The claim was lost: nothing was saved.
    pub is_lost: AtomicBool,
}

/// The right to make a target's value, held by one thread of one process at a time.
///
/// Dropped without [`commit`](Claim::commit), it removes what was written and lets the next one try.
///
/// It can be lost: somebody who knows nothing of claims may remove its file, such as a cleaner of temporary files. Then
/// nothing is saved by it, and pipex has the store save again under a new claim, unless another has made the target by then.
#[derive(Debug)]
pub struct Claim {
    target: Location,
    record: Record,
    /// What it has besides if the target is an object: it goes first.
    object: Option<Box<Claimed>>,
    claimed: ClaimFile,
    receipt: Arc<Receipt>,
    /// Those of the other targets that are saved together with this one.
    others: Vec<Claim>,
    /// Where it waits until all of them have been written, in place of being committed.
    written: Option<Arc<Mutex<Vec<Written>>>>,
}

/// The object that is claimed, if the claim is one beside an object.
fn find_object(claim: &Path, target: &Location) -> Result<Option<Object>, StoreError> {
    // Whatever a target is to a store, its claim says where it is.
    match claim.to_str().and_then(url_scheme) {
        Some(_) => Object::find(target.as_str()),
        None => Ok(None),
    }
}

/// What was written under a claim, and has yet to get its name.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) claim: Claim,
    durable: bool,
    is_draft: bool,
}

impl Written {
    /// Gives it the target's name.
    pub(super) fn commit(self) -> io::Result<()> {
        let Written { mut claim, durable, is_draft } = self;
        if is_draft { claim.put_draft().map_err(io::Error::other) } else { claim.put(durable).map(drop) }
    }
}

impl Claim {
    /// Waits for the claim whose file is `path`.
    #[doc(hidden)]
    pub fn wait(path: &Path, target: Location, record: Record) -> Result<Self, StoreError> {
        let Some(object) = find_object(path, &target)? else {
            return Ok(Claim::new(ClaimFile::wait(path, target.path())?, None, target, record));
        };
        loop {
            // Nothing is for those who do not wait.
            if let Some((claimed, object)) = object.claim(record.task(), true)? {
                return Ok(Claim::new(claimed, Some(object), target, record));
            }
        }
    }

    /// The claim whose file is `path`, unless another holds it.
    #[doc(hidden)]
    pub fn try_now(path: &Path, target: &Location, record: Record) -> Result<Option<Self>, StoreError> {
        let claimed = match find_object(path, target)? {
            None => ClaimFile::try_now(path, target.path())?.map(|claimed| (claimed, None)),
            Some(object) => object.claim(record.task(), false)?.map(|(claimed, object)| (claimed, Some(object))),
        };
        Ok(claimed.map(|(claimed, object)| Claim::new(claimed, object, target.clone(), record)))
    }

    fn new(claimed: ClaimFile, object: Option<Box<Claimed>>, target: Location, record: Record) -> Self {
        Claim { claimed, object, target, record, receipt: Arc::default(), others: Vec::new(), written: None }
    }

    /// Where on this machine the value is written until it is whole: at the target, or in its stead.
    fn local(&self) -> &Path {
        self.object.as_ref().map_or(self.target.path(), |object| &object.local)
    }

    /// The claim on all of these targets, which are saved together.
    #[doc(hidden)]
    #[must_use]
    pub fn together(mut self, others: Vec<Claim>) -> Self {
        self.others = others;
        self
    }

    /// Each for itself.
    pub(super) fn split(mut self) -> Vec<Claim> {
        let others = std::mem::take(&mut self.others);
        std::iter::once(self).chain(others).collect()
    }

    /// Has what is committed wait here.
    pub(super) fn commits_later(&mut self, written: &Arc<Mutex<Vec<Written>>>) {
        self.written = Some(Arc::clone(written));
    }

    /// Its own receipt, and those of the others.
    #[doc(hidden)]
    #[must_use]
    pub fn receipts(&self) -> Vec<Arc<Receipt>> {
        std::iter::once(self).chain(&self.others).map(Claim::receipt).collect()
    }

    /// What the store will have told once it has saved.
    #[doc(hidden)]
    pub fn receipt(&self) -> Arc<Receipt> {
        Arc::clone(&self.receipt)
    }

    /// Tells the fingerprint of the content that is saved, so that it need not be read again to know it.
    ///
    /// What was saved before is the same output if it has the same.
    pub fn has_content(&self, content: Fingerprint) {
        let _ = self.receipt.content.set(content);
    }

    /// Tells that the claim's [`record`](Claim::record) is saved with the value, and that
    /// [`Listing::entry`](super::Listing::entry) will tell it.
    pub fn has_record(&self) {
        self.receipt.is_recorded.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_stamp(&self, stamp: Stamp) {
        let _ = self.receipt.stamp.set(stamp);
    }

    /// Whether the target is an object.
    pub(super) fn is_of_object(&self) -> bool {
        self.object.is_some()
    }

    /// The target that is claimed.
    #[must_use]
    pub fn target(&self) -> &Location {
        &self.target
    }

    /// What makes the value.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record
    }

    /// The claim's file, open for writing, and empty.
    pub fn file(&mut self) -> &mut File {
        &mut self.claimed.file
    }

    /// Where a value goes that needs no file of this machine: into the claim's file, or on its way to the bucket.
    pub(super) fn writer(&mut self) -> &mut dyn Write {
        match &mut self.object {
            Some(object) => &mut **object,
            None => &mut self.claimed.file,
        }
    }

    /// Puts a note into its place in what was written there; whether that was found.
    pub(super) fn fill_in(&mut self, note: Note, length: u64, checksum: Fingerprint) -> io::Result<bool> {
        match &mut self.object {
            Some(object) => Ok(note.fill_in_end(object.end(), length, checksum)),
            None => note.fill_in(&self.claimed.file, length, checksum),
        }
    }

    /// Why no more could be written there, if its bucket is why.
    pub(super) fn writing_failed(&mut self) -> Option<StoreError> {
        match self.object.as_mut()?.failure()? {
            StoreError::ClaimLost { .. } => Some(self.lost()),
            error => Some(error),
        }
    }

    /// For a store that does not [`commit`](Claim::commit) its values as files: to be asked before a value gets its place.
    ///
    /// # Errors
    /// When the claim is lost: then nothing is to be saved.
    pub fn ensure_held(&self) -> io::Result<()> {
        let is_held = self.claimed.is_held()?
            && self.object.as_ref().map_or(Ok(true), |object| object.is_held()).map_err(io::Error::other)?;
        if is_held { Ok(()) } else { Err(io::Error::other(self.lost())) }
    }

    /// Has the error that tells of it, and whoever shares the receipt, know that the claim is lost.
    pub(super) fn lost(&self) -> StoreError {
        self.receipt.is_lost.store(true, Ordering::Relaxed);
        let claim = self.object.as_ref().map_or_else(|| self.claimed.path.clone(), |object| object.name().into());
        StoreError::ClaimLost { target: self.target.to_string(), claim }
    }

    /// Puts the claim's file in the target's place: from now on the target is there, whole. The bytes it has.
    ///
    /// # Errors
    /// When the file cannot be put there, or the claim is lost; then the target is as it was.
    pub fn commit(self) -> io::Result<u64> {
        self.commit_as(false)
    }

    /// As [`commit`](Claim::commit). If it is `durable`, the target is on the disk when this returns, and its name as well.
    pub(super) fn commit_as(mut self, durable: bool) -> io::Result<u64> {
        if let Some(written) = self.written.take() {
            let streamed = self.object.as_ref().map_or(0, |object| object.len());
            let bytes = if streamed > 0 { streamed } else { self.claimed.file.metadata()?.len() };
            lock(&written).push(Written { claim: self, durable, is_draft: false });
            return Ok(bytes);
        }
        self.put(durable)
    }

    fn put(&mut self, durable: bool) -> io::Result<u64> {
        if let Some(object) = &self.object {
            let mut file = if object.len() > 0 { None } else { Some(self.claimed.file.try_clone()?) };
            return self.put_object(file.as_mut()).map_err(io::Error::other);
        }
        if durable {
            self.claimed.file.sync_all()?;
        }
        let target = self.target.path();
        let Some(metadata) = self.claimed.put_in_place(target, durable, Way::ALL)? else {
            return Err(io::Error::other(self.lost()));
        };
        self.has_stamp(Stamp::from_metadata(&metadata));
        let _ = self.receipt.bytes.set(metadata.len());
        if durable {
            let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(metadata.len())
    }

    /// Makes what the file has, or without one what was written, the object that is the target. The bytes it has.
    fn put_object(&mut self, file: Option<&mut File>) -> Result<u64, StoreError> {
        let Claim { claimed, object, .. } = self;
        let failed = |error| StoreError::io("look at", &claimed.path, error);
        let put = match (object, file) {
            (Some(object), file) if claimed.is_held().map_err(failed)? => match file {
                Some(file) => object.put(file)?,
                None => object.put_written()?,
            },
            _ => None,
        };
        let Some(PutObject { stamp, bytes, content }) = put else { return Err(self.lost()) };
        self.has_stamp(stamp);
        let _ = self.receipt.bytes.set(bytes);
        content.into_iter().for_each(|content| self.has_content(content));
        Ok(bytes)
    }

    /// The temporary path for a function that writes its own output: beside the target, with the target's extension. No
    /// other claim has the same while this one lives, or a function that was given up on still writes there.
    #[must_use]
    pub fn draft(&self) -> PathBuf {
        temporary::draft(self.local(), self.claimed.identity.inode)
    }

    /// The paths of the drafts, its own and those of the others, with nothing there that a killed holder left. They go with the
    /// claim.
    #[doc(hidden)]
    pub fn fresh_drafts(&self) -> Result<Vec<PathBuf>, StoreError> {
        let fresh = |claim: &Claim| {
            let draft = claim.draft();
            remove_whatever(&draft).map_err(|error| StoreError::io("remove", &draft, error))?;
            claim.claimed.has_beside(draft.clone());
            Ok(draft)
        };
        std::iter::once(self).chain(&self.others).map(fresh).collect()
    }

    /// The drafts, for a function that may go on writing them when nobody waits for it any longer.
    #[doc(hidden)]
    pub fn abandoned_drafts(&self) -> io::Result<Vec<Draft>> {
        let abandon = |claim: &Claim| Ok(Draft { path: Some(claim.draft()), _claim: claim.claimed.file.try_clone()? });
        std::iter::once(self).chain(&self.others).map(abandon).collect()
    }

    /// Renames the draft to the target.
    pub(super) fn commit_draft(mut self) -> Result<(), StoreError> {
        if let Some(written) = self.written.take() {
            lock(&written).push(Written { claim: self, durable: false, is_draft: true });
            return Ok(());
        }
        self.put_draft()
    }

    fn put_draft(&mut self) -> Result<(), StoreError> {
        if self.object.is_some() {
            let draft = self.draft();
            return match regular::read(&draft) {
                Err(StoreError::Directory { .. }) => Err(StoreError::NotOneFile { target: self.target.to_string() }),
                Err(StoreError::Missing { .. }) => Err(self.lost()),
                file => self.put_object(Some(&mut file?)).map(drop),
            };
        }
        let target = self.target.path();
        match self.claimed.put_draft_in_place(&self.draft(), target) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.lost()),
            Err(error) => Err(StoreError::io("rename what was written to", target, error)),
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a function goes on writing when it was given up on. The claim's file stays open, without its lock, so that its number,
/// and so the draft's name, is nobody else's. Dropped when the function has returned, it removes what was written.
#[derive(Debug)]
pub struct Draft {
    path: Option<PathBuf>,
    _claim: File,
}

impl Draft {
    /// Somebody waits for what was written.
    pub fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = remove_whatever(path);
        }
    }
}
