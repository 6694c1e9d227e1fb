//! What is told of a task run: its states and its failures.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use super::Run;
use crate::graph::make::{self, Ended};
use crate::graph::outcome::Failure;
use crate::run::dry_run::DryRun;
use crate::run::report::{Details, Event, TaskRun, Timing};
use pipex_format::journal::{Given, Why};
use pipex_format::model::error::{Cause, Error, RunError};
use pipex_format::model::mode::Mode;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;

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
            name = self.name().for_task(self.task),
            target = target.map(Location::as_str),
            number = self.number(),
            state = tracing::field::Empty,
            elapsed = tracing::field::Empty,
            file = self.task.file,
            line = self.task.line,
        )
    }

    /// Where only some outputs are to be made, how this one ended.
    fn note(&self, target: Option<&Location>, ended: impl Fn() -> Ended) {
        if let (Some(make), Some(target)) = (make::requested(), target) {
            let (_, _, more) = self.beside();
            make.note(self.task, target, ended());
            more.iter().for_each(|(target, _)| make.note_target(target, ended()));
        }
    }

    /// Whether what is there is to be made again whatever it is.
    pub(super) fn is_forced<'l>(&self, mut targets: impl Iterator<Item = &'l Location>) -> bool {
        make::requested().is_some_and(|make| targets.any(|target| make.forces(self.task, target)))
    }

    /// The end of a run that need not run.
    pub(super) fn cached(&self, target: &Location, stale: Reasons, details: &Details) {
        self.note(Some(target), || Ended::Found);
        self.emit_with(State::Cached, Some(target), Duration::ZERO, None, stale, 0, details);
    }

    pub(super) fn completed(&self, target: Option<&Location>, elapsed: Duration, bytes: u64, details: &Details) {
        self.note(target, || Ended::Made);
        self.emit_with(State::Completed, target, elapsed, None, self.stale(), bytes, details);
    }

    /// In a dry run: it would run.
    pub(super) fn would_run(&self, dry: DryRun, target: Option<&Location>) {
        let why = match (self.why, self.outdated) {
            (Why::Forced, _) => "to be made again".into(),
            (_, Some((_, stale))) => Cow::Owned(format!("{stale} changed")),
            (Why::Missing, _) => "not there".into(),
            _ => "nothing is saved in this mode".into(),
        };
        if dry == DryRun::Runs || self.flow().is_none() {
            let target = target.map(|target| format!(" -> {target}")).unwrap_or_default();
            let _ = writeln!(io::stdout(), "would run {:?}{target}: {why}", self.name().for_task(self.task));
        }
        if let Some(flow) = self.flow() {
            flow.shared.would_run.count(self.task, why);
        }
    }

    fn error(&self, target: Option<&Location>, source: Cause) -> Error {
        Error::Task { name: self.name().for_task(self.task), target: target.cloned(), source }
    }

    /// The end of a run that tried.
    pub(super) fn failed(
        &self,
        target: Option<&Location>,
        cause: Cause,
        elapsed: Duration,
        given: Vec<Given<'static>>,
    ) -> Arc<Failure> {
        let state = match cause.downcast_ref::<RunError>() {
            Some(RunError::TimedOut { .. }) => State::TimedOut,
            Some(RunError::Panicked { .. } | RunError::Interrupted | RunError::Lost { .. }) => State::Crashed,
            Some(RunError::Cancelled { .. }) => State::Cancelled,
            _ => State::Failed,
        };
        let root = upstream(&cause).and_then(root);
        let error = self.error(target, cause);
        self.note(target, || Ended::Failed(format!("{error:?}")));
        let details = Details { root, given: given.into(), ..Details::default() };
        self.emit(state, target, elapsed, Some(&error), &details);
        Failure::new(error)
    }

    /// The end of a run that never began, for a failure elsewhere.
    pub(super) fn not_ready(
        &self,
        target: Option<&Location>,
        root: Arc<Failure>,
        given: Vec<Given<'static>>,
    ) -> Arc<Failure> {
        let root = Arc::clone(root.root());
        self.skipped(target, RunError::Upstream { source: root.error().clone() }, Some(root), given)
    }

    pub(super) fn skipped(
        &self,
        target: Option<&Location>,
        why: RunError,
        failure: Option<Arc<Failure>>,
        given: Vec<Given<'static>>,
    ) -> Arc<Failure> {
        let state = if failure.is_some() { State::NotReady } else { State::Cancelled };
        let error = self.error(target, why.into());
        self.note(target, || Ended::Failed(format!("{error:?}")));
        let origin = failure.as_ref().and_then(|failure| root(failure.error()));
        let details = Details { root: origin, given: given.into(), ..Details::default() };
        self.emit(state, target, Duration::ZERO, Some(&error), &details);
        Failure::skipped(error, failure)
    }

    pub(super) fn awaits_retry(&self, target: Option<&Location>, cause: Cause, elapsed: Duration, delay: Duration) {
        let error = self.error(target, cause);
        self.emit(State::AwaitingRetry, target, elapsed, Some(&error), &Details { delay, ..Details::default() });
    }

    /// What tells it from all other runs of this process.
    pub(super) fn number(&self) -> u64 {
        self.label.maker.map_or(0, |maker| maker.number.get())
    }

    /// Why the output that is, or was, there is stale.
    fn stale(&self) -> Reasons {
        self.outdated.map(|(_, stale)| stale).unwrap_or_default()
    }

    /// It has come into a state: tells all listeners.
    pub(super) fn emit(
        &self,
        state: State,
        target: Option<&Location>,
        elapsed: Duration,
        error: Option<&Error>,
        details: &Details,
    ) {
        self.emit_with(state, target, elapsed, error, self.stale(), 0, details);
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the event")]
    fn emit_with(
        &self,
        state: State,
        target: Option<&Location>,
        elapsed: Duration,
        error: Option<&Error>,
        stale: Reasons,
        bytes: u64,
        details: &Details,
    ) {
        let Some(context) = self.context.as_ref().filter(|_| self.mode != Mode::DoNothing) else { return };
        let journal = self.journal();
        if journal.is_none() && !context.has_listeners() {
            return;
        }
        let (inputs, store, more) = self.beside();
        let last = self.last.as_deref();
        let (loading, saving) = last.map_or((0.0, 0.0), |last| (last.loading, last.saving));
        let run = TaskRun {
            task: self.task,
            state,
            target,
            elapsed,
            bytes,
            error,
            attempt: self.attempt.max(1),
            number: self.number(),
            flow: self.flow().map(|flow| flow.number),
            inputs,
            parameters: self.beside.as_ref().map_or(&[], |beside| &beside.values),
            why: self.why,
            stale,
            name: &self.name(),
            is_lazy: self.is_lazy,
            store,
            more,
            started: last.and_then(|last| last.started),
            timing: Timing { submitted: self.submitted, loading, saving },
            elsewhere: self.beside.as_ref().map_or("", |beside| &beside.elsewhere),
            began: last.map_or(0, |last| last.began),
            details,
        };
        context.emit(&Event::TaskRun(&run), journal);
    }
}
