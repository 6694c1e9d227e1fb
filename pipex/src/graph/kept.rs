//! Data that are held in memory, or may be.

use std::sync::PoisonError;

use crate::runtime::sync::atomic::{AtomicBool, Ordering};
use crate::runtime::sync::{Mutex, OnceLock};

/// The data of an output, once somebody has them: its run gave them, or those who read them are to share them.
pub(crate) struct Kept<T> {
    data: OnceLock<T>,
    is_shared: AtomicBool,
    /// Held by the one that loads them.
    loading: Mutex<()>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept { data: OnceLock::new(), is_shared: AtomicBool::new(false), loading: Mutex::new(()) }
    }
}

impl<T> Kept<T> {
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
        self.is_shared.store(true, Ordering::Release);
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Acquire)
    }

    /// Loads the data, unless another has by now; who comes meanwhile waits for it.
    pub(crate) fn fill<E>(&self, load: impl FnOnce() -> Result<T, E>) -> Result<(), E> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if self.get().is_none() {
            self.set(load()?);
        }
        Ok(())
    }

    pub(crate) fn into_inner(self) -> Option<T> {
        self.data.into_inner()
    }
}
