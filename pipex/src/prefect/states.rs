//! States as Prefect spells them, and what is said beside them.

use super::Rolled;
use crate::report::{State, TaskRun};

/// A state's type and name.
pub(super) fn of(state: State) -> (&'static str, &'static str) {
    match state {
        State::Pending => ("PENDING", "Pending"),
        State::Running => ("RUNNING", "Running"),
        State::Retrying => ("RUNNING", "Retrying"),
        State::AwaitingRetry => ("SCHEDULED", "AwaitingRetry"),
        State::Completed => ("COMPLETED", "Completed"),
        State::Cached => ("COMPLETED", "Cached"),
        State::Failed => ("FAILED", "Failed"),
        State::TimedOut => ("FAILED", "TimedOut"),
        State::Crashed => ("CRASHED", "Crashed"),
        State::NotReady => ("PENDING", "NotReady"),
        State::Cancelled => ("CANCELLED", "Cancelled"),
    }
}

/// What is said beside the state of a task run: which target, or which error.
pub(super) fn message(run: &TaskRun<'_>) -> String {
    if let Some(error) = run.error {
        return format!("{error:?}");
    }
    match (run.state, run.target) {
        (State::Cached, Some(target)) if run.stale.is_empty() => format!("Target {target} is there"),
        (State::Cached, Some(target)) => format!("Target {target} is there, and stale (changed: {})", run.stale),
        (State::Completed, Some(target)) => format!("Saved {target} ({} bytes)", run.bytes),
        (State::Running, Some(target)) => format!("Makes {target}"),
        _ => String::new(),
    }
}

impl Rolled {
    pub(super) fn state(self, ended: bool) -> State {
        match (ended, self.failed + self.skipped) {
            (false, _) => State::Running,
            (true, 0) => State::Completed,
            (true, _) => State::Failed,
        }
    }

    pub(super) fn message(self) -> String {
        let Rolled { all, completed, cached, failed, skipped } = self;
        format!("{all} more task runs: {completed} completed, {cached} cached, {failed} failed, {skipped} skipped")
    }
}
