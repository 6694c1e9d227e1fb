//! Which outputs may go so that no more bytes than a budget stay, and which first.
//!
//! None goes that a complete run would miss. An output may go if something that is asked for was made from it; if all of that is there and
//! fresh; if it can be made again; and if no run goes on, or came to no end in which it was asked for. A lazy one is then made
//! again only if something needs it. Any other the next run makes again: it goes only if that is said.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use pipex_format::model::state::State;

use crate::condition::{Condition, Demand};
use crate::consumers::Consumers;
use crate::paths::{Bounds, Zone};
use crate::project::Project;
use crate::rm::RmOptions;
use crate::survey::{FoundOutput, Survey};
use crate::target::{KnownOutput, Origin};
use crate::targets::Target;

/// Which outputs go first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// Those that were not used for longest: made, found there by a run, or taken by what was made from them
    #[default]
    Lru,
    /// Those that cost the fewest seconds to make again, per byte
    Cost,
}

/// What is to go, and what stays.
pub struct BudgetPlan<'p> {
    survey: Survey<'p>,
    /// The outputs that are there, side by side those that were made together.
    there: Vec<u32>,
    pub removed: Vec<Candidate>,
    /// The bytes of all outputs that are there, and of those that go.
    pub total: u64,
    pub freed: u64,
    /// What may not go, by why: how many outputs, their bytes, and one of them.
    pub left: BTreeMap<&'static str, (usize, u64, u32)>,
}

/// Outputs that were made together, and go together; most often one.
pub struct Candidate {
    /// Where they stand among those that are there.
    outputs: Range<u32>,
    pub bytes: u64,
    /// How long it took to make them.
    pub seconds: f64,
    pub used: Timestamp,
    /// The next run makes them again.
    pub is_asked_for: bool,
}

const ASKED_FOR: &str = "the next run would make it again, since its call is not lazy: --eager removes it, too";

impl Candidate {
    /// Whether it goes before another.
    fn compare(&self, other: &Self, policy: Policy) -> Ordering {
        let cost = |candidate: &Self| candidate.seconds / (candidate.bytes.max(1) as f64);
        self.is_asked_for.cmp(&other.is_asked_for).then_with(|| match policy {
            Policy::Lru => self.used.cmp(&other.used),
            Policy::Cost => cost(self).total_cmp(&cost(other)),
        })
    }
}

impl<'p> BudgetPlan<'p> {
    /// What is to go so that no more than `keep` bytes stay; of what its next run makes again, `with_eager` only.
    pub fn new(project: &'p Project, keep: u64, policy: Policy, with_eager: bool) -> Self {
        let survey = Survey::inspect(project, project.outputs());
        let sight = Sight::new(project, &survey);
        let there = project.group_outputs(|index| survey.found(*index).is_some());
        let name = |index: u32| project.targets.get(index as usize).name();
        let (mut candidates, mut left, mut total, mut start) = (Vec::new(), BTreeMap::new(), 0_u64, 0);
        for outputs in there.chunk_by(|one, other| project.are_made_together(*one, *other)) {
            let indices = || outputs.iter().map(|index| *index as usize);
            let objections: Vec<_> = indices().map(|index| sight.find_objection(index)).collect();
            let is_asked_for = indices().any(|index| sight.is_asked_for(index));
            let may_go = objections.iter().all(Option::is_none);
            for (index, objection) in outputs.iter().zip(&objections) {
                let bytes = survey.found(*index as usize).map_or(0, |found| found.bytes);
                total = total.saturating_add(bytes);
                if !may_go || is_asked_for && !with_eager {
                    let together = "it was made together with what has to stay";
                    let why = objection.unwrap_or(if may_go { ASKED_FOR } else { together });
                    let (count, sum, example) = left.entry(why).or_insert((0, 0_u64, *index));
                    (*count, *sum) = (*count + 1, sum.saturating_add(bytes));
                    if name(*index) < name(*example) {
                        *example = *index;
                    }
                }
            }
            let end = start + outputs.len() as u32;
            if may_go && (with_eager || !is_asked_for) {
                candidates.push(sight.build_candidate(start..end, indices(), is_asked_for));
            }
            start = end;
        }
        let place = |it: &Candidate| (name(there[it.outputs.start as usize]), it.outputs.start);
        candidates
            .sort_unstable_by(|one, other| one.compare(other, policy).then_with(|| place(one).cmp(&place(other))));
        let mut plan = BudgetPlan { survey, there, removed: candidates, total, freed: 0, left };
        let mut count = 0;
        while plan.over(keep) > 0
            && let Some(candidate) = plan.removed.get(count)
        {
            plan.freed = plan.freed.saturating_add(candidate.bytes);
            count += 1;
        }
        plan.removed.truncate(count);
        plan
    }

