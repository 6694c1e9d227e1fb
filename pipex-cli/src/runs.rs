//! `pipex runs`.

use jiff::Timestamp;
use pipex_format::journal::Counts;
use pipex_format::model::state::State;
use serde::Serialize;

use crate::project::{Project, RunJournal};
use crate::{CommandError, CommandStatus, print};

#[derive(Serialize)]
struct RunRow<'p> {
    run: &'p str,
    flow: &'p str,
    program: Option<&'p str>,
    version: Option<&'p str>,
    pipex: Option<&'p str>,
    mode: Option<&'p str>,
    host: Option<&'p str>,
    process: Option<u32>,
    directory: Option<&'p str>,
    started: Timestamp,
    seconds: Option<f64>,
    state: &'static str,
    #[serde(flatten)]
    counts: Counts,
}

/// How it ended.
pub fn describe_state(run: &RunJournal) -> &'static str {
    match (run.state, run.elapsed) {
        (Some(State::Cancelled), _) => "cancelled",
        (Some(State::Crashed), _) => "crashed",
        (Some(State::Failed), _) => "failed",
        (Some(_), _) => "completed",
        (None, None) if run.is_live => "running",
        // Calls outside flows end with their program, which does not say so.
        (None, None) if run.flow == 0 => "ended",
        (None, None) => "killed",
        (None, Some(_)) if run.counts.failed + run.counts.skipped > 0 => "failed",
        (None, Some(_)) => "completed",
    }
}

pub fn runs(project: &Project, json: bool) -> Result<CommandStatus, CommandError> {
    let rows: Vec<_> = project
        .runs
        .iter()
        .map(|run| {
            let head = run.head.as_ref();
            RunRow {
                run: &run.id,
                flow: run.flow_name(),
                program: head.map(|head| &*head.program),
                version: head.and_then(|head| head.version.as_deref()),
                pipex: head.map(|head| &*head.pipex),
                mode: head.map(|head| &*head.mode),
                host: head.map(|head| &*head.host),
                process: head.map(|head| head.process),
                directory: head.map(|head| &*head.directory),
                started: run.started,
                seconds: run.elapsed,
                state: describe_state(run),
                counts: run.counts,
            }
        })
        .collect();
    if json {
        print::json(&rows)?;
        return Ok(CommandStatus::Clean);
    }
    let number = |number: u64| if number == 0 { "-".to_owned() } else { number.to_string() };
    let cells = |row: &RunRow<'_>| {
        vec![
            row.run.to_owned(),
            row.state.to_owned(),
            number(row.counts.completed),
            number(row.counts.cached),
            number(row.counts.failed),
            number(row.counts.skipped),
            print::format_bytes(row.counts.bytes),
            row.seconds.map(print::format_seconds).unwrap_or_default(),
            print::format_age(row.started),
        ]
    };
    let head = ["run", "state", " ran", " cached", " failed", " skipped", " size", " took", " started"];
    print::table(&head, &rows.iter().map(cells).collect::<Vec<_>>())?;
    Ok(CommandStatus::Clean)
}
