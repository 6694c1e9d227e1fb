//! What is said between the process of a flow and the one that does a task run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::format::{WireFormat, decode};
use crate::journal::{Recorded, There, is_no_time};
use crate::model::error::{Cause, JobError, RunError};
use crate::model::fingerprint::Fingerprint;

/// What a process is told of a task run that it is to do.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The version of its format.
    #[serde(default, skip_serializing_if = "WireFormat::is_first")]
    pub format: WireFormat,
    /// The task's name.
    pub task: String,
    /// The arguments by their parameters: values, and outputs by their locations.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// The call's `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The call's `base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The task run's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the output is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where its other outputs are to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_targets: Vec<String>,
    /// What a flow asks for beside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowRequest>,
}

/// What a flow asks for beside a task run.
#[derive(Debug, Serialize, Deserialize)]
pub struct FlowRequest {
    /// The fingerprint of the function's code.
    pub code: Fingerprint,
    /// What tells whether the arguments came as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Fingerprint>,
    /// What the output is to be recorded as made from: the fingerprints of arguments and inputs.
    #[serde(default, with = "crate::model::or_zero::pair", skip_serializing_if = "Option::is_none")]
    pub record: Option<(Fingerprint, Option<Fingerprint>)>,
    /// The output that is there and not to be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated: Option<u64>,
    /// Whether targets are checked and saved.
    pub caches: bool,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct JobOutcome {
    /// The version of its format.
    #[serde(default, skip_serializing_if = "WireFormat::is_first")]
    pub format: WireFormat,
    /// How it ended.
    #[serde(flatten)]
    pub ended: JobEnd,
    /// In seconds.
    pub elapsed: f64,
    /// How many of them went by until it had its arguments.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub loading: f32,
    /// How many it took to save what it gave.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub saving: f32,
    /// Where that was: the host, the number of the process there, and that of the thread.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub worker: String,
    /// What the function has recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<Recorded<'static>>,
}

/// How a task run ended in another process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// It is at its target.
    Saved {
        /// What is there.
        there: Option<There>,
        /// The same of its other outputs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        more: Vec<Option<There>>,
        /// What the function gave besides.
        value: Option<Value>,
    },
    /// It was at its target already: the job was given twice, or another flow run wanted it, too.
    Found,
    /// Nothing was saved; this is it.
    Value(Value),
    /// It failed.
    Failed(JobFailure),
}

/// An error, on its way.
#[derive(Debug, Serialize, Deserialize)]
pub struct JobFailure {
    kind: FailureKind,
    /// What it says, and what its sources say.
    chain: Vec<String>,
    /// Whether another attempt may go better.
    pub retry: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureKind {
    Error,
    Panicked,
    Interrupted,
    /// After so many milliseconds.
    TimedOut(u64),
}

impl JobFailure {
    /// Why it failed, and whether another attempt may go better.
    pub fn new(cause: &Cause, retry: bool) -> Self {
        let mut chain = Vec::new();
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&**cause);
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        let kind = match cause.downcast_ref::<RunError>() {
            Some(RunError::Panicked { message }) => {
                chain = vec![message.clone()];
                FailureKind::Panicked
            }
            Some(RunError::TimedOut { limit }) => {
                FailureKind::TimedOut(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
            }
            Some(RunError::Interrupted) => FailureKind::Interrupted,
            _ => FailureKind::Error,
        };
        JobFailure { kind, chain, retry }
    }

    /// As the error of a task run.
    pub fn cause(self) -> Cause {
        /// What an error said in another process, and what its source did.
        #[derive(Debug, thiserror::Error)]
        #[error("{message}")]
        struct RemoteError {
            message: String,
            source: Option<Box<RemoteError>>,
        }

        let said = |chain: Vec<String>| {
            chain.into_iter().rev().fold(None, |source, message| Some(Box::new(RemoteError { message, source })))
        };
        match self.kind {
            FailureKind::Panicked => RunError::Panicked { message: self.chain.concat() }.into(),
            FailureKind::TimedOut(millis) => RunError::TimedOut { limit: Duration::from_millis(millis) }.into(),
            FailureKind::Interrupted => RunError::Interrupted.into(),
            FailureKind::Error => match said(self.chain) {
                Some(said) => Cause::from(*said),
                None => RunError::Interrupted.into(),
            },
        }
    }
}

impl Order {
    /// As it is sent.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JobError> {
        serde_json::to_vec(self).map_err(|error| JobError::Malformed { problem: error.to_string() })
    }

    /// The same for a job that no flow waits for, as a line.
    #[must_use]
    pub fn into_line(self) -> String {
        serde_json::to_string(&Order { flow: None, ..self }).expect("it was made of JSON")
    }

    /// Reads one; `what` names it in errors.
    pub fn from_bytes(what: &'static str, bytes: &[u8]) -> Result<Self, JobError> {
        decode(what, bytes)
    }
}

impl JobOutcome {
    /// It ended like this, after so many seconds.
    pub fn new(ended: JobEnd, elapsed: f64) -> Self {
        let (format, worker, recorded) = (WireFormat::THIS, String::new(), Vec::new());
        JobOutcome { format, ended, elapsed, loading: 0.0, saving: 0.0, worker, recorded }
    }

    /// What did not even begin.
    pub fn refused(error: JobError) -> Self {
        Self::failed(&error.into(), false)
    }

    /// What failed before it could say how long it took.
    pub fn failed(cause: &Cause, retry: bool) -> Self {
        Self::new(JobEnd::Failed(JobFailure::new(cause, retry)), 0.0)
    }

    /// As it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("nothing in it can fail to be JSON")
    }

    /// Reads one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JobError> {
        decode("what came of the job", bytes)
    }
}
