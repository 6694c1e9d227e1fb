//! What users are promised, a file a promise.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

mod allocations;
mod arguments;
mod asynchronous;
mod attempts;
mod child;
mod chunks;
mod claim_model;
mod clashes;
mod codecs;
mod contract;
mod crash;
mod digests;
mod environment;
mod errors;
mod executor;
mod extensions;
mod flows;
mod gate;
mod graphs;
mod hooks;
mod in_memory;
mod kill;
mod layers;
mod lazy;
mod listing;
mod locations;
mod logged;
mod lost_claims;
mod macros;
mod memory;
mod modes;
mod names;
mod outputs;
mod own_output;
mod panics;
mod place;
mod processes;
mod recorded;
mod remote;
mod rerunning;
mod resources;
mod results;
mod runtimes;
mod shared;
#[cfg(feature = "shell")]
mod shell;
mod signals;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stale;
mod stores;
mod support;
mod telling;
mod templates;
mod terminal;
mod testing;
