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
//! [`#[pipex::main]`](crate::main), or [`command`] called first in `main`, lets the executable run one task by its name, which is
//! what a Slurm array or a Kubernetes Job wants:
//!
//! ```console
//! $ weather pipex tasks
//! weather::clean(year, day)  pipex/../examples/weather.rs:158
//! $ weather pipex missing out/weather > missing.txt
//! $ sed -n 7p missing.txt | weather pipex run -
//! out/weather/clean/EWR/2013-01-07.csv
//! ```

mod command;
mod make;

use std::pin::pin;
use std::sync::LazyLock;

pub use self::command::{command, run_command};
use crate::flow::config::Config;
pub use crate::run::carrier::{Carrier, Job, Reply};
use crate::run::job::find;
pub(crate) use crate::run::job::refusal;
#[cfg(feature = "nats")]
pub(crate) use crate::run::job::{registered, without_value};
use crate::run::local::Local;
#[cfg(feature = "nats")]
pub(crate) use crate::run::room::{Room, Share};
use crate::runtime::panics::{Phase, catch};
pub use pipex_format::model::error::JobError;
use pipex_format::model::mode::Mode;
use pipex_format::wire::{JobOutcome, Order};

/// Does a job: what a [`Carrier`] in another process was given as its [payload](Job::payload). Polling may block.
///
/// Errors are part of what comes back.
pub async fn work(payload: &[u8]) -> Vec<u8> {
    let order = match Order::from_bytes("the job", payload) {
        Ok(order) => order,
        Err(error) => return refusal(error),
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
    static HERE: LazyLock<Local> = LazyLock::new(|| Local::from_env().unwrap_or_default());
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
        Ok(outcome) => outcome.unwrap_or_else(JobOutcome::refused).to_bytes(),
        Err(panic) => JobOutcome::failed(&panic.error(Phase::Preparing).into(), true).to_bytes(),
    }
}
