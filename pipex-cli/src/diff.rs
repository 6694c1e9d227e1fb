//! `pipex diff`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use pipex_format::journal::{Given, UsedHelper, read_code};
use pipex_format::model::fingerprint::Fingerprint;
use serde::Serialize;
use similar::TextDiff;

use crate::call_lines::CallLines;
use crate::project::Project;
use crate::survey::{Survey, differ};
use crate::{CommandError, CommandStatus, print};

/// Something that is not what it was.
#[derive(Default, Serialize)]
pub struct Change {
    what: String,
    was: Option<String>,
    is: Option<String>,
    /// The same as `what`, with names as they are where the command was called.
    #[serde(skip)]
    shown: Option<String>,
    /// The lines that have changed, as a unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<String>,
}

pub fn diff(project: &Project, name: &str, json: bool) -> Result<CommandStatus, CommandError> {
    let index = project.find_target(name)?;
    let changes = find_changes(project, &Survey::inspect(project, [index]), index);
    let outcome = CommandStatus::attention_if(!changes.is_empty());
    if json {
        print::json(&changes)?;
    } else if changes.is_empty() {
        print::line("nothing has changed since it was made")?;
    } else {
        changes.iter().try_for_each(Change::print)?;
    }
    Ok(outcome)
}

impl Change {
    fn new(what: impl Into<String>, was: impl Into<Option<String>>, is: impl Into<Option<String>>) -> Self {
        Change { what: what.into(), was: was.into(), is: is.into(), ..Change::default() }
    }

    pub fn print(&self) -> std::io::Result<()> {
        let what = self.shown.as_ref().unwrap_or(&self.what);
        match (&self.was, &self.is) {
            (Some(was), Some(is)) => print::line(format!("  {what}: {was} -> {is}"))?,
            (None, Some(is)) => print::line(format!("  {what}: {is}, and there was none"))?,
            (Some(was), None) => print::line(format!("  {what}: was {was}, and there is none"))?,
            (None, None) => print::line(format!("  {what}"))?,
        }
        self.lines.iter().flat_map(|lines| lines.lines()).try_for_each(|line| print::line(format!("    {line}")))
    }
}

/// What has changed since a target was made.
pub fn find_changes(project: &Project, survey: &Survey<'_>, index: usize) -> Vec<Change> {
    let target = project.targets.get(index);
    let (Some(made), status) = (target.made(), survey.status(index)) else { return Vec::new() };
    let stored = survey.found(index).map_or(made.stored, |found| found.stored);
    let mut changes = Vec::new();
    if let (true, Some(was)) = (status.reasons.code, stored.provenance.code) {
        changes.extend(find_code_changes(project, index, was));
    }
    // Else its last call was given what it was made from, and there is nothing to be read.
    if target.last().is_some_and(|last| last.now.is_some()) {
        let call_lines = project.read_call_lines(&[index]).remove(&index).unwrap_or_default();
        changes.extend(find_argument_changes(&call_lines));
    }
    for input in target.inputs() {
        let now = survey.current_content(input.index as usize, input.is_source);
        if now.is_some_and(|now| !differ(input.content, now)) {
            continue;
        }
        let target = project.targets.get(input.index as usize);
        let shown = Some(format!("content of {}", project.format_target(target)));
        let what = format!("content of {}", target.name());
        changes.push(Change { shown, ..Change::new(what, input.content.map(shorten), now.flatten().map(shorten)) });
    }
    if status.reasons.inputs && changes.is_empty() {
        changes.push(Change::new("an input that is not there would be made otherwise", None, None));
    }
    if status.reasons.format {
        let now = target.last().and_then(|last| last.now?.format);
        changes.push(Change::new("type of the output", stored.provenance.format.map(shorten), now.map(shorten)));
    }
    if status.reasons.content {
        changes.push(Change::new(
            "the file itself, since pipex made it",
            stored.original.map(shorten),
            stored.content.map(shorten),
        ));
    }
    changes
}

/// The first digits.
pub fn shorten(fingerprint: Fingerprint) -> String {
    fingerprint.to_string()[..8].to_owned()
}

