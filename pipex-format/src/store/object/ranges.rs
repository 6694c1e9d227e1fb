//! An object that is read from front to back, so many bytes a request.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::mem;

use bytes::{Buf as _, Bytes};
use object_store::{GetOptions, GetRange};
use xxhash_rust::xxh3::Xxh3;

use super::bucket::Begun;
use super::place::Object;
use crate::model::fingerprint::Fingerprint;
use crate::store::error::StoreError;
use crate::store::footer::Footer;

/// The bytes of a request. One that is read and the next one are in memory.
const RANGE: u64 = 8 << 20;

/// The beginning of an object, of which the next range is under way while one is read.
pub(in crate::store) struct Ranges {
    object: Object,
    /// What it has to be: ranges of several are none of either.
    e_tag: Option<String>,
    end: u64,
    asked: u64,
    now: Bytes,
    next: Option<Begun<Bytes>>,
}

impl Ranges {
    pub(super) fn new(object: Object, e_tag: Option<String>, end: u64) -> Self {
        Ranges { object, e_tag, end, asked: 0, now: Bytes::new(), next: None }
    }

    /// The same from its beginning.
    pub(in crate::store) fn anew(&self) -> Self {
        Self::new(self.object.clone(), self.e_tag.clone(), self.end)
    }

    /// Asks for the next range, if there is one.
    fn ask(&mut self) -> Result<Option<Begun<Bytes>>, StoreError> {
        if self.asked == self.end {
            return Ok(None);
        }
        let until = self.end.min(self.asked + RANGE);
        let options = GetOptions {
            range: Some(GetRange::Bounded(self.asked..until)),
            if_match: self.e_tag.clone(),
            ..GetOptions::default()
        };
        self.asked = until;
        let (store, path) = (self.object.bucket.store(), self.object.path.clone());
        self.object.bucket.begin(async move { store.get_opts(&path, options).await?.bytes().await }).map(Some)
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        let Some(range) = self.next.take().map_or_else(|| self.ask(), |next| Ok(Some(next)))? else { return Ok(()) };
        self.next = self.ask()?;
        self.now = self.object.bucket.end(range)?.map_err(|error| self.object.refused("read", error))?;
        Ok(())
    }
}

impl Ranges {
    /// The fingerprint of all that is left.
    pub(super) fn fingerprint(mut self) -> Result<Fingerprint, StoreError> {
        let mut hasher = Xxh3::new();
        loop {
            self.advance()?;
            if self.now.is_empty() {
                return Ok(Fingerprint::new(hasher.digest128()));
            }
            hasher.update(&mem::take(&mut self.now));
        }
    }

    /// Writes all that is left; what the system says of the writing stands apart.
    pub(super) fn copy_to(&mut self, out: &mut File) -> Result<io::Result<()>, StoreError> {
        loop {
            self.advance()?;
            if self.now.is_empty() {
                return Ok(Ok(()));
            }
            if let Err(error) = out.write_all(&mem::take(&mut self.now)) {
                return Ok(Err(error));
            }
        }
    }
}

impl Read for Ranges {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.now.is_empty() {
            self.advance().map_err(io::Error::other)?;
        }
        let bytes = out.len().min(self.now.len());
        self.now.copy_to_slice(&mut out[..bytes]);
        Ok(bytes)
    }
}

impl Object {
    /// Its payload, range by range, and its footer, if that is whole and in its last bytes.
    pub(in crate::store) fn open(&self) -> Result<Option<(Ranges, Footer)>, StoreError> {
        let Some(meta) = self.head()? else { return Err(StoreError::Missing { target: self.name.to_string() }) };
        let end = self.end(meta.size)?;
        let Some((start, footer)) = Footer::find_in(&end) else { return Ok(None) };
        let start = meta.size - (end.len() - start) as u64;
        Ok((start == footer.length).then(|| (Ranges::new(self.clone(), meta.e_tag, start), footer)))
    }
}
