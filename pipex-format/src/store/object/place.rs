//! Where an object is, and what is there.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStoreExt as _};

use super::bucket::{Bucket, take_as_it_is};
use super::lists::{self, Answer};
use super::seen::Seen;
use crate::model::fingerprint::fingerprint_bytes;
use crate::model::target::{Location, url_scheme};
use crate::model::temporary;
use crate::store::entry::Entry;
use crate::store::error::StoreError;
use crate::store::footer::Footer;
use crate::store::note;
use crate::store::stamp::Stamp;

/// Where an object is, or will be.
#[derive(Clone)]
pub(in crate::store) struct Object {
    pub(super) bucket: Arc<Bucket>,
    pub(super) path: Path,
    /// Its URL.
    pub(super) name: Arc<str>,
}

/// The end of an object, in which nearly all footers are.
const END: u64 = 16 << 10;

impl Object {
    /// The object that this target is; `None` of a path.
    pub(in crate::store) fn find(target: &str) -> Result<Option<Self>, StoreError> {
        let Some(scheme) = url_scheme(target) else { return Ok(None) };
        let (bucket, rest) = Bucket::find(target, scheme)?;
        let parts: Vec<_> = rest.split('/').filter(|part| !part.is_empty()).collect();
        let path = Path::parse(parts.join("/")).map_err(|error| {
            let problem = format!("{error}");
            StoreError::NoObject { target: target.to_owned(), problem }
        })?;
        Ok(Some(Object { bucket, path, name: target.into() }))
    }

    /// The object beside it with this name.
    pub(super) fn beside(&self, name: &str) -> Self {
        let parent = self.path.as_ref().rsplit_once('/').map(|(parent, _)| parent);
        let path = take_as_it_is(&parent.map_or_else(|| name.to_owned(), |parent| format!("{parent}/{name}")));
        let before = self.name.rsplit_once('/').map_or("", |(before, _)| before);
        Object { bucket: Arc::clone(&self.bucket), path, name: format!("{before}/{name}").into() }
    }

    pub(super) fn refused(&self, action: &'static str, error: object_store::Error) -> StoreError {
        self.bucket.refused(action, &self.name, error)
    }

    /// What tells what is there from what was, and the bytes that it takes: as the list of its directory has it where a flow run goes on.
    pub(in crate::store) fn look(&self) -> Result<Option<(Stamp, u64)>, StoreError> {
        let seen = match self.look_in_lists()? {
            Some(known) => known,
            None => self.head()?.map(|meta| Seen::from_meta(&meta)),
        };
        Ok(seen.map(|seen| (seen.stamp, seen.bytes)))
    }

    /// The same as it is known; `None` if it is to be asked.
    fn look_in_lists(&self) -> Result<Option<Option<Seen>>, StoreError> {
        let Some(mut lists) = lists::current(&self.bucket.lists) else { return Ok(None) };
        let path = self.path.as_ref();
        Ok(match lists.look(path) {
            Answer::Ask => None,
            Answer::Known(seen) => Some(seen),
            // Others wait for it: they would ask the same.
            Answer::List(directory) => {
                let found = self.bucket.list(&directory)?;
                lists.add(directory, found);
                Some(lists.find(path))
            }
        })
    }

    /// From now on it is known to be there.
    pub(super) fn is_found(&self, seen: Seen) {
        if let Some(mut lists) = lists::current(&self.bucket.lists) {
            lists.found(self.path.as_ref(), seen);
        }
    }

    /// From now on it is known not to be there.
    fn is_gone(&self) {
        if let Some(mut lists) = lists::current(&self.bucket.lists) {
            lists.gone(self.path.as_ref());
        }
    }

    /// From now on its server is asked whenever somebody asks for it.
    pub(super) fn is_always_asked(&self) {
        if let Some(mut lists) = lists::current(&self.bucket.lists) {
            lists.always_ask(self.path.as_ref());
        }
    }

