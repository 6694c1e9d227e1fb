//! `pipex rm`.

use std::collections::BTreeMap;

use pipex::journal::{Journal, Line, Removed};
use serde::Serialize;

use crate::condition::Condition;
use crate::paths::{Bounds, Where};
use crate::project::{Project, Target};
use crate::select::Selection;
use crate::survey::{Look, Survey};
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
    let selected = selection.select(project)?;
    let looks: Vec<(usize, Look)> = if options.downstream {
        let mut places = project.downstream(selected.into_iter().map(|(place, _)| place));
        places.sort_by(|a, b| project.targets[*a].name.cmp(&project.targets[*b].name));
        let survey = Survey::new(project, places.iter().copied());
        places.into_iter().map(|place| (place, survey.look(place))).collect()
    } else {
        selected
    };
    let mut plan = Plan { project, options, bounds: Bounds::new(project), removed: Vec::new(), done: Done::default() };
    for (place, look) in looks {
        plan.add(place, look);
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
    removed: Vec<(usize, Look)>,
    done: Done<'p>,
}

impl<'p> Plan<'p> {
    fn add(&mut self, place: usize, look: Look) {
        let target = &self.project.targets[place];
        let lies = self.bounds.locate(target);
        match self.reason_against(target, &look, lies) {
            Some(reason) => self.done.left.push((&target.name, reason)),
            None if look.found.is_none() => {}
            None => {
                if lies != Where::Inside {
                    self.done.outside.push(&target.name);
                }
                self.done.targets.push(&target.name);
                self.done.bytes = self.done.bytes.saturating_add(look.bytes());
                self.removed.push((place, look));
            }
        }
    }

    /// Why a target is left alone.
    fn reason_against(&self, target: &Target, look: &Look, lies: Where) -> Option<String> {
        let reason = match look.condition {
            Condition::Running => "a process makes it",
            Condition::Unknown => return Some(look.problem.as_deref().unwrap_or_default().to_owned()),
            _ if look.found.is_none() => return None,
            _ if target.function.is_none() => "pipex did not make it",
            Condition::Foreign => "it is not known to be what pipex made",
            _ if lies == Where::Ours => "it is the project's directory, or its journal",
            _ if lies == Where::Outside && !self.options.outside => {
                "it lies outside the project's directory: --outside removes it, too"
            }
            _ if look.found.is_some_and(|found| found.stored.is_edited()) && !self.options.edited => {
                "it was changed since pipex made it: --edited removes it, too"
            }
            _ if !self.project.has_all_of_it(target, look) => {
                "it is a directory, and what is in it is not what pipex wrote: remove it by hand"
            }
            _ => return None,
        };
        Some(reason.to_owned())
    }

    fn say(&self) -> Result<(), Error> {
        let project = self.project;
        for (target, why) in &self.done.left {
            print::line(format!("left alone: {}: {why}", project.shown_path(target)))?;
        }
        for target in &self.done.outside {
            print::line(format!("outside the project's directory: {}", project.shown_path(target)))?;
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
        for (place, look) in &self.removed {
            let target = &project.targets[*place];
            if let Err(problem) = project.remove(target, look) {
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
    fn remove(&self, target: &Target, look: &Look) -> Result<(), String> {
        let location = target.location();
        let found = look.found.ok_or("it is not there")?;
        let reason = |problem: crate::project::Problem| problem.reason.to_string();
        // Between the look and the answer to a question there may be hours.
        if self.store(target).ask(|store| store.stamp(&location)).map_err(reason)? != Some(found.stamp) {
            return Err("it is another than it was just now".to_owned());
        }
        if !self.has_all_of_it(target, look) {
            return Err("it is a directory, and what is in it is another than it was just now".to_owned());
        }
        self.store(target).ask(|store| store.remove(&location)).map_err(reason)
    }

    /// Whether what is in a directory is all that the journal says, and nothing else. Files say that themselves, by their stamps.
    fn has_all_of_it(&self, target: &Target, look: &Look) -> bool {
        if !self.is_file(target) || !target.location().path().symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
        {
            return true;
        }
        let location = target.location();
        let content =
            self.store(target).ask(|store| store.entry(&location)).ok().flatten().and_then(|entry| entry.content);
        look.found.is_some_and(|found| !found.stored.is_edited() && content == Some(found.stored.content))
    }
}
