//! Data that are held in memory, or may be.

use std::sync::PoisonError;

use crate::runtime::sync::{Mutex, MutexGuard, OnceLock};

/// The data of an output, once somebody has them: its run gave them, or those who read them are to share them.
pub(crate) struct Kept<T> {
    data: OnceLock<T>,
    /// Whether those who load them are to share them; held by the one that does.
    is_shared: Mutex<bool>,
}

impl<T> Kept<T> {
    /// With these data, if there are some by now.
    pub(crate) fn new(data: Option<T>) -> Self {
        let kept = Kept { data: OnceLock::new(), is_shared: Mutex::new(false) };
        if let Some(data) = data {
            kept.set(data);
        }
        kept
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.data.get()
    }

    /// Keeps the data that the run gave.
    pub(crate) fn set(&self, data: T) {
        // There is one run, and it ends once.
        let _ = self.data.set(data);
    }

    /// From now on those who load the data share them.
    pub(crate) fn share(&self) {
        *self.lock() = true;
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the data: `None` if they are kept by now. Who comes meanwhile, and shares them, waits.
    pub(crate) fn load<E>(&self, load: &dyn Fn() -> Result<T, E>) -> Result<Option<T>, E> {
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

    pub(crate) fn into_inner(self) -> Option<T> {
        self.data.into_inner()
    }
}
