//! The payload of a file, read from front to back, and checked on the way.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::error::StoreError;
use super::footer::Footer;
use crate::model::fingerprint::Fingerprint;
use crate::model::target::Location;

/// The payload of a file that ends in a whole footer. Its last bytes come only if all were those that were saved.
pub(super) struct Payload {
    file: Arc<File>,
    target: Location,
    checksum: Option<Fingerprint>,
    length: u64,
    at: u64,
    hasher: Box<Xxh3>,
}

impl Payload {
    /// Of an open file of `least` bytes or more; `None` if it has no whole footer, of which [`Footer::split`] says more.
    pub(super) fn find(file: &File, least: u64, target: &Location) -> io::Result<Option<(Self, Footer)>> {
        let bytes = file.metadata()?.len();
        if bytes < least {
            return Ok(None);
        }
        let found = Footer::find_at_end(file, bytes)?;
        let Some((_, footer)) = found.filter(|(start, footer)| *start == footer.length) else { return Ok(None) };
        let (file, target) = (Arc::new(file.try_clone()?), target.clone());
        let (checksum, length) = (footer.checksum, footer.length);
        Ok(Some((Payload { file, target, checksum, length, at: 0, hasher: Box::default() }, footer)))
    }

    /// The same from its beginning.
    pub(super) fn anew(&self) -> Self {
        let (file, target) = (Arc::clone(&self.file), self.target.clone());
        Payload { file, target, at: 0, hasher: Box::default(), ..*self }
    }

    pub(super) fn target(&self) -> String {
        self.target.to_string()
    }

    /// What was said when it was read.
    pub(super) fn failed(&self, error: io::Error) -> StoreError {
        StoreError::io("read", self.target.path(), error)
    }
}

impl Read for Payload {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.length - self.at).unwrap_or(usize::MAX).min(out.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut out[..most], self.at)?;
        self.hasher.update(&out[..read]);
        self.at += read as u64;
        let is_other = || Some(Fingerprint::new(self.hasher.digest128())) != self.checksum;
        if read == 0 || self.at == self.length && is_other() {
            return Err(io::Error::other(StoreError::Damaged { target: self.target() }));
        }
        Ok(read)
    }
}
