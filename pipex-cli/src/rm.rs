//! `pipex rm`.

use std::collections::BTreeMap;

use pipex_format::journal::{Journal, Line, Removed};
use pipex_format::store::while_unclaimed;
use serde::Serialize;

use crate::condition::Condition;
use crate::paths::{Bounds, Zone};
use crate::project::Project;
use crate::select::Selection;
use crate::survey::{FoundOutput, OutputStatus, Survey};
use crate::targets::Target;
use crate::{CommandError, CommandStatus, Confirmation, join_sources, print};

/// What may go.
#[derive(Debug, Default, Clone, Copy, clap::Args)]
pub struct RmOptions {
    /// And all that was made from them
    #[arg(long)]
    pub downstream: bool,
    /// Also those that somebody has changed since pipex made them
    #[arg(long)]
    pub edited: bool,
    /// Also those that lie outside the project's directory: they are listed by name
    #[arg(long)]
    pub outside: bool,
    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
}

/// What goes, or has gone.
#[derive(Default, Serialize)]
pub struct RmSummary<'p> {
    done: bool,
    targets: Vec<&'p str>,
    bytes: u64,
    /// Those that go and lie outside the project's directory.
    outside: Vec<&'p str>,
    /// Those left alone, and why.
    left: Vec<(&'p str, String)>,
}

pub fn rm(
    project: &Project,
    selection: &Selection,
    options: RmOptions,
    confirmation: Confirmation,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let mut plan = RemovalPlan::new(project, selection, options)?;
    if !json {
        plan.print()?;
    }
    if options.dry_run || plan.removed.is_empty() {
        if json {
            print::json(&plan.summary)?;
        }
        return Ok(CommandStatus::attention_if(options.dry_run && !plan.removed.is_empty()));
    }
    if !confirmation.confirm("Remove?")? {
        return Ok(CommandStatus::NeedsAttention);
    }
    let failed = plan.remove_all();
    if json {
        print::json(&plan.summary)?;
    } else {
        print::line(format!("removed {}", print::format_count(plan.removed.len() - failed, "output")))?;
    }
    if failed > 0 { Err(CommandError::NotRemoved { count: failed }) } else { Ok(CommandStatus::Clean) }
}

/// The same, for who has asked already; only says what would go in a dry run.
#[cfg(feature = "ui")]
pub fn remove<'p>(
    project: &'p Project,
    selection: &Selection,
    options: RmOptions,
) -> Result<RmSummary<'p>, CommandError> {
    let mut plan = RemovalPlan::new(project, selection, options)?;
    if !options.dry_run {
        plan.remove_all();
    }
    Ok(plan.summary)
}

/// What is to go, and what not.
struct RemovalPlan<'p> {
    project: &'p Project,
    options: RmOptions,
    bounds: Bounds<'p>,
    removed: Vec<(usize, FoundOutput)>,
    summary: RmSummary<'p>,
}

impl<'p> RemovalPlan<'p> {
    fn new(project: &'p Project, selection: &Selection, options: RmOptions) -> Result<Self, CommandError> {
        if selection.is_all() {
            return Err(CommandError::Everything);
        }
        let (mut survey, mut indices) = selection.select(project)?;
        if options.downstream {
            indices = project.find_downstream(indices);
            project.targets.sort(&mut indices);
            survey = Survey::inspect(project, indices.iter().copied());
        }
        let (bounds, summary) = (Bounds::new(project), RmSummary::default());
        let mut plan = RemovalPlan { project, options, bounds, removed: Vec::new(), summary };
        for index in indices {
            plan.add(index, &survey.status(index), survey.found(index));
        }
        Ok(plan)
    }

    fn add(&mut self, index: usize, status: &OutputStatus, found: Option<FoundOutput>) {
        let target = self.project.targets.get(index);
        let zone = self.bounds.find_zone(target);
        let problem = status.problem.as_deref().map(str::to_owned);
        let object = || self.project.find_objection(self.options, target, status.condition, found.as_ref(), zone);
        let reason = problem.or_else(|| object().map(str::to_owned));
        match (reason, found) {
            (Some(reason), _) => self.summary.left.push((target.name(), reason)),
            (None, None) => {}
            (None, Some(found)) => {
                if zone != Zone::Inside {
                    self.summary.outside.push(target.name());
                }
                self.summary.targets.push(target.name());
                self.summary.bytes = self.summary.bytes.saturating_add(found.bytes);
                self.removed.push((index, found));
            }
        }
    }

