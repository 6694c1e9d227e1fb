//! What users are promised, a file a promise.

mod allocations;
mod arguments;
mod asynchronous;
mod attempts;
mod clashes;
mod contract;
mod crash;
mod errors;
mod executor;
mod flows;
mod graphs;
mod lazy;
mod locations;
mod macros;
mod memory;
mod modes;
mod own_output;
mod processes;
mod rerunning;
mod runtimes;
mod signals;
mod stale;
mod stores;
mod support;
mod telling;
mod templates;
