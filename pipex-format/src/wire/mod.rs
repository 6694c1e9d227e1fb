//! What is said between the process of a flow and one that does a task run for it, or that is told how it ended.

mod format;
mod job;
mod make;
mod notice;

pub use serde_json::{Map, Value};

pub use self::format::WireFormat;
pub use self::job::{FlowRequest, JobEnd, JobFailure, JobOutcome, Order};
pub use self::make::MakeRequest;
pub use self::notice::{Notice, NoticedFailure, NoticedTask};
