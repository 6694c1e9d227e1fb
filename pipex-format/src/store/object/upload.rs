//! From a file of this machine to an object.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use object_store::{ObjectStoreExt as _, PutPayload, PutResult, UpdateVersion};
use xxhash_rust::xxh3::Xxh3;

use super::holder::{Holder, Lock, random};
use super::lease::{Lease, Other};
use super::parts::Parts;
use super::place::Object;
use super::put::{is_conflict, put_if};
use super::seen::Seen;
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::task::Task;
use crate::model::temporary;
use crate::store::claim_file::ClaimFile;
use crate::store::entry::PutObject;
use crate::store::error::StoreError;
use crate::store::footer::Footer;

/// What is larger goes in parts: several requests, none of which has to take long.
const LARGE: u64 = 16 << 20;
/// The bytes of a part.
const PART: u64 = 8 << 20;
/// Servers take no more parts than 10,000.
const PARTS: u64 = 9_000;

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Claimed").field(&self.name()).finish()
    }
}

/// The claim on an object: one among the processes of this machine, by a lock on a file as for files, and a lease among machines.
pub(in crate::store) struct Claimed {
    object: Object,
    /// Where the value is written until it is whole.
    pub(in crate::store) local: PathBuf,
    lease: Lease,
    /// What was there when it was claimed.
    before: Option<UpdateVersion>,
}

impl Object {
    /// The claim on this object for a run of `task`, and the file on this machine that is its first half; `None` if another has it and this is not
    /// to wait.
    pub(in crate::store) fn claim(
        &self,
        task: &Task,
        waits: bool,
    ) -> Result<Option<(ClaimFile, Box<Claimed>)>, StoreError> {
        let claimed = self.claim_any(waits)?;
        if claimed.is_some() && !task.saves && !task.wants_target {
            self.is_always_asked();
        }
        Ok(claimed)
    }

    fn claim_any(&self, waits: bool) -> Result<Option<(ClaimFile, Box<Claimed>)>, StoreError> {
        let directory = self.local_directory()?;
        let key = fingerprint_bytes(self.name.as_bytes());
        // Libraries go by extensions.
        let extension = Path::new(&*self.name).extension().and_then(OsStr::to_str);
        let name = extension.map_or_else(|| key.to_string(), |extension| format!("{key}.{extension}"));
        let local = directory.join(&name);
        let path = temporary::claim(&local);
        let file = if waits { Some(ClaimFile::wait(&path, &local)?) } else { ClaimFile::try_now(&path, &local)? };
        let Some(file) = file else { return Ok(None) };
        let lock = Lock { domain: domain(&directory)?, file: name };
        let other = if waits { Other::IsWaitedFor } else { Other::Stays };
        let Some(lease) = Lease::take(self, self.holder(lock)?, other)? else { return Ok(None) };
        let meta = self.head()?;
        let before = meta.map(|meta| UpdateVersion { e_tag: meta.e_tag, version: meta.version });
        Ok(Some((file, Box::new(Claimed { object: self.clone(), local, lease, before }))))
    }
}

impl Object {
    /// Who takes its lease having this lock.
    pub(super) fn holder(&self, lock: Lock) -> Result<Holder, StoreError> {
        Holder::new(lock, self.path.as_ref().rsplit('/').next().unwrap_or_default())
    }

    /// Makes what the file has the object, whatever is there: where all that may be there is the same.
    pub(in crate::store) fn put_over(&self, file: &mut File) -> Result<(), StoreError> {
        match self.measure(file)? {
            // So that its parts are known to whoever comes next. If the claim is lost, another has put the same there.
            (_, true) => {
                if let Some((_file, claimed)) = self.claim_any(true)? {
                    claimed.put(file)?;
                }
            }
            (_, false) => {
                let (store, path, bytes) = (self.bucket.store(), self.path.clone(), self.read_file(file)?);
                let put = self.bucket.wait(async move { store.put(&path, bytes.into()).await })?;
                put.map_err(|error| self.refused("write", error))?;
            }
        }
        Ok(())
    }

    /// Where on this machine values are written until they are whole, and claims are locked.
    pub(in crate::store) fn local_directory(&self) -> Result<PathBuf, StoreError> {
        let user = rustix::process::geteuid().as_raw();
        let directory = std::env::temp_dir().join(format!("pipex-objects-{user}"));
        let failed = |error| StoreError::io("make the directory", &directory, error);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let metadata = fs::symlink_metadata(&directory).map_err(failed)?;
        if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o022 != 0 {
            let error = io::Error::other("it is not this user's alone: remove it, or set TMPDIR to another directory");
            return Err(StoreError::io("use", &directory, error));
        }
        Ok(directory)
    }

    /// The bytes of a file, from whose beginning it is read from now on, and whether it goes in parts.
    fn measure(&self, file: &mut File) -> Result<(u64, bool), StoreError> {
        let measured = file.metadata().and_then(|metadata| file.rewind().map(|()| metadata.len()));
        let length = measured.map_err(|error| self.unreadable(error))?;
        Ok((length, length > LARGE && !self.bucket.name.starts_with("http")))
    }

    fn read_file(&self, file: &mut File) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| self.unreadable(error))?;
        Ok(bytes.into())
    }

    fn unreadable(&self, error: io::Error) -> StoreError {
        StoreError::io("read what is to be written to", Path::new(&*self.name), error)
    }
}