    /// What is there now.
    pub(super) fn head(&self) -> Result<Option<object_store::ObjectMeta>, StoreError> {
        let (store, path) = (self.bucket.store(), self.path.clone());
        match self.bucket.wait(async move { store.head(&path).await })? {
            Ok(meta) => {
                self.is_found(Seen::from_meta(&meta));
                Ok(Some(meta))
            }
            Err(object_store::Error::NotFound { .. }) => {
                self.is_gone();
                Ok(None)
            }
            Err(error) => Err(self.refused("look for", error)),
        }
    }

    /// All of its bytes.
    pub(in crate::store) fn read(&self) -> Result<Vec<u8>, StoreError> {
        self.get(None).map(|(_, bytes)| bytes.into())
    }

    /// A range of its bytes, and what it is.
    pub(super) fn get(&self, range: Option<GetRange>) -> Result<(object_store::ObjectMeta, Bytes), StoreError> {
        let (store, path) = (self.bucket.store(), self.path.clone());
        let options = GetOptions { range, ..GetOptions::default() };
        let got = self.bucket.wait(async move {
            let got = store.get_opts(&path, options).await?;
            Ok((got.meta.clone(), got.bytes().await?))
        })?;
        got.map_err(|error| {
            if let object_store::Error::NotFound { .. } = error {
                self.is_gone();
            }
            self.refused("read", error)
        })
    }

    /// The last bytes of an object of so many.
    pub(super) fn end(&self, bytes: u64) -> Result<Bytes, StoreError> {
        // Azure counts from the beginning only.
        let range = GetRange::Bounded(bytes.saturating_sub(END)..bytes);
        if bytes == 0 { Ok(Bytes::new()) } else { Ok(self.get(Some(range))?.1) }
    }

    /// What is there, and what its footer or its note says.
    pub(in crate::store) fn entry(&self) -> Result<Option<Entry>, StoreError> {
        let Some(meta) = self.head()? else { return Ok(None) };
        let seen = Seen::from_meta(&meta);
        let mut entry = Entry::new(seen.stamp, seen.bytes, seen.saved);
        let end = self.end(seen.bytes)?;
        let find = |end: &[u8]| Footer::find(end).or_else(|| note::find_at_end(end, seen.bytes));
        let footer = match find(&end) {
            None if seen.bytes > end.len() as u64 => {
                let bytes = self.read()?;
                entry.content = Some(fingerprint_bytes(&bytes));
                find(&bytes)
            }
            footer => {
                entry.content = Some(fingerprint_bytes(&end));
                footer
            }
        };
        if let Some(footer) = footer {
            (entry.content, entry.expanded) = (footer.checksum, footer.expanded);
            entry.made = Some(footer.made());
        }
        Ok(Some(entry))
    }

    /// Removes it; one that is not there is an error.
    pub(in crate::store) fn remove(&self) -> Result<(), StoreError> {
        if self.head()?.is_none() {
            return Err(StoreError::Missing { target: self.name.to_string() });
        }
        let (store, path) = (self.bucket.store(), self.path.clone());
        let removed = self.bucket.wait(async move { store.delete(&path).await })?;
        self.is_gone();
        removed.map_err(|error| self.refused("remove", error))
    }

    /// Shows every object whose name begins as this one's does.
    pub(in crate::store) fn list(&self, each: &mut dyn FnMut(Location)) -> Result<(), StoreError> {
        let (prefix, bucket) = (self.path.as_ref(), &self.bucket);
        let parent = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
        // What ends in a `/` is a directory by itself.
        let directory = if self.name.ends_with('/') { prefix } else { parent };
        for (path, _) in bucket.list(directory)? {
            let name = path.rsplit('/').next().unwrap_or(&path);
            if path.starts_with(prefix) && temporary::claimed_target(name).is_none() {
                each(Location::new(format!("{}/{path}", bucket.name)));
            }
        }
        Ok(())
    }
}
