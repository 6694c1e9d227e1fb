//! The payload of a file or an object, read from front to back, and checked on the way.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::error::StoreError;
use super::footer::Footer;
use super::object::{Object, Ranges};
use crate::model::fingerprint::Fingerprint;
use crate::model::target::Location;

/// The payload of what ends in a whole footer. Its last bytes come only if all were those that were saved.
pub(super) struct Payload {
    source: Source,
    target: Location,
    checksum: Option<Fingerprint>,
    length: u64,
    at: u64,
    hasher: Box<Xxh3>,
}

/// Where it comes from.
enum Source {
    File(Arc<File>),
    Object(Ranges),
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
        Ok(Some((Self::new(Source::File(Arc::new(file.try_clone()?)), &footer, target), footer)))
    }

    /// Of an object; `None` likewise.
    pub(super) fn find_in_bucket(object: &Object, target: &Location) -> Result<Option<(Self, Footer)>, StoreError> {
        let found = object.open()?;
        Ok(found.map(|(ranges, footer)| (Self::new(Source::Object(ranges), &footer, target), footer)))
    }

    fn new(source: Source, footer: &Footer, target: &Location) -> Self {
        let Footer { checksum, length, .. } = *footer;
        Payload { source, target: target.clone(), checksum, length, at: 0, hasher: Box::default() }
    }

    /// The same from its beginning.
    pub(super) fn anew(&self) -> Self {
        let source = match &self.source {
            Source::File(file) => Source::File(Arc::clone(file)),
            Source::Object(ranges) => Source::Object(ranges.anew()),
        };
        Payload { source, target: self.target.clone(), at: 0, hasher: Box::default(), ..*self }
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
        let read = match &mut self.source {
            Source::File(file) => file.read_at(&mut out[..most], self.at)?,
            Source::Object(ranges) => ranges.read(&mut out[..most])?,
        };
        self.hasher.update(&out[..read]);
        self.at += read as u64;
        let is_other = || Some(Fingerprint::new(self.hasher.digest128())) != self.checksum;
        if read == 0 || self.at == self.length && is_other() {
            return Err(io::Error::other(StoreError::Damaged { target: self.target() }));
        }
        Ok(read)
    }
}
