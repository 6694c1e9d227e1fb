//! The graph of task runs: what calls take, what they give, and what waits for what.

pub(crate) mod amount;
pub(crate) mod arg;
pub(crate) mod chunks;
pub(crate) mod digest;
pub(crate) mod dry;
mod few;
pub(crate) mod gather;
pub(crate) mod handles;
pub(crate) mod held;
pub(crate) mod holds;
pub(crate) mod host;
pub(crate) mod inputs;
pub(crate) mod kept;
pub(crate) mod known;
pub(crate) mod make;
pub(crate) mod node;
pub(crate) mod outcome;
pub(crate) mod output;
#[cfg(feature = "remote")]
pub(crate) mod packing;
pub(crate) mod pending;
pub(crate) mod place;
pub(crate) mod probe;
pub(crate) mod settle;
pub(crate) mod takes;
pub(crate) mod value;
pub(crate) mod visitor;
mod waiters;
