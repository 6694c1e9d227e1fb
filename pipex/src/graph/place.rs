//! Where outputs are.

use std::any::Any;
use std::borrow::Cow;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::graph::kept::{AnyData, Data, known};
use pipex_format::model::contents::Content;
use pipex_format::model::fingerprint::{Fingerprint, Key, fingerprint_bytes};
use pipex_format::model::target::Location;
use pipex_format::root::Root;
use pipex_format::store::{Claim, Listing, Stamp, Store, StoreResult};

/// Where an output is, or will be.
pub struct Spot {
    pub(crate) location: Location,
    /// What tells it from all others, whatever their store.
    pub(crate) key: Key,
    /// What lies there, as far as it is known: what is to be expected, until somebody has looked.
    content: AtomicU64,
    /// Nothing is saved there: the data are in memory.
    in_memory: AtomicBool,
    /// Whether it is called by its path.
    is_path: bool,
}

impl Spot {
    /// One of which it is not known what lies there.
    pub(crate) fn new(location: Location, key: Key, is_path: bool) -> Self {
        let content = AtomicU64::new(Content::Unknown.to_number());
        Spot { location, key, content, in_memory: AtomicBool::new(false), is_path }
    }

    /// What it is called from the root of the project, wherever the program is started.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        let target = self.location.as_str();
        if self.is_path { Root::of_program().from_here(target) } else { Cow::Borrowed(target) }
    }

    /// Nothing is saved there; the data that are in memory count as this content.
    pub(crate) fn keep_in_memory(&self, content: Content) {
        self.has(content);
        self.in_memory.store(true, Ordering::Release);
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.in_memory.load(Ordering::Acquire)
    }

    /// What lies there is known to be this.
    pub(crate) fn has(&self, content: Content) {
        self.content.store(content.to_number(), Ordering::Release);
    }

    pub(crate) fn content(&self) -> Content {
        Content::from_number(self.content.load(Ordering::Acquire))
    }
}

/// The spots of a run's output, and the store that has it.
pub struct Place<S: ?Sized = dyn AnyStore> {
    spot: Spot,
    /// Those of its parts, where these are the outputs. The first is at the same spot. As small as can be: few have them.
    parts: Option<Box<Parts>>,
    store: S,
}

type Parts = Box<[Arc<Place>]>;

impl Place {
    /// Of an output that is in one place.
    pub(crate) fn new<T: Send + Sync + 'static>(spot: Spot, store: Box<dyn Store<T>>) -> Arc<Self> {
        Arc::new(Place { spot, parts: None, store })
    }

    /// Of several outputs, which `store` saves together.
    pub(crate) fn together<T: Send + Sync + 'static>(parts: Vec<Arc<Place>>, store: Box<dyn Store<T>>) -> Arc<Self> {
        let first = parts[0].spot();
        let spot = Spot::new(first.location.clone(), first.key, first.is_path);
        Arc::new(Place { spot, parts: Some(Box::new(parts.into())), store })
    }

    pub(crate) fn spot(&self) -> &Spot {
        &self.spot
    }

    pub(crate) fn location(&self) -> &Location {
        &self.spot.location
    }

    /// The places of its outputs, if they are several.
    pub(crate) fn parts(&self) -> &[Arc<Place>] {
        match &self.parts {
            Some(parts) => parts,
            None => &[],
        }
    }

    /// Whether it has several outputs.
    pub(crate) fn is_several(&self) -> bool {
        self.parts.is_some()
    }

    /// The spot of each of its outputs.
    pub(crate) fn spots(&self) -> impl Iterator<Item = &Spot> {
        let one = (!self.is_several()).then_some(&self.spot);
        one.into_iter().chain(self.parts().iter().map(|part| part.spot()))
    }

    /// What tells what its own store has from what it had or will have.
    pub(crate) fn stamp(&self) -> StoreResult<Option<Stamp>> {
        self.store.stamp(self.location())
    }

    /// What tells what is there from what was or will be; `None` unless all of it is there.
    pub(crate) fn stamp_all(&self) -> StoreResult<Option<Stamp>> {
        if !self.is_several() {
            return self.stamp();
        }
        let mut stamps = Vec::new();
        for part in self.parts() {
            let Some(stamp) = part.stamp()? else { return Ok(None) };
            stamps.extend(stamp.get().to_le_bytes());
        }
        Ok(Some(Stamp::new(fingerprint_bytes(&stamps).half())))
    }

    pub(crate) fn format(&self) -> Option<Fingerprint> {
        self.store.format()
    }

    pub(crate) fn listing(&self) -> &dyn Listing {
        self.store.listing()
    }

    pub(crate) fn claim_path(&self) -> PathBuf {
        self.store.claim_path(self.location())
    }

    pub(crate) fn load(&self) -> StoreResult<Data> {
        self.store.load(self.location())
    }

    /// Saves the data, of which it is known that they are what its store takes.
    pub(crate) fn save(&self, claim: Claim, data: &AnyData) -> StoreResult<u64> {
        self.store.save(claim, data)
    }

    /// Removes what is there; whether something was.
    pub(crate) fn remove(&self) -> StoreResult<bool> {
        let is_there = self.store.exists(self.location())?;
        if is_there {
            self.store.remove(self.location())?;
        }
        Ok(is_there)
    }

    /// The store, of which it is known what it takes.
    pub(crate) fn store<T: 'static>(&self) -> &dyn Store<T> {
        let store = self.store.as_any().downcast_ref::<Box<dyn Store<T>>>();
        &**store.expect("the places of outputs are in the order of their types")
    }
}

impl Deref for Place {
    type Target = Spot;

    fn deref(&self) -> &Spot {
        &self.spot
    }
}

/// A store, whatever it takes.
pub trait AnyStore: Send + Sync {
    fn exists(&self, target: &Location) -> StoreResult<bool>;
    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>>;
    fn format(&self) -> Option<Fingerprint>;
    fn listing(&self) -> &dyn Listing;
    fn claim_path(&self, target: &Location) -> PathBuf;
    fn load(&self, target: &Location) -> StoreResult<Data>;
    fn save(&self, claim: Claim, data: &AnyData) -> StoreResult<u64>;
    fn remove(&self, target: &Location) -> StoreResult<()>;
    fn as_any(&self) -> &dyn Any;
}

impl<T: Send + Sync + 'static> AnyStore for Box<dyn Store<T>> {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        (**self).exists(target)
    }

    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        (**self).stamp(target)
    }

    fn format(&self) -> Option<Fingerprint> {
        (**self).format()
    }

    fn listing(&self) -> &dyn Listing {
        (**self).listing()
    }

    fn claim_path(&self, target: &Location) -> PathBuf {
        (**self).claim_path(target)
    }

    fn load(&self, target: &Location) -> StoreResult<Data> {
        match (**self).load(target) {
            Ok(value) => Ok(Data::new(value)),
            Err(error) => Err(error),
        }
    }

    fn save(&self, claim: Claim, data: &AnyData) -> StoreResult<u64> {
        (**self).save(claim, known(data))
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        (**self).remove(target)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
