//! `pipex ls`.

use jiff::Timestamp;
use pipex::Reasons;
use serde::Serialize;

use crate::look::Condition;
use crate::project::Project;
use crate::select::Selection;
use crate::{Error, Outcome, print};

#[derive(Serialize)]
struct Row<'p> {
    target: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    store: &'p str,
    task: &'p str,
    condition: Condition,
    stale: Reasons,
    failed: bool,
    bytes: u64,
    saved: Option<Timestamp>,
}

/// Lists outputs that the journal does not know.
pub fn unrecorded(project: &Project, selection: &Selection, json: bool) -> Result<Outcome, Error> {
    let globs = selection.globs()?;
    let unrecorded = project.unrecorded()?;
    let names: Vec<&str> =
        unrecorded.iter().map(|target| target.as_str()).filter(|name| globs.is_match(name)).collect();
    if json {
        print::json(&names)?;
    } else {
        names.iter().try_for_each(print::line)?;
    }
    Ok(Outcome::Well)
}

pub fn ls(project: &Project, selection: &Selection, json: bool) -> Result<Outcome, Error> {
    let selected = selection.of(project)?;
    let rows = selected.iter().map(|(place, look)| {
        let target = &project.targets[*place];
        Row {
            target: &target.name,
            store: project.address(target),
            task: project.function(target).map_or("", |function| &function.name),
            condition: look.condition,
            stale: look.stale,
            failed: project.has_failed(target),
            bytes: look.bytes,
            saved: look.saved,
        }
    });
    if json {
        print::json(&rows.collect::<Vec<_>>())?;
        return Ok(Outcome::Well);
    }
    let rows: Vec<Vec<String>> = rows
        .map(|row| {
            let failed = if row.failed { ", failed" } else { "" };
            vec![
                row.target.to_owned(),
                row.task.to_owned(),
                format!("{}{failed}", condition(row.condition, row.stale)),
                print::bytes(row.bytes),
                row.saved.map(print::age).unwrap_or_default(),
            ]
        })
        .collect();
    print::table(&["target", "task", "state", " size", " saved"], &rows)?;
    Ok(Outcome::Well)
}

/// `stale: code and inputs`.
pub fn condition(condition: Condition, stale: Reasons) -> String {
    match condition {
        Condition::Fresh => "fresh".to_owned(),
        Condition::Stale => format!("stale: {stale}"),
        Condition::Orphaned => "orphaned".to_owned(),
        Condition::Foreign => "foreign".to_owned(),
        Condition::Running => "running".to_owned(),
        Condition::Missing => "missing".to_owned(),
        Condition::Unknown => "unknown".to_owned(),
    }
}
