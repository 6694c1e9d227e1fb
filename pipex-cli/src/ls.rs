//! `pipex ls`.

use std::fmt::Write as _;

use jiff::Timestamp;
use pipex::{Location, Reasons};
use serde::Serialize;

use crate::condition::Condition;
use crate::project::Project;
use crate::select::Selection;
use crate::survey::Standing;
use crate::{Error, Outcome, chain, print};

#[derive(Serialize)]
struct Row<'p> {
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

/// Lists outputs that the journal does not know.
pub fn unrecorded(project: &Project, selection: &Selection, json: bool) -> Result<Outcome, Error> {
    let mut unrecorded = Vec::new();
    for (is_file, target) in project.unrecorded() {
        if selection.is_match(project, target.as_str())? {
            unrecorded.push((is_file, target));
        }
    }
    if json {
        print::json(&unrecorded.iter().map(|(_, target)| target.as_str()).collect::<Vec<_>>())?;
        return Ok(Outcome::Well);
    }
    for (is_file, target) in &unrecorded {
        let name = target.as_str();
        print::line(if *is_file { project.shown_path(name) } else { name.into() })?;
    }
    Ok(Outcome::Well)
}

pub fn ls(project: &Project, selection: &Selection, is_edited: bool, json: bool) -> Result<Outcome, Error> {
    let (_, mut selected) = selection.select(project)?;
    selected.retain(|(_, standing)| !is_edited || standing.condition == Condition::Stale && standing.reasons.content);
    if json {
        let rows = selected.iter().map(|(place, standing)| {
            let target = &project.targets[*place];
            Row {
                target: &target.name,
                store: project.address(target),
                task: project.function(target).map_or("", |function| &function.name),
                condition: standing.condition,
                stale: standing.reasons,
                failed: standing.condition.is_failure(),
                because: standing.because.map(|place| &*project.targets[place].name),
                problem: standing.problem.as_deref().map(str::to_owned),
                bytes: standing.bytes,
                saved: standing.saved,
            }
        });
        print::json(&rows.collect::<Vec<_>>())?;
        return Ok(Outcome::Well);
    }
    let rows: Vec<Vec<String>> = selected
        .iter()
        .map(|(place, standing)| {
            let target = &project.targets[*place];
            vec![
                project.shown(target).into_owned(),
                project.function(target).map_or("", |function| &function.name).to_owned(),
                state(project, standing),
                print::bytes(standing.bytes),
                standing.saved.map(print::age).unwrap_or_default(),
            ]
        })
        .collect();
    print::table(&["target", "task", "state", " size", " saved"], &rows)?;
    Ok(Outcome::Well)
}

/// `stale: code and inputs`.
pub fn state(project: &Project, standing: &Standing) -> String {
    let mut state = standing.condition.to_string();
    let _ = match (standing.condition, &standing.problem, standing.because) {
        (Condition::Stale, ..) => write!(state, ": {}", reasons(standing.reasons)),
        (Condition::Unknown, Some(problem), _) => write!(state, ": {problem}"),
        (Condition::Outdated, _, Some(because)) => {
            write!(state, ": {} is stale", project.shown(&project.targets[because]))
        }
        _ => Ok(()),
    };
    state
}

/// `code and inputs`; `edited`.
pub fn reasons(reasons: Reasons) -> String {
    match (reasons.content, reasons.except(Reasons::EDITED)) {
        (true, others) if others.is_empty() => "edited".to_owned(),
        (true, others) => format!("{others}, and edited"),
        (false, others) => others.to_string(),
    }
}
impl Project {
    /// Outputs that say themselves that pipex made them, and of which the journal does not know: beside those that it knows.
    /// Whether each is a file.
    fn unrecorded(&self) -> Vec<(bool, Location)> {
        let mut unrecorded = Vec::new();
        for (number, store) in self.stores.iter().enumerate() {
            let Some(listing) = &store.listing else { continue };
            let mut unknown = Vec::new();
            for prefix in self.prefixes(number as u32) {
                let mut each = |location: Location| {
                    let is_hidden =
                        location.path().file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                    if !store.places.contains_key(location.as_str()) && !is_hidden {
                        unknown.push(location);
                    }
                };
                if let Err(error) = listing.list(&prefix, &mut each) {
                    print::aside(chain(&*error));
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
    fn prefixes(&self, store: u32) -> Vec<String> {
        if store > 0 {
            return vec![String::new()];
        }
        let outputs = self.targets.iter().filter(|target| target.store == store && target.function.is_some());
        let mut prefixes: Vec<_> =
            outputs.filter_map(|target| Some(format!("{}/", target.name.rsplit_once('/')?.0))).collect();
        prefixes.sort();
        prefixes.dedup_by(|next, first| next.starts_with(first.as_str()));
        prefixes
    }
}
