//! What is told of a task run: its states, to reporters and in the log, and its failures.

use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use super::Run;
use crate::error::{Cause, Error, RunError};
use crate::mode::Mode;
use crate::report::{State, TaskRun};
use crate::run::Failure;
use crate::target::Location;
use crate::task::Task;

impl Run {
    pub(super) fn span(&self, target: Option<&Location>) -> Span {
        if !tracing::enabled!(target: "pipex", tracing::Level::INFO) {
            return Span::none();
        }
        let mut parent = Span::current();
        // On a worker's thread nothing is around it.
        if let (true, Some(flow)) = (parent.is_none(), self.flow()) {
            parent = flow.span.clone();
        }
        tracing::info_span!(
            target: "pipex",
            parent: &parent,
            "task",
            name = self.name.of(self.task),
            target = target.map(Location::as_str),
            state = tracing::field::Empty,
            elapsed = tracing::field::Empty,
            file = self.task.file,
            line = self.task.line,
        )
    }

    pub(super) fn cached(&self, target: &Location) {
        self.report(State::Cached, Some(target), Duration::ZERO, 0, None);
    }

    fn error(&self, target: Option<&Location>, source: Cause) -> Error {
        Error::Task { name: self.name.of(self.task), target: target.cloned(), source }
    }

    /// The end of a run that tried.
    pub(super) fn failed(&self, target: Option<&Location>, cause: Cause, elapsed: Duration) -> Arc<Failure> {
        let state = match cause.downcast_ref::<RunError>() {
            Some(RunError::TimedOut { .. }) => State::TimedOut,
            Some(RunError::Panicked { .. } | RunError::Interrupted) => State::Crashed,
            _ => State::Failed,
        };
        let error = self.error(target, cause);
        self.report(state, target, elapsed, 0, Some(&error));
        Failure::new(error)
    }

    /// The end of a run that never began, for a failure elsewhere.
    pub(super) fn not_ready(&self, target: Option<&Location>, root: Arc<Failure>) -> Arc<Failure> {
        let root = Arc::clone(root.root());
        self.skipped(target, RunError::Upstream { source: root.error().clone() }, Some(root))
    }

    pub(super) fn skipped(&self, target: Option<&Location>, why: RunError, root: Option<Arc<Failure>>) -> Arc<Failure> {
        let state = if root.is_some() { State::NotReady } else { State::Cancelled };
        let error = self.error(target, why.into());
        self.report(state, target, Duration::ZERO, 0, Some(&error));
        Failure::skipped(error, root)
    }

    pub(super) fn awaits_retry(&self, target: Option<&Location>, cause: Cause, elapsed: Duration, delay: Duration) {
        let error = self.error(target, cause);
        self.report(State::AwaitingRetry, target, elapsed, 0, Some(&error));
        let Task { file, line, retries, .. } = *self.task;
        tracing::warn!(target: "pipex", file, line, "attempt {} of {} failed; the next in {delay:?}: {error:?}", self.attempt, u64::from(retries) + 1);
    }

    pub(super) fn report(
        &self,
        state: State,
        target: Option<&Location>,
        elapsed: Duration,
        bytes: u64,
        error: Option<&Error>,
    ) {
        if self.mode == Mode::DoNothing {
            return;
        }
        let Task { file, line, funcname, .. } = *self.task;
        match error {
            Some(error)
                if self.mode.executes() && matches!(state, State::Failed | State::Crashed | State::TimedOut) =>
            {
                tracing::error!(target: "pipex", file, line, ?state, ?elapsed, "{error:?}");
            }
            _ => tracing::debug!(
                target: "pipex", file, line, task = funcname, target = target.map(Location::as_str), ?state, ?elapsed, bytes,
                "task run"
            ),
        }
        if state.has_ended() {
            Span::current().record("state", tracing::field::debug(state));
        }
        if let Some(context) = &self.context {
            let run = TaskRun {
                task: self.task,
                state,
                target,
                elapsed,
                bytes,
                error,
                attempt: self.attempt.max(1),
                name: &self.name,
            };
            context.report(&run);
        }
    }
}
