//! Outputs as objects of a bucket: what is promised of files holds there. `tests/objects/run` starts the servers.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

mod bucket;
#[path = "../child.rs"]
mod child;
mod command;
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
mod proxy;
mod restart;
mod shared;
mod streamed;