/// What has changed in the code of a target's function: its own lines, and which of its helpers.
fn find_code_changes(project: &Project, index: usize, was: Fingerprint) -> Vec<Change> {
    let Some(function) = project.function(project.targets.get(index)) else { return Vec::new() };
    let text = |code: Fingerprint| read_code(&project.journal, code).ok();
    let diff = |name: &str, was: Fingerprint, is: Fingerprint| diff_lines(name, &text(was)?, &text(is)?);
    let what = format!("code of {} ({}:{})", function.name, function.file, function.line);
    let own = diff(&function.name, was, function.code);
    let mut changes = vec![Change { lines: own, ..Change::new(what, shorten(was), shorten(function.code)) }];
    let none = Vec::new();
    let helpers = |code: Fingerprint| project.helpers.get(&code).unwrap_or(&none);
    let (before, now) = (helpers(was), helpers(function.code));
    let named = |helpers: &'_ [UsedHelper<'static>]| -> HashMap<String, Fingerprint> {
        helpers.iter().map(|helper| (helper.name.to_string(), helper.code)).collect()
    };
    let (before, now) = (named(before), named(now));
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for name in names {
        let what = format!("helper {name}");
        match (before.get(name), now.get(name)) {
            (Some(was), Some(is)) if was != is => {
                let lines = diff(name, *was, *is);
                // Where its own text is the same, it is a helper of its own that has changed.
                if lines.is_some() || text(*was).is_none() || text(*is).is_none() {
                    changes.push(Change { lines, ..Change::new(what, shorten(*was), shorten(*is)) });
                }
            }
            (Some(was), None) => changes.push(Change::new(what, shorten(*was), None)),
            (None, Some(is)) => changes.push(Change::new(what, None, shorten(*is))),
            _ => {}
        }
    }
    changes
}

/// The lines that have changed; `None` if none has.
fn diff_lines(name: &str, was: &str, is: &str) -> Option<String> {
    // What somebody has put there may be anything.
    let diff = TextDiff::configure().timeout(Duration::from_secs(2)).diff_lines(was, is);
    let headed = format!("{name}, as it was");
    let text = diff.unified_diff().context_radius(3).header(&headed, &format!("{name}, as it is")).to_string();
    (was != is).then_some(text)
}

/// The arguments that have changed, with both values.
fn find_argument_changes(call_lines: &CallLines) -> Vec<Change> {
    let Some(now) = &call_lines.now else { return Vec::new() };
    let none = Vec::new();
    let before = call_lines.made.as_ref().map_or(&none, |made| &made.given);
    let was: HashMap<&str, &Given<'_>> = before.iter().map(|given| (&*given.name, given)).collect();
    let mut changes = Vec::new();
    for given in &now.given {
        let before = was.get(&*given.name);
        if before.is_some_and(|before| before.fingerprint == given.fingerprint) {
            continue;
        }
        let what = format!("argument {}", given.name);
        let mut change = Change::new(what, before.map(|before| describe_argument(before)), describe_argument(given));
        if let Some(before) = before {
            change.lines = diff_inputs(before, given);
        }
        changes.push(change);
    }
    let is_gone = |before: &&Given<'_>| !now.given.iter().any(|given| given.name == before.name);
    changes.extend(
        before
            .iter()
            .filter(is_gone)
            .map(|before| Change::new(format!("argument {}", before.name), describe_argument(before), None)),
    );
    changes
}

/// An argument, as far as it is known.
pub fn describe_argument(given: &Given<'_>) -> String {
    match (&given.value, &given.inputs[..]) {
        (Some(value), _) => value.to_string(),
        (None, []) => given.fingerprint.map_or_else(|| "?".to_owned(), shorten),
        (None, [input]) => input.target.to_string(),
        (None, inputs) => print::format_count(inputs.len(), "output"),
    }
}

/// Of an argument that is several outputs: which it is no longer, and which it is now.
fn diff_inputs(before: &Given<'_>, now: &Given<'_>) -> Option<String> {
    if before.inputs.len().max(now.inputs.len()) < 2 {
        return None;
    }
    const MAX: usize = 20;
    let names =
        |given: &Given<'_>| -> BTreeSet<String> { given.inputs.iter().map(|input| input.target.to_string()).collect() };
    let (before, now) = (names(before), names(now));
    let gone = before.difference(&now).map(|name| format!("- {name}"));
    let new = now.difference(&before).map(|name| format!("+ {name}"));
    let mut lines: Vec<String> = gone.chain(new).collect();
    if lines.len() > MAX {
        let more = lines.len() - MAX;
        lines.truncate(MAX);
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}
