//! `pipex accept --undo`.

use std::collections::HashMap;

use pipex::journal::{Journal, Line, There, Undone, Why, read};
use serde::Serialize;

use crate::accept::{Functions, close};
use crate::project::{Project, Target};
use crate::reading::{Open, report_unreadable};
use crate::survey::{Found, Survey};
use crate::{Error, Outcome, print};

#[derive(Serialize)]
struct Done<'p> {
    done: bool,
    /// The run of `pipex accept` that was taken back.
    run: &'p str,
    targets: Vec<&'p str>,
    /// Those left alone, and why.
    left: Vec<(&'p str, &'static str)>,
}

/// Takes back the last accept that has not been taken back: of what it accepted, the journal says again what it said before.
pub fn undo(project: &Project, open: Open<'_>, dry_run: bool, json: bool) -> Result<Outcome, Error> {
    let is_open = |run: &&u32| !project.undone.contains(&project.runs[**run as usize].id);
    let run = *project.accepts.iter().rev().find(is_open).ok_or(Error::NothingAccepted)?;
    let accepted = project.accepted(run);
    let mut places: Vec<usize> = accepted.keys().copied().collect();
    places.sort_by(|a, b| project.targets[*a].name.cmp(&project.targets[*b].name));
    let survey = Survey::new(project, places.iter().copied());
    let mut done = Done { done: !dry_run, run: &project.runs[run as usize].id, targets: Vec::new(), left: Vec::new() };
    let mut restored = Vec::new();
    for place in places {
        let target = &project.targets[place];
        let now = survey.found(place).or_else(|| project.recorded(target));
        match now.filter(|now| now.stored == accepted[&place].stored()) {
            Some(found) => restored.push((place, found)),
            None => done.left.push((&target.name, "it has been made again or changed since")),
        }
    }
    done.targets = restored.iter().map(|(place, _)| &*project.targets[*place].name).collect();
    if !dry_run {
        write(project, open, run, restored)?;
    }
    if json {
        print::json(&done)?;
        return Ok(Outcome::Well);
    }
    for (target, why) in &done.left {
        print::line(format!("left alone: {}: {why}", project.shown_name(target)))?;
    }
    let what = if dry_run { "would take back" } else { "took back" };
    let example = done.targets.first().map(|example| format!(", such as {}", project.shown_name(example)));
    let outputs = print::count(done.targets.len(), "output");
    let example = example.unwrap_or_default();
    print::line(format!("{what} what run {} accepted: {outputs} as before{example}", done.run))?;
    Ok(Outcome::Well)
}

/// Records what was known before a run of `pipex accept`.
fn write(project: &Project, open: Open<'_>, run: u32, restored: Vec<(usize, Found)>) -> Result<(), Error> {
    let journals = project.runs[..run as usize].iter().map(|run| run.path.clone()).collect();
    let before = Project::read_runs(&project.journal, project.here.clone(), open, journals, false);
    let place_before = |target: &Target| {
        let store = before.number_of(project.address(target))?;
        before.stores[store].places.get(&*target.name).map(|place| *place as usize)
    };
    let places: Vec<usize> = restored.iter().filter_map(|(place, _)| place_before(&project.targets[*place])).collect();
    let mut givens = before.givens(&places);
    let journal = Journal::of_command(&project.journal);
    let mut functions = Functions::default();
    for (place, found) in restored {
        let target = &project.targets[place];
        let known = place_before(target);
        let made = known.and_then(|place| before.targets[place].made.as_ref());
        // Of what no journal knew, only what it says itself was known.
        let own = || project.store(target).ask(|store| store.entry(&target.location())).ok().flatten();
        let there = made.map(|made| found.known_as(made.stored)).or_else(|| Some(There::from_entry(&own()?)));
        let (Some(number), Some(there)) = (target.function, there) else { continue };
        let mut line = functions.line(project, &journal, place, number, Why::Restored, there);
        if let Some(made) = known.and_then(|place| givens.remove(&place)?.made) {
            line.given = made.given;
        }
        if let Some(last) = known.and_then(|place| before.targets[place].last.as_ref()) {
            line.stale = last.stale;
            if let Some(now) = &last.now {
                (line.now, line.format) = (Some((now.arguments, now.inputs)), now.format);
            }
        }
        journal.line(Line::Ended(Box::new(line)));
    }
    journal.line(Line::Undone(Undone::new(&*project.runs[run as usize].id)));
    close(project, &journal)
}

impl Project {
    /// What a run of `pipex accept` said of each target.
    fn accepted(&self, run: u32) -> HashMap<usize, There> {
        let mut accepted = HashMap::new();
        let path = &self.runs[run as usize].path;
        let read = read(path, |line| {
            if let Line::Ended(ended) = line
                && let (Why::Accepted, Some(there), Some(target)) = (ended.why, ended.there, &ended.target)
                && let Some(place) = self.find(run, &ended.store, target)
            {
                accepted.insert(place, there);
            }
        });
        if let Err(error) = read {
            report_unreadable(path, &error);
        }
        accepted
    }
}