    /// So many bytes stay. What journals from elsewhere say may be any number.
    pub fn stay(&self) -> u64 {
        self.total.saturating_sub(self.freed)
    }

    /// So many bytes more than that stay.
    pub fn over(&self, keep: u64) -> u64 {
        self.stay().saturating_sub(keep)
    }

    /// What goes with a candidate.
    pub fn targets_of(&self, candidate: &Candidate) -> impl Iterator<Item = Target<'p>> {
        let Range { start, end } = candidate.outputs;
        let targets = &self.survey.project.targets;
        self.there[start as usize..end as usize].iter().map(|index| targets.get(*index as usize))
    }

    /// The outputs that go, and what was found there.
    pub fn outputs(&self) -> impl Iterator<Item = (usize, FoundOutput)> {
        let indices = self.removed.iter().flat_map(|candidate| self.targets_of(candidate)).map(Target::index);
        indices.filter_map(|index| Some((index, self.survey.found(index)?)))
    }
}

/// How all outputs stand, and what takes them.
struct Sight<'p> {
    project: &'p Project,
    survey: &'p Survey<'p>,
    conditions: Vec<Condition>,
    zones: Vec<Zone>,
    /// For each target, what was made from it or was to be, and is asked for;
    consumers: Consumers,
    /// whether something of that took its path alone.
    is_path_taken: Vec<bool>,
    /// Those that a run may have to make.
    is_due: Vec<bool>,
    /// Those that are not there, and cannot be made again from what is.
    is_lost: Vec<bool>,
    is_flow_complete: Vec<bool>,
    /// Some run does.
    goes_on: bool,
}

