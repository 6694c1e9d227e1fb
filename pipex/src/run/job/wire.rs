//! What is said between the process of a flow and the one that does a task run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::format::{Format, decode};
use pipex_format::journal::There;
use pipex_format::model::error::{Cause, JobError, RunError};
use pipex_format::model::fingerprint::Fingerprint;

/// What a process is told of a task run that it is to do.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    #[serde(default, skip_serializing_if = "Format::is_first")]
    pub(crate) format: Format,
    pub(crate) task: String,
    #[serde(default)]
    pub(crate) args: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// What a flow asks for beside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<OfFlow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct OfFlow {
    /// The fingerprint of the function's code.
    pub(crate) code: Fingerprint,
    /// What tells whether the arguments came as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<Fingerprint>,
    /// What the output is to be recorded as made from: the fingerprints of arguments and inputs.
    #[serde(default, with = "pipex_format::model::or_zero::pair", skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<(Fingerprint, Option<Fingerprint>)>,
    /// The output that is there and not to be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outdated: Option<u64>,
    /// Whether targets are checked and saved.
    pub(crate) caches: bool,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    #[serde(default, skip_serializing_if = "Format::is_first")]
    pub(crate) format: Format,
    #[serde(flatten)]
    pub(crate) ended: Ended,
    /// In seconds.
    pub(crate) elapsed: f64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It is at its target.
    Saved {
        there: Option<There>,
        value: Option<Value>,
    },
    /// It was at its target already: the job was given twice, or another flow run wanted it, too.
    Found,
    /// Nothing was saved; this is it.
    Value(Value),
    Failed(Raised),
}

/// An error, on its way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Raised {
    kind: FailureKind,
    /// What it says, and what its sources say.
    chain: Vec<String>,
    pub(crate) retry: bool,
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

impl Raised {
    pub(crate) fn new(cause: &Cause, retry: bool) -> Self {
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
        Raised { kind, chain, retry }
    }

    pub(crate) fn cause(self) -> Cause {
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
    /// Reads one; `what` names it in errors.
    pub(crate) fn from_bytes(what: &'static str, bytes: &[u8]) -> Result<Self, JobError> {
        decode(what, bytes)
    }
}

impl Outcome {
    pub(crate) fn new(ended: Ended, elapsed: f64) -> Self {
        Outcome { format: Format::THIS, ended, elapsed }
    }

    /// What did not even begin.
    pub(crate) fn refused(error: JobError) -> Self {
        Self::failed(&error.into(), false)
    }

    /// What failed before it could say how long it took.
    pub(crate) fn failed(cause: &Cause, retry: bool) -> Self {
        Self::new(Ended::Failed(Raised::new(cause, retry)), 0.0)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("nothing in it can fail to be JSON")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, JobError> {
        decode("what came of the job", bytes)
    }
}
