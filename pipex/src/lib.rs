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
mod context;
mod dry_run;
mod engine;
mod environment;
mod executor;
mod flow;
mod flow_run;
pub mod journal;
mod known;
mod later;
#[cfg(feature = "logging")]
pub mod logging;
mod model;
#[cfg(feature = "nats")]
mod nats;
mod output;
mod panics;
mod plan;
#[cfg(feature = "prefect-server")]
mod prefect;
#[cfg(feature = "progress")]
mod progress;
pub mod remote;
mod report;
mod returned;
mod run;
mod runtime;
mod say;
mod seen;
mod signals;
pub mod store;
mod summary;
pub mod testing;
mod value;

#[doc(hidden)]
pub mod internal;

pub use pipex_macros::{flow, helper, task};

pub use crate::call::Call;
pub use crate::config::Config;
pub use crate::executor::{Executor, Local, Permit, Ready};
pub use crate::model::error::{Cause, Error, Result, RunError};
pub use crate::model::fingerprint::Fingerprint;
pub use crate::model::flow::Flow;
pub use crate::model::mode::Mode;
pub use crate::model::provenance::Reasons;
pub use crate::model::retry::RetryDelay;
pub use crate::model::stale::Stale;
pub use crate::model::state::State;
pub use crate::model::target::{Location, TargetError};
pub use crate::model::task::Task;
pub use crate::output::Output;
#[cfg(feature = "progress")]
pub use crate::progress::Progress;
pub use crate::report::{FlowRun, Reporter, TaskRun};
#[cfg(feature = "sqlite")]
pub use crate::store::SqliteStore;
pub use crate::store::{FileStore, Store};
pub use crate::summary::{Counts, Summary};
