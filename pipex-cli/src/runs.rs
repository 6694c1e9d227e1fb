//! `pipex runs`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::thread;

use jiff::Timestamp;
use pipex_format::journal::{Counts, Given, Line, Recorded, Why};
use pipex_format::model::state::State;
use serde::Serialize;
use serde_json::Value;

use crate::diff::describe_argument;
use crate::follow::{Follower, INTERVAL, News};
use crate::project::{Project, RunJournal, clamp_seconds};
use crate::values::format_value;
use crate::{CommandError, CommandStatus, print};

/// A run, as lists have it.
#[derive(Serialize)]
pub struct RunRow<'p> {
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
    /// What alone `PROGRAM pipex make` was asked for.
    asked: &'p [Cow<'static, str>],
    parameters: Vec<NamedText<'p>>,
    recorded: Vec<RecordedValue<'p>>,
}

/// A value that was recorded where something was made that the run asked for, or by its flow.
#[derive(Serialize)]
struct RecordedValue<'p> {
    of: String,
    name: &'p str,
    value: &'p Value,
}

/// Something that a run was given, and the beginning of its text.
#[derive(Serialize)]
struct NamedText<'p> {
    name: &'p str,
    value: Cow<'p, str>,
}

impl NamedText<'_> {
    /// `a=1 b="x"`.
    fn join(all: &[Self]) -> String {
        let texts: Vec<_> = all.iter().map(|this| format!("{}={}", this.name, shorten(&this.value))).collect();
        texts.join(" ")
    }
}

/// What fits into a table.
fn shorten(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 30;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}..", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// How a run has ended that says so.
pub fn describe_end(state: State) -> &'static str {
    match state {
        State::Cancelled => "cancelled",
        State::Crashed => "crashed",
        State::Failed => "failed",
        _ => "completed",
    }
}

/// How it ended.
pub fn describe_state(run: &RunJournal) -> &'static str {
    match (run.state, run.elapsed) {
        (Some(state), _) => describe_end(state),
        (None, None) if run.is_live => "running",
        // Calls outside flows end with their program, which does not say so.
        (None, None) if run.flow == 0 => "ended",
        (None, None) => "killed",
        (None, Some(_)) if run.counts.failed + run.counts.skipped > 0 => "failed",
        (None, Some(_)) => "completed",
    }
}

fn name_parameter<'p>(given: &'p Given<'static>) -> NamedText<'p> {
    NamedText { name: &given.name, value: describe_argument(given).into() }
}

fn list_recorded<'p>(project: &'p Project, run: &'p RunJournal) -> Vec<RecordedValue<'p>> {
    let mut recorded = Vec::new();
    for records in &run.records {
        let of = project.format_recorder(&records.by);
        let value = |value: &'p Recorded<'_>| RecordedValue { of: of.clone(), name: &value.name, value: &value.value };
        recorded.extend(records.values.iter().map(value));
    }
    recorded
}

/// Those that one has recorded, and no other under the same name: what many have recorded is compared by `pipex diff`.
fn summarize<'p>(recorded: &[RecordedValue<'p>]) -> Vec<NamedText<'p>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut known: Vec<Option<&RecordedValue<'p>>> = Vec::new();
    for value in recorded {
        match places.entry(value.name) {
            Entry::Vacant(entry) => {
                entry.insert(known.len());
                known.push(Some(value));
            }
            // Of one recorder the last holds.
            Entry::Occupied(entry) => {
                let known = &mut known[*entry.get()];
                *known = known.filter(|known| known.of == value.of).map(|_| value);
            }
        }
    }
    let text = |value: &RecordedValue<'p>| NamedText { name: value.name, value: format_value(value.value).into() };
    known.into_iter().flatten().map(text).collect()
}

impl<'p> RunRow<'p> {
    pub fn new(project: &'p Project, run: &'p RunJournal) -> Self {
        RunRow { recorded: list_recorded(project, run), ..RunRow::alone(run) }
    }

    /// Without what it has recorded, which other runs may have.
    pub fn alone(run: &'p RunJournal) -> Self {
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
            asked: head.map_or(&[], |head| &head.asked),
            parameters: run.parameters().iter().map(name_parameter).collect(),
            recorded: Vec::new(),
        }
    }
}

