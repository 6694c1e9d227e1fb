//! Data that are held in memory, or may be.

use std::sync::PoisonError;

use crate::runtime::sync::{Mutex, MutexGuard, OnceLock};

/// The data of an output, once somebody has them.
pub(crate) enum Kept<T> {
    /// They were given with it.
    Here(T),
    /// Its run gives them, or those who read them are to share them.
    Later {
        data: OnceLock<T>,
        /// Whether those who load them are to share them; held by the one that does.
        is_shared: Mutex<bool>,
    },
}

impl<T> Kept<T> {
    /// With these data, if there are some by now.
    pub(crate) fn new(data: Option<T>) -> Self {
        match data {
            Some(data) => Kept::Here(data),
            None => Kept::Later { data: OnceLock::new(), is_shared: Mutex::new(false) },
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        match self {
            Kept::Here(data) => Some(data),
            Kept::Later { data, .. } => data.get(),
        }
    }

    /// Keeps the data that the run gave.
    pub(crate) fn set(&self, value: T) {
        if let Kept::Later { data, .. } = self {
            // There is one run, and it ends once.
            let _ = data.set(value);
        }
    }

    /// From now on those who load the data share them.
    pub(crate) fn share(&self) {
        if let Kept::Later { is_shared, .. } = self {
            *lock(is_shared) = true;
        }
    }

    /// Loads the data: `None` if they are kept by now. Who comes meanwhile, and shares them, waits.
    pub(crate) fn load<E>(&self, load: &dyn Fn() -> Result<T, E>) -> Result<Option<T>, E> {
        let Kept::Later { data, is_shared } = self else { return Ok(None) };
        let is_shared = lock(is_shared);
        if !*is_shared {
            drop(is_shared);
            return Ok(Some(load()?));
        }
        if data.get().is_none() {
            self.set(load()?);
        }
        Ok(None)
    }

    pub(crate) fn into_inner(self) -> Option<T> {
        match self {
            Kept::Here(data) => Some(data),
            Kept::Later { data, .. } => data.into_inner(),
        }
    }
}

fn lock(is_shared: &Mutex<bool>) -> MutexGuard<'_, bool> {
    is_shared.lock().unwrap_or_else(PoisonError::into_inner)
}