    fn print(&self) -> Result<(), CommandError> {
        let project = self.project;
        for (target, why) in &self.summary.left {
            print::line(format!("left alone: {}: {why}", project.format_name(target)))?;
        }
        for target in &self.summary.outside {
            print::line(format!("outside the project's directory: {}", project.format_name(target)))?;
        }
        // How many of each task function, and one of them.
        let mut by_task: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (index, _) in &self.removed {
            let task = project.function(project.targets.get(*index)).map_or("", |function| &function.name);
            by_task.entry(task).or_insert((0, *index)).0 += 1;
        }
        for (task, (count, example)) in by_task {
            let example = project.format_target(project.targets.get(example));
            print::line(format!("{task}: {}, such as {example}", print::format_count(count, "output")))?;
        }
        let what = if self.options.dry_run { "would remove" } else { "to remove:" };
        let outputs = print::format_count(self.removed.len(), "output");
        print::line(format!("{what} {outputs}, {}", print::format_bytes(self.summary.bytes)))?;
        Ok(())
    }

    /// How many could not be removed.
    fn remove_all(&mut self) -> usize {
        let project = self.project;
        let left = project.remove_outputs(self.removed.iter().copied());
        let failed = left.len();
        for (index, problem) in left {
            let name = project.targets.get(index).name();
            self.summary.targets.retain(|target| *target != name);
            self.summary.left.push((name, problem));
        }
        self.summary.done = true;
        failed
    }
}

impl Project {
    /// Why a target is left alone.
    pub fn find_objection(
        &self,
        options: RmOptions,
        target: Target<'_>,
        condition: Condition,
        found: Option<&FoundOutput>,
        zone: Zone,
    ) -> Option<&'static str> {
        if condition == Condition::Running {
            return Some("a process makes it");
        }
        let found = found?;
        match zone {
            _ if target.function().is_none() => Some("pipex did not make it"),
            _ if condition == Condition::Foreign => Some("it is not known to be what pipex made"),
            Zone::Protected => Some("it is the project's directory, or its journal"),
            Zone::Outside if !options.outside => {
                Some("it lies outside the project's directory: --outside removes it, too")
            }
            _ if found.stored.is_edited() && !options.edited => {
                Some("it was changed since pipex made it: --edited removes it, too")
            }
            _ if !self.is_as_recorded(target, found) => {
                Some("it is a directory, and what is in it is not what pipex wrote: remove it by hand")
            }
            _ => None,
        }
    }

    /// Removes what was found at these targets, and has the journal say so; those that are still there, and why.
    pub fn remove_outputs(&self, outputs: impl Iterator<Item = (usize, FoundOutput)>) -> Vec<(usize, String)> {
        let journal = Journal::for_command(&self.journal);
        let mut left = Vec::new();
        for (index, found) in outputs {
            let target = self.targets.get(index);
            let removed = if self.is_file(target) {
                let removed = while_unclaimed(&target.location(), || self.remove(target, &found));
                removed
                    .map_err(|error| join_sources(&error))
                    .and_then(|removed| removed.unwrap_or_else(|| Err("a process makes it".to_owned())))
            } else {
                self.remove(target, &found)
            };
            match removed {
                Ok(()) => journal.line(Line::Removed(Removed::new(target.name(), self.address(target)))),
                Err(problem) => {
                    print::to_stderr(format!("cannot remove {}: {problem}", self.format_target(target)));
                    left.push((index, problem));
                }
            }
        }
        journal.close();
        left
    }

    /// Removes what was found at a target.
    fn remove(&self, target: Target<'_>, found: &FoundOutput) -> Result<(), String> {
        let location = target.location();
        let reason = |problem: crate::project::Problem| problem.reason.to_string();
        // Between the look and the answer to a question there may be hours.
        if self.store(target).query(|store| store.stamp(&location)).map_err(reason)? != Some(found.stamp) {
            return Err("it is another than it was just now".to_owned());
        }
        if !self.is_as_recorded(target, found) {
            return Err("it is a directory, and what is in it is another than it was just now".to_owned());
        }
        self.store(target).query(|store| store.remove(&location)).map_err(reason)
    }

    /// Whether what is in a directory is all that the journal says, and nothing else. Files say that themselves, by their stamps.
    fn is_as_recorded(&self, target: Target<'_>, found: &FoundOutput) -> bool {
        if !self.is_file(target) || !target.location().path().symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
        {
            return true;
        }
        let location = target.location();
        let content =
            self.store(target).query(|store| store.entry(&location)).ok().flatten().and_then(|entry| entry.content);
        !found.stored.is_edited() && content.is_some() && content == found.stored.content
    }
}
