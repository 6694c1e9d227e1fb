#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("pipex needs a Unix: it claims targets by file locks and tells files apart by inode");

// What the macros write says `::pipex`, here too.
extern crate self as pipex;

mod engines;
mod environment;
mod flow;
pub mod journal;
mod model;
pub mod remote;
mod run;
mod say;
pub mod store;
pub mod testing;

#[doc(hidden)]
pub mod internal;

pub use pipex_macros::{flow, helper, task};

pub use crate::flow::config::Config;
#[cfg(feature = "logging")]
pub use crate::flow::logging;
#[cfg(feature = "progress")]
pub use crate::flow::progress::Progress;
pub use crate::flow::summary::{Counts, Summary};
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
pub use crate::run::call::Call;
pub use crate::run::executor::{Executor, Local, Permit, Ready};
pub use crate::run::output::Output;
pub use crate::run::report::{FlowRun, Reporter, TaskRun};
#[cfg(feature = "sqlite")]
pub use crate::store::SqliteStore;
pub use crate::store::{FileStore, Store};
