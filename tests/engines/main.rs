//! Flows on real engines: a Prefect server that shows them, NATS servers that carry their tasks. `tests/engines/run` has it all.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

#[path = "../child.rs"]
mod child;
#[path = "../command/chromium.rs"]
#[allow(dead_code, reason = "pictures need little of it")]
mod chromium;
mod commits;
mod cut_off;
mod events;
#[path = "../gate.rs"]
mod gate;
#[path = "../http.rs"]
mod http;
mod nats;
mod newer;
mod picture;
mod prefect;
mod servers;
mod sizes;
#[path = "../spans.rs"]
mod spans;
mod together;
mod told;
