//! What users are promised, a file a promise.

mod allocations;
mod arguments;
mod asynchronous;
mod attempts;
mod child;
mod claim_model;
mod clashes;
mod contract;
mod crash;
mod errors;
mod executor;
mod flows;
mod graphs;
mod in_memory;
mod lazy;
mod locations;
mod lost_claims;
mod macros;
mod memory;
mod modes;
mod own_output;
mod processes;
mod remote;
mod rerunning;
mod runtimes;
mod signals;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stale;
mod stores;
mod support;
mod telling;
mod templates;
