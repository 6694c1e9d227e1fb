//! `pipex ls`.

use std::fmt::Write as _;

use jiff::Timestamp;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::target::Location;
use serde::Serialize;

use crate::condition::Condition;
use crate::project::Project;
use crate::select::Selection;
use crate::survey::OutputStatus;
use crate::{CommandError, CommandStatus, join_sources, print};

/// An output, as lists have it.
#[derive(Serialize)]
pub struct OutputRow<'p> {
    target: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    store: &'p str,
    task: &'p str,
    condition: Condition,
    stale: Reasons,
    failed: bool,
    /// What is stale, of what it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'p str>,
    /// Why it cannot be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    bytes: u64,
    saved: Option<Timestamp>,
}

impl<'p> OutputRow<'p> {
    pub fn new(project: &'p Project, index: usize, status: &OutputStatus) -> Self {
        let target = project.targets.get(index);
        OutputRow {
            target: target.name(),
            store: project.address(target),
            task: project.function(target).map_or("", |function| &function.name),
            condition: status.condition,
            stale: status.reasons,
            failed: status.condition.is_failure(),
            because: status.because.map(|index| project.targets.get(index).name()),
            problem: status.problem.as_deref().map(str::to_owned),
            bytes: status.bytes,
            saved: status.saved,
        }
    }
}

/// Lists outputs that the journal does not know.
pub fn ls_unrecorded(project: &Project, selection: &Selection, json: bool) -> Result<CommandStatus, CommandError> {
    let mut unrecorded = Vec::new();
    for (is_file, target) in project.find_unrecorded() {
        if selection.is_match(project, target.as_str())? {
            unrecorded.push((is_file, target));
        }
    }
    if json {
        print::json(&print::JsonRows(unrecorded.iter().map(|(_, target)| target.as_str())))?;
        return Ok(CommandStatus::Clean);
    }
    for (is_file, target) in &unrecorded {
        let name = target.as_str();
        print::line(if *is_file { project.format_path(name) } else { name.into() })?;
    }
    Ok(CommandStatus::Clean)
}

pub fn ls(
    project: &Project,
    selection: &Selection,
    is_edited: bool,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let (survey, selected) = selection.select(project)?;
    let is_meant = |status: &OutputStatus| !is_edited || status.condition == Condition::Stale && status.reasons.content;
    // There may be a million: what is said of each is found out again each time that it is asked for, and not kept.
    let selected = selected.iter().map(|index| (*index, survey.status(*index)));
    let selected = selected.filter(|(_, status)| is_meant(status));
    if json {
        print::json(&print::JsonRows(selected.map(|(index, status)| OutputRow::new(project, index, &status))))?;
        return Ok(CommandStatus::Clean);
    }
    let now = Timestamp::now();
    let rows = selected.map(|(index, status)| {
        let target = project.targets.get(index);
        [
            project.format_target(target),
            project.function(target).map_or("", |function| &function.name).into(),
            describe_status(project, &status).into(),
            print::format_bytes(status.bytes).into(),
            status.saved.map(|saved| print::format_age_at(now, saved)).unwrap_or_default().into(),
        ]
    });
    print::table(&["target", "task", "state", " size", " saved"], rows)?;
    Ok(CommandStatus::Clean)
}

/// `stale: code and inputs`.
pub fn describe_status(project: &Project, status: &OutputStatus) -> String {
    let mut state = status.condition.to_string();
    let _ = match (status.condition, &status.problem, status.because) {
        (Condition::Stale, ..) => write!(state, ": {}", describe_reasons(status.reasons)),
        (Condition::Unknown, Some(problem), _) => write!(state, ": {problem}"),
        (Condition::Outdated, _, Some(because)) => {
            write!(state, ": {} is stale", project.format_target(project.targets.get(because)))
        }
        _ => Ok(()),
    };
    state
}

/// `code and inputs`; `edited`.
pub fn describe_reasons(reasons: Reasons) -> String {
    match (reasons.content, reasons.except(Reasons::EDITED)) {
        (true, others) if others.is_empty() => "edited".to_owned(),
        (true, others) => format!("{others}, and edited"),
        (false, others) => others.to_string(),
    }
}
impl Project {
    /// Outputs that say themselves that pipex made them, and of which the journal does not know: beside those that it knows.
    /// Whether each is a file.
    fn find_unrecorded(&self) -> Vec<(bool, Location)> {
        let mut unrecorded = Vec::new();
        for (number, store) in self.stores.iter().enumerate() {
            let Some(listing) = &store.listing else { continue };
            let mut unknown = Vec::new();
            for prefix in self.find_prefixes(number) {
                let mut each = |location: Location| {
                    let is_hidden =
                        location.path().file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                    if self.find_in_store(number, location.as_str()).is_none() && !is_hidden {
                        unknown.push(location);
                    }
                };
                if let Err(error) = listing.list(&prefix, &mut each) {
                    print::to_stderr(join_sources(&*error));
                }
            }
            for location in unknown {
                // What cannot be looked at says nothing of itself.
                if listing.entry(&location).ok().flatten().is_some_and(|entry| entry.made.is_some()) {
                    unrecorded.push((number == 0, location));
                }
            }
        }
        unrecorded
    }

    /// Where the outputs of a store are: of files their directories, none within another.
    fn find_prefixes(&self, store: usize) -> Vec<String> {
        if store > 0 {
            return vec![String::new()];
        }
        let outputs = self.targets.iter().filter(|target| target.store() == store && target.function().is_some());
        let mut prefixes: Vec<_> =
            outputs.filter_map(|target| Some(format!("{}/", target.name().rsplit_once('/')?.0))).collect();
        prefixes.sort();
        prefixes.dedup_by(|next, first| next.starts_with(first.as_str()));
        prefixes
    }
}
