//! `#[task(remote)]`: task runs that travel to other processes.
//!
//! What travels is a [`Job`]: the task's name, its arguments as JSON (an output by its location, not its data), where its
//! own output is to be. Any process of the same executable can do it: [`work`] calls the function, under the same claim and
//! with the same commit as everywhere, and gives back what came of it. A [`Carrier`] brings the one to the other;
//! [`Local::carrier`](crate::Local::carrier) takes one, and hands it what can run.
//!
//! ```
//! use pipex::remote::{Carrier, Job, Reply, work};
//! use pipex::{Config, Local, Mode, task};
//!
//! /// Another process would do it; here it is another thread.
//! struct Thread;
//!
//! impl Carrier for Thread {
//!     fn carry(&self, job: Job) -> Reply {
//!         Box::pin(async move { Ok(work(&job.payload).await) })
//!     }
//! }
//!
//! #[task(remote)]
//! fn double(x: u32) -> u32 {
//!     2 * x
//! }
//!
//! let local = Local::new().carrier(Thread);
//! let four = Config::new().mode(Mode::Prefect).executor(local).scope(|| double(double(1).submit()).run()?.load())?;
//! assert_eq!(four, 4);
//! # Ok::<(), pipex::Error>(())
//! ```
//!
//! # From the command line
//! [`command`], called first in `main`, lets the executable run one task by its name, which is what a Slurm array or a
//! Kubernetes Job wants:
//!
//! ```console
//! $ weather pipex tasks
//! weather::clean(year, day)  pipex/../examples/weather.rs:158
//! $ weather pipex missing out/weather > missing.txt
//! $ sed -n 7p missing.txt | weather pipex run -
//! out/weather/clean/EWR/2013-01-07.csv
//! ```

mod command;
mod packing;
mod parcel;
mod registry;
mod wire;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::LazyLock;

pub use self::command::command;
pub(crate) use self::command::from_env;
pub(crate) use self::packing::Packing;
pub(crate) use self::parcel::Travel;
#[doc(hidden)]
pub use self::parcel::{OpenMany, OpenOne, OpenOutput, OpenOutputs, OpenPlace, Parcel, Stays, Travels, open_value};
pub(crate) use self::registry::find;
#[cfg(feature = "nats")]
pub(crate) use self::registry::registered;
#[doc(hidden)]
pub use self::registry::{Called, Registered, Wire, any_store, called};
pub use self::wire::JobError;
pub(crate) use self::wire::{Ended, OfFlow, Order, Outcome, Raised};
use crate::config::Config;
use crate::error::Cause;
use crate::executor::Local;
use crate::mode::Mode;
use crate::panics::{Phase, catch};
use crate::task::Task;

/// A task run for another process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Job {
    /// The task function.
    pub task: &'static Task,
    /// What [`work`] is to be given: JSON.
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

/// What comes back: what [`work`] gave, or why it could not be had.
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
        Ok(Outcome { ended: Ended::Saved { there, value: Some(_) }, elapsed }) => {
            Some(Outcome { ended: Ended::Saved { there, value: None }, elapsed }.to_bytes())
        }
        _ => None,
    }
}

/// Does a job: what a [`Carrier`] in another process was given as its [payload](Job::payload). Polling may block.
///
/// Errors are part of what comes back.
pub async fn work(payload: &[u8]) -> Vec<u8> {
    let order: Order = match serde_json::from_slice(payload) {
        Ok(order) => order,
        Err(error) => return refusal(JobError::Malformed { problem: error.to_string() }),
    };
    let Some((code, caches)) = order.flow.as_ref().map(|flow| (flow.code, flow.caches)) else {
        return refusal(JobError::Malformed { problem: "it says nothing of a flow".to_owned() });
    };
    let mode = if caches { Mode::PrefectCache } else { Mode::Prefect };
    let outcome = async move {
        let registered = find(&order.task)?;
        if registered.task.code != code {
            return Err(JobError::Code { task: order.task.clone() });
        }
        Ok(registered.call(&order)?.serve(order).await)
    };
    static HERE: LazyLock<Local> = LazyLock::new(Local::new);
    // Whoever ordered it tells the journal and the reporters.
    let config = Config::outermost()
        .mode(mode)
        .executor(HERE.clone())
        .without_journal()
        .dry_run(false)
        .quiet(true)
        .signals(false);
    // A function that panics is one that failed; a store that does takes nothing else along.
    match catch(pin!(config.scope_async(outcome))).await {
        Ok(outcome) => outcome.unwrap_or_else(Outcome::refused).to_bytes(),
        Err(panic) => Outcome::failed(&panic.error(Phase::Preparing).into(), true).to_bytes(),
    }
}
