//! The claim on an object, and how the value gets there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use object_store::{ObjectStoreExt as _, PutPayload, PutResult, UpdateVersion};

use super::holder::{Holder, Lock, random};
use super::lease::{Lease, Other};
use super::parts::Parts;
use super::place::Object;
use super::put::{is_conflict, put_if};
use super::ranges::Ranges;
use super::seen::Seen;
use super::stream::{LARGE, Stream, Written};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::task::Task;
use crate::model::temporary;
use crate::store::claim_file::ClaimFile;
use crate::store::codec::PIECE;
use crate::store::entry::PutObject;
use crate::store::error::StoreError;
use crate::store::footer::Footer;

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Claimed").field(&self.name()).finish()
    }
}

/// The claim on an object: one among the processes of this machine, by a lock on a file as for files, and a lease among machines.
pub(in crate::store) struct Claimed {
    object: Object,
    /// Where the value is written until it is whole, unless it is streamed.
    pub(in crate::store) local: PathBuf,
    lease: Lease,
    /// What was there when it was claimed.
    before: Option<UpdateVersion>,
    stream: Stream,
    /// Why no more could be written.
    failed: Option<StoreError>,
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
        let name = format!("{}{}", fingerprint_bytes(self.name.as_bytes()), self.extension());
        let local = directory.join(&name);
        let path = temporary::claim(&local);
        let file = if waits { Some(ClaimFile::wait(&path, &local)?) } else { ClaimFile::try_now(&path, &local)? };
        let Some(file) = file else { return Ok(None) };
        let lock = Lock { domain: domain(&directory)?, file: name };
        let other = if waits { Other::IsWaitedFor } else { Other::Stays };
        let Some(lease) = Lease::take(self, self.holder(lock)?, other)? else { return Ok(None) };
        let meta = self.head()?;
        let before = meta.map(|meta| UpdateVersion { e_tag: meta.e_tag, version: meta.version });
        let (object, stream) = (self.clone(), Stream::new(self.bucket.parts().is_some()));
        Ok(Some((file, Box::new(Claimed { object, local, lease, before, stream, failed: None }))))
    }
}

impl Object {
    /// Who takes its lease having this lock.
    pub(super) fn holder(&self, lock: Lock) -> Result<Holder, StoreError> {
        Holder::new(lock, self.path.as_ref().rsplit('/').next().unwrap_or_default())
    }

