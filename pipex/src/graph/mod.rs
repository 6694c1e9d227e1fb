//! The graph of task runs: what calls take, what they give, and what waits for what.

pub(crate) mod arg;
pub(crate) mod digest;
pub(crate) mod dry;
pub(crate) mod host;
pub(crate) mod inputs;
pub(crate) mod known;
pub(crate) mod node;
pub(crate) mod outcome;
pub(crate) mod output;
#[cfg(feature = "remote")]
pub(crate) mod packing;
pub(crate) mod pending;
pub(crate) mod settle;
pub(crate) mod value;
pub(crate) mod visitor;
