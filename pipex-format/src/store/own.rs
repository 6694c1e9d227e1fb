//! Outputs that task functions save themselves.

use std::error::Error as StdError;
use std::path::Path;

use super::error::StoreError;
use super::file::metadata;
use super::object::Object;
use super::sweep::release_leftover_beside;
use super::{Claim, Stamp, Store, StoreResult};
use crate::model::target::{Location, url_scheme};

/// The store of `save = false`: the function writes a file or a directory, the store sees that it gets there whole.
pub struct OwnOutput<R> {
    load: Option<Box<Loader<R>>>,
}

type Loader<R> = dyn Fn(&Path) -> StoreResult<R> + Send + Sync;

impl<R> OwnOutput<R> {
    /// One that cannot load.
    #[must_use]
    pub fn new() -> Self {
        OwnOutput { load: None }
    }

    /// One that loads by a function.
    pub fn with<E>(load: impl Fn(&Path) -> Result<R, E> + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        OwnOutput { load: Some(Box::new(move |path| load(path).map_err(Into::into))) }
    }
}

impl<R> Default for OwnOutput<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Store<R> for OwnOutput<R> {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(Store::<R>::stamp(self, target)?.is_some())
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        let stamp = self.listing().stamp(target)?;
        if stamp.is_some() && url_scheme(target.as_str()).is_none() {
            release_leftover_beside(target);
        }
        Ok(stamp)
    }

    fn load(&self, target: &Location) -> StoreResult<R> {
        match &self.load {
            Some(load) => match Object::find(target.as_str())? {
                None => load(target.path()),
                Some(object) => load(&object.copy_to_this_machine()?.path),
            },
            None => Err(StoreError::NoLoader { target: target.to_string() }.into()),
        }
    }

    fn save(&self, claim: Claim, _: &R) -> StoreResult<u64> {
        let target = claim.target().clone();
        let draft = claim.record().task().wants_target.then(|| claim.draft());
        if let (None, Some(object)) = (&draft, Object::find(target.as_str())?) {
            let (stamp, bytes) =
                object.look()?.ok_or_else(|| StoreError::NothingWritten { path: target.path().to_owned() })?;
            claim.has_stamp(stamp);
            return Ok(bytes);
        }
        let written = draft.as_deref().unwrap_or(target.path());
        let Some(metadata) = metadata(written)? else {
            // With the claim the draft may have been taken for one that a killed process left.
            claim.ensure_held()?;
            return Err(StoreError::NothingWritten { path: target.path().to_owned() }.into());
        };
        if !claim.is_of_object() {
            claim.has_stamp(Stamp::from_metadata(&metadata));
        }
        let bytes = if metadata.is_file() { metadata.len() } else { 0 };
        if draft.is_some() {
            // The last thing before the claim goes, so that a kill leaves its file beside a target that is there as seldom as can be.
            claim.commit_draft()?;
        }
        Ok(bytes)
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        self.listing().remove(target)
    }
}