    /// Makes what the file has the object, whatever is there: where all that may be there is the same.
    pub(in crate::store) fn put_over(&self, file: &mut File) -> Result<(), StoreError> {
        let length = file.metadata().map_err(|error| self.unreadable(error))?.len();
        if length > LARGE as u64 && self.bucket.parts().is_some() {
            // So that its parts are known to whoever comes next. If the claim is lost, another has put the same there.
            let Some((_file, mut claimed)) = self.claim_any(true)? else { return Ok(()) };
            return claimed.put(file).map(drop);
        }
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(|error| self.unreadable(error))?;
        let (store, path) = (self.bucket.store(), self.path.clone());
        let put = self.bucket.wait(async move { store.put(&path, bytes.into()).await })?;
        put.map(drop).map_err(|error| self.refused("write", error))
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

    /// The bytes that were written.
    pub(in crate::store) fn len(&self) -> u64 {
        self.stream.len()
    }

    /// The last bytes that were written.
    pub(in crate::store) fn end(&mut self) -> &mut [u8] {
        self.stream.end()
    }

    /// Why no more could be written, if that is so.
    pub(in crate::store) fn failure(&mut self) -> Option<StoreError> {
        self.failed.take()
    }

    /// Makes what the file has the object, in one step; `None` if the claim is lost, and then the object is as it was or as another
    /// has made it since.
    pub(in crate::store) fn put(&mut self, file: &mut File) -> Result<Option<PutObject>, StoreError> {
        let mut piece = vec![0; PIECE];
        file.rewind().map_err(|error| self.object.unreadable(error))?;
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => return self.put_written(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| self.object.unreadable(error))?,
            };
            match self.append(&piece[..read]) {
                Err(StoreError::ClaimLost { .. }) => return Ok(None),
                appended => appended?,
            }
        }
    }

    /// The same with what was written.
    pub(in crate::store) fn put_written(&mut self) -> Result<Option<PutObject>, StoreError> {
        let written = self.stream.finish().map_err(|error| self.unless_lost(error));
        match written {
            Err(StoreError::ClaimLost { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(Written::AtOnce(bytes)) => self.put_at_once(bytes),
            Ok(Written::InParts { parts, length, print, has_footer }) => {
                let seen = self.complete(parts, length, print)?;
                Ok(seen.map(|seen| self.has_put(seen, (!has_footer).then_some(print))))
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let Claimed { object, lease, stream, .. } = self;
        let written = stream.write(bytes, || {
            let parts = Parts::begin(object)?;
            if lease.has_begun(&parts.id)? { Ok(parts) } else { Err(lease.lost(object)) }
        });
        written.map_err(|error| self.unless_lost(error))
    }

    /// Why parts were not taken, unless that is since another has taken the claim over, and aborted them.
    fn unless_lost(&self, error: StoreError) -> StoreError {
        match self.may_be_put() {
            Ok(false) => self.lease.lost(&self.object),
            _ => error,
        }
    }

    /// It is in place, whole.
    fn has_put(&self, seen: Seen, content: Option<Fingerprint>) -> PutObject {
        let Seen { stamp, bytes, .. } = seen;
        self.object.is_found(seen);
        PutObject { stamp, bytes, content }
    }

    fn put_at_once(&self, bytes: Bytes) -> Result<Option<PutObject>, StoreError> {
        let object = &self.object;
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
        self.find_same_as(bytes.len() as u64, fingerprint_bytes(bytes))
    }

    /// What is there now, if it has so many bytes and this fingerprint.
    fn find_same_as(&self, length: u64, print: Fingerprint) -> Result<Option<Seen>, StoreError> {
        let Some(meta) = self.object.head()?.filter(|meta| meta.size == length) else { return Ok(None) };
        let seen = Seen::from_meta(&meta);
        match Ranges::new(self.object.clone(), meta.e_tag, length).fingerprint() {
            Ok(there) => Ok((there == print).then_some(seen)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The parts are nothing until all of them are made the object. That has no condition; but who has taken the claim over has aborted them.
    fn complete(&self, parts: Parts, length: u64, print: Fingerprint) -> Result<Option<Seen>, StoreError> {
        let object = &self.object;
        if !self.may_be_put()? {
            return Ok(None);
        }
        let upload = parts.id.clone();
        let completed = parts.complete()?;
        if completed.is_ok() {
            self.lease.has_ended(upload)?;
        }
        match completed {
            Ok(PutResult { e_tag: Some(tag), .. }) => Ok(Some(Seen::new(Some(&tag), length, SystemTime::now()))),
            Ok(_) => Ok(object.head()?.map(|meta| Seen::from_meta(&meta))),
            // The answer of what is tried again may have been lost; or they have been aborted, which some servers say in their own ways.
            Err(error) => match self.find_same_as(length, print)? {
                None if self.may_be_put()? => Err(object.refused("write", error)),
                seen => Ok(seen),
            },
        }
    }

    /// Whether what is there is what was, and the lease is held, after it was renewed.
    fn may_be_put(&self) -> Result<bool, StoreError> {
        let now = self.object.head()?.map(|meta| meta.e_tag);
        Ok(now == self.before.as_ref().map(|before| before.e_tag.clone()) && self.lease.is_held(true)?)
    }
}

/// The value, while it is encoded.
impl Write for Claimed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.append(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                let said = io::Error::other(error.to_string());
                self.failed.get_or_insert(error);
                Err(said)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
