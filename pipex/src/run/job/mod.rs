//! Jobs: task runs that travel to other processes.

mod format;
mod parcel;
mod registry;
mod wire;

use std::future::Future;
use std::pin::Pin;

pub(crate) use self::format::Format;
pub(crate) use self::parcel::Travel;
pub use self::parcel::{OpenMany, OpenOne, OpenOutput, OpenOutputs, OpenPlace, Parcel, Stays, Travels, open_value};
#[cfg(feature = "nats")]
pub(crate) use self::registry::registered;
pub use self::registry::{Registered, Wire, any_store, called};
pub(crate) use self::registry::{all, find};
pub(crate) use self::wire::{Ended, OfFlow, Order, Outcome, Raised};
use pipex_format::model::error::{Cause, JobError};
use pipex_format::model::task::Task;

/// A task run for another process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Job {
    /// The task function.
    pub task: &'static Task,
    /// What [`work`](crate::remote::work) is to be given: JSON.
    pub payload: Vec<u8>,
    /// How often it has been started, this time included.
    pub attempt: u32,
}

impl Job {
    pub(crate) fn new(task: &'static Task, attempt: u32, order: &Order) -> Result<Self, JobError> {
        let payload = serde_json::to_vec(order).map_err(|error| JobError::Malformed { problem: error.to_string() })?;
        Ok(Job { task, payload, attempt })
    }
}

/// What comes back: what [`work`](crate::remote::work) gave, or why it could not be had.
pub type Reply = Pin<Box<dyn Future<Output = Result<Vec<u8>, Cause>> + Send>>;

/// Brings jobs to other processes, and what came of them back.
pub trait Carrier: Send + Sync {
    /// Has the job done once by another process, and gives what it said. If that process dies, another is to do it: what has
    /// been made already is found, and not made again.
    ///
    /// Dropped, nobody waits for the job any longer.
    fn carry(&self, job: Job) -> Reply;
}

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
