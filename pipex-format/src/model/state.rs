//! Where a task run stands.

use serde::{Deserialize, Serialize};

/// Where a task run stands, in Prefect's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum State {
    /// It was submitted, and waits for its inputs or for a worker.
    Pending,
    /// It runs.
    Running,
    /// It ran, and its output is there.
    Completed,
    /// Its target was there, so it did not run.
    Cached,
    /// It ran or tried to, and has no output.
    Failed,
    /// Its function panicked, or what ran it was dropped.
    Crashed,
    /// It failed, and runs again.
    Retrying,
    /// It failed, and waits to be tried again.
    AwaitingRetry,
    /// It took longer than its `timeout`.
    TimedOut,
    /// It did not run, since the run of an argument ended without an output.
    NotReady,
    /// It did not run, or was stopped, since its flow run was cancelled.
    Cancelled,
}

impl State {
    /// Whether a run in this state has ended.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, State::Pending | State::Running | State::Retrying | State::AwaitingRetry)
    }

    /// Whether it ended with an output.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, State::Completed | State::Cached)
    }

    /// Whether it ended without an output through a fault of its own: it was not cancelled, and what it takes was there.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, State::Failed | State::Crashed | State::TimedOut)
    }
}
