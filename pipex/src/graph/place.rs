//! Where outputs are.

use std::any::Any;
use std::borrow::Cow;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pipex_format::model::contents::Content;
use pipex_format::model::fingerprint::{Fingerprint, Key, fingerprint_bytes};
use pipex_format::model::target::Location;
use pipex_format::root::Root;
use pipex_format::store::{Listing, Stamp, Store, StoreResult};

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
pub struct Place<T> {
    spot: Spot,
    store: Box<dyn Store<T>>,
    /// Those of its parts, where these are the outputs. The first is at the same spot. As small as can be: few have them.
    parts: Option<Box<Parts>>,
}

type Parts = Box<[Arc<dyn PartPlace>]>;

impl<T> Place<T> {
    /// Of an output that is in one place.
    pub(crate) fn new(spot: Spot, store: Box<dyn Store<T>>) -> Self {
        Place { spot, store, parts: None }
    }

    /// Of several outputs, which `store` saves together.
    pub(crate) fn together(parts: Vec<Arc<dyn PartPlace>>, store: Box<dyn Store<T>>) -> Self {
        let first = parts[0].spot();
        let spot = Spot::new(first.location.clone(), first.key, first.is_path);
        Place { spot, store, parts: Some(Box::new(parts.into())) }
    }

    pub(crate) fn parts(&self) -> &[Arc<dyn PartPlace>] {
        match &self.parts {
            Some(parts) => parts,
            None => &[],
        }
    }

    /// The store, and not its box, which is one as well.
    pub(crate) fn store(&self) -> &dyn Store<T> {
        &*self.store
    }

    /// The place, whatever the type of what is there.
    pub(crate) fn any(&self) -> &(dyn AnyPlace + '_) {
        self
    }
}

impl<T> Deref for Place<T> {
    type Target = Spot;

    fn deref(&self) -> &Spot {
        &self.spot
    }
}

/// A place, whatever the type of what is there.
pub trait AnyPlace: Send + Sync {
    fn spot(&self) -> &Spot;
    /// Those of its outputs, if they are several.
    fn parts(&self) -> &[Arc<dyn PartPlace>];
    /// What tells what its own store has from what it had or will have.
    fn stamp(&self) -> StoreResult<Option<Stamp>>;
    fn format(&self) -> Option<Fingerprint>;
    fn listing(&self) -> &dyn Listing;
    fn claim_path(&self) -> PathBuf;
    /// Removes what is there; whether something was.
    fn remove(&self) -> StoreResult<bool>;
}

impl dyn AnyPlace + '_ {
    pub(crate) fn location(&self) -> &Location {
        &self.spot().location
    }

    /// The spot of each of its outputs.
    pub(crate) fn spots(&self) -> impl Iterator<Item = &Spot> {
        let one = (!self.is_several()).then(|| self.spot());
        one.into_iter().chain(self.parts().iter().map(|part| part.spot()))
    }

    /// Whether it has several outputs.
    pub(crate) fn is_several(&self) -> bool {
        !self.parts().is_empty()
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
}

impl<T> AnyPlace for Place<T> {
    fn spot(&self) -> &Spot {
        &self.spot
    }

    fn parts(&self) -> &[Arc<dyn PartPlace>] {
        Place::parts(self)
    }

    fn stamp(&self) -> StoreResult<Option<Stamp>> {
        self.store().stamp(&self.location)
    }

    fn format(&self) -> Option<Fingerprint> {
        self.store().format()
    }

    fn listing(&self) -> &dyn Listing {
        self.store().listing()
    }

    fn claim_path(&self) -> PathBuf {
        self.store().claim_path(&self.location)
    }

    fn remove(&self) -> StoreResult<bool> {
        let is_there = self.store().exists(&self.location)?;
        if is_there {
            self.store().remove(&self.location)?;
        }
        Ok(is_there)
    }
}

/// The place of a part, which whoever knows its type can have back.
pub trait PartPlace: AnyPlace + Any {}

impl<T: 'static> PartPlace for Place<T> {}
