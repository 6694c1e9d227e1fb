//! `pipex accept`.

use std::collections::{BTreeMap, HashMap};

use clap::ValueEnum;
use pipex::journal::{Ended, Given, Input, Journal, Line, Stored, There, Why, of_inputs};
use pipex::{Fingerprint, Reasons};
use serde::Serialize;

use crate::condition::Condition;
use crate::givens::Givens;
use crate::project::{Now, Project, Target};
use crate::select::Selection;
use crate::survey::{Found, Standing, Survey};
use crate::{Ask, Error, Outcome, ls, print};

/// What may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// The function's code
    Code,
    /// Its arguments
    Arguments,
    /// What lies at its inputs
    Inputs,
    /// The type of the output
    Format,
    /// The output itself, which somebody has edited
    Content,
}

/// These, as the library has them.
pub fn reasons(reasons: &[Reason]) -> Reasons {
    let mut all = Reasons::default();
    for reason in reasons {
        match reason {
            Reason::Code => all.code = true,
            Reason::Arguments => all.arguments = true,
            Reason::Inputs => all.inputs = true,
            Reason::Format => all.format = true,
            Reason::Content => all.content = true,
        }
    }
    all
}

#[derive(Serialize)]
struct Done<'p> {
    done: bool,
    targets: Vec<&'p str>,
    /// Those that stay stale, and why.
    left: Vec<(&'p str, Reasons)>,
}

/// Takes today's values for what made what is there, as far as it is stale for the reasons that are `chosen`.
pub fn accept(
    project: &Project,
    selection: Selection,
    chosen: Reasons,
    dry_run: bool,
    ask: Ask,
    json: bool,
) -> Result<Outcome, Error> {
    // What is not there may be stale, too: what was made from it would be made from something else now.
    let (survey, mut selected) = Selection { stale: false, ..selection }.select(project)?;
    selected.retain(|(_, standing)| {
        matches!(standing.condition, Condition::Stale | Condition::NotNeeded) && !standing.reasons.is_empty()
    });
    let part = |reasons: Reasons| reasons.except(reasons.except(chosen));
    let accepted: Vec<&(usize, Standing)> =
        selected.iter().filter(|(_, standing)| !part(standing.reasons).is_empty()).collect();
    let name = |place: usize| &*project.targets[place].name;
    let left = |(place, standing): &(usize, Standing)| {
        Some((name(*place), standing.reasons.except(chosen))).filter(|(_, left)| !left.is_empty())
    };
    let targets = accepted.iter().map(|(place, _)| name(*place)).collect();
    let mut done = Done { done: false, targets, left: selected.iter().filter_map(left).collect() };
    if !json {
        say(project, &accepted, &part, "")?;
        let left: Vec<&(usize, Standing)> =
            selected.iter().filter(|(_, standing)| !standing.reasons.except(chosen).is_empty()).collect();
        say(project, &left, &|reasons| reasons.except(chosen), " will stay stale")?;
        let what = if dry_run { "would accept" } else { "to accept:" };
        print::line(format!("{what} {} as they are", print::count(accepted.len(), "stale output")))?;
    }
    if dry_run || accepted.is_empty() {
        if json {
            print::json(&done)?;
        }
        return Ok(Outcome::amiss(dry_run && !accepted.is_empty()));
    }
    if !ask.whether("Accept?")? {
        return Ok(Outcome::Amiss);
    }
    write(project, &survey, &accepted, chosen)?;
    done.done = true;
    if json {
        print::json(&done)?;
    } else {
        let outputs = print::count(accepted.len(), "stale output");
        print::line(format!("accepted {outputs} as they are; to take that back: pipex accept --undo"))?;
    }
    Ok(Outcome::Well)
}

/// How many of each task function, and for which reasons, and one of them.
fn say(
    project: &Project,
    outputs: &[&(usize, Standing)],
    part: &dyn Fn(Reasons) -> Reasons,
    what: &str,
) -> Result<(), Error> {
    let mut by_task: BTreeMap<(&str, String), (usize, usize)> = BTreeMap::new();
    for (place, standing) in outputs {
        let task = project.function(&project.targets[*place]).map_or("", |function| &function.name);
        by_task.entry((task, ls::reasons(part(standing.reasons)))).or_insert((0, *place)).0 += 1;
    }
    for ((task, reasons), (count, example)) in by_task {
        let example = project.shown(&project.targets[example]);
        let outputs = print::count(count, "output");
        print::line(format!("{task}: {outputs}{what}, changed: {reasons}; such as {example}"))?;
    }
    Ok(())
}

