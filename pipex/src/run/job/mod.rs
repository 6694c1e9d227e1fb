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
use pipex_format::wire::JobEnd;
use pipex_format::wire::JobOutcome;

/// What comes back in place of an outcome that cannot travel.
pub(crate) fn refusal(error: JobError) -> Vec<u8> {
    JobOutcome::refused(error).to_bytes()
}

/// What comes back in place of an outcome that is at its target, without the value that was given besides.
#[cfg(feature = "nats")]
pub(crate) fn without_value(outcome: &[u8]) -> Option<Vec<u8>> {
    match JobOutcome::from_bytes(outcome) {
        Ok(JobOutcome { ended: JobEnd::Saved { there, more, value: Some(_) }, elapsed, .. }) => {
            Some(JobOutcome::new(JobEnd::Saved { there, more, value: None }, elapsed).to_bytes())
        }
        _ => None,
    }
}
