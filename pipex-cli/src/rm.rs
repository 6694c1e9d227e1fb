//! `pipex rm`.

use std::collections::BTreeMap;

use pipex::journal::{Journal, Line, Removed};
use serde::Serialize;

use crate::condition::Condition;
use crate::paths::{Bounds, Where};
use crate::project::{Project, Target};
use crate::select::Selection;
use crate::survey::{Found, Standing, Survey};
use crate::{Ask, Error, Outcome, print};

/// What may go.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Options {
    /// And all that was made from them
    #[arg(long)]
    downstream: bool,
    /// Also those that somebody has changed since pipex made them
    #[arg(long)]
    edited: bool,
    /// Also those that lie outside the project's directory: they are listed by name
    #[arg(long)]
    outside: bool,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

#[derive(Default, Serialize)]
struct Done<'p> {
    done: bool,
    targets: Vec<&'p str>,
    bytes: u64,
    /// Those that go and lie outside the project's directory.
    outside: Vec<&'p str>,
    /// Those left alone, and why.
    left: Vec<(&'p str, String)>,
}

pub fn rm(project: &Project, selection: &Selection, options: Options, ask: Ask, json: bool) -> Result<Outcome, Error> {
    if selection.is_all() {
        return Err(Error::Everything);
    }
    let (mut survey, selected) = selection.select(project)?;
    let mut places: Vec<usize> = selected.into_iter().map(|(place, _)| place).collect();
    if options.downstream {
        places = project.downstream(places);
        places.sort_by(|a, b| project.targets[*a].name.cmp(&project.targets[*b].name));
        survey = Survey::new(project, places.iter().copied());
    }
    let mut plan = Plan { project, options, bounds: Bounds::new(project), removed: Vec::new(), done: Done::default() };
    for place in places {
        plan.add(place, &survey.standing(place), survey.found(place));
    }
    if !json {
        plan.say()?;
    }
    if options.dry_run || plan.removed.is_empty() {
        if json {
            print::json(&plan.done)?;
        }
        return Ok(Outcome::amiss(options.dry_run && !plan.removed.is_empty()));
    }
    if !ask.whether("Remove?")? {
        return Ok(Outcome::Amiss);
    }
    plan.carry_out(json)
}

/// What is to go, and what not.
struct Plan<'p> {
    project: &'p Project,
    options: Options,
    bounds: Bounds<'p>,
    removed: Vec<(usize, Found)>,
    done: Done<'p>,
}

impl<'p> Plan<'p> {
    fn add(&mut self, place: usize, standing: &Standing, found: Option<Found>) {
        let target = &self.project.targets[place];
        let lies = self.bounds.locate(target);
        let problem = standing.problem.as_deref().map(str::to_owned);
        let reason = problem
            .or_else(|| self.reason_against(target, standing.condition, found.as_ref(), lies).map(str::to_owned));
        match (reason, found) {
            (Some(reason), _) => self.done.left.push((&target.name, reason)),
            (None, None) => {}
            (None, Some(found)) => {
                if lies != Where::Inside {
                    self.done.outside.push(&target.name);
                }
                self.done.targets.push(&target.name);
                self.done.bytes = self.done.bytes.saturating_add(found.bytes);
                self.removed.push((place, found));
            }
        }
    }

    /// Why a target is left alone.
    fn reason_against(
        &self,
        target: &Target,
        condition: Condition,
        found: Option<&Found>,
        lies: Where,
    ) -> Option<&'static str> {
        if condition == Condition::Running {
            return Some("a process makes it");
        }
        let found = found?;
        match lies {
            _ if target.function.is_none() => Some("pipex did not make it"),
            _ if condition == Condition::Foreign => Some("it is not known to be what pipex made"),
            Where::Ours => Some("it is the project's directory, or its journal"),
            Where::Outside if !self.options.outside => {
                Some("it lies outside the project's directory: --outside removes it, too")
            }
            _ if found.stored.is_edited() && !self.options.edited => {
                Some("it was changed since pipex made it: --edited removes it, too")
            }
            _ if !self.project.has_all_of_it(target, found) => {
                Some("it is a directory, and what is in it is not what pipex wrote: remove it by hand")
            }
            _ => None,
        }
    }

    fn say(&self) -> Result<(), Error> {
        let project = self.project;
        for (target, why) in &self.done.left {
            print::line(format!("left alone: {}: {why}", project.shown_name(target)))?;
        }
        for target in &self.done.outside {
            print::line(format!("outside the project's directory: {}", project.shown_name(target)))?;
        }
        // How many of each task function, and one of them.
        let mut by_task: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (place, _) in &self.removed {
            let task = project.function(&project.targets[*place]).map_or("", |function| &function.name);
            by_task.entry(task).or_insert((0, *place)).0 += 1;
        }
        for (task, (count, example)) in by_task {
            let example = project.shown(&project.targets[example]);
            print::line(format!("{task}: {}, such as {example}", print::count(count, "output")))?;
        }
        let what = if self.options.dry_run { "would remove" } else { "to remove:" };
        let outputs = print::count(self.removed.len(), "output");
        print::line(format!("{what} {outputs}, {}", print::bytes(self.done.bytes)))?;
        Ok(())
    }

    fn carry_out(mut self, json: bool) -> Result<Outcome, Error> {
        let project = self.project;
        let journal = Journal::of_command(&project.journal);
        let mut failed = 0;
        for (place, found) in &self.removed {
            let target = &project.targets[*place];
            if let Err(problem) = project.remove(target, found) {
                failed += 1;
                print::aside(format!("cannot remove {}: {problem}", project.shown(target)));
                self.done.targets.retain(|name| *name != &*target.name);
                self.done.left.push((&target.name, problem));
                continue;
            }
            journal.line(Line::Removed(Removed::new(&*target.name, project.address(target))));
        }
        journal.close();
        self.done.done = true;
        if json {
            print::json(&self.done)?;
        } else {
            print::line(format!("removed {}", print::count(self.removed.len() - failed, "output")))?;
        }
        if failed > 0 { Err(Error::NotRemoved { count: failed }) } else { Ok(Outcome::Well) }
    }
}

impl Project {
    /// Removes what was found at a target.
    fn remove(&self, target: &Target, found: &Found) -> Result<(), String> {
        let location = target.location();
        let reason = |problem: crate::project::Problem| problem.reason.to_string();
        // Between the look and the answer to a question there may be hours.
        if self.store(target).ask(|store| store.stamp(&location)).map_err(reason)? != Some(found.stamp) {
            return Err("it is another than it was just now".to_owned());
        }
        if !self.has_all_of_it(target, found) {
            return Err("it is a directory, and what is in it is another than it was just now".to_owned());
        }
        self.store(target).ask(|store| store.remove(&location)).map_err(reason)
    }

    /// Whether what is in a directory is all that the journal says, and nothing else. Files say that themselves, by their stamps.
    fn has_all_of_it(&self, target: &Target, found: &Found) -> bool {
        if !self.is_file(target) || !target.location().path().symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
        {
            return true;
        }
        let location = target.location();
        let content =
            self.store(target).ask(|store| store.entry(&location)).ok().flatten().and_then(|entry| entry.content);
        !found.stored.is_edited() && content == Some(found.stored.content)
    }
}
