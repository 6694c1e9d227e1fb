//! What everything else is about: plain values, without files, threads or the environment.

pub mod constant;
pub mod contents;
pub mod error;
pub mod fingerprint;
pub mod flow;
pub mod hash;
pub mod mode;
pub mod moment;
pub mod name;
pub mod nearest;
pub mod or_zero;
pub mod provenance;
pub mod resources;
pub mod retry;
pub mod stale;
pub mod state;
pub mod target;
pub mod task;
pub(crate) mod temporary;
pub mod tried;
