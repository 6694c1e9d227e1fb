//! Task runs: how one goes from its call to its output.

mod away;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod carrier;
pub(crate) mod context;
pub(crate) mod dry_run;
pub(crate) mod engine;
pub(crate) mod executor;
pub(crate) mod flow_run;
mod function;
pub(crate) mod grid;
pub(crate) mod heartbeat;
pub(crate) mod hook;
#[cfg(feature = "remote")]
pub(crate) mod job;
mod listeners;
pub(crate) mod local;
#[cfg(feature = "logging")]
pub(crate) mod logged;
pub(crate) mod plan;
mod product;
pub(crate) mod program;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod returned;
pub(crate) mod room;
#[cfg(feature = "shell")]
pub(crate) mod shell;
mod submission;
pub(crate) mod targets;
pub(crate) mod time_limit;
