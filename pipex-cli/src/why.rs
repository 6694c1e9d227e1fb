//! `pipex why`.

use std::collections::{HashMap, HashSet, VecDeque};

use pipex_format::journal::Why;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use serde::Serialize;

use crate::condition::Condition;
use crate::diff::{Change, find_changes};
use crate::logged::{LoggedLine, read_logged};
use crate::ls;
use crate::project::Project;
use crate::survey::{OutputStatus, Survey};
use crate::target::LastEvent;
use crate::targets::Target;
use crate::{CommandError, CommandStatus, print};

/// Why an output was made, and whether it would be again.
#[derive(Serialize)]
pub struct Explanation<'p> {
    target: &'p str,
    /// What became of it last.
    last: String,
    /// How it stands, and what a run would do now.
    now: String,
    condition: Condition,
    would_run: bool,
    error: Option<&'p str>,
    /// What the run that failed has logged.
    logged: Vec<LoggedLine>,
    changes: Vec<Change>,
    /// What is stale, of all that it was made from, and why.
    upstream: Vec<Upstream<'p>>,
}

#[derive(Serialize)]
struct Upstream<'p> {
    target: &'p str,
    condition: Condition,
    stale: Reasons,
    #[serde(skip)]
    index: usize,
}

pub fn why(project: &Project, name: &str, json: bool) -> Result<CommandStatus, CommandError> {
    let index = project.find_target(name)?;
    let answer = Explanation::new(project, &Survey::inspect(project, [index]), index);
    let outcome = CommandStatus::attention_if(answer.condition.needs_attention());
    if json {
        print::json(&answer)?;
        return Ok(outcome);
    }
    print::line(answer.last)?;
    if let Some(error) = answer.error {
        print::line(format!("error: {error}"))?;
    }
    answer.logged.iter().flat_map(LoggedLine::describe).try_for_each(|line| print::line(format!("logged: {line}")))?;
    print::line(answer.now)?;
    answer.changes.iter().try_for_each(|change| change.print())?;
    print_upstream(project, &answer.upstream)?;
    Ok(outcome)
}

impl<'p> Explanation<'p> {
    /// Of a target that was looked at.
    pub fn new(project: &'p Project, survey: &Survey<'_>, index: usize) -> Self {
        let (target, status) = (project.targets.get(index), survey.status(index));
        let is_there = survey.found(index).is_some();
        let is_stale = matches!(status.condition, Condition::Stale | Condition::Missing);
        let failed = target.last().filter(|last| last.failure.is_some());
        Explanation {
            target: target.name(),
            last: describe_last(project, target),
            now: describe_now(target, &status, is_there),
            condition: status.condition,
            would_run: is_stale || status.condition.is_failure(),
            error: failed.and_then(|last| Some(&*last.failure.as_ref()?.error)),
            logged: failed.map(|last| read_logged(project, last.run, target.name())).unwrap_or_default(),
            changes: if is_there { find_changes(project, survey, index) } else { Vec::new() },
            upstream: find_stale_upstream(project, survey, index),
        }
    }
}

/// How it stands, and what a run would do.
fn describe_now(target: Target<'_>, status: &OutputStatus, is_there: bool) -> String {
    if target.function().is_none() {
        return "it is a file whose path is an argument: pipex did not make it".to_owned();
    }
    match status.condition {
        Condition::Fresh => "a run would take it as it is".to_owned(),
        Condition::Stale if status.reasons.content => format!(
            "it is stale, changed since pipex made it ({}); a run takes it as it is and warns, or with stale = \"rerun\" makes it again",
            ls::describe_reasons(status.reasons)
        ),
        Condition::Stale => format!(
            "it is stale, changed: {}; a run takes it as it is and warns, or with stale = \"rerun\" makes it again",
            status.reasons
        ),
        Condition::Outdated => {
            "it is outdated: what it was made from is stale; if that is made again and comes out otherwise, this is stale, too"
                .to_owned()
        }
        Condition::Failed | Condition::NotReady | Condition::Cancelled if is_there => {
            "what is there is older than its last run, which made nothing: a run would try again".to_owned()
        }
        Condition::Missing | Condition::Failed | Condition::NotReady | Condition::Cancelled => {
            "it is not there: a run that asks for it would make it".to_owned()
        }
        Condition::NotSaved => "its data were in memory, and nothing was saved: a run makes them again".to_owned(),
        Condition::NotNeeded => {
            "it is not there, and the last complete run did not need it: a run makes it if it needs it".to_owned()
        }
        Condition::Gone => "it is not there, and nothing asks for it any more".to_owned(),
        Condition::Orphaned => "nothing makes it any more: the last complete run did not ask for it".to_owned(),
        Condition::Foreign => "it is not known to be what pipex made; a run would take it as it is".to_owned(),
        Condition::Running => "a process makes it".to_owned(),
        Condition::Unknown => format!("it cannot be looked at: {}", status.problem.as_deref().unwrap_or_default()),
    }
}

