//! What is said between the process of a flow and one that does a task run for it.

mod format;
mod job;

pub use serde_json::{Map, Value};

pub use self::format::Format;
pub use self::job::{Ended, FlowRequest, Order, Outcome, Raised};
