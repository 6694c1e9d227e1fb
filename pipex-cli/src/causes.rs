//! Why runs came to nothing: each cause once, however many it is the cause of.

use std::collections::HashMap;

use pipex_format::model::state::State;
use serde::Serialize;

use crate::condition::Condition;
use crate::project::Project;
use crate::survey::OutputStatus;
use crate::target::LastEvent;
use crate::targets::Target;
use crate::{CommandError, print};

/// The causes that were met, in the order in which they were.
#[derive(Default)]
pub struct Causes<'p> {
    groups: Vec<CauseGroup<'p>>,
    numbers: HashMap<(Condition, Option<&'p str>, String), usize>,
}

/// Outputs with the same cause.
#[derive(Serialize)]
pub struct CauseGroup<'p> {
    condition: Condition,
    /// Whose failure it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<RootCause<'p>>,
    cause: String,
    count: usize,
    /// One of them.
    example: &'p str,
    #[serde(skip)]
    index: usize,
}

/// A target whose failure others did not run for, or a task run that has no target.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
struct RootCause<'p> {
    name: &'p str,
    #[serde(skip)]
    index: Option<usize>,
}

impl<'p> Causes<'p> {
    pub fn add(&mut self, project: &'p Project, index: usize, status: &OutputStatus) {
        let target = project.targets.get(index);
        let (root, cause) = match (status.condition, target.last()) {
            (Condition::Unknown, _) => (None, status.problem.as_deref().unwrap_or_default().to_owned()),
            (condition, Some(last)) if condition.is_failure() => {
                let (root, cause) = find_cause(project, target, last);
                (root, cause.to_owned())
            }
            _ => return,
        };
        // Whether it could not take an argument, or did not get to that.
        let condition = if root.is_some() { Condition::NotReady } else { status.condition };
        let key = (condition, root.map(|root| root.name), cause.clone());
        let number = *self.numbers.entry(key).or_insert_with(|| {
            let example = target.name();
            self.groups.push(CauseGroup { condition, root, cause, count: 0, example, index });
            self.groups.len() - 1
        });
        self.groups[number].count += 1;
    }

    pub fn into_groups(self) -> Vec<CauseGroup<'p>> {
        self.groups
    }

    /// Says the first ten of each kind.
    pub fn print(&self, project: &Project) -> Result<(), CommandError> {
        const MAX: usize = 10;
        let kinds = [
            (Condition::Unknown, "cannot be looked at", "pipex ls"),
            (Condition::Failed, "failed", "pipex ls --failed"),
            (Condition::NotReady, "did not run", "pipex ls --not-ready"),
            (Condition::Cancelled, "were cancelled", "pipex ls --cancelled"),
        ];
        for (condition, what, command) in kinds {
            let groups = || self.groups.iter().filter(|group| group.condition == condition);
            for group in groups().take(MAX) {
                print::line(group.describe(project))?;
            }
            let rest: usize = groups().skip(MAX).map(|group| group.count).sum();
            if rest > 0 {
                print::line(format!("and {rest} more {what}: `{command}` lists them"))?;
            }
        }
        Ok(())
    }
}

impl CauseGroup<'_> {
    fn describe(&self, project: &Project) -> String {
        let CauseGroup { condition, root, cause, count, .. } = self;
        let example = project.format_target(project.targets.get(self.index));
        let what = match (condition, root) {
            (Condition::Unknown, _) => "cannot be looked at",
            (_, Some(root)) => {
                let root =
                    root.index.map_or(root.name.into(), |index| project.format_target(project.targets.get(index)));
                return format!("{count} did not run because of {root}: {cause}");
            }
            (Condition::Cancelled, None) if *count > 1 => return format!("{count} did not run: {cause}"),
            (Condition::Cancelled, None) => "cancelled",
            _ => "failed",
        };
        match count {
            1 => format!("{what}: {example}: {cause}"),
            _ => format!("{what}: {count} outputs, such as {example}: {cause}"),
        }
    }
}

/// Whose failure it was, if it was another's: its name, and its number, if it is a target; and what it said.
fn find_cause<'p>(project: &'p Project, target: Target<'_>, last: LastEvent<'p>) -> (Option<RootCause<'p>>, &'p str) {
    let Some(failure) = last.failure else {
        let is_cancelled = project.runs[last.run as usize].state == Some(State::Cancelled);
        let what =
            if is_cancelled { "its run was cancelled before it had ended" } else { "killed before it had ended" };
        return (None, what);
    };
    let own = strip_preamble(&failure.error);
    let Some(name) = failure.root.as_deref() else { return (None, own) };
    let index = project.find_in_run(last.run, "", name).or_else(|| project.find_in_any_store(name));
    if index == Some(target.index()) {
        return (None, own);
    }
    // What the root said itself, if it is known, is told as it told it.
    let said = index.and_then(|index| project.targets.get(index).last()?.failure);
    let name = index.map_or(name, |index| project.targets.get(index).name());
    (Some(RootCause { name, index }), said.map_or(own, |failure| strip_preamble(&failure.error)))
}

/// What an error says, without the names, the targets and the sentences that stand before it on its way here.
fn strip_preamble(error: &str) -> &str {
    let mut story = strip_subject(error);
    while let Some(rest) = story.strip_prefix(NOT_TO_BE_HAD) {
        story = strip_subject(rest);
    }
    story.strip_prefix(DID_NOT_RUN).unwrap_or(story)
}

/// What stands before the reason of a run that was cancelled.
const DID_NOT_RUN: &str = "it did not run, since ";
/// What stands before the story of an argument.
const NOT_TO_BE_HAD: &str = "an argument is not to be had, so it did not run: ";

/// What an error says, without the name and the target that it begins with.
fn strip_subject(error: &str) -> &str {
    let Some(rest) = error.strip_prefix("task run \"") else { return error };
    let end = match rest.find(" (target ") {
        Some(_) => "): ",
        None => "\": ",
    };
    rest.split_once(end).map_or(error, |(_, story)| story)
}