/// What became of it last, in words.
fn describe_last(project: &Project, target: Target<'_>) -> String {
    let Some(last) = &target.last() else { return "no run has met it".to_owned() };
    let LastEvent { run, at, state, why, stale, removed, .. } = last;
    let run = &project.runs[*run as usize];
    let in_run = format!("in run {} ({})", run.id, print::format_age(run.moment_at(*at)));
    if *removed {
        return format!("it was removed {in_run}");
    }
    let reason = match why {
        Why::Missing => "since it was not there".to_owned(),
        Why::Stale => format!("since it was stale, changed: {stale}"),
        Why::There if stale.is_empty() => "since it was there and fresh".to_owned(),
        Why::There => format!("though it was stale, changed: {stale}"),
        Why::Forced => "since it was to be made again, whatever was there".to_owned(),
        Why::MadeMeanwhile => "since another made it meanwhile".to_owned(),
        Why::Unchanged => "since what it takes was made again and came out as it was".to_owned(),
        Why::Accepted => return format!("it was accepted as it is {in_run}"),
        Why::Restored => return format!("that it had been accepted was taken back {in_run}"),
        Why::Shared => "from the outputs that are shared, made of the same".to_owned(),
        Why::InMemory => "since its data are held in memory".to_owned(),
        _ => "since nothing is saved in this mode".to_owned(),
    };
    match state {
        State::Completed => format!("it was made {in_run}, {reason}"),
        State::Cached => format!("it was taken as it was {in_run}, {reason}"),
        State::NotReady => format!("it was not made {in_run}: what it takes was not to be had"),
        State::Cancelled => format!("it was not made {in_run}: the run was cancelled"),
        state if state.has_ended() => format!("making it ended as {state:?} {in_run}, {reason}"),
        _ if run.is_live => format!("it is being made {in_run}"),
        _ if run.state == Some(State::Cancelled) => format!("the run was cancelled while it was made, {in_run}"),
        _ => format!("the process was killed while it was made, {in_run}"),
    }
}

/// What is stale of all that a target was made from, the nearest first.
fn find_stale_upstream<'p>(project: &'p Project, survey: &Survey<'_>, index: usize) -> Vec<Upstream<'p>> {
    let mut upstream = Vec::new();
    let mut open = VecDeque::from([index]);
    let mut known = HashSet::from([index]);
    while let Some(index) = open.pop_front() {
        for input in project.targets.get(index).inputs().iter().map(|input| input.index as usize) {
            if !known.insert(input) {
                continue;
            }
            open.push_back(input);
            let (target, status) = (project.targets.get(input), survey.status(input));
            if !status.reasons.is_empty() {
                let (condition, stale) = (status.condition, status.reasons);
                upstream.push(Upstream { target: target.name(), condition, stale, index: input });
            }
        }
    }
    upstream
}

/// Says what is stale upstream: of each task function and for each reason one, and how many more.
fn print_upstream(project: &Project, upstream: &[Upstream<'_>]) -> Result<(), CommandError> {
    let key = |upstream: &Upstream<'_>| (project.targets.get(upstream.index).function(), upstream.stale);
    let mut counts: HashMap<_, usize> = HashMap::new();
    upstream.iter().for_each(|upstream| *counts.entry(key(upstream)).or_default() += 1);
    for upstream in upstream {
        let Some(count) = counts.remove(&key(upstream)) else { continue };
        let target = project.targets.get(upstream.index);
        let more = match (count, project.function(target)) {
            (1, _) | (_, None) => String::new(),
            (count, Some(function)) => format!("; and so are {} more of {}", count - 1, function.name),
        };
        print::line(format!(
            "outdated: {} is stale, changed: {}{more}",
            project.format_target(target),
            upstream.stale
        ))?;
    }
    Ok(())
}
