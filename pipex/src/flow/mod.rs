//! Flow runs: how one starts and ends, what it is told, and what it shows.

pub(crate) mod carry;
pub(crate) mod config;
#[cfg(feature = "cli")]
pub(crate) mod flags;
mod hooks;
#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "progress")]
pub(crate) mod progress;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod summary;
