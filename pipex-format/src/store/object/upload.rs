//! From a file of this machine to an object.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use object_store::{Error, ObjectStoreExt as _, PutPayload, PutResult, UpdateVersion, WriteMultipart};
use xxhash_rust::xxh3::Xxh3;

use super::lease::{Lease, random};
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
/// How many parts of an object are under way at a time.
const AT_ONCE: usize = 4;

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
        let directory = self.local_directory()?;
        let key = fingerprint_bytes(self.name.as_bytes());
        let mut local = directory.join(key.to_string());
        // Libraries go by extensions.
        if let Some(extension) = Path::new(&*self.name).extension() {
            local.set_extension(extension);
        }
        let path = temporary::claim(&local);
        let file = if waits { Some(ClaimFile::wait(&path, &local)?) } else { ClaimFile::try_now(&path, &local)? };
        let Some(file) = file else { return Ok(None) };
        let name = temporary::claim(Path::new(&*self.name));
        let name = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(lease) = Lease::take(&self.beside(name), &domain(&directory)?, waits)? else { return Ok(None) };
        let meta = self.head()?;
        if !task.saves && !task.wants_target {
            self.is_always_asked();
        }
        let before = meta.map(|meta| UpdateVersion { e_tag: meta.e_tag, version: meta.version });
        Ok(Some((file, Box::new(Claimed { object: self.clone(), local, lease, before }))))
    }
}

impl Object {
    /// Makes what the file has the object, whatever is there: where all that may be there is the same.
    pub(in crate::store) fn put_over(&self, file: &mut File) -> Result<(), StoreError> {
        match self.measure(file)? {
            (length, true) => Upload::send(self, file, length)?.0.finish().map(drop)?,
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

    /// The parts are nothing until all of them are made the object. That has no condition; so the lease is renewed just before, and for its time
    /// nobody else can have the claim.
    fn put_in_parts(&self, file: &mut File, length: u64) -> Result<Option<PutObject>, StoreError> {
        let object = &self.object;
        let (upload, content) = Upload::send(object, file, length)?;
        let now = object.head()?.map(|meta| meta.e_tag);
        if now != self.before.as_ref().map(|before| before.e_tag.clone()) || !self.lease.is_held(true)? {
            return Ok(None);
        }
        let result = upload.finish()?;
        let seen = match result.e_tag {
            Some(tag) => Some(Seen::new(Some(&tag), length, SystemTime::now())),
            None => object.head()?.map(|meta| Seen::from_meta(&meta)),
        };
        Ok(seen.map(|seen| self.has_put(seen, content)))
    }
}

/// An upload in parts. Dropped before its end, it is aborted: its parts go.
struct Upload<'o> {
    object: &'o Object,
    parts: Option<WriteMultipart>,
}

impl<'o> Upload<'o> {
    /// Sends the file, and finishes nothing. The fingerprint of its content, if that is all of its bytes.
    fn send(object: &'o Object, file: &mut File, length: u64) -> Result<(Self, Option<Fingerprint>), StoreError> {
        let part = PART.max(length / PARTS);
        let (store, path) = (object.bucket.store(), object.path.clone());
        let begun = object.bucket.wait(async move { store.put_multipart(&path).await })?;
        let begun = begun.map_err(|error| object.refused("write", error))?;
        let parts = Some(WriteMultipart::new_with_chunk_size(begun, part as usize));
        let mut upload = Upload { object, parts };
        let (mut hasher, mut has_footer) = (Xxh3::new(), false);
        loop {
            let mut bytes = Vec::with_capacity(part as usize);
            let read = (&mut *file).take(part).read_to_end(&mut bytes);
            read.map_err(|error| object.unreadable(error))?;
            if bytes.is_empty() {
                break;
            }
            hasher.update(&bytes);
            has_footer = Footer::is_at_end(&bytes);
            upload.add(bytes.into())?;
        }
        upload.add_rest()?;
        Ok((upload, (!has_footer).then(|| Fingerprint::new(hasher.digest128()))))
    }

    fn with(&mut self, most: usize, bytes: Bytes) -> Result<(), StoreError> {
        let Some(mut parts) = self.parts.take() else { return Ok(()) };
        let (parts, waited) = self
            .object
            .bucket
            .wait(async move {
                let waited = parts.wait_for_capacity(most).await;
                if waited.is_ok() {
                    parts.put(bytes);
                }
                Ok((parts, waited))
            })?
            .map_err(|error| self.object.refused("write", error))?;
        self.parts = Some(parts);
        waited.map_err(|error| self.object.refused("write", error))
    }

    /// Sends a part, once there are few enough under way.
    fn add(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.with(AT_ONCE, bytes)
    }

    /// Waits for all parts that are under way.
    fn add_rest(&mut self) -> Result<(), StoreError> {
        self.with(1, Bytes::new())
    }

    fn finish(mut self) -> Result<PutResult, StoreError> {
        let Some(parts) = self.parts.take() else { return Err(self.object.refused("write", ended())) };
        let finished = self.object.bucket.wait(async move { parts.finish().await })?;
        finished.map_err(|error| self.object.refused("write", error))
    }
}

fn ended() -> Error {
    Error::Generic { store: "pipex", source: "the upload has ended".into() }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            let _ = self.object.bucket.wait(async move { parts.abort().await });
        }
    }
}

/// What all have in common that share the locks in this directory, and nobody else has.
fn domain(directory: &Path) -> Result<String, StoreError> {
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