impl<'p> Sight<'p> {
    fn new(project: &'p Project, survey: &'p Survey<'p>) -> Self {
        use Condition::{Foreign, Fresh, Gone, NotNeeded, NotSaved, Orphaned};
        let count = project.targets.len();
        let conditions: Vec<_> = (0..count).map(|index| survey.status(index).condition).collect();
        let is_consumer = |index: &usize| !matches!(conditions[*index], Gone | Orphaned);
        let edges = |target: Target<'p>| target.inputs().iter().chain(target.takes_others().unwrap_or_default());
        let consumers = Consumers::new(&project.targets, project.outputs().filter(is_consumer), edges);
        let mut is_path_taken = vec![false; count];
        for index in project.outputs().filter(is_consumer) {
            let sources = edges(project.targets.get(index)).filter(|input| input.is_source);
            sources.for_each(|input| is_path_taken[input.index as usize] = true);
        }
        let is_there = |index: usize| survey.found(index).is_some();
        // From what has to be made up to what that needs and is not there.
        let mut is_due = vec![false; count];
        let is_settled = |index: &usize| matches!(conditions[*index], Fresh | NotNeeded | Gone | Orphaned | Foreign);
        let mut open: Vec<usize> = project.outputs().filter(|index| !is_settled(index)).collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut is_due[index], true) {
                let inputs = project.targets.get(index).takes().iter().map(|input| input.index as usize);
                open.extend(inputs.filter(|input| !is_there(*input)));
            }
        }
        // From what is not to be had down to what is made from it and is not there.
        let mut is_lost = vec![false; count];
        let can_be_had = |index: &usize| matches!(conditions[*index], Fresh | NotNeeded | NotSaved);
        let mut open: Vec<usize> = (0..count).filter(|index| !can_be_had(index)).collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut is_lost[index], true) {
                open.extend(consumers.of(index).iter().map(|it| *it as usize).filter(|it| !is_there(*it)));
            }
        }
        let mut bounds = Bounds::new(project);
        let zones = project.targets.iter().map(|target| bounds.find_zone(target)).collect();
        let is_flow_complete = project.find_complete_flows();
        let goes_on = project.runs.iter().any(|run| run.is_live);
        Sight {
            project,
            survey,
            conditions,
            zones,
            consumers,
            is_path_taken,
            is_due,
            is_lost,
            is_flow_complete,
            goes_on,
        }
    }

    /// Why an output that is there has to stay, whatever the budget.
    fn find_objection(&self, index: usize) -> Option<&'static str> {
        let (project, target, zone) = (self.project, self.project.targets.get(index), self.zones[index]);
        let (condition, found) = (self.conditions[index], self.survey.found(index)?);
        let consumers = self.consumers.of(index);
        let mut all = RmOptions::default();
        (all.edited, all.outside) = (true, true);
        let known = match condition {
            Condition::Orphaned => Some("no flow asks for it any more: `pipex rm --orphaned` removes it"),
            _ if zone == Zone::Outside => Some("it lies outside the project's directory"),
            _ if found.stored.is_edited() => Some("it was changed since pipex made it"),
            _ => project.find_objection(all, target, condition, Some(&found), zone),
        };
        if known.is_some() {
            return known;
        }
        let is_met = |flow: &usize| project.flows[*flow].last_runs.get(index).is_some_and(|run| *run > 0);
        let flows: Vec<usize> = (1..project.flows.len()).filter(is_met).collect();
        let mut inputs = target.inputs().iter().map(|input| input.index as usize);
        match condition {
            _ if consumers.is_empty() => Some("it is a result: nothing that is asked for was made from it"),
            Condition::Stale | Condition::Outdated => Some("it is stale, or made from something that is"),
            Condition::Failed | Condition::NotReady | Condition::Cancelled => Some("its last run came to nothing"),
            _ if flows.is_empty() => Some("it was made outside flows: nobody knows what takes it"),
            _ if self.goes_on => Some("a run goes on, which may need it"),
            _ if flows.iter().any(|flow| !self.is_flow_complete[*flow]) => {
                Some("the last run of a flow that asks for it was not complete")
            }
            _ if self.is_path_taken[index] => Some("its path was given to what takes it"),
            _ if consumers.iter().any(|consumer| self.is_due[*consumer as usize]) => {
                Some("something that is to be made from it is not there, or not fresh")
            }
            _ if inputs.any(|input| self.is_lost[input]) => {
                Some("it could not be made again: something that it was made from is not to be had")
            }
            _ => None,
        }
    }

    /// Whether the next run asks for it, whatever is there of what was made from it.
    fn is_asked_for(&self, index: usize) -> bool {
        let target = self.project.targets.get(index);
        if self.survey.demand(index) != Demand::Direct {
            return false;
        }
        // A lazy one that a run found there, though nothing was made from it then: somebody asked for its data.
        let is_loaded = target.last().is_some_and(|last| {
            let was_taken = |consumer: &u32| {
                self.project.targets.get(*consumer as usize).made().is_some_and(|made| made.run == last.run)
            };
            last.state == State::Cached && !last.removed && !self.consumers.of(index).iter().any(was_taken)
        });
        !target.is_lazy() || is_loaded
    }

    fn build_candidate(
        &self,
        outputs: Range<u32>,
        indices: impl Iterator<Item = usize> + Clone,
        is_asked_for: bool,
    ) -> Candidate {
        let found = indices.clone().filter_map(|index| self.survey.found(index));
        let made = indices.clone().filter_map(|index| self.project.targets.get(index).made());
        Candidate {
            outputs,
            bytes: found.map(|found| found.bytes).fold(0, u64::saturating_add),
            // All of them took as long as each.
            seconds: made.map(|made| made.elapsed).fold(0.0, f64::max),
            used: indices.map(|index| self.find_last_use(index)).max().unwrap_or(Timestamp::MIN),
            is_asked_for,
        }
    }

    /// When it was made, a run found it there, or something was made from it: whichever was last.
    fn find_last_use(&self, index: usize) -> Timestamp {
        let project = self.project;
        let made = |index: usize| project.targets.get(index).made().map(|made| made.moment(project));
        let met = project.targets.get(index).last().filter(|last| last.state.is_success() && !last.removed);
        let met = met.map(|last| project.runs[last.run as usize].moment_at(last.at));
        let taken = self.consumers.of(index).iter().filter_map(|consumer| made(*consumer as usize));
        made(index).into_iter().chain(met).chain(taken).max().unwrap_or(Timestamp::MIN)
    }
}

impl KnownOutput {
    /// When it was made, or, if that is not known, found.
    fn moment(&self, project: &Project) -> Timestamp {
        match self.origin {
            Origin::Made => project.runs[self.run as usize].moment_at(self.at + self.elapsed),
            Origin::Found | Origin::Accepted => self.found,
        }
    }
}

impl Project {
    /// These of the outputs, side by side and by their names those that were made together.
    fn group_outputs(&self, is_meant: impl FnMut(&usize) -> bool) -> Vec<u32> {
        let mut outputs: Vec<u32> = self.outputs().filter(is_meant).map(|index| index as u32).collect();
        let target = |index: &u32| self.targets.get(*index as usize);
        outputs.sort_unstable_by(|one, other| {
            let by_name = || target(one).name().cmp(target(other).name()).then(one.cmp(other));
            find_task_run(target(one)).cmp(&find_task_run(target(other))).then_with(by_name)
        });
        outputs
    }

    /// Whether one task run has made both.
    fn are_made_together(&self, one: u32, other: u32) -> bool {
        let [one, other] = [one, other].map(|index| find_task_run(self.targets.get(index as usize)));
        one.is_some() && one == other
    }
}

/// What tells the task run that made an output from all others: at the very same instant no other run of the function has started.
fn find_task_run(target: Target<'_>) -> Option<(u32, u64, Option<u32>)> {
    target.made().map(|made| (made.run, made.at.to_bits(), target.function()))
}
