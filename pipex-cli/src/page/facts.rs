//! What the page asks of a project besides the journal of a run: all of it as the other commands have it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::CommandError;
use crate::diff::describe_argument;
use crate::keys::Keys;
use crate::ls::OutputRow;
use crate::project::{Project, RunJournal, clamp_seconds};
use crate::runs::RunRow;
use crate::select::Selection;
use crate::status::{StatusRow, build_rows};

/// The project and its runs.
#[derive(Serialize)]
pub struct Overview<'p> {
    root: String,
    runs: Vec<RunRow<'p>>,
}

/// How the outputs stand.
#[derive(Serialize)]
pub struct Standing<'p> {
    functions: Vec<StatusRow<'p>>,
    outputs: Vec<OutputRow<'p>>,
}

/// What is known of the outputs of a run's task functions from earlier runs.
#[derive(Serialize)]
pub struct Former<'p> {
    outputs: Vec<FormerOutput<'p>>,
    /// The last run of the flow before this one that was complete: how many task runs it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<u64>,
    /// By task function: how many of its outputs are known, and how long making them took.
    seconds: BTreeMap<String, (usize, f64)>,
}

#[derive(Serialize)]
struct FormerOutput<'p> {
    target: &'p str,
    elapsed: f64,
    given: Vec<(String, String)>,
    inputs: Vec<&'p str>,
}

impl<'p> Overview<'p> {
    #[cfg(feature = "ui")]
    pub fn new(project: &'p Project) -> Self {
        Self::of_runs(project, &project.runs)
    }

    pub fn of_runs(project: &'p Project, runs: &'p [RunJournal]) -> Self {
        let runs = runs.iter().map(|run| RunRow::new(project, run)).collect();
        Overview { root: project.root.display().to_string(), runs }
    }
}

impl<'p> Standing<'p> {
    pub fn new(project: &'p Project) -> Result<Self, CommandError> {
        let (_, selected) = Selection::default().select(project)?;
        let outputs = selected.iter().map(|(index, status)| OutputRow::new(project, *index, status)).collect();
        Ok(Standing { functions: build_rows(project, &selected, &Keys::default()), outputs })
    }
}

impl<'p> Former<'p> {
    pub fn new(project: &'p Project, run: usize) -> Self {
        let RunJournal { functions, flow, .. } = &project.runs[run];
        let is_of_run = |index: &usize| {
            let target = &project.targets[*index];
            target.function.is_some_and(|function| functions.contains(&function))
        };
        let indices: Vec<usize> = project.outputs().filter(is_of_run).collect();
        let mut lines = project.read_call_lines(&indices);
        let mut seconds: BTreeMap<String, (usize, f64)> = BTreeMap::new();
        let mut outputs = Vec::new();
        for index in indices {
            let target = &project.targets[index];
            let Some((made, function)) = target.made.as_ref().zip(project.function(target)) else { continue };
            let elapsed = clamp_seconds(made.elapsed);
            let sum = seconds.entry(format!("{}::{}", function.module, function.name)).or_default();
            *sum = (sum.0 + 1, sum.1 + elapsed);
            let line = lines.remove(&index).and_then(|lines| lines.made);
            let given = line.iter().flat_map(|line| &line.given);
            let given = given.map(|given| (given.name.to_string(), describe_argument(given))).collect();
            let inputs = target.inputs().iter().map(|input| &*project.targets[input.index as usize].name).collect();
            outputs.push(FormerOutput { target: &target.name, elapsed, given, inputs });
        }
        let is_like = |former: &&RunJournal| {
            former.flow == *flow && *flow > 0 && former.counts.failed + former.counts.skipped == 0
        };
        let former = project.runs[..run].iter().rev().filter(|former| former.elapsed.is_some()).find(is_like);
        let tasks = former.map(|former| former.counts.completed + former.counts.cached);
        Former { outputs, tasks, seconds }
    }
}
