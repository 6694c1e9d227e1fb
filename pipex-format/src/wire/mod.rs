//! What is said between the process of a flow and one that does a task run for it.

mod format;
mod job;
mod make;

pub use serde_json::{Map, Value};

pub use self::format::WireFormat;
pub use self::job::{FlowRequest, JobEnd, JobFailure, JobOutcome, Order};
pub use self::make::MakeRequest;
