//! What a dry run cannot go on without.

use std::sync::{Mutex, PoisonError};

use pipex_format::model::error::Error;
use pipex_format::model::target::Location;

static NEEDED: Mutex<Option<Error>> = Mutex::new(None);

/// The error of a dry run that cannot go on without these data.
pub(crate) fn needs(target: Option<Location>) -> Error {
    let error = Error::Dry { target };
    *NEEDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
    error
}

/// What a dry run could not go on without, if there was something.
pub(crate) fn needed() -> Option<Error> {
    NEEDED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
