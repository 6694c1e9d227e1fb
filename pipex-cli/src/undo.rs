//! `pipex accept --undo`.

use std::collections::HashMap;

use pipex_format::journal::{Journal, Line, There, Undone, Why, read};
use serde::Serialize;

use crate::accept::{JournaledFunctions, close_journal};
use crate::project::Project;
use crate::reading::{Open, report_unreadable};
use crate::survey::{FoundOutput, Survey};
use crate::targets::Target;
use crate::{CommandError, CommandStatus, print};

#[derive(Serialize)]
struct UndoSummary<'p> {
    done: bool,
    /// The run of `pipex accept` that was taken back.
    run: &'p str,
    targets: Vec<&'p str>,
    /// Those left alone, and why.
    left: Vec<(&'p str, &'static str)>,
}

/// Takes back the last accept that has not been taken back: of what it accepted, the journal says again what it said before.
pub fn undo(project: &Project, open: Open<'_>, dry_run: bool, json: bool) -> Result<CommandStatus, CommandError> {
    let is_open = |run: &&u32| !project.undone.contains(&project.runs[**run as usize].id);
    let run = *project.accepts.iter().rev().find(is_open).ok_or(CommandError::NothingAccepted)?;
    let accepted = project.read_accepted(run);
    let mut indices: Vec<usize> = accepted.keys().copied().collect();
    project.targets.sort(&mut indices);
    let survey = Survey::inspect(project, indices.iter().copied());
    let mut summary =
        UndoSummary { done: !dry_run, run: &project.runs[run as usize].id, targets: Vec::new(), left: Vec::new() };
    let mut restored = Vec::new();
    for index in indices {
        let target = project.targets.get(index);
        let now = survey.found(index).or_else(|| project.find_recorded(target));
        match now.filter(|now| now.stored == accepted[&index].stored()) {
            Some(found) => restored.push((index, found)),
            None => summary.left.push((target.name(), "it has been made again or changed since")),
        }
    }
    summary.targets = restored.iter().map(|(index, _)| project.targets.get(*index).name()).collect();
    if !dry_run {
        write_lines(project, open, run, restored)?;
    }
    if json {
        print::json(&summary)?;
        return Ok(CommandStatus::Clean);
    }
    for (target, why) in &summary.left {
        print::line(format!("left alone: {}: {why}", project.format_name(target)))?;
    }
    let what = if dry_run { "would take back" } else { "took back" };
    let example = summary.targets.first().map(|example| format!(", such as {}", project.format_name(example)));
    let outputs = print::format_count(summary.targets.len(), "output");
    let example = example.unwrap_or_default();
    print::line(format!("{what} what run {} accepted: {outputs} as before{example}", summary.run))?;
    Ok(CommandStatus::Clean)
}

/// Records what was known before a run of `pipex accept`.
fn write_lines(
    project: &Project,
    open: Open<'_>,
    run: u32,
    restored: Vec<(usize, FoundOutput)>,
) -> Result<(), CommandError> {
    let journals = project.runs[..run as usize].iter().map(|run| run.path.clone()).collect();
    let before = Project::read_runs(&project.journal, project.here.clone(), open, journals);
    let index_before = |target: Target<'_>| {
        let store = before.find_store(project.address(target))?;
        before.find_in_store(store, target.name())
    };
    let indices: Vec<usize> =
        restored.iter().filter_map(|(index, _)| index_before(project.targets.get(*index))).collect();
    let mut call_lines = before.read_call_lines(&indices);
    let journal = Journal::for_command(&project.journal);
    let mut functions = JournaledFunctions::default();
    for (index, found) in restored {
        let target = project.targets.get(index);
        let known = index_before(target);
        let made = known.and_then(|index| before.targets.get(index).made());
        // Of what no journal knew, only what it says itself was known.
        let own = || project.store(target).query(|store| store.entry(&target.location())).ok().flatten();
        let there = made.map(|made| found.known_as(made.stored)).or_else(|| Some(There::from_entry(&own()?)));
        let (Some(number), Some(there)) = (target.function(), there) else { continue };
        let mut line = functions.build_line(project, &journal, index, number, Why::Restored, there);
        if let Some(made) = known.and_then(|index| call_lines.remove(&index)?.made) {
            line.given = made.given;
        }
        if let Some(last) = known.and_then(|index| before.targets.get(index).last()) {
            line.stale = last.stale;
            if let Some(now) = &last.now {
                (line.now, line.format) = (Some((now.arguments, now.inputs)), now.format);
            }
        }
        journal.line(Line::Ended(Box::new(line)));
    }
    journal.line(Line::Undone(Undone::new(&*project.runs[run as usize].id)));
    close_journal(project, &journal)
}

impl Project {
    /// What a run of `pipex accept` said of each target.
    fn read_accepted(&self, run: u32) -> HashMap<usize, There> {
        let mut accepted = HashMap::new();
        let path = &self.runs[run as usize].path;
        let read = read(path, |line| {
            if let Line::Ended(ended) = line
                && let (Why::Accepted, Some(there), Some(target)) = (ended.why, ended.there, &ended.target)
                && let Some(index) = self.find_in_run(run, &ended.store, target)
            {
                accepted.insert(index, there);
            }
        });
        if let Err(error) = read {
            report_unreadable(path, &error);
        }
        accepted
    }
}
