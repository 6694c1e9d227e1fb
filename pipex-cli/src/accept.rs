//! `pipex accept`.

use std::collections::{BTreeMap, HashMap};

use clap::ValueEnum;
use pipex_format::journal::{Ended, Given, Input, Journal, Line, Stored, There, Why, fingerprint_inputs};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::provenance::Reasons;
use serde::Serialize;

use crate::call_lines::CallLines;
use crate::condition::Condition;
use crate::project::Project;
use crate::select::Selection;
use crate::survey::{FoundOutput, OutputStatus, Survey};
use crate::target::CallFingerprints;
use crate::targets::Target;
use crate::{CommandError, CommandStatus, Confirmation, ls, print};

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

#[cfg(feature = "ui")]
impl Reason {
    /// All of them, for who has seen what has changed.
    pub const ALL: [Reason; 5] = [Reason::Code, Reason::Arguments, Reason::Inputs, Reason::Format, Reason::Content];
}

/// These, as the library has them.
pub fn combine_reasons(reasons: &[Reason]) -> Reasons {
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

/// What is accepted, or was.
#[derive(Serialize)]
pub struct AcceptSummary<'p> {
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
    confirmation: Confirmation,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let AcceptancePlan { survey, selected, mut summary } = AcceptancePlan::new(project, selection, chosen)?;
    let part = |reasons: Reasons| reasons.except(reasons.except(chosen));
    let accepted = find_accepted(&selected, chosen);
    if !json {
        print_by_task(project, &accepted, &part, "")?;
        let left: Vec<&(usize, OutputStatus)> =
            selected.iter().filter(|(_, status)| !status.reasons.except(chosen).is_empty()).collect();
        print_by_task(project, &left, &|reasons| reasons.except(chosen), " will stay stale")?;
        let what = if dry_run { "would accept" } else { "to accept:" };
        print::line(format!("{what} {} as they are", print::format_count(accepted.len(), "stale output")))?;
    }
    if dry_run || accepted.is_empty() {
        if json {
            print::json(&summary)?;
        }
        return Ok(CommandStatus::attention_if(dry_run && !accepted.is_empty()));
    }
    if !confirmation.confirm("Accept?")? {
        return Ok(CommandStatus::NeedsAttention);
    }
    write_lines(project, &survey, &accepted, chosen)?;
    summary.done = true;
    if json {
        print::json(&summary)?;
    } else {
        let outputs = print::format_count(accepted.len(), "stale output");
        print::line(format!("accepted {outputs} as they are; to take that back: pipex accept --undo"))?;
    }
    Ok(CommandStatus::Clean)
}

/// The same of all that the selection has, for who has asked already.
#[cfg(feature = "ui")]
pub fn accept_all(project: &Project, selection: Selection, chosen: Reasons) -> Result<AcceptSummary<'_>, CommandError> {
    let AcceptancePlan { survey, selected, mut summary } = AcceptancePlan::new(project, selection, chosen)?;
    if !summary.targets.is_empty() {
        write_lines(project, &survey, &find_accepted(&selected, chosen), chosen)?;
        summary.done = true;
    }
    Ok(summary)
}

/// What is to be accepted, and what not.
struct AcceptancePlan<'p> {
    survey: Survey<'p>,
    /// All that is stale.
    selected: Vec<(usize, OutputStatus)>,
    summary: AcceptSummary<'p>,
}

impl<'p> AcceptancePlan<'p> {
    fn new(project: &'p Project, selection: Selection, chosen: Reasons) -> Result<Self, CommandError> {
        // What is not there may be stale, too: what was made from it would be made from something else now.
        let (survey, selected) = Selection { stale: false, ..selection }.select(project)?;
        let is_stale = |status: &OutputStatus| {
            matches!(status.condition, Condition::Stale | Condition::NotNeeded) && !status.reasons.is_empty()
        };
        let selected = selected.into_iter().map(|index| (index, survey.status(index)));
        let selected: Vec<_> = selected.filter(|(_, status)| is_stale(status)).collect();
        let name = |index: usize| project.targets.get(index).name();
        let left = |(index, status): &(usize, OutputStatus)| {
            Some((name(*index), status.reasons.except(chosen))).filter(|(_, left)| !left.is_empty())
        };
        let targets = find_accepted(&selected, chosen).into_iter().map(|(index, _)| name(*index)).collect();
        let summary = AcceptSummary { done: false, targets, left: selected.iter().filter_map(left).collect() };
        Ok(AcceptancePlan { survey, selected, summary })
    }
}

/// Those that are stale for one of the reasons that are `chosen`.
fn find_accepted(selected: &[(usize, OutputStatus)], chosen: Reasons) -> Vec<&(usize, OutputStatus)> {
    selected.iter().filter(|(_, status)| status.reasons.except(chosen) != status.reasons).collect()
}

/// How many of each task function, and for which reasons, and one of them.
fn print_by_task(
    project: &Project,
    outputs: &[&(usize, OutputStatus)],
    part: &dyn Fn(Reasons) -> Reasons,
    what: &str,
) -> Result<(), CommandError> {
    let mut by_task: BTreeMap<(&str, String), (usize, usize)> = BTreeMap::new();
    for (index, status) in outputs {
        let task = project.function(project.targets.get(*index)).map_or("", |function| &function.name);
        by_task.entry((task, ls::describe_reasons(part(status.reasons)))).or_insert((0, *index)).0 += 1;
    }
    for ((task, reasons), (count, example)) in by_task {
        let example = project.format_target(project.targets.get(example));
        let outputs = print::format_count(count, "output");
        print::line(format!("{task}: {outputs}{what}, changed: {reasons}; such as {example}"))?;
    }
    Ok(())
}

