//! The version of what is said between processes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::error::JobError;

/// The version of the format of jobs and of what comes of them.
const FORMAT: u32 = 1;

/// What a job, or what came of it, says of its format. The first says nothing; a newer one is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct WireFormat(u32);

impl WireFormat {
    /// The one that is written.
    pub const THIS: Self = WireFormat(FORMAT);
    const FIRST: Self = WireFormat(1);

    /// So that older versions of pipex, which did not know that there could be others, take it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
    pub(super) fn is_first(&self) -> bool {
        *self == Self::FIRST
    }
}

impl Default for WireFormat {
    fn default() -> Self {
        Self::FIRST
    }
}

impl TryFrom<u32> for WireFormat {
    type Error = &'static str;

    fn try_from(format: u32) -> Result<Self, Self::Error> {
        if format > FORMAT { Err("a newer format") } else { Ok(WireFormat(format)) }
    }
}

/// Reads `what` another process has sent.
pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, JobError> {
    #[derive(Deserialize)]
    struct FormatField {
        format: u64,
    }
    serde_json::from_slice(bytes).map_err(|error| match serde_json::from_slice(bytes) {
        // Whatever else is new about it.
        Ok(FormatField { format }) if format > FORMAT.into() => JobError::Newer { what, format, known: FORMAT },
        _ => JobError::Malformed { problem: error.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{JobEnd, JobOutcome, Order};
    use super::*;

    /// As the first version wrote them.
    fn write_first_format() -> (Value, Value) {
        let flow = json!({ "code": "0123456789abcdef0123456789abcdef", "caches": true });
        let order = json!({ "task": "a::b", "args": { "x": 1 }, "name": "b", "target": "out/b", "flow": flow });
        (order, json!({ "value": 7, "elapsed": 0.5 }))
    }

    fn with_format(mut said: Value, format: u32) -> Vec<u8> {
        said["format"] = format.into();
        said.to_string().into_bytes()
    }

    #[test]
    fn the_first_format_is_read_and_written_as_it_was_without_its_number() {
        let (order, outcome) = write_first_format();
        let read = Order::from_bytes("the job", order.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), order);
        let read = JobOutcome::from_bytes(outcome.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), outcome);
        assert!(matches!(read.ended, JobEnd::Value(_)));
    }

    #[test]
    fn one_that_says_it_is_of_the_first_is_one_of_the_first() {
        let (order, outcome) = write_first_format();
        assert_eq!(Order::from_bytes("the job", &with_format(order, 1)).unwrap().task, "a::b");
        assert!(JobOutcome::from_bytes(&with_format(outcome, 1)).is_ok());
    }

    #[test]
    fn a_newer_one_is_refused_by_its_number_whatever_else_is_in_it() {
        let (mut order, outcome) = write_first_format();
        for _ in 0..2 {
            let error = Order::from_bytes("the job", &with_format(order.clone(), 2)).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the job is in format 2, which a newer pipex writes, and this process (pipex {}) reads format 1: \
                     start all processes from the same executable",
                    env!("CARGO_PKG_VERSION")
                )
            );
            // And the second time it is nothing that is known but its number.
            order = json!({ "steps": [] });
        }
        for outcome in [outcome, json!({ "all_of": [] })] {
            let error = JobOutcome::from_bytes(&with_format(outcome, u32::MAX)).unwrap_err();
            assert!(error.to_string().starts_with("what came of the job is in format 4294967295, "), "{error}");
        }
    }

    #[test]
    fn what_is_no_number_is_no_format() {
        for format in [json!("2"), json!(-1), json!(2.5), json!(null)] {
            let (mut order, mut outcome) = write_first_format();
            (order["format"], outcome["format"]) = (format.clone(), format);
            let error = Order::from_bytes("the job", order.to_string().as_bytes()).unwrap_err();
            assert!(matches!(error, JobError::Malformed { .. }), "{error}");
            let error = JobOutcome::from_bytes(outcome.to_string().as_bytes()).unwrap_err();
            assert!(matches!(error, JobError::Malformed { .. }), "{error}");
        }
    }
}
