//! What everything else is about: plain values, without files, threads or the environment.

pub(crate) mod contents;
pub(crate) mod error;
pub(crate) mod fingerprint;
pub(crate) mod flow;
pub(crate) mod hash;
pub(crate) mod mode;
pub(crate) mod name;
pub(crate) mod provenance;
pub(crate) mod retry;
pub(crate) mod stale;
pub(crate) mod state;
pub(crate) mod target;
pub(crate) mod task;
pub(crate) mod temporary;
