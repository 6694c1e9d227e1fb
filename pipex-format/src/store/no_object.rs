//! Without the cargo feature `object-store` no target is an object: one that would be is refused, and is no directory called `s3:`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::claim_file::ClaimFile;
use super::entry::{Entry, PutObject};
use super::error::StoreError;
use super::footer::Footer;
use super::stamp::Stamp;
use crate::model::target::{Location, url_scheme};
use crate::model::task::Task;

/// There is none.
#[derive(Debug)]
pub(super) enum Object {}

impl Object {
    /// That this target is a path.
    pub(super) fn find(target: &str) -> Result<Option<Self>, StoreError> {
        match url_scheme(target) {
            None => Ok(None),
            Some(_) => Err(StoreError::WithoutFeature { target: target.to_owned(), feature: "object-store" }),
        }
    }

    pub(super) fn look(&self) -> Result<Option<(Stamp, u64)>, StoreError> {
        match *self {}
    }

    pub(super) fn read_in_order(&self) -> Result<Vec<u8>, StoreError> {
        match *self {}
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, StoreError> {
        match *self {}
    }

    pub(super) fn entry(&self) -> Result<Option<Entry>, StoreError> {
        match *self {}
    }

    pub(super) fn open(&self) -> Result<Option<(Ranges, Footer)>, StoreError> {
        match *self {}
    }

    pub(super) fn copy_to_this_machine(&self) -> Result<LocalCopy, StoreError> {
        match *self {}
    }

    pub(super) fn put_over(&self, _: &mut File) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) fn local_directory(&self) -> Result<PathBuf, StoreError> {
        match *self {}
    }

    pub(super) fn remove(&self) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) fn list(&self, _: &mut dyn FnMut(Location)) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) fn sweep(
        &self,
        _: bool,
        _: bool,
        _: &mut dyn FnMut(Result<(PathBuf, u64), StoreError>),
    ) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) fn claim(&self, _: &Task, _: bool) -> Result<Option<(ClaimFile, Box<Claimed>)>, StoreError> {
        match *self {}
    }
}

/// Of none.
pub(super) struct LocalCopy {
    pub(super) path: PathBuf,
}

/// Of none.
pub(super) struct Ranges;

impl Ranges {
    pub(super) fn anew(&self) -> Self {
        Ranges
    }
}

impl Read for Ranges {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

/// There is none, either.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) local: PathBuf,
    never: Object,
}

impl Claimed {
    pub(super) fn is_held(&self) -> Result<bool, StoreError> {
        match self.never {}
    }

    pub(super) fn name(&self) -> &str {
        match self.never {}
    }

    pub(super) fn len(&self) -> u64 {
        match self.never {}
    }

    pub(super) fn end(&mut self) -> &mut [u8] {
        match self.never {}
    }

    pub(super) fn failure(&mut self) -> Option<StoreError> {
        match self.never {}
    }

    pub(super) fn put(&mut self, _: &mut File) -> Result<Option<PutObject>, StoreError> {
        match self.never {}
    }

    pub(super) fn put_written(&mut self) -> Result<Option<PutObject>, StoreError> {
        match self.never {}
    }
}

impl Write for Claimed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.never {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.never {}
    }
}
