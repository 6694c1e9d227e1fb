//! Outputs that a team shares: a folder that every checkout sees, from which what others have made of the same is taken.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tempfile::NamedTempFile;
use xxhash_rust::xxh3::Xxh3;

use super::claim_file::Identity;
use super::error::StoreError;
use super::footer::Footer;
use super::object::Object;
use super::regular::{self, open_regular};
use super::{Claim, Receipt, Record, Stamp, StoreResult, note, unnamed};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::or_zero::fingerprint_parts;
use crate::model::target::{Location, url_scheme};
use crate::root::Root;

/// A folder that a team shares: an output that is missing here and was made there of the same is taken, not made.
///
/// What counts as the same has the same name: that of the target, seen from the root of the project, with a fingerprint of the
/// task function, its code, arguments, inputs and the shape of the type. A value that was made of something else has another name, so
/// it is never taken, and the outputs of several branches stand beside each other.
///
/// ```no_run
/// use pipex::{Config, Shared, task};
///
/// # #[task] fn load(station: &str) -> String { station.to_owned() }
/// # fn main() -> pipex::Result<()> {
/// // As PIPEX_SHARED=/team/outputs,readonly does.
/// Config::new().shared(Shared::new("/team/outputs").read_only()).scope(|| load("EWR").run())?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    folder: PathBuf,
    pub(super) is_read_only: bool,
}

/// The name of an output in the shared folder.
#[derive(Debug)]
pub struct SharedName(PathBuf);

/// The digits of a fingerprint in a name.
const DIGITS: usize = 16;

/// What the names begin with of what is not yet whole.
pub(super) const DRAFT: &str = ".pipex-shared-";

impl Shared {
    /// What stands in `PIPEX_SHARED`: a folder, and `,readonly` behind it if nothing is put there.
    pub const EXPECTED: &str =
        "a folder, or `FOLDER,readonly`; with the cargo feature `object-store` also a URL such as s3://bucket/shared";

    /// The outputs in this folder, relative to the root of the project, or in a bucket (cargo feature `object-store`):
    /// `s3://bucket/shared`. What is made here is put there, too.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Shared { folder: folder.into(), is_read_only: false }
    }

    /// The same; nothing is put there.
    #[must_use]
    pub fn read_only(self) -> Self {
        Shared { is_read_only: true, ..self }
    }

    /// What `PIPEX_SHARED` says.
    #[doc(hidden)]
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (folder, is_read_only) = match text.rsplit_once(',') {
            Some((folder, "readonly")) => (folder, true),
            Some(_) => return None,
            None => (text, false),
        };
        // A folder "s3:" would be found by nobody else.
        let is_folder = !folder.is_empty() && (cfg!(feature = "object-store") || url_scheme(folder).is_none());
        is_folder.then(|| Shared { is_read_only, ..Self::new(folder) })
    }

    /// The name under which an output is shared that is made of this, in this format; `None` if it is not to be shared: it lies
    /// outside of the project, or what it is made of is not known.
    #[doc(hidden)]
    #[must_use]
    pub fn name(&self, target: &str, record: Record, format: Option<Fingerprint>) -> Option<SharedName> {
        if target.starts_with('/') || target.starts_with("..") || url_scheme(target).is_some() {
            return None;
        }
        let made = record.provenance();
        let (code, inputs) = (made.code?, made.inputs?);
        let task = fingerprint_bytes(record.task().full_name().as_bytes());
        let print = fingerprint_parts([Some(task.then(code)), made.arguments, Some(inputs)]);
        let digits = fingerprint_parts([Some(print), format, None]).to_string();
        let file = target.rfind('/').map_or(0, |slash| slash + 1);
        // In front of all extensions, since programs go by them; what a name begins with is none.
        let stem = target[file..].find('.').filter(|dot| *dot > 0).map_or(target.len(), |dot| file + dot);
        let name = format!("{}@{}{}", &target[..stem], &digits[..DIGITS], &target[stem..]);
        Some(SharedName(self.folder().join(name)))
    }

    /// The output of this name, if it is there.
    #[doc(hidden)]
    pub fn find(&self, SharedName(path): &SharedName) -> StoreResult<Option<SharedOutput>> {
        let found = |from| Some(SharedOutput { path: path.clone(), from });
        if let Some(object) = find_object(path)? {
            return Ok(object.look()?.and_then(|_| found(From::Object(object))));
        }
        match open_regular(path, OpenOptions::new().read(true)) {
            Ok(file) => Ok(found(From::File(file))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(StoreError::io("open", path, error).into()),
        }
    }

    /// Puts what was just made there as well; it has to have this content, if that is known.
    #[doc(hidden)]
    pub fn put(&self, SharedName(path): &SharedName, made: &Path, content: Option<Fingerprint>) -> StoreResult<()> {
        if self.is_read_only || !fs::metadata(made).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(());
        }
        let failed = |error| StoreError::io("write", path, error);
        // Another process may have replaced it meanwhile, with what was made of something else.
        let is_it = |copied| content.is_none_or(|content| content == copied);
        if let Some(object) = find_object(path)? {
            let mut copied = tempfile::tempfile().map_err(failed)?;
            if is_it(copy(made, &regular::read(made)?, &mut copied)?.0) {
                object.put_over(&mut copied)?;
            }
            return Ok(());
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut draft = draft_in(folder).map_err(failed)?;
        let (copied, _) = copy(made, &regular::read(made)?, draft.as_file_mut())?;
        if is_it(copied) {
            // Colleagues are to read it.
            fs::set_permissions(draft.path(), fs::metadata(made).map_err(failed)?.permissions()).map_err(failed)?;
            draft.persist(path).map_err(|error| failed(error.error))?;
        }
        Ok(())
    }

    pub(super) fn folder(&self) -> PathBuf {
        match self.folder.to_str() {
            Some(folder) => PathBuf::from(&*Root::of_program().to_here(folder)),
            None => self.folder.clone(),
        }
    }
}

