//! Who brings task runs to other processes.

use std::future::Future;
use std::pin::Pin;

use crate::graph::kept::{AnyData, Data};
use pipex_format::model::error::Cause;
#[cfg(feature = "remote")]
use pipex_format::model::error::JobError;
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;
#[cfg(feature = "remote")]
use pipex_format::wire::Order;
use pipex_format::wire::Value;

/// How data of a type go from process to process.
#[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only jobs for other processes ask for it"))]
pub struct Travel {
    pub(crate) to: fn(&AnyData) -> Result<Value, String>,
    pub(crate) from: fn(Value) -> Result<Data, String>,
}

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
    /// What it needs while it runs.
    pub needs: Resources,
}

impl Job {
    #[cfg(feature = "remote")]
    pub(crate) fn new(task: &'static Task, attempt: u32, needs: Resources, order: &Order) -> Result<Self, JobError> {
        let payload = order.to_bytes()?;
        Ok(Job { task, payload, attempt, needs })
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
