//! `pipex diff`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use pipex::Fingerprint;
use pipex::journal::{Given, UsedHelper, read_code};
use serde::Serialize;
use similar::TextDiff;

use crate::givens::Givens;
use crate::project::Project;
use crate::survey::{Survey, differ};
use crate::{Error, Outcome, print};

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

pub fn diff(project: &Project, name: &str, json: bool) -> Result<Outcome, Error> {
    let place = project.named(name)?;
    let changes = changes(project, &Survey::new(project, [place]), place);
    let outcome = Outcome::amiss(!changes.is_empty());
    if json {
        print::json(&changes)?;
    } else if changes.is_empty() {
        print::line("nothing has changed since it was made")?;
    } else {
        changes.iter().try_for_each(Change::say)?;
    }
    Ok(outcome)
}

impl Change {
    fn new(what: impl Into<String>, was: impl Into<Option<String>>, is: impl Into<Option<String>>) -> Self {
        Change { what: what.into(), was: was.into(), is: is.into(), ..Change::default() }
    }

    pub fn say(&self) -> std::io::Result<()> {
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
pub fn changes(project: &Project, survey: &Survey<'_>, place: usize) -> Vec<Change> {
    let target = &project.targets[place];
    let (Some(made), standing) = (&target.made, survey.standing(place)) else { return Vec::new() };
    let stored = survey.found(place).map_or(made.stored, |found| found.stored);
    let mut changes = Vec::new();
    if standing.reasons.code {
        changes.extend(code(project, place, stored.provenance.code));
    }
    let givens = project.givens(&[place]).remove(&place).unwrap_or_default();
    changes.extend(arguments(&givens));
    for input in &made.inputs {
        let now = survey.content(input.place as usize, input.is_source);
        if now.is_some_and(|now| !differ(input.content, now)) {
            continue;
        }
        let target = &project.targets[input.place as usize];
        let shown = Some(format!("content of {}", project.shown(target)));
        let what = format!("content of {}", target.name);
        changes.push(Change { shown, ..Change::new(what, short(input.content), now.and_then(short)) });
    }
    if standing.reasons.inputs && changes.is_empty() {
        changes.push(Change::new("an input that is not there would be made otherwise", None, None));
    }
    if standing.reasons.format {
        let now = target.last.as_ref().and_then(|last| Some(last.now.as_ref()?.format));
        changes.push(Change::new("type of the output", short(stored.provenance.format), now.and_then(short)));
    }
    if standing.reasons.content {
        changes.push(Change::new(
            "the file itself, since pipex made it",
            short(stored.original),
            short(stored.content),
        ));
    }
    changes
}

/// The first digits; none of what is not known.
fn short(fingerprint: Fingerprint) -> Option<String> {
    (fingerprint != Fingerprint::NONE).then(|| fingerprint.to_string()[..8].to_owned())
}

/// What has changed in the code of a target's function: its own lines, and which of its helpers.
fn code(project: &Project, place: usize, was: Fingerprint) -> Vec<Change> {
    let Some(function) = project.function(&project.targets[place]) else { return Vec::new() };
    let text = |code: Fingerprint| read_code(&project.journal, code).ok();
    let lines = |name: &str, was: Fingerprint, is: Fingerprint| lines(name, &text(was)?, &text(is)?);
    let what = format!("code of {} ({}:{})", function.name, function.file, function.line);
    let own = lines(&function.name, was, function.code);
    let mut changes = vec![Change { lines: own, ..Change::new(what, short(was), short(function.code)) }];
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
                let lines = lines(name, *was, *is);
                // Where its own text is the same, it is a helper of its own that has changed.
                if lines.is_some() || text(*was).is_none() || text(*is).is_none() {
                    changes.push(Change { lines, ..Change::new(what, short(*was), short(*is)) });
                }
            }
            (Some(was), None) => changes.push(Change::new(what, short(*was), None)),
            (None, Some(is)) => changes.push(Change::new(what, None, short(*is))),
            _ => {}
        }
    }
    changes
}

/// The lines that have changed; `None` if none has.
fn lines(name: &str, was: &str, is: &str) -> Option<String> {
    // What somebody has put there may be anything.
    let diff = TextDiff::configure().timeout(Duration::from_secs(2)).diff_lines(was, is);
    let headed = format!("{name}, as it was");
    let text = diff.unified_diff().context_radius(3).header(&headed, &format!("{name}, as it is")).to_string();
    (was != is).then_some(text)
}

/// The arguments that have changed, with both values.
fn arguments(givens: &Givens) -> Vec<Change> {
    let Some(now) = &givens.now else { return Vec::new() };
    let none = Vec::new();
    let before = givens.made.as_ref().map_or(&none, |made| &made.given);
    let was: HashMap<&str, &Given<'_>> = before.iter().map(|given| (&*given.name, given)).collect();
    let mut changes = Vec::new();
    for given in &now.given {
        let before = was.get(&*given.name);
        if before.is_some_and(|before| before.fingerprint == given.fingerprint) {
            continue;
        }
        let what = format!("argument {}", given.name);
        let mut change = Change::new(what, before.map(|before| value(before)), value(given));
        if let Some(before) = before {
            change.lines = taken(before, given);
        }
        changes.push(change);
    }
    let is_gone = |before: &&Given<'_>| !now.given.iter().any(|given| given.name == before.name);
    changes.extend(
        before
            .iter()
            .filter(is_gone)
            .map(|before| Change::new(format!("argument {}", before.name), value(before), None)),
    );
    changes
}

/// An argument, as far as it is known.
fn value(given: &Given<'_>) -> String {
    match (&given.value, &given.inputs[..]) {
        (Some(value), _) => value.to_string(),
        (None, []) => short(given.fingerprint).unwrap_or_else(|| "?".to_owned()),
        (None, [input]) => input.target.to_string(),
        (None, inputs) => print::count(inputs.len(), "output"),
    }
}

/// Of an argument that is several outputs: which it is no longer, and which it is now.
fn taken(before: &Given<'_>, now: &Given<'_>) -> Option<String> {
    if before.inputs.len().max(now.inputs.len()) < 2 {
        return None;
    }
    const MOST: usize = 20;
    let names =
        |given: &Given<'_>| -> BTreeSet<String> { given.inputs.iter().map(|input| input.target.to_string()).collect() };
    let (before, now) = (names(before), names(now));
    let gone = before.difference(&now).map(|name| format!("- {name}"));
    let new = now.difference(&before).map(|name| format!("+ {name}"));
    let mut lines: Vec<String> = gone.chain(new).collect();
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}