/// A file there that is locked until it has its name, so that nobody takes it for what a killed process left.
fn draft_in(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder)?;
        // Where there are no locks, nobody else has one either.
        let _ = draft.as_file().lock();
        if Identity::new(&draft.as_file().metadata()?).is_at(draft.path())? {
            return Ok(draft);
        }
    }
}

/// The object that is shared, if that is one.
pub(super) fn find_object(path: &Path) -> Result<Option<Object>, StoreError> {
    path.to_str().map(Object::find).transpose().map(Option::flatten)
}

/// An output that is shared.
#[doc(hidden)]
pub struct SharedOutput {
    path: PathBuf,
    from: From,
}

enum From {
    /// What is taken is what was there when it was found, whatever has the name by then.
    File(File),
    Object(Object),
}

impl SharedOutput {
    /// Takes it, in place of making it, if nothing is at the target; `None` if something is, and where a file cannot do without
    /// a name until it is whole: there a claim is needed.
    ///
    /// Who claims the target, to make it or to take it, is neither waited for nor held up: he puts the same there, later.
    pub fn take_unclaimed(&self, target: &Location, record: Record) -> StoreResult<Option<Arc<Receipt>>> {
        let target = target.path();
        let Some(mut file) = unnamed::create_beside(target) else { return Ok(None) };
        let (content, is_recorded) = self.copy_to(&mut file, record)?;
        let metadata = file.metadata().map_err(|error| StoreError::io("look at", target, error))?;
        // What is wrong with it, the claim will say.
        if unnamed::link(&file, target).is_err() {
            return Ok(None);
        }
        let receipt = Receipt::default();
        let _ = receipt.content.set(content);
        let _ = receipt.stamp.set(Stamp::from_metadata(&metadata));
        let _ = receipt.bytes.set(metadata.len());
        receipt.is_recorded.store(is_recorded, Ordering::Relaxed);
        Ok(Some(Arc::new(receipt)))
    }

    /// Takes it, in place of making it; the bytes that it takes.
    pub fn take(&self, mut claim: Claim) -> StoreResult<u64> {
        let record = claim.record();
        let (content, is_recorded) = self.copy_to(claim.file(), record)?;
        claim.has_content(content);
        if is_recorded {
            claim.has_record();
        }
        Ok(claim.commit()?)
    }

    /// Copies it; the fingerprint of its content, and whether it says itself what made it.
    fn copy_to(&self, to: &mut File, record: Record) -> StoreResult<(Fingerprint, bool)> {
        let path = &self.path;
        let (content, footer) = match &self.from {
            From::File(file) => copy(path, file, to)?,
            From::Object(object) => copy_bytes(path, &object.read_in_order()?, to)?,
        };
        let made = record.provenance();
        match &footer {
            // Somebody has given it another's name.
            Some(footer)
                if (footer.code, footer.arguments, footer.inputs) != (made.code, made.arguments, made.inputs) =>
            {
                Err(StoreError::Damaged { target: path.display().to_string() }.into())
            }
            footer => Ok((content, footer.is_some())),
        }
    }
}

/// What is smaller is read at once.
const LARGE: u64 = 1 << 20;

/// Copies a file, and checks what it says of itself: the fingerprint of its content, and its footer or what its note says.
fn copy(path: &Path, from: &File, to: &mut File) -> StoreResult<(Fingerprint, Option<Footer>)> {
    let failed = |error| StoreError::io("read", path, error);
    let length = from.metadata().map_err(failed)?.len();
    if length < LARGE {
        let mut bytes = vec![0; length as usize];
        from.read_exact_at(&mut bytes, 0).map_err(failed)?;
        return copy_bytes(path, &bytes, to);
    }
    let mut footer = Footer::read_at_end(from, length).map_err(failed)?;
    let mut note = None;
    if let (None, Some((place, said))) = (&footer, note::read_at_end(from, length).map_err(failed)?) {
        (footer, note) = (Some(said), Some(place));
    }
    let mut from = from;
    io::Seek::rewind(&mut from).map_err(failed)?;
    let mut payload = footer.as_ref().map_or(length, |footer| footer.length.min(length));
    let (mut hasher, mut offset) = (Xxh3::new(), 0);
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = from.read(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        let of_payload = read.min(usize::try_from(payload).unwrap_or(read));
        to.write_all(&piece[..read])?;
        if let Some(note) = &note {
            note::blank_out(&mut piece[..read], offset, note);
        }
        hasher.update(&piece[..of_payload]);
        payload -= of_payload as u64;
        offset += read as u64;
    }
    let content = Fingerprint::new(hasher.digest128());
    if footer.as_ref().is_some_and(|footer| footer.checksum != Some(content)) {
        return Err(StoreError::Damaged { target: path.display().to_string() }.into());
    }
    Ok((content, footer))
}

/// The same of a file that is in memory.
fn copy_bytes(path: &Path, bytes: &[u8], to: &mut File) -> StoreResult<(Fingerprint, Option<Footer>)> {
    let name = path.to_string_lossy();
    let footer = match Footer::find(bytes) {
        Some(footer) => {
            let payload = usize::try_from(footer.length).ok().and_then(|length| bytes.get(..length));
            footer.check_payload(payload.unwrap_or_default(), &name)?;
            Some(footer)
        }
        None => note::check_if_there(bytes, &name)?,
    };
    to.write_all(bytes)?;
    let content = footer.as_ref().and_then(|footer| footer.checksum);
    Ok((content.unwrap_or_else(|| fingerprint_bytes(bytes)), footer))
}
