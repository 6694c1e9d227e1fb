//! `pipex status`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::look::Condition;
use crate::project::Project;
use crate::select::Selection;
use crate::{Error, Outcome, print};

/// How the outputs of a task function stand.
#[derive(Default, Serialize)]
struct Row<'p> {
    task: &'p str,
    module: &'p str,
    file: String,
    fresh: usize,
    stale: usize,
    /// Why, and how many, and one of them.
    reasons: BTreeMap<String, (usize, &'p str)>,
    failed: usize,
    missing: usize,
    orphaned: usize,
    foreign: usize,
    unknown: usize,
    running: usize,
    bytes: u64,
    newest: Option<Timestamp>,
}

pub fn status(project: &Project, selection: &Selection, json: bool) -> Result<Outcome, Error> {
    let mut rows: BTreeMap<u32, Row<'_>> = BTreeMap::new();
    let mut failures: Vec<(&str, &str)> = Vec::new();
    for (place, look) in selection.of(project)? {
        let target = &project.targets[place];
        let Some((number, function)) = target.function.zip(project.function(target)) else { continue };
        let row = rows.entry(number).or_insert_with(|| Row {
            task: &function.name,
            module: &function.module,
            file: format!("{}:{}", function.file, function.line),
            ..Row::default()
        });
        match look.condition {
            Condition::Fresh => row.fresh += 1,
            Condition::Stale => {
                row.stale += 1;
                row.reasons.entry(look.stale.to_string()).or_insert((0, &target.name)).0 += 1;
            }
            Condition::Orphaned => row.orphaned += 1,
            Condition::Foreign => row.foreign += 1,
            Condition::Running => row.running += 1,
            Condition::Missing => row.missing += 1,
            Condition::Unknown => row.unknown += 1,
        }
        if project.has_failed(target) {
            row.failed += 1;
            let error = target.last.as_ref().and_then(|last| last.error.as_deref());
            failures.push((&target.name, error.unwrap_or("killed before it had ended")));
        }
        row.bytes += look.bytes;
        row.newest = row.newest.max(look.saved);
    }
    let outcome = Outcome::amiss(rows.values().any(|row| row.stale + row.failed + row.unknown > 0));
    if json {
        print::json(&rows.into_values().collect::<Vec<_>>())?;
        return Ok(outcome);
    }
    let number = |number: usize| if number == 0 { "-".to_owned() } else { number.to_string() };
    let table: Vec<Vec<String>> = rows
        .values()
        .map(|row| {
            vec![
                row.task.to_owned(),
                number(row.fresh),
                number(row.stale),
                number(row.failed),
                number(row.missing),
                number(row.orphaned),
                number(row.foreign),
                print::bytes(row.bytes),
                row.newest.map(print::age).unwrap_or_default(),
            ]
        })
        .collect();
    let head = ["task", " fresh", " stale", " failed", " missing", " orphaned", " foreign", " size", " newest"];
    print::table(&head, &table)?;
    for row in rows.values() {
        for (reason, (count, example)) in &row.reasons {
            let outputs = print::count(*count, "output");
            print::line(format!("{}: {outputs} stale, changed: {reason}; such as {example}", row.task))?;
        }
    }
    for (target, error) in failures.iter().take(10) {
        print::line(format!("failed: {target}: {error}"))?;
    }
    if failures.len() > 10 {
        print::line(format!("and {} more failed: `pipex ls --failed` lists them", failures.len() - 10))?;
    }
    if rows.values().any(|row| row.stale > 0) {
        print::line(
            "to have them made again: pipex rm --stale --downstream; to take them as they are: pipex accept --stale",
        )?;
    }
    Ok(outcome)
}
