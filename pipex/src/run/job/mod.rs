//! Jobs: task runs that travel to other processes.

mod parcel;
mod registry;

pub use self::parcel::{OpenMany, OpenOne, OpenOutput, OpenOutputs, OpenPlace, Parcel, Stays, Travels, open_value};
#[cfg(feature = "nats")]
pub(crate) use self::registry::registered;
pub use self::registry::{Registered, Wire, any_store, called};
pub(crate) use self::registry::{all, find};
use pipex_format::model::error::JobError;
#[cfg(feature = "nats")]
use pipex_format::wire::Ended;
use pipex_format::wire::Outcome;

/// What comes back in place of an outcome that cannot travel.
pub(crate) fn refusal(error: JobError) -> Vec<u8> {
    Outcome::refused(error).to_bytes()
}

/// What comes back in place of an outcome that is at its target, without the value that was given besides.
#[cfg(feature = "nats")]
pub(crate) fn without_value(outcome: &[u8]) -> Option<Vec<u8>> {
    match Outcome::from_bytes(outcome) {
        Ok(Outcome { ended: Ended::Saved { there, value: Some(_) }, elapsed, .. }) => {
            Some(Outcome::new(Ended::Saved { there, value: None }, elapsed).to_bytes())
        }
        _ => None,
    }
}