/// Records today's values.
fn write(
    project: &Project,
    survey: &Survey<'_>,
    accepted: &[&(usize, Standing)],
    chosen: Reasons,
) -> Result<(), Error> {
    let journal = Journal::of_command(&project.journal);
    let places: Vec<usize> = accepted.iter().map(|(place, _)| *place).collect();
    let mut givens = project.givens(&places);
    let mut functions = Functions::default();
    for (place, standing) in accepted {
        let target = &project.targets[*place];
        let (Some(number), Some(found)) = (target.function, survey.found(*place).or_else(|| project.recorded(target)))
        else {
            continue;
        };
        let givens = givens.remove(place).unwrap_or_default();
        let left = standing.reasons.except(chosen);
        let chosen = standing.reasons.except(left);
        let stored = accepted_stored(project, survey, *place, &found, &givens, chosen);
        let mut line = functions.line(project, &journal, *place, number, Why::Accepted, found.known_as(stored));
        line.given = accepted_given(project, survey, &givens, chosen);
        line.stale = left;
        if let (false, Some(now)) = (line.stale.is_empty(), now(target)) {
            (line.now, line.format) = (Some((now.arguments, now.inputs)), now.format);
        }
        journal.line(Line::Ended(Box::new(line)));
    }
    close(project, &journal)
}

/// Ends a command's journal, in which all that it has done is what it says.
pub fn close(project: &Project, journal: &Journal) -> Result<(), Error> {
    if journal.has_failed() {
        return Err(Error::NotRecorded { path: project.journal.clone() });
    }
    journal.close();
    Ok(())
}

/// What the target's last call would make it from, if that is another.
pub fn now(target: &Target) -> Option<&Now> {
    target.last.as_ref()?.now.as_deref()
}

/// What is said to have made what is there.
fn accepted_stored(
    project: &Project,
    survey: &Survey<'_>,
    place: usize,
    found: &Found,
    givens: &Givens,
    chosen: Reasons,
) -> Stored {
    let target = &project.targets[place];
    let now = now(target);
    let mut stored = found.stored;
    let made_by = &mut stored.provenance;
    if let (true, Some(function)) = (chosen.code, project.function(target)) {
        made_by.code = function.code;
    }
    if let (true, Some(now)) = (chosen.arguments, now) {
        made_by.arguments = now.arguments;
    }
    if let (true, Some(line)) = (chosen.inputs, givens.now.as_ref().or(givens.made.as_ref())) {
        let inputs = line.given.iter().flat_map(|given| &given.inputs);
        made_by.inputs = of_inputs(inputs.map(|input| today(project, survey, input).unwrap_or_default()));
    }
    if let (true, Some(now)) = (chosen.format, now)
        && now.format != Fingerprint::NONE
    {
        made_by.format = now.format;
    }
    if chosen.content {
        stored.original = Fingerprint::NONE;
    }
    stored
}

/// The arguments that it is said to have been made from.
fn accepted_given(project: &Project, survey: &Survey<'_>, givens: &Givens, chosen: Reasons) -> Vec<Given<'static>> {
    let before = || givens.made.iter().flat_map(|line| &line.given);
    let mut given: Vec<Given<'static>> = match &givens.now {
        Some(now) if chosen.arguments => now.given.clone(),
        _ => before().cloned().collect(),
    };
    let known: HashMap<(&str, &str), Fingerprint> = before()
        .flat_map(|given| &given.inputs)
        .map(|input| ((&*input.store, &*input.target), input.content))
        .collect();
    for input in given.iter_mut().flat_map(|given| &mut given.inputs) {
        let content = match chosen.inputs {
            true => today(project, survey, input),
            false => known.get(&(&*input.store, &*input.target)).copied(),
        };
        input.content = content.unwrap_or(Fingerprint::NONE);
    }
    given
}

/// What lies at an input today.
fn today(project: &Project, survey: &Survey<'_>, input: &Input<'_>) -> Option<Fingerprint> {
    let place = project.stores[project.number_of(&input.store)?].places.get(&*input.target)?;
    survey.content(*place as usize, input.source)
}

/// The task functions that a command's journal has named, by their numbers in the project.
#[derive(Default)]
pub struct Functions(HashMap<u32, u32>);

impl Functions {
    /// A line about an output that is there: that this made it, and why that is said.
    pub fn line<'p>(
        &mut self,
        project: &'p Project,
        journal: &Journal,
        place: usize,
        function: u32,
        why: Why,
        there: There,
    ) -> Ended<'p> {
        let (target, next) = (&project.targets[place], self.0.len() as u32);
        let task = *self.0.entry(function).or_insert_with(|| {
            let mut function = project.functions[function as usize].clone();
            function.task = next;
            journal.line(Line::Task(function));
            next
        });
        Ended::by_command(task, (&*target.name).into(), project.address(target).into(), why, there)
    }
}
