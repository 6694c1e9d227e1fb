//! `pipex status`.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use pipex_format::model::provenance::Reasons;
use serde::Serialize;
use serde_json::Value;

use crate::causes::{CauseGroup, Causes};
use crate::condition::Condition;
use crate::keys::{Key, Keys};
use crate::ls::describe_reasons;
use crate::project::Project;
use crate::select::Selection;
use crate::survey::OutputStatus;
use crate::{CommandError, CommandStatus, print};

/// How the outputs of a task function stand.
#[derive(Default, Serialize)]
pub struct StatusRow<'p> {
    task: &'p str,
    module: &'p str,
    file: String,
    /// What the parameters were given that there is a row for each value of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by: BTreeMap<&'p str, Option<Value>>,
    #[serde(skip)]
    key: Rc<Key>,
    fresh: usize,
    stale: usize,
    outdated: usize,
    failed: usize,
    not_ready: usize,
    cancelled: usize,
    missing: usize,
    not_saved: usize,
    not_needed: usize,
    orphaned: usize,
    foreign: usize,
    unknown: usize,
    running: usize,
    /// Why they are stale, and how many, and one of them.
    reasons: BTreeMap<String, (usize, &'p str)>,
    /// Of those that are outdated: what they were made from, and how many, and one of them.
    because: BTreeMap<&'p str, (usize, &'p str)>,
    /// Why runs came to nothing, and why outputs cannot be looked at.
    causes: Vec<CauseGroup<'p>>,
    bytes: u64,
    newest: Option<Timestamp>,
}

/// A column of the table; those that nothing is in are left out, but for some.
type Column = (&'static str, fn(&StatusRow<'_>) -> usize, bool);

const COLUMNS: [Column; 13] = [
    (" fresh", |row| row.fresh, true),
    (" stale", |row| row.stale, true),
    (" outdated", |row| row.outdated, false),
    (" failed", |row| row.failed, true),
    (" not ready", |row| row.not_ready, false),
    (" cancelled", |row| row.cancelled, false),
    (" missing", |row| row.missing, true),
    (" not saved", |row| row.not_saved, false),
    (" not needed", |row| row.not_needed, false),
    (" orphaned", |row| row.orphaned, false),
    (" foreign", |row| row.foreign, false),
    (" unknown", |row| row.unknown, false),
    (" running", |row| row.running, false),
];

pub fn status(
    project: &Project,
    selection: &Selection,
    by: &[String],
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let (survey, selected) = selection.select(project)?;
    let keys = match by {
        [] => Keys::default(),
        // Which parameters there are does not depend on how outputs stand.
        by => Keys::read(project, &selection.select_named(project)?, by)?,
    };
    let statuses = || selected.iter().map(|index| (*index, survey.status(*index)));
    let (mut needs_attention, mut all, mut stale) = (false, Causes::default(), None);
    let look_at = |(index, status): &(usize, OutputStatus)| {
        needs_attention |= status.condition.needs_attention();
        all.add(project, *index, status);
        if status.condition == Condition::Stale {
            stale = Some(stale.map_or(status.reasons, |stale: Reasons| stale.and(status.reasons)));
        }
    };
    let rows = build_rows(project, statuses().inspect(look_at), &keys);
    let outcome = CommandStatus::attention_if(needs_attention);
    if json {
        print::json(&rows)?;
        return Ok(outcome);
    }
    print_table(by, &rows)?;
    let whole = if by.is_empty() { rows } else { build_rows(project, statuses(), &Keys::default()) };
    for row in &whole {
        row.print_reasons(project)?;
    }
    all.print(project)?;
    stale.map_or(Ok(()), print_advice)?;
    Ok(outcome)
}

