//! What hooks are told of a flow run that has ended.

use serde::Serialize;

use crate::journal::Counts;
use crate::model::state::State;

/// A flow run that has ended, for whoever is to be told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// The flow.
    pub flow: String,
    /// The run, as `pipex runs` names it, if it has a journal.
    pub run: Option<String>,
    /// How it ended.
    pub state: State,
    /// Why it did not end well.
    pub error: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many task runs of each task function ended how.
    pub tasks: Vec<NoticedTask>,
    /// The first task runs that failed.
    pub failures: Vec<NoticedFailure>,
    /// How many failed besides.
    pub more_failures: u64,
}

/// How many task runs of a task function ended how.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NoticedTask {
    /// The task function.
    pub task: String,
    /// How many ended how.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long they took together, in seconds.
    pub seconds: f64,
}

/// A task run that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NoticedFailure {
    /// Its name.
    pub name: String,
    /// Its target, if it has one.
    pub target: Option<String>,
    /// Failed, crashed or timed out.
    pub state: State,
    /// Why.
    pub error: String,
}

impl Notice {
    /// Of a run of this flow, of which nothing else is known.
    #[doc(hidden)]
    #[must_use]
    pub fn new(flow: &str) -> Self {
        let (tasks, failures) = (Vec::new(), Vec::new());
        let (flow, state) = (flow.to_owned(), State::Completed);
        Notice { flow, run: None, state, error: None, seconds: 0.0, tasks, failures, more_failures: 0 }
    }

    /// The same as JSON, on a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("it is made of text and numbers")
    }
}

impl NoticedTask {
    #[doc(hidden)]
    #[must_use]
    pub fn new(task: &str, counts: Counts, seconds: f64) -> Self {
        NoticedTask { task: task.to_owned(), counts, seconds }
    }
}

impl NoticedFailure {
    #[doc(hidden)]
    #[must_use]
    pub fn new(name: String, target: Option<String>, state: State, error: String) -> Self {
        NoticedFailure { name, target, state, error }
    }
}
