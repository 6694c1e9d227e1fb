//! Task runs: the graph of them, and how one goes from its call to its output.

pub(crate) mod arg;
pub(crate) mod call;
pub(crate) mod context;
pub(crate) mod dry_run;
pub(crate) mod engine;
pub(crate) mod executor;
pub(crate) mod flow_run;
pub(crate) mod heartbeat;
pub(crate) mod job;
pub(crate) mod known;
pub(crate) mod outcome;
pub(crate) mod output;
pub(crate) mod panics;
pub(crate) mod pending;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod returned;
pub(crate) mod runtime;
pub(crate) mod seen;
pub(crate) mod value;
