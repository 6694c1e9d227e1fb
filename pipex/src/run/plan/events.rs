//! What is told of a task run: its states, to reporters and in the log, and its failures.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Span;

use super::Run;
use crate::run::dry_run::DryRun;
use crate::run::outcome::Failure;
use crate::run::report::TaskRun;
use pipex_format::journal::{Ended, Given, Line, There, Why, worker};
use pipex_format::model::error::{Cause, Error, RunError};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::mode::Mode;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;

/// What is known of some runs more than of others.
#[derive(Default)]
pub(super) struct Details {
    pub(super) stale: Reasons,
    /// What the call would make a stale output from now: the fingerprints of its arguments and inputs.
    pub(super) now: Option<(Fingerprint, Option<Fingerprint>)>,
    /// And how it would write it, where that is another.
    pub(super) format: Option<Fingerprint>,
    pub(super) there: Option<There>,
    pub(super) given: Vec<Given<'static>>,
    /// The bytes that its output takes.
    pub(super) bytes: u64,
    /// Nothing but the journal would know.
    pub(super) urgent: bool,
    /// What another run's end is the reason of this one's: that one's target, or its name.
    pub(super) root: Option<String>,
}

/// Where an error began: at a target, or at a task run that has none.
fn root(error: &Error) -> Option<String> {
    match error {
        Error::Task { name, target, source } => upstream(source)
            .and_then(root)
            .or_else(|| Some(target.as_ref().map_or_else(|| name.clone(), |target| target.to_string()))),
        Error::Load { target, .. } => Some(target.to_string()),
        _ => None,
    }
}

