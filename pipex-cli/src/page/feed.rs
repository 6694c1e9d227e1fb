//! The lines of a run's journal, as the page takes them: each says what is new of the run, a task function or a task run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;

use pipex_format::journal::{Began, Cached, Ended, Function, Head, Line, Why};
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use serde::Serialize;

use crate::diff::describe_argument;
use crate::project::clamp_seconds;
use crate::reading::name_from_root;
use crate::timeline::Timeline;

/// From lines to updates. The same lines give the same numbers, however often they are read.
pub struct Feed {
    /// The directory that the journal is in.
    root: PathBuf,
    prefix: String,
    /// The task runs, by the addresses of their stores and their targets; by their names, if they have none.
    numbers: HashMap<(Option<String>, String), u32>,
    /// How many lines were read.
    pub lines: u64,
    timeline: Timeline,
    /// The numbers of the task runs of the timeline.
    timed: Vec<u32>,
}

/// What is new.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Update {
    Run {
        head: Box<Head<'static>>,
    },
    Function {
        number: u32,
        name: String,
        module: String,
        file: String,
        line: u32,
    },
    Task(Box<TaskUpdate>),
    /// Its target was removed.
    Removed {
        target: String,
    },
    /// The critical path by now: the numbers of its task runs.
    Critical {
        path: Vec<u32>,
    },
    Over {
        elapsed: f64,
        state: Option<State>,
    },
}

/// What is new of a task run. What is not known yet is left out.
#[derive(Debug, Serialize)]
pub struct TaskUpdate {
    /// Its number in this run.
    n: u32,
    function: u32,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    store: String,
    /// It is another output of a task run that has a number of its own.
    #[serde(skip_serializing_if = "is_false")]
    part: bool,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    #[serde(skip_serializing_if = "is_fresh")]
    stale: Reasons,
    at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<u32>,
    /// The process that its worker is of, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<String>,
    attempt: u32,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Each parameter, and the beginning of what it was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    given: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<InputName>,
}

/// An output or a file that a task run took: its number, if this run has one of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum InputName {
    Number(u32),
    Name(String),
}

impl Update {
    /// The target that it is about, if it is about a task run that has one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Update::Task(task) => task.target.as_deref(),
            _ => None,
        }
    }
}

fn is_fresh(reasons: &Reasons) -> bool {
    reasons.is_empty()
}

fn is_false(truth: &bool) -> bool {
    !truth
}

impl Feed {
    /// Of a run of the project in this directory.
    pub fn new(root: PathBuf) -> Self {
        let (numbers, timeline) = (HashMap::new(), Timeline::default());
        Feed { root, prefix: String::new(), numbers, lines: 0, timeline, timed: Vec::new() }
    }

    /// What the next line says, if it is anything for the page.
    pub fn apply(&mut self, line: Line<'static>) -> Option<Update> {
        self.lines += 1;
        self.timeline.apply(&line);
        let update = self.update(line);
        if let Some(Update::Task(task)) = &update {
            self.timed.resize(self.timeline.runs.len(), task.n);
        }
        update
    }

    pub fn find_critical_path(&self) -> Option<Update> {
        let path = self.timeline.critical_path().into_iter().filter_map(|run| self.timed.get(run).copied());
        let path: Vec<u32> = path.collect();
        (!path.is_empty()).then_some(Update::Critical { path })
    }

    fn update(&mut self, line: Line<'static>) -> Option<Update> {
        Some(match line {
            Line::Run(head) => {
                self.prefix = head.prefix.to_string();
                Update::Run { head: Box::new(head) }
            }
            Line::Task(Function { task, name, module, file, line, .. }) => {
                let (name, module, file) = (name.into_owned(), module.into_owned(), file.into_owned());
                Update::Function { number: task, name, module, file, line }
            }
            Line::Began(Began { task, target, store, at, .. }) => {
                let update = self.start_update(task, &target, Some(&target), &store, State::Running);
                Update::Task(Box::new(TaskUpdate { at: clamp_seconds(at), ..update }))
            }
            Line::Cached(Cached { task, target, store, is_part, .. }) => {
                let update = self.start_update(task, &target, Some(&target), &store, State::Cached);
                Update::Task(Box::new(TaskUpdate { part: is_part, why: Some(Why::There), ..update }))
            }
            Line::Ended(ended) => Update::Task(Box::new(self.end(*ended))),
            Line::Removed(removed) => {
                let target = name_from_root(&self.root, &self.prefix, &removed.store, &removed.target).into_owned();
                Update::Removed { target }
            }
            Line::Over(over) => Update::Over { elapsed: clamp_seconds(over.elapsed), state: over.state },
            _ => return None,
        })
    }

    fn end(&mut self, ended: Ended<'static>) -> TaskUpdate {
        let update = self.start_update(ended.task, &ended.name, ended.target.as_deref(), &ended.store, ended.state);
        let given = ended.given.iter().map(|given| (given.name.to_string(), describe_argument(given))).collect();
        let inputs = ended.given.iter().flat_map(|given| &given.inputs);
        let inputs = inputs.map(|input| self.name_input(&input.store, &input.target)).collect();
        TaskUpdate {
            part: ended.is_part,
            why: Some(ended.why),
            stale: ended.stale,
            at: clamp_seconds(ended.at),
            elapsed: Some(clamp_seconds(ended.elapsed)),
            worker: Some(ended.worker),
            elsewhere: ended.elsewhere.map(Cow::into_owned),
            attempt: ended.attempt,
            bytes: ended.bytes,
            error: ended.error.map(Cow::into_owned),
            given,
            inputs,
            ..update
        }
    }

    /// A task run of which no more is known than this.
    fn start_update(
        &mut self,
        function: u32,
        name: &str,
        target: Option<&str>,
        store: &str,
        state: State,
    ) -> TaskUpdate {
        let target = target.map(|target| name_from_root(&self.root, &self.prefix, store, target).into_owned());
        let key = match &target {
            Some(target) => (Some(store.to_owned()), target.clone()),
            None => (None, format!("{function} {name}")),
        };
        let next = self.numbers.len() as u32;
        let n = *self.numbers.entry(key.clone()).or_insert(next);
        // Calls without a target may share a name: what ended does not begin again.
        if target.is_none() && state.has_ended() {
            self.numbers.remove(&key);
            self.numbers.insert((None, format!("{function} {name} {n}")), n);
        }
        TaskUpdate {
            n,
            function,
            name: name.to_owned(),
            target,
            store: store.to_owned(),
            part: false,
            state,
            why: None,
            stale: Reasons::default(),
            at: 0.0,
            elapsed: None,
            worker: None,
            elsewhere: None,
            attempt: 0,
            bytes: 0,
            error: None,
            given: Vec::new(),
            inputs: Vec::new(),
        }
    }

    fn name_input(&self, store: &str, target: &str) -> InputName {
        let name = name_from_root(&self.root, &self.prefix, store, target).into_owned();
        let key = (Some(store.to_owned()), name);
        match self.numbers.get(&key) {
            Some(number) => InputName::Number(*number),
            None => InputName::Name(key.1),
        }
    }
}