impl Claimed {
    /// Whether it is held, as far as that can be known.
    pub(in crate::store) fn is_held(&self) -> Result<bool, StoreError> {
        self.lease.is_held(false)
    }

    /// What it is called.
    pub(in crate::store) fn name(&self) -> &str {
        self.lease.name()
    }

    /// Makes what the file has the object, in one step; `None` if the claim is lost, and then the object is as it was or as another
    /// has made it since.
    pub(in crate::store) fn put(&self, file: &mut File) -> Result<Option<PutObject>, StoreError> {
        match self.object.measure(file)? {
            (length, true) => self.put_in_parts(file, length),
            (_, false) => self.put_at_once(file),
        }
    }

    /// It is in place, whole.
    fn has_put(&self, seen: Seen, content: Option<Fingerprint>) -> PutObject {
        let Seen { stamp, bytes, .. } = seen;
        self.object.is_found(seen);
        PutObject { stamp, bytes, content }
    }

    fn put_at_once(&self, file: &mut File) -> Result<Option<PutObject>, StoreError> {
        let object = &self.object;
        let bytes = object.read_file(file)?;
        // Where it would be lost for sure, nothing is sent.
        if !self.is_held()? {
            return Ok(None);
        }
        // Where a footer stands, it says what the content is.
        let content = (!Footer::is_at_end(&bytes)).then(|| fingerprint_bytes(&bytes));
        let (to, payload, before) = (object.clone(), PutPayload::from(bytes.clone()), self.before.clone());
        let seen = match object.bucket.wait(async move { put_if(&to, payload, before).await })? {
            Ok(UpdateVersion { e_tag: Some(tag), .. }) => {
                Some(Seen::new(Some(&tag), bytes.len() as u64, SystemTime::now()))
            }
            // Whoever finds what it was to write has written it, and only the answer was lost; or it is all the same.
            Ok(_) => self.find_same(&bytes)?,
            Err(error) if is_conflict(&error) => self.find_same(&bytes)?,
            Err(error) => return Err(object.refused("write", error)),
        };
        Ok(seen.map(|seen| self.has_put(seen, content)))
    }

    /// What is there now, if it has these bytes.
    fn find_same(&self, bytes: &[u8]) -> Result<Option<Seen>, StoreError> {
        match self.object.get(None) {
            Ok((meta, there)) => Ok((there == bytes).then(|| Seen::from_meta(&meta))),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The parts are nothing until all of them are made the object. That has no condition; but who has taken the claim over has aborted them.
    fn put_in_parts(&self, file: &mut File, length: u64) -> Result<Option<PutObject>, StoreError> {
        let object = &self.object;
        let parts = Parts::begin(object)?;
        if !self.lease.has_begun(&parts.id)? {
            return Ok(None);
        }
        let (mut parts, content) = object.send(parts, file, length)?;
        parts.wait()?;
        let now = object.head()?.map(|meta| meta.e_tag);
        if now != self.before.as_ref().map(|before| before.e_tag.clone()) || !self.lease.is_held(true)? {
            return Ok(None);
        }
        let seen = match parts.complete()? {
            Ok(PutResult { e_tag: Some(tag), .. }) => Some(Seen::new(Some(&tag), length, SystemTime::now())),
            Ok(_) => object.head()?.map(|meta| Seen::from_meta(&meta)),
            // The answer of what is tried again may have been lost; or they have been aborted, which some servers say in their own ways.
            Err(error) => match self.find_same_file(file)? {
                Some(seen) => Some(seen),
                None if !self.lease.is_held(true)? => None,
                None => return Err(object.refused("write", error)),
            },
        };
        Ok(seen.map(|seen| self.has_put(seen, content)))
    }

    /// What is there now, if it has the bytes of this file.
    fn find_same_file(&self, file: &mut File) -> Result<Option<Seen>, StoreError> {
        self.object.measure(file)?;
        self.find_same(&self.object.read_file(file)?)
    }
}

impl Object {
    /// Sends the file in these parts, and finishes nothing. The fingerprint of its content, if that is all of its bytes.
    fn send(&self, mut parts: Parts, file: &mut File, length: u64) -> Result<(Parts, Option<Fingerprint>), StoreError> {
        let part = PART.max(length / PARTS);
        let (mut hasher, mut has_footer) = (Xxh3::new(), false);
        loop {
            let mut bytes = Vec::with_capacity(part as usize);
            let read = (&mut *file).take(part).read_to_end(&mut bytes);
            read.map_err(|error| self.unreadable(error))?;
            if bytes.is_empty() {
                break;
            }
            hasher.update(&bytes);
            has_footer = Footer::is_at_end(&bytes);
            parts.add(bytes.into())?;
        }
        Ok((parts, (!has_footer).then(|| Fingerprint::new(hasher.digest128()))))
    }
}

/// What all have in common that share the locks in this directory, and nobody else has.
pub(super) fn domain(directory: &Path) -> Result<String, StoreError> {
    let path = directory.join("domain");
    let failed = |error| StoreError::io("read", &path, error);
    loop {
        match fs::read_to_string(&path) {
            Ok(domain) => return Ok(domain),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut new = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        write!(new, "{:016x}{:016x}", random(), random()).map_err(failed)?;
        match new.persist_noclobber(&path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error.error)),
            _ => {}
        }
    }
}
