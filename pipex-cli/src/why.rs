//! `pipex why` and `pipex diff`.

use std::collections::HashMap;

use pipex::journal::{Given, Why};
use pipex::{Fingerprint, Reasons, State};
use serde::Serialize;

use crate::look::{Condition, differ};
use crate::project::{Last, Project, Target};
use crate::{Error, Outcome, print};

#[derive(Serialize)]
struct Answer {
    target: String,
    /// What became of it last.
    last: String,
    /// What a run would do now.
    now: String,
    would_run: bool,
    error: Option<String>,
    changes: Vec<Change>,
}

/// Something that is not what it was.
#[derive(Serialize)]
struct Change {
    what: String,
    was: Option<String>,
    is: Option<String>,
}

pub fn why(project: &Project, name: &str, json: bool) -> Result<Outcome, Error> {
    let place = project.named(name)?;
    let target = &project.targets[place];
    let look = project.look(place, &project.orphans())?;
    let changes = if look.condition == Condition::Missing { Vec::new() } else { changes(project, place)? };
    let (now, would_run) = match look.condition {
        Condition::Fresh => ("a run would take it as it is".to_owned(), false),
        Condition::Stale => (
            format!(
                "it is stale, changed: {}; a run takes it as it is and warns, or with stale = \"rerun\" makes it again",
                look.stale
            ),
            true,
        ),
        Condition::Missing => ("it is not there: a run that asks for it would make it".to_owned(), true),
        Condition::Orphaned => ("nothing makes it any more: the last run did not meet it".to_owned(), false),
        Condition::Foreign => ("it is not known to be what pipex made; a run would take it as it is".to_owned(), false),
        Condition::Running => ("a process makes it".to_owned(), false),
        Condition::Unknown => ("its store cannot be opened here".to_owned(), false),
    };
    let error = target.last.as_ref().and_then(|last| last.error.as_deref()).map(str::to_owned);
    let answer =
        Answer { target: target.name.to_string(), last: last(project, target), now, would_run, error, changes };
    let outcome = Outcome::amiss(would_run || project.has_failed(target));
    if json {
        print::json(&answer)?;
        return Ok(outcome);
    }
    print::line(answer.last)?;
    if let Some(error) = answer.error {
        print::line(format!("error: {error}"))?;
    }
    print::line(answer.now)?;
    answer.changes.iter().try_for_each(say)?;
    Ok(outcome)
}

pub fn diff(project: &Project, name: &str, json: bool) -> Result<Outcome, Error> {
    let place = project.named(name)?;
    let changes = changes(project, place)?;
    let outcome = Outcome::amiss(!changes.is_empty());
    if json {
        print::json(&changes)?;
    } else if changes.is_empty() {
        print::line("nothing has changed since it was made")?;
    } else {
        changes.iter().try_for_each(say)?;
    }
    Ok(outcome)
}

fn say(change: &Change) -> std::io::Result<()> {
    match (&change.was, &change.is) {
        (Some(was), Some(is)) => print::line(format!("  {}: {was} -> {is}", change.what)),
        (None, Some(is)) => print::line(format!("  {}: {is}", change.what)),
        _ => print::line(format!("  {}", change.what)),
    }
}

/// What became of it last, in words.
fn last(project: &Project, target: &Target) -> String {
    let Some(last) = &target.last else { return "no run has met it".to_owned() };
    let Last { run, at, state, why, stale, removed, .. } = last;
    let run = &project.runs[*run as usize];
    let in_run = format!("in run {} ({})", run.id, print::age(run.moment(*at)));
    if *removed {
        return format!("it was removed {in_run}");
    }
    let reason = match why {
        Why::Missing => "since it was not there".to_owned(),
        Why::Stale => format!("since it was stale, changed: {stale}"),
        Why::There if stale.is_empty() => "since it was there and fresh".to_owned(),
        Why::There => format!("though it was stale, changed: {stale}"),
        Why::MadeMeanwhile => "since another made it meanwhile".to_owned(),
        Why::Unchanged => "since what it takes was made again and came out as it was".to_owned(),
        Why::Accepted => "since it was accepted as it is".to_owned(),
        _ => "since nothing is saved in this mode".to_owned(),
    };
    match state {
        State::Completed => format!("it was made {in_run}, {reason}"),
        State::Cached => format!("it was taken as it was {in_run}, {reason}"),
        State::Running if run.is_live => format!("it is being made {in_run}"),
        State::Running => format!("the process was killed while it was made, {in_run}"),
        State::NotReady => format!("it was not made {in_run}: what it takes was not to be had"),
        State::Cancelled => format!("it was not made {in_run}: the run was cancelled"),
        state => format!("making it ended as {state:?} {in_run}, {reason}"),
    }
}

/// What has changed since it was made.
fn changes(project: &Project, place: usize) -> Result<Vec<Change>, Error> {
    let target = &project.targets[place];
    let Some(made) = &target.made else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    let short = |fingerprint: Fingerprint| fingerprint.to_string()[..8].to_owned();
    if let Some(function) = project.function(target)
        && differ(made.there.code, function.code)
    {
        changes.push(Change {
            what: format!("code of {} ({}:{})", function.name, function.file, function.line),
            was: Some(short(made.there.code)),
            is: Some(short(function.code)),
        });
    }
    let (then, now) = givens(project, place)?;
    if let Some(now) = &now {
        let was: HashMap<&str, &Given<'_>> = then.iter().map(|given| (&*given.name, given)).collect();
        for given in now {
            let before = was.get(&*given.name);
            if before.is_some_and(|before| before.fingerprint == given.fingerprint) {
                continue;
            }
            let show = |given: &Given<'_>| {
                given.value.as_ref().map_or_else(|| short(given.fingerprint), |value| value.to_string())
            };
            let what = format!("argument {}", given.name);
            changes.push(Change { what, was: before.map(|before| show(before)), is: Some(show(given)) });
        }
    }
    for (input, content) in &made.inputs {
        let (input, now) = (&project.targets[*input as usize], project.content(*input as usize));
        if differ(*content, now) {
            let what = format!("content of {}", input.name);
            changes.push(Change { what, was: Some(short(*content)), is: Some(short(now)) });
        }
    }
    let stale = target.last.as_ref().map_or(Reasons::default(), |last| last.stale);
    if changes.is_empty() && stale.inputs && target.last.as_ref().is_some_and(|last| last.state == State::Cached) {
        let what = "an input that is not there would be made otherwise".to_owned();
        changes.push(Change { what, was: None, is: None });
    }
    Ok(changes)
}

/// The arguments that it was made from, and those of its last call, if these are others.
fn givens(project: &Project, place: usize) -> Result<(Vec<Given<'static>>, Option<Vec<Given<'static>>>), Error> {
    let (mut then, mut now) = (Vec::new(), None);
    project.each_given(&[place], |_, ended| {
        if ended.state == State::Cached && ended.now.is_some() {
            now = Some(ended.given);
        } else {
            then = ended.given;
        }
    })?;
    Ok((then, now))
}