/// Why an argument was not to be had, if that is the cause.
fn upstream(cause: &Cause) -> Option<&Error> {
    match cause.downcast_ref() {
        Some(RunError::Upstream { source }) => Some(source),
        _ => None,
    }
}

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
            name = self.name.for_task(self.task),
            target = target.map(Location::as_str),
            number = self.number(),
            state = tracing::field::Empty,
            elapsed = tracing::field::Empty,
            file = self.task.file,
            line = self.task.line,
        )
    }

    /// The end of a run that need not run.
    pub(super) fn cached(&self, target: &Location, details: Details) {
        let stale = details.stale;
        if stale.is_empty() && details.there.is_none() && self.why == Why::There {
            self.notify(State::Cached, Some(target), Duration::ZERO, None, &details);
            if let Some(journal) = self.journal() {
                journal.cached(self.task, target, &self.store);
            }
            return;
        }
        if let Some(journal) = self.journal().filter(|_| !stale.is_empty()) {
            journal.warn(self.task, target, stale);
        }
        self.record(State::Cached, Some(target), Duration::ZERO, None, details);
    }

    pub(super) fn completed(&self, target: &Location, elapsed: Duration, details: Details) {
        self.tell_completed(Some(target), elapsed, details);
    }

    pub(super) fn tell_completed(&self, target: Option<&Location>, elapsed: Duration, details: Details) {
        self.record(State::Completed, target, elapsed, None, details);
    }

    /// In a dry run: it would run.
    pub(super) fn would_run(&self, dry: DryRun, target: Option<&Location>) {
        let why = match (self.why, self.outdated) {
            (_, Some((_, stale))) => Cow::Owned(format!("{stale} changed")),
            (Why::Missing, _) => "not there".into(),
            _ => "nothing is saved in this mode".into(),
        };
        if dry == DryRun::Runs || self.flow().is_none() {
            let target = target.map(|target| format!(" -> {target}")).unwrap_or_default();
            let _ = writeln!(io::stdout(), "would run {:?}{target}: {why}", self.name.for_task(self.task));
        }
        if let Some(flow) = self.flow() {
            flow.shared.would_run.count(self.task, why);
        }
    }

    fn error(&self, target: Option<&Location>, source: Cause) -> Error {
        Error::Task { name: self.name.for_task(self.task), target: target.cloned(), source }
    }

    /// The end of a run that tried.
    pub(super) fn failed(&self, target: Option<&Location>, cause: Cause, elapsed: Duration) -> Arc<Failure> {
        let state = match cause.downcast_ref::<RunError>() {
            Some(RunError::TimedOut { .. }) => State::TimedOut,
            Some(RunError::Panicked { .. } | RunError::Interrupted | RunError::Lost { .. }) => State::Crashed,
            Some(RunError::Cancelled { .. }) => State::Cancelled,
            _ => State::Failed,
        };
        let root = upstream(&cause).and_then(root);
        let error = self.error(target, cause);
        self.record(state, target, elapsed, Some(&error), Details { root, ..Details::default() });
        Failure::new(error)
    }

    /// The end of a run that never began, for a failure elsewhere.
    pub(super) fn not_ready(&self, target: Option<&Location>, root: Arc<Failure>) -> Arc<Failure> {
        let root = Arc::clone(root.root());
        self.skipped(target, RunError::Upstream { source: root.error().clone() }, Some(root))
    }

    pub(super) fn skipped(
        &self,
        target: Option<&Location>,
        why: RunError,
        failure: Option<Arc<Failure>>,
    ) -> Arc<Failure> {
        let state = if failure.is_some() { State::NotReady } else { State::Cancelled };
        let error = self.error(target, why.into());
        let origin = failure.as_ref().and_then(|failure| root(failure.error()));
        self.record(state, target, Duration::ZERO, Some(&error), Details { root: origin, ..Details::default() });
        Failure::skipped(error, failure)
    }

    pub(super) fn awaits_retry(&self, target: Option<&Location>, cause: Cause, elapsed: Duration, delay: Duration) {
        let error = self.error(target, cause);
        self.report(State::AwaitingRetry, target, elapsed, Some(&error));
        let Task { file, line, retries, .. } = *self.task;
        tracing::warn!(target: "pipex", file, line, "attempt {} of {} failed; the next in {delay:?}: {error:?}", self.attempt, u64::from(retries) + 1);
    }

    pub(super) fn report(&self, state: State, target: Option<&Location>, elapsed: Duration, error: Option<&Error>) {
        self.record(state, target, elapsed, error, Details::default());
    }

    /// Why the output that is, or was, there is stale.
    fn stale(&self, details: &Details) -> Reasons {
        self.outdated.map_or(details.stale, |(_, stale)| stale)
    }

    /// Tells reporters and the journal.
    fn record(
        &self,
        state: State,
        target: Option<&Location>,
        elapsed: Duration,
        error: Option<&Error>,
        details: Details,
    ) {
        self.notify(state, target, elapsed, error, &details);
        if let Some(journal) = self.journal().filter(|_| state.has_ended() || state == State::AwaitingRetry) {
            let stale = self.stale(&details);
            let Details { now, format, there, given, bytes, urgent, root, .. } = details;
            let line = |task| {
                let mut ended = Ended::new(task, self.name.for_task(self.task).into(), state, self.why);
                ended.target = target.map(|target| target.as_str().into());
                ended.store = (&*self.store).into();
                ended.stale = stale;
                ended.at = journal.at(self.started.unwrap_or_else(Instant::now));
                ended.elapsed = elapsed.as_secs_f64();
                ended.worker = worker();
                ended.attempt = self.attempt.max(1);
                ended.bytes = bytes;
                ended.error = error.map(|error| format!("{error:?}").into());
                ended.root = root.map(Cow::Owned);
                (ended.there, ended.now, ended.format, ended.given) = (there, now, format, given);
                Line::Ended(Box::new(ended))
            };
            journal.ended(self.began);
            journal.write(Some(self.task), urgent, line);
        }
    }

    /// What tells it from all other runs of this process.
    pub(super) fn number(&self) -> u64 {
        self.label.maker.map_or(0, |maker| maker.number.get())
    }

    /// Tells reporters.
    fn notify(
        &self,
        state: State,
        target: Option<&Location>,
        elapsed: Duration,
        error: Option<&Error>,
        details: &Details,
    ) {
        if self.mode == Mode::DoNothing {
            return;
        }
        let Task { file, line, funcname, .. } = *self.task;
        match error {
            Some(error) if matches!(state, State::Failed | State::Crashed | State::TimedOut) => {
                tracing::error!(target: "pipex", file, line, ?state, ?elapsed, "{error:?}");
            }
            _ => tracing::debug!(
                target: "pipex", file, line, task = funcname, target = target.map(Location::as_str), ?state, ?elapsed, bytes = details.bytes,
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
                bytes: details.bytes,
                error,
                attempt: self.attempt.max(1),
                number: self.number(),
                flow: self.flow().map(|flow| flow.number),
                inputs: &self.inputs,
                why: self.why,
                stale: self.stale(details),
                name: &self.name,
            };
            context.report(&run);
        }
    }
}
