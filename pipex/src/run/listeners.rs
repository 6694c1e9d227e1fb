//! Those who are told of events besides the reporters: the journal and the log.

use std::borrow::Cow;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use tracing::Span;

use crate::run::report::{Event, Reporter, TaskRun};
use pipex_format::journal::{Ended, Given, Journal, There, Why, worker};
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;
use pipex_format::say::say;

/// Takes events down in a journal.
pub(super) struct Journaling<'j>(pub(super) &'j Journal);

impl Reporter for Journaling<'_> {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::TaskRun(run) if run.state.has_ended() || run.state == State::AwaitingRetry => self.record(run),
            Event::FlowEnded(run) if run.depth == 0 => match run.state {
                // Some of its task runs may not have ended.
                Some(State::Crashed) => self.0.abandon(State::Crashed),
                state => self.0.end(state.unwrap_or(State::Completed)),
            },
            _ => {}
        }
    }
}

impl Journaling<'_> {
    fn record(&self, run: &TaskRun<'_>) {
        let (journal, details) = (self.0, run.details);
        if let (State::Cached, Some(target)) = (run.state, run.target) {
            if run.stale.is_empty() && details.there.is_none() && run.why == Why::There {
                journal.cached(run.task, target, run.store, false, run.is_lazy);
                let more = run.more.iter();
                more.for_each(|(target, store)| journal.cached(run.task, target, store, true, run.is_lazy));
                return;
            }
            if !run.stale.is_empty() {
                journal.warn(run.task, target, run.stale);
            }
        }
        let given = std::mem::take(&mut *details.given.lock().unwrap_or_else(PoisonError::into_inner));
        let more = run.more.iter().enumerate().map(|(place, (target, store))| {
            (Some(target), &**store, details.more.get(place).copied().flatten(), given.clone())
        });
        // The last is the first, which takes the arguments: what is urgent about it is so about all.
        for (target, store, there, given) in more {
            let mut line = self.line(run, target, store, there, given);
            line.is_part = true;
            journal.ended(run.task, 0, false, &mut line);
        }
        let mut line = self.line(run, run.target, run.store, details.there, given);
        line.recorded.clone_from(&details.recorded);
        #[cfg(feature = "logging")]
        line.logged.extend(crate::run::logged::take(run.number).map(|line| line.into_line(|at| round(journal.at(at)))));
        journal.ended(run.task, run.began, details.urgent, &mut line);
    }

    /// What is said of one of its outputs.
    fn line<'r>(
        &self,
        run: &TaskRun<'r>,
        target: Option<&'r Location>,
        store: &'r str,
        there: Option<There>,
        given: Vec<Given<'static>>,
    ) -> Ended<'r> {
        let details = run.details;
        let mut ended = Ended::new(0, run.name.of(run.task), run.state, run.why);
        ended.target = target.map(|target| target.as_str().into());
        ended.store = store.into();
        (ended.stale, ended.is_lazy) = (run.stale, run.is_lazy);
        ended.at = self.0.at(run.started.unwrap_or_else(Instant::now));
        ended.elapsed = run.elapsed.as_secs_f64();
        ended.submitted = run.timing.submitted.map(|submitted| round(self.0.at(submitted)));
        (ended.loading, ended.saving) = (run.timing.loading, run.timing.saving);
        ended.worker = worker();
        ended.elsewhere = Some(run.elsewhere).filter(|elsewhere| !elsewhere.is_empty()).map(Cow::Borrowed);
        ended.attempt = run.attempt;
        ended.bytes = run.bytes;
        ended.error = run.error.map(|error| format!("{error:?}").into());
        ended.root = details.root.as_deref().map(Cow::Borrowed);
        (ended.there, ended.now, ended.format) = (there, details.now, details.format);
        ended.given = given;
        ended
    }
}

/// To microseconds: the line is shorter.
fn round(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// Writes events to the log. Unless it is to be quiet, what is still running is told on stderr where there is no log.
pub(super) struct Logging {
    pub(super) is_quiet: bool,
}

impl Reporter for Logging {
    fn task_run(&self, run: &TaskRun<'_>) {
        log(run);
        if tracing::enabled!(target: "pipex", tracing::Level::INFO) {
            Span::current().record("state", tracing::field::debug(run.state));
        }
    }

    fn changed(&self, run: &TaskRun<'_>) {
        log(run);
        if run.state == State::AwaitingRetry {
            let Task { file, line, retries, .. } = *run.task;
            let (attempts, delay) = (u64::from(retries) + 1, run.details.delay);
            let error = run.error.map(|error| format!("{error:?}")).unwrap_or_default();
            tracing::warn!(
                target: "pipex", file, line, "attempt {} of {attempts} failed; the next in {delay:?}: {error}", run.attempt
            );
        }
    }

    fn still_running(&self, run: &TaskRun<'_>) {
        let line = format!("task run {:?} has been running for {}", run.name(), seconds(run.elapsed));
        if tracing::dispatcher::has_been_set() {
            tracing::info!(target: "pipex", file = run.task.file, line = run.task.line, "{line}");
        } else if !self.is_quiet {
            say(&line);
        }
    }
}

fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0 => format!("{elapsed:.0?}"),
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn log(run: &TaskRun<'_>) {
    let Task { file, line, funcname, .. } = *run.task;
    let TaskRun { state, elapsed, .. } = *run;
    match run.error {
        Some(error) if state.is_failure() => {
            tracing::error!(target: "pipex", file, line, ?state, ?elapsed, "{error:?}");
        }
        _ => tracing::debug!(
            target: "pipex", file, line, task = funcname, target = run.target.map(Location::as_str), ?state, ?elapsed,
            bytes = run.bytes, "task run"
        ),
    }
}
