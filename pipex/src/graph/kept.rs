//! Data in memory, whatever their type: what is done with them is compiled once, and only who makes or takes them knows the type.

use std::any::Any;
use std::sync::PoisonError;

use crate::runtime::sync::{Mutex, MutexGuard, OnceLock};

/// An `Option` of data, so that they can be taken out of where they are.
pub(crate) type AnyData = dyn Any + Send + Sync;

/// Data in memory.
pub struct Data(Box<AnyData>);

impl Data {
    pub(crate) fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Data(Box::new(Some(value)))
    }

    pub(crate) fn get(&self) -> &AnyData {
        &*self.0
    }

    pub(crate) fn get_mut(&mut self) -> &mut AnyData {
        &mut *self.0
    }

    /// The value, of which it is known what it is.
    pub(crate) fn take<T: 'static>(mut self) -> T {
        take(self.get_mut()).expect("a function gives what its type says")
    }
}

/// How to see data as what they are: known where they are known to outlive all borrows, and needed where they no longer are.
pub(crate) struct Typed<T> {
    pub(crate) see: fn(&AnyData) -> Option<&T>,
    pub(crate) take: fn(&mut AnyData) -> Option<T>,
}

impl<T: 'static> Typed<T> {
    pub(crate) const fn new() -> Self {
        Typed { see, take }
    }
}

fn see<T: 'static>(data: &AnyData) -> Option<&T> {
    match data.downcast_ref::<Option<T>>() {
        Some(Some(data)) => Some(data),
        _ => None,
    }
}

/// Data of which it is known what they are.
pub(crate) fn known<T: 'static>(data: &AnyData) -> &T {
    see(data).expect("a function gives what its type says")
}

fn take<T: 'static>(data: &mut AnyData) -> Option<T> {
    match data.downcast_mut::<Option<T>>() {
        Some(data) => data.take(),
        None => None,
    }
}

/// The data of an output, once somebody has them: its run gives them, or those who read them are to share them.
#[derive(Default)]
pub(crate) struct Kept {
    data: OnceLock<Data>,
    /// Whether those who load them are to share them; held by the one that does.
    is_shared: Mutex<bool>,
}

impl Kept {
    /// These data, if there are some by now.
    pub(crate) fn new(data: Option<Data>) -> Self {
        let kept = Kept::default();
        data.into_iter().for_each(|data| kept.set(data));
        kept
    }

    pub(crate) fn get(&self) -> Option<&Data> {
        self.data.get()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut Data> {
        self.data.get_mut()
    }

    /// Keeps the data that the run gave.
    pub(crate) fn set(&self, data: Data) {
        // There is one run, and it ends once.
        let _ = self.data.set(data);
    }

    /// From now on those who load the data share them.
    pub(crate) fn share(&self) {
        *self.lock() = true;
    }

    /// Loads the data: `None` if they are kept by now. Who comes meanwhile, and shares them, waits.
    pub(crate) fn load<E>(&self, load: &dyn Fn() -> Result<Data, E>) -> Result<Option<Data>, E> {
        let is_shared = self.lock();
        if !*is_shared {
            drop(is_shared);
            return Ok(Some(load()?));
        }
        if self.get().is_none() {
            self.set(load()?);
        }
        Ok(None)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
