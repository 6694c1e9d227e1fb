#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("pipex needs a Unix: it claims targets by file locks and tells files apart by inode");

// What the macros write says `::pipex`, here too.
extern crate self as pipex;

mod engines;
mod flow;
mod graph;
#[cfg(any(test, doctest))]
mod guide;
pub mod journal;
#[cfg(feature = "remote")]
pub mod remote;
mod run;
mod runtime;
mod shell;
pub mod store;
pub mod testing;

#[doc(hidden)]
pub mod internal;

pub use pipex_format::journal::Counts;
pub use pipex_format::model::error::{Cause, Error, Result, RunError};
pub use pipex_format::model::fingerprint::Fingerprint;
pub use pipex_format::model::flow::Flow;
pub use pipex_format::model::mode::Mode;
pub use pipex_format::model::provenance::Reasons;
pub use pipex_format::model::resources::Resources;
pub use pipex_format::model::retry::RetryDelay;
pub use pipex_format::model::stale::Stale;
pub use pipex_format::model::state::State;
pub use pipex_format::model::target::{Location, TargetError};
pub use pipex_format::model::task::Task;
pub use pipex_format::model::tried::{TaskError, Tried};
pub use pipex_format::wire::{Notice, NoticedFailure, NoticedTask};
pub use pipex_macros::{Arg, Outputs, flow, helper, main, task};

pub use crate::flow::config::Config;
#[cfg(feature = "logging")]
pub use crate::flow::logging;
#[cfg(feature = "progress")]
pub use crate::flow::progress::Progress;
pub use crate::flow::summary::Summary;
pub use crate::graph::chunks::Chunks;
pub use crate::graph::handles::Outputs;
pub use crate::graph::host::{Permit, Ready};
pub use crate::graph::output::Output;
pub use crate::run::call::Call;
pub use crate::run::executor::Executor;
pub use crate::run::grid::{Cells, Grid};
pub use crate::run::local::Local;
pub use crate::run::record::record;
pub use crate::run::report::{Event, FlowRun, Reporter, TaskRun};
#[cfg(feature = "shell")]
pub use crate::run::shell::ShellError;
#[cfg(feature = "sqlite")]
pub use crate::store::SqliteStore;
pub use crate::store::{FileStore, Shared, Store};