pub fn runs(project: &Project, json: bool) -> Result<CommandStatus, CommandError> {
    let rows: Vec<_> = project.runs.iter().map(|run| RunRow::new(project, run)).collect();
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
    let mut head = vec!["run", "state", " ran", " cached", " failed", " skipped", " size", " took", " started"];
    let mut cells: Vec<_> = rows.iter().map(cells).collect();
    let parameters: Vec<_> = rows.iter().map(|row| NamedText::join(&row.parameters)).collect();
    let recorded: Vec<_> = rows.iter().map(|row| NamedText::join(&summarize(&row.recorded))).collect();
    for (name, texts) in [("parameters", parameters), ("recorded", recorded)] {
        if texts.iter().any(|text| !text.is_empty()) {
            head.push(name);
            cells.iter_mut().zip(texts).for_each(|(cells, text)| cells.push(text));
        }
    }
    print::table(&head, &cells)?;
    Ok(CommandStatus::Clean)
}

/// What is said of runs as they go on: of a task run that has ended, or waits to be tried again, or of the run itself.
#[derive(Serialize)]
struct Told<'t> {
    run: &'t str,
    name: Option<&'t str>,
    target: Option<&'t str>,
    state: String,
    seconds: Option<f64>,
    error: Option<&'t str>,
}

impl Told<'_> {
    fn say(&self, json: bool) -> Result<(), CommandError> {
        if json {
            print::raw(print::escape_json(&serde_json::to_string(self)?))?;
            return Ok(());
        }
        let mut text = format!("{}: ", self.run);
        if let Some(name) = self.name {
            text.push_str(&format!("{name} "));
        }
        text.push_str(&self.state);
        if let Some(seconds) = self.seconds {
            text.push_str(&format!(", {}", print::format_seconds(seconds)));
        }
        if let Some(error) = self.error {
            text.push_str(&format!(": {error}"));
        }
        print::line(text)?;
        Ok(())
    }
}

/// Says what becomes of task runs while runs go on, also of those that begin meanwhile: it does not end by itself. What is
/// cached is counted at the end of its run.
pub fn follow(project: &Project, json: bool) -> Result<CommandStatus, CommandError> {
    let mut follower = Follower::new(&project.journal)?;
    let mut counts: HashMap<String, Counts> = HashMap::new();
    loop {
        let mut said = Ok(());
        follower.read(|run, news| {
            if said.is_ok() {
                said = tell(run, news, &mut counts, json);
            }
        })?;
        said?;
        thread::sleep(INTERVAL);
    }
}

fn tell(run: &str, news: News, counts: &mut HashMap<String, Counts>, json: bool) -> Result<(), CommandError> {
    let told = Told { run, name: None, target: None, state: String::new(), seconds: None, error: None };
    let line = match news {
        News::Line(line) => *line,
        News::Over => {
            // It says how it ended, unless it was killed.
            if counts.remove(run).is_some() {
                Told { state: "killed".to_owned(), ..told }.say(json)?;
            }
            return Ok(());
        }
    };
    match line {
        Line::Run(_) => {
            counts.insert(run.to_owned(), Counts::default());
            Told { state: "running".to_owned(), ..told }.say(json)
        }
        Line::Cached(cached) if !cached.is_part => {
            if let Some(counts) = counts.get_mut(run) {
                counts.count(State::Cached, Why::There, 0);
            }
            Ok(())
        }
        Line::Ended(ended) if !ended.is_part => {
            if let Some(counts) = counts.get_mut(run) {
                counts.count(ended.state, ended.why, ended.bytes);
            }
            if ended.state == State::Cached {
                return Ok(());
            }
            let seconds = Some(clamp_seconds(ended.elapsed)).filter(|seconds| *seconds > 0.0);
            let (name, target, error) = (Some(&*ended.name), ended.target.as_deref(), ended.error.as_deref());
            let state = describe_task_state(ended.state).to_owned();
            Told { name, target, state, seconds, error, ..told }.say(json)
        }
        Line::Over(over) => {
            let Some(Counts { completed, cached, failed, skipped, .. }) = counts.remove(run) else { return Ok(()) };
            let state = describe_end(over.state.unwrap_or(State::Completed));
            let state = match json {
                true => state.to_owned(),
                false => format!("{state} ({completed} ran, {cached} cached, {failed} failed, {skipped} skipped)"),
            };
            Told { state, seconds: Some(clamp_seconds(over.elapsed)), ..told }.say(json)
        }
        _ => Ok(()),
    }
}

fn describe_task_state(state: State) -> &'static str {
    match state {
        State::Completed => "completed",
        State::Cached => "cached",
        State::Failed => "failed",
        State::Crashed => "crashed",
        State::TimedOut => "timed out",
        State::AwaitingRetry => "failed, and waits to be tried again",
        State::NotReady => "did not run",
        State::Cancelled => "cancelled",
        _ => "running",
    }
}