/// A row for each task function and key.
pub fn build_rows<'p>(
    project: &'p Project,
    statuses: impl Iterator<Item = (usize, OutputStatus)>,
    keys: &Keys<'p>,
) -> Vec<StatusRow<'p>> {
    let mut rows: BTreeMap<(u32, Rc<Key>), (StatusRow<'p>, Causes<'p>)> = BTreeMap::new();
    for (index, status) in statuses {
        let target = project.targets.get(index);
        let Some((number, function)) = target.function().zip(project.function(target)) else { continue };
        let key = keys.of_target(index);
        let (row, causes) = rows.entry((number, Rc::clone(&key))).or_insert_with(|| {
            let row = StatusRow {
                task: &function.name,
                module: &function.module,
                file: format!("{}:{}", function.file, function.line),
                by: keys.values(&key),
                key,
                ..StatusRow::default()
            };
            (row, Causes::default())
        });
        row.count(status.condition);
        if status.condition == Condition::Stale {
            row.reasons.entry(describe_reasons(status.reasons)).or_insert((0, target.name())).0 += 1;
        }
        if let (Condition::Outdated, Some(because)) = (status.condition, status.because) {
            row.because.entry(project.targets.get(because).name()).or_insert((0, target.name())).0 += 1;
        }
        causes.add(project, index, &status);
        row.bytes = row.bytes.saturating_add(status.bytes);
        row.newest = row.newest.max(status.saved);
    }
    rows.into_values().map(|(row, causes)| StatusRow { causes: causes.into_groups(), ..row }).collect()
}

/// What can be done about outputs that are stale for these reasons.
fn print_advice(all: Reasons) -> Result<(), CommandError> {
    let names: Vec<&str> = all.into();
    let reason = if names == ["code"] { String::new() } else { format!(" --reason {}", names.join(",")) };
    let edited = if all.content { " --edited" } else { "" };
    print::line(format!(
        "to have them made again: pipex rm --stale --downstream{edited}; to take them as they are: pipex accept{reason}"
    ))?;
    Ok(())
}

fn print_table(by: &[String], rows: &[StatusRow<'_>]) -> Result<(), CommandError> {
    let is_shown = |(_, number, always): &&Column| *always || rows.iter().any(|row| number(row) > 0);
    let columns: Vec<&Column> = COLUMNS.iter().filter(is_shown).collect();
    let cells = |row: &StatusRow<'_>| {
        let mut cells = vec![row.task.to_owned()];
        cells.extend(row.key.texts().map(|text| text.unwrap_or_else(|| "-".to_owned())));
        cells.extend(columns.iter().map(|(_, number, _)| match number(row) {
            0 => "-".to_owned(),
            number => number.to_string(),
        }));
        cells.extend([print::format_bytes(row.bytes), row.newest.map(print::format_age).unwrap_or_default()]);
        cells
    };
    let head = ["task"].into_iter().chain(by.iter().map(String::as_str));
    let head: Vec<&str> = head.chain(columns.iter().map(|(name, ..)| *name)).chain([" size", " newest"]).collect();
    print::table(&head, &rows.iter().map(cells).collect::<Vec<_>>())?;
    Ok(())
}

impl StatusRow<'_> {
    fn count(&mut self, condition: Condition) {
        *match condition {
            Condition::Running => &mut self.running,
            Condition::Unknown => &mut self.unknown,
            Condition::Gone => return,
            Condition::Failed => &mut self.failed,
            Condition::NotReady => &mut self.not_ready,
            Condition::Cancelled => &mut self.cancelled,
            Condition::NotSaved => &mut self.not_saved,
            Condition::NotNeeded => &mut self.not_needed,
            Condition::Missing => &mut self.missing,
            Condition::Foreign => &mut self.foreign,
            Condition::Orphaned => &mut self.orphaned,
            Condition::Stale => &mut self.stale,
            Condition::Outdated => &mut self.outdated,
            Condition::Fresh => &mut self.fresh,
        } += 1;
    }

    /// Says why outputs are stale or outdated.
    fn print_reasons(&self, project: &Project) -> Result<(), CommandError> {
        for (reason, (count, example)) in &self.reasons {
            let outputs = print::format_count(*count, "output");
            let changed = if reason == "edited" {
                "changed since pipex made it".to_owned()
            } else {
                format!("changed: {reason}")
            };
            print::line(format!(
                "{}: {outputs} stale, {changed}; such as {}",
                self.task,
                project.format_name(example)
            ))?;
        }
        // One of what is stale stands for all of it.
        if let Some((because, (_, example))) = self.because.iter().rev().max_by_key(|(_, (count, _))| count) {
            let outputs = print::format_count(self.outdated, "output");
            let (example, because) = (project.format_name(example), project.format_name(because));
            print::line(format!("{}: {outputs} outdated, such as {example}: {because} is stale", self.task))?;
        }
        Ok(())
    }
}
