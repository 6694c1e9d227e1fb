//! Flows on real engines: a Prefect server that shows them, NATS servers that carry their tasks. `tests/engines/run` has it all.

#[path = "../child.rs"]
mod child;
mod nats;
mod prefect;
mod servers;
mod together;
