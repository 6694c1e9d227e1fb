//! The claim on a target: the right, held by one at a time, to make its value.
//!
//! The claim *is* the temporary file. Its name follows from the target's, and it is locked (`flock`) while its holder
//! lives, so a killed holder releases it. A waiter that gets the lock holds a file, not yet the name: the last holder may
//! have renamed that very file into place. So it looks again whether the name still means the file that it has locked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::listing::Stamp;
use crate::fingerprint::Fingerprint;
use crate::provenance::Provenance;
use crate::target::{Location, hidden};
use crate::task::Task;

/// What made a value: recorded beside it by stores that have room for it.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    task: &'static Task,
    arguments: Fingerprint,
    inputs: Fingerprint,
}

impl Record {
    pub(crate) fn new(task: &'static Task, arguments: Fingerprint, inputs: Fingerprint) -> Self {
        Record { task, arguments, inputs }
    }

    /// The task function.
    #[must_use]
    pub fn task(&self) -> &'static Task {
        self.task
    }

    /// The fingerprint of the arguments: values by content, outputs by location.
    #[must_use]
    pub fn arguments(&self) -> Fingerprint {
        self.arguments
    }

    /// The fingerprint of the contents of the outputs and files among the arguments; zero if it is not known.
    #[must_use]
    pub fn inputs(&self) -> Fingerprint {
        self.inputs
    }

    /// All of it, but for the format, which only the store knows.
    pub(crate) fn provenance(&self) -> Provenance {
        Provenance::new(self.task.code, self.arguments, self.inputs)
    }
}

/// What a store tells of what it saved.
#[derive(Debug, Default)]
pub(crate) struct Receipt {
    pub(crate) content: OnceLock<Fingerprint>,
    pub(crate) stamp: OnceLock<Stamp>,
    /// The record stands beside the value.
    pub(crate) is_recorded: AtomicBool,
}

/// The right to make a target's value, held by one thread of one process at a time.
///
/// Dropped without [`commit`](Claim::commit), it removes what was written and lets the next one try.
#[derive(Debug)]
pub struct Claim {
    target: Location,
    record: Record,
    path: PathBuf,
    file: File,
    /// Tells this claim's draft from those of the same target before it.
    draft: Option<u64>,
    committed: bool,
    live: Live,
    receipt: Arc<Receipt>,
}

/// The files that go if the process ends before their claims do, by the claims' numbers.
static LIVE: Mutex<BTreeMap<u64, Vec<PathBuf>>> = Mutex::new(BTreeMap::new());

/// A claim's entry among these.
#[derive(Debug)]
struct Live(u64);

impl Live {
    fn new(path: &Path) -> Self {
        static CLAIMS: AtomicU64 = AtomicU64::new(0);
        let number = CLAIMS.fetch_add(1, Ordering::Relaxed);
        Self::all().insert(number, vec![path.to_owned()]);
        Live(number)
    }

    fn all() -> MutexGuard<'static, BTreeMap<u64, Vec<PathBuf>>> {
        LIVE.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        Self::all().remove(&self.0);
    }
}

/// Removes what all claims of this process have written and not committed: the process is about to end.
pub(crate) fn remove_claims() {
    for path in Live::all().values().flatten() {
        let _ = remove_whatever(path);
    }
}

impl Claim {
    /// Waits for the claim whose file is `path`.
    pub(crate) fn wait(path: PathBuf, target: Location, record: Record) -> io::Result<Self> {
        loop {
            let file = open(&path)?;
            file.lock()?;
            if still_means(&path, &file)? {
                return Ok(Claim::new(path, file, target, record));
            }
        }
    }

    fn new(path: PathBuf, file: File, target: Location, record: Record) -> Self {
        let (live, receipt) = (Live::new(&path), Arc::default());
        Claim { target, record, path, file, draft: None, committed: false, live, receipt }
    }

    /// What the store will have told once it has saved.
    pub(crate) fn receipt(&self) -> Arc<Receipt> {
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

    /// The claim whose file is `path`, unless another holds it.
    pub(crate) fn try_now(path: &Path, target: &Location, record: Record) -> io::Result<Option<Self>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if still_means(path, &file)? {
                return Ok(Some(Claim::new(path.to_owned(), file, target.clone(), record)));
            }
        }
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

    /// The claim's file, open for writing, and empty: what a killed holder left in it is gone.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Renames the claim's file to the target: from now on the target is there, whole. The bytes it has.
    ///
    /// # Errors
    /// When the file cannot be renamed; then it is removed and the target is as it was.
    pub fn commit(self) -> io::Result<u64> {
        self.commit_as(false)
    }

    /// As [`commit`](Claim::commit). If it is `durable`, the target is on the disk when this returns, and its name as well.
    pub(crate) fn commit_as(mut self, durable: bool) -> io::Result<u64> {
        if durable {
            self.file.sync_all()?;
        }
        let metadata = self.file.metadata()?;
        self.has_stamp(Stamp::of(&metadata));
        let target = self.target.path();
        fs::rename(&self.path, target)?;
        self.committed = true;
        if durable {
            let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(metadata.len())
    }

    /// The temporary path for a function that writes its own output: beside the target, with the target's extension.
    #[must_use]
    pub fn draft(&self) -> PathBuf {
        let target = self.target.path();
        let mut end = OsString::from(".pipex-draft");
        if let Some(number) = self.draft {
            end.push(format!("-{}-{number}", std::process::id()));
        }
        if let Some(extension) = target.extension() {
            end.push(".");
            end.push(extension);
        }
        target.with_file_name(hidden(target.file_stem().unwrap_or_default(), &end))
    }

    /// Gives this claim a draft that no other writes to, not even a function that was given up on and goes on writing.
    pub(crate) fn draft_of_its_own(&mut self) {
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        self.draft = Some(DRAFTS.fetch_add(1, Ordering::Relaxed));
    }

    /// The draft's path, with nothing there that a killed holder left.
    pub(crate) fn fresh_draft(&self) -> io::Result<PathBuf> {
        let draft = self.draft();
        remove_whatever(&draft)?;
        Live::all().entry(self.live.0).or_default().push(draft.clone());
        Ok(draft)
    }
}

/// Removes the file or directory that may be there.
pub(crate) fn remove_whatever(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(path),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.committed {
            // Removed while locked: whoever waits finds that the name no longer means the file it got.
            let _ = fs::remove_file(&self.path);
            if self.record.task().wants_target {
                let _ = self.fresh_draft();
            }
        }
    }
}

/// Opens the claim's file; its directory is made only when opening says that it is missing.
fn open(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create(true).truncate(false).open(path);
    // Again and again, since a directory of lock files goes when its last one does.
    for _ in 0..100 {
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match fs::create_dir_all(path.parent().unwrap_or(Path::new(""))) {
                    // It was there, and went before it was seen.
                    Err(error) if !matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
            opened => return opened,
        }
    }
    open()
}

/// Whether `path` is still the name of `file`, which is locked; then what a killed holder left in it goes.
fn still_means(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
            if ours.len() > 0 {
                file.set_len(0)?;
            }
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
