//! What the page asks of a project besides the journal of a run: all of it as the other commands have it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::CommandError;
use crate::diff::describe_argument;
use crate::former::{FormerTask, find_former};
use crate::keys::Keys;
use crate::ls::OutputRow;
use crate::project::{Project, RunJournal};
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

/// What earlier runs tell of a run.
#[derive(Serialize)]
pub struct Earlier<'p> {
    /// What is known of the outputs of its task functions.
    outputs: Vec<FormerOutput<'p>>,
    /// The task functions of the run that it goes like.
    tasks: BTreeMap<String, FormerTask>,
}

#[derive(Serialize)]
struct FormerOutput<'p> {
    target: &'p str,
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
        // As a shell has it below the user's own directory.
        let home = std::env::home_dir().filter(|home| home.parent().is_some());
        let root = match home.as_deref().and_then(|home| project.root.strip_prefix(home).ok()) {
            Some(within) => Path::new("~").join(within),
            None => project.root.clone(),
        };
        Overview { root: root.display().to_string(), runs }
    }
}

impl<'p> Standing<'p> {
    pub fn new(project: &'p Project) -> Result<Self, CommandError> {
        let (survey, selected) = Selection::default().select(project)?;
        let statuses = selected.iter().map(|index| (*index, survey.status(*index)));
        let outputs = statuses.clone().map(|(index, status)| OutputRow::new(project, index, &status)).collect();
        Ok(Standing { functions: build_rows(project, statuses, &Keys::default()), outputs })
    }
}

impl<'p> Earlier<'p> {
    /// Of a run of the project.
    pub fn new(project: &'p Project, run: usize) -> Self {
        let run = &project.runs[run];
        let is_of_run = |index: &usize| {
            let target = project.targets.get(*index);
            target.function().is_some_and(|function| run.functions.contains(&function))
        };
        let indices: Vec<usize> = project.outputs().filter(is_of_run).collect();
        let mut lines = project.read_call_lines(&indices);
        let mut outputs = Vec::new();
        for index in indices {
            let target = project.targets.get(index);
            if target.made().is_none() {
                continue;
            }
            let line = lines.remove(&index).and_then(|lines| lines.made);
            let given = line.iter().flat_map(|line| &line.given);
            let given = given.map(|given| (given.name.to_string(), describe_argument(given))).collect();
            let inputs = target.inputs().iter().map(|input| project.targets.get(input.index as usize).name()).collect();
            outputs.push(FormerOutput { target: target.name(), given, inputs });
        }
        let head = run.head.as_ref();
        let tasks = head.map(|head| find_former(project, &run.id, &head.program, head.flow.as_deref()));
        Earlier { outputs, tasks: tasks.unwrap_or_default() }
    }

    /// Of a run that may have begun since the project was read; without outputs.
    #[cfg(feature = "ui")]
    pub fn of_new(project: &'p Project, run: &str, program: &str, flow: Option<&str>) -> Self {
        Earlier { outputs: Vec::new(), tasks: find_former(project, run, program, flow) }
    }
}
