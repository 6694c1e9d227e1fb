#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("pipex needs a Unix: it claims targets by file locks and tells files apart by inode");

// What the macros write says `::pipex`, here too.
extern crate self as pipex;

mod alive;
mod arg;
mod call;
mod carry;
mod config;
mod content;
mod context;
mod dry_run;
mod environment;
mod error;
mod executor;
mod fingerprint;
mod flow;
#[cfg(any(test, doctest))]
mod guide;
pub mod journal;
mod known;
mod later;
#[cfg(feature = "logging")]
pub mod logging;
mod mode;
#[cfg(feature = "nats")]
mod nats;
mod output;
mod panics;
mod plan;
#[cfg(feature = "prefect-server")]
mod prefect;
#[cfg(feature = "progress")]
mod progress;
mod provenance;
pub mod remote;
mod report;
mod retry;
mod returned;
mod run;
mod runtime;
mod seen;
mod signals;
mod stale;
pub mod store;
mod target;
mod task;
mod temporary;
pub mod testing;
mod value;

#[doc(hidden)]
pub mod internal;

pub use pipex_macros::{flow, helper, task};

pub use crate::call::Call;
pub use crate::config::Config;
pub use crate::error::{Cause, Error, Result, RunError};
pub use crate::executor::{Executor, Local, Permit, Ready};
pub use crate::fingerprint::Fingerprint;
pub use crate::flow::Flow;
pub use crate::mode::Mode;
pub use crate::output::Output;
#[cfg(feature = "progress")]
pub use crate::progress::Progress;
pub use crate::provenance::Reasons;
pub use crate::report::{Counts, FlowRun, Reporter, State, Summary, TaskRun};
pub use crate::retry::RetryDelay;
pub use crate::stale::Stale;
#[cfg(feature = "sqlite")]
pub use crate::store::SqliteStore;
pub use crate::store::{FileStore, Store};
pub use crate::target::{Location, TargetError};
pub use crate::task::Task;
