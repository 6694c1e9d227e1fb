//! Outputs as objects of a bucket: what is promised of files holds there. `tests/objects/run` starts the servers.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

mod bucket;
#[path = "../child.rs"]
mod child;
mod command;
#[path = "../crash.rs"]
mod crash;
mod downloads;
mod faults;
#[path = "../gate.rs"]
mod gate;
#[path = "../kill.rs"]
mod kill;
mod left;
mod machines;
mod measure;
mod memory;
#[path = "../place.rs"]
mod place;
#[path = "../processes.rs"]
mod processes;
mod proxy;
mod restart;
mod shared;
mod streamed;
#[path = "../support.rs"]
#[allow(dead_code, reason = "other tests have more of it")]
mod support;
