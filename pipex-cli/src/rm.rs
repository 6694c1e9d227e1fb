//! `pipex rm` and `pipex accept`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write as _};

use pipex::journal::{Journal, Line, Provenance, Removed, Why, of_inputs};
use pipex::{Fingerprint, Reasons, State};
use serde::Serialize;

use crate::look::Condition;
use crate::project::Project;
use crate::select::{Selection, with_downstream};
use crate::{Error, Outcome, print};

/// Who is asked before anything goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    No,
    Here,
    Nobody,
}

#[derive(Serialize)]
struct Done<'p> {
    done: bool,
    targets: Vec<&'p str>,
    bytes: u64,
    /// Those left alone, and why.
    left: Vec<(&'p str, &'static str)>,
}

pub fn rm(
    project: &Project,
    selection: &Selection,
    downstream: bool,
    dry_run: bool,
    ask: Ask,
    json: bool,
) -> Result<Outcome, Error> {
    if selection.is_all() {
        return Err(Error::Everything);
    }
    let mut places: Vec<usize> = selection.of(project)?.into_iter().map(|(place, _)| place).collect();
    if downstream {
        places = with_downstream(project, places);
    }
    let mut done = Done { done: false, targets: Vec::new(), bytes: 0, left: Vec::new() };
    let mut removed = Vec::new();
    // How many of each task function, and one of them.
    let mut by_task: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for place in places {
        let target = &project.targets[place];
        let look = project.look(place, &[])?;
        match look.condition {
            Condition::Missing => {}
            Condition::Foreign => done.left.push((&target.name, "it is not known to be what pipex made")),
            Condition::Running => done.left.push((&target.name, "a process makes it")),
            Condition::Unknown => done.left.push((&target.name, "its store cannot be opened here")),
            _ if target.function.is_none() => done.left.push((&target.name, "pipex did not make it")),
            _ => {
                removed.push(place);
                done.targets.push(&target.name);
                done.bytes += look.bytes;
                let task = project.function(target).map_or("", |function| &function.name);
                by_task.entry(task).or_insert((0, &target.name)).0 += 1;
            }
        }
    }
    if !json {
        for (target, why) in &done.left {
            print::line(format!("left alone: {target}: {why}"))?;
        }
        for (task, (count, example)) in &by_task {
            print::line(format!("{task}: {}, such as {example}", print::count(*count, "output")))?;
        }
        print::line(format!(
            "{} {}, {}",
            if dry_run { "would remove" } else { "to remove:" },
            print::count(removed.len(), "output"),
            print::bytes(done.bytes)
        ))?;
    }
    let outcome = Outcome::amiss(dry_run && !removed.is_empty());
    if dry_run || removed.is_empty() {
        if json {
            print::json(&done)?;
        }
        return Ok(outcome);
    }
    match ask {
        Ask::No => {}
        Ask::Nobody => return Err(Error::NobodyToAsk),
        Ask::Here => {
            print!("Remove? [y/N] ");
            io::stdout().flush()?;
            let mut answer = String::new();
            io::stdin().read_line(&mut answer)?;
            if !matches!(answer.trim(), "y" | "Y" | "yes") {
                return Ok(Outcome::Amiss);
            }
        }
    }
    let journal = Journal::of_command(&project.journal);
    for place in &removed {
        let target = &project.targets[*place];
        let failed = |source| Error::Store { target: target.name.to_string(), source };
        project.opened(target)?.remove(&target.location()).map_err(failed)?;
        journal.line(Line::Removed(Removed::new(&*target.name, project.address(target))));
    }
    journal.close();
    done.done = true;
    if json {
        print::json(&done)?;
    } else {
        print::line(format!("removed {}", print::count(removed.len(), "output")))?;
    }
    Ok(Outcome::Well)
}

/// Records today's code, arguments and inputs as what made what is there.
pub fn accept(project: &Project, selection: &Selection, dry_run: bool, json: bool) -> Result<Outcome, Error> {
    let selected = selection.of(project)?;
    let stale: Vec<usize> =
        selected.iter().filter(|(_, look)| look.condition == Condition::Stale).map(|(place, _)| *place).collect();
    let mut done = Done { done: !dry_run, targets: Vec::new(), bytes: 0, left: Vec::new() };
    done.targets = stale.iter().map(|place| &*project.targets[*place].name).collect();
    if !dry_run && !stale.is_empty() {
        let journal = Journal::of_command(&project.journal);
        let mut lines = project.lines(&stale)?;
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        for place in &stale {
            let target = &project.targets[*place];
            let (Some(number), Some(made), Some(mut line)) = (target.function, &target.made, lines.remove(place))
            else {
                continue;
            };
            let mut function = project.functions[number as usize].clone();
            let next = numbers.len() as u32;
            let task = *numbers.entry(number).or_insert(next);
            if task == next {
                function.task = task;
                journal.line(Line::Task(function.clone()));
            }
            // What lies there stays; what made it is said to be what would make it now.
            for input in line.given.iter_mut().flat_map(|given| &mut given.inputs) {
                let now = project.find(&input.store, &input.target).map(|place| project.content(place));
                input.content = now.filter(|now| *now != Fingerprint::NONE).unwrap_or(input.content);
            }
            let inputs = of_inputs(line.given.iter().flat_map(|given| &given.inputs).map(|input| input.content));
            let now = target.last.as_ref().filter(|last| last.state == State::Cached).and_then(|last| last.now);
            let arguments = now.map_or(made.there.arguments, |(arguments, _)| arguments);
            line.there = Some(
                made.there.made_by(Provenance::new(function.code, arguments, inputs).with_format(made.there.format)),
            );
            (line.task, line.state, line.why, line.stale) = (task, State::Cached, Why::Accepted, Reasons::default());
            (line.now, line.error, line.elapsed, line.at) = (None, None, 0.0, 0.0);
            journal.line(Line::Ended(Box::new(line)));
        }
        journal.close();
    }
    let outcome = Outcome::amiss(dry_run && !stale.is_empty());
    if json {
        print::json(&done)?;
    } else {
        let what = if dry_run { "would accept" } else { "accepted" };
        print::line(format!("{what} {} as they are", print::count(stale.len(), "stale output")))?;
    }
    Ok(outcome)
}