/// Records today's values.
fn write_lines(
    project: &Project,
    survey: &Survey<'_>,
    accepted: &[&(usize, OutputStatus)],
    chosen: Reasons,
) -> Result<(), CommandError> {
    let journal = Journal::for_command(&project.journal);
    let indices: Vec<usize> = accepted.iter().map(|(index, _)| *index).collect();
    let mut call_lines = project.read_call_lines(&indices);
    let mut functions = JournaledFunctions::default();
    for (index, status) in accepted {
        let target = project.targets.get(*index);
        let (Some(number), Some(found)) =
            (target.function(), survey.found(*index).or_else(|| project.find_recorded(target)))
        else {
            continue;
        };
        let call_lines = call_lines.remove(index).unwrap_or_default();
        let left = status.reasons.except(chosen);
        let chosen = status.reasons.except(left);
        let stored = build_stored(project, survey, *index, &found, &call_lines, chosen);
        let mut line = functions.build_line(project, &journal, *index, number, Why::Accepted, found.known_as(stored));
        line.given = build_arguments(project, survey, &call_lines, chosen);
        line.stale = left;
        if let (false, Some(now)) = (line.stale.is_empty(), find_last_call(target)) {
            (line.now, line.format) = (Some((now.arguments, now.inputs)), now.format);
        }
        journal.line(Line::Ended(Box::new(line)));
    }
    close_journal(project, &journal)
}

/// Ends a command's journal, in which all that it has done is what it says.
pub fn close_journal(project: &Project, journal: &Journal) -> Result<(), CommandError> {
    if journal.has_failed() {
        return Err(CommandError::NotRecorded { path: project.journal.clone() });
    }
    journal.close();
    Ok(())
}

/// What the target's last call would make it from, if that is another.
pub fn find_last_call(target: Target<'_>) -> Option<CallFingerprints> {
    target.last()?.now
}

/// What is said to have made what is there.
fn build_stored(
    project: &Project,
    survey: &Survey<'_>,
    index: usize,
    found: &FoundOutput,
    call_lines: &CallLines,
    chosen: Reasons,
) -> Stored {
    let target = project.targets.get(index);
    let now = find_last_call(target);
    let mut stored = found.stored;
    let made_by = &mut stored.provenance;
    if let (true, Some(function)) = (chosen.code, project.function(target)) {
        made_by.code = Some(function.code);
    }
    if let (true, Some(now)) = (chosen.arguments, now) {
        made_by.arguments = Some(now.arguments);
    }
    if let (true, Some(line)) = (chosen.inputs, call_lines.now.as_ref().or(call_lines.made.as_ref())) {
        let inputs = line.given.iter().flat_map(|given| &given.inputs);
        made_by.inputs = fingerprint_inputs(inputs.map(|input| find_current_content(project, survey, input).flatten()));
    }
    if let (true, Some(now)) = (chosen.format, now) {
        made_by.format = now.format.or(made_by.format);
    }
    if chosen.content {
        stored.original = None;
    }
    stored
}

/// The arguments that it is said to have been made from.
fn build_arguments(
    project: &Project,
    survey: &Survey<'_>,
    call_lines: &CallLines,
    chosen: Reasons,
) -> Vec<Given<'static>> {
    let before = || call_lines.made.iter().flat_map(|line| &line.given);
    let mut given: Vec<Given<'static>> = match &call_lines.now {
        Some(now) if chosen.arguments => now.given.clone(),
        _ => before().cloned().collect(),
    };
    let known: HashMap<(&str, &str), Option<Fingerprint>> = before()
        .flat_map(|given| &given.inputs)
        .map(|input| ((&*input.store, &*input.target), input.content))
        .collect();
    for input in given.iter_mut().flat_map(|given| &mut given.inputs) {
        let content = match chosen.inputs {
            true => find_current_content(project, survey, input),
            false => known.get(&(&*input.store, &*input.target)).copied(),
        };
        input.content = content.flatten();
    }
    given
}

/// What lies at an input today, as [`Survey::current_content`] has it.
fn find_current_content(project: &Project, survey: &Survey<'_>, input: &Input<'_>) -> Option<Option<Fingerprint>> {
    let index = project.find_in_store(project.find_store(&input.store)?, &input.target)?;
    survey.current_content(index, input.source)
}

/// The task functions that a command's journal has named, by their numbers in the project.
#[derive(Default)]
pub struct JournaledFunctions(HashMap<u32, u32>);

impl JournaledFunctions {
    /// A line about an output that is there: that this made it, and why that is said.
    pub fn build_line<'p>(
        &mut self,
        project: &'p Project,
        journal: &Journal,
        index: usize,
        function: u32,
        why: Why,
        there: There,
    ) -> Ended<'p> {
        let (target, next) = (project.targets.get(index), self.0.len() as u32);
        let task = *self.0.entry(function).or_insert_with(|| {
            let mut function = project.functions[function as usize].clone();
            function.task = next;
            journal.line(Line::Task(function));
            next
        });
        Ended::by_command(task, (target.name()).into(), project.address(target).into(), why, there)
    }
}
