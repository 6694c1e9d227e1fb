//! What the last complete run of each flow asked for. What none of them did is orphaned.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::state::State;

use crate::condition::Demand;
use crate::project::{FlowHistory, Project, RunJournal};

/// The runs of a flow in one run of its program, which may call it for each of its stations.
struct Invocation {
    started: Timestamp,
    /// Whether all of them ended, and well.
    is_complete: bool,
}

/// The last complete invocation of a flow.
struct LatestInvocation {
    started: Timestamp,
    /// The runs of the flow that were over by then.
    before: HashSet<u32>,
}

impl Project {
    /// For each target, whether it is asked for.
    ///
    /// Only the lines of flow runs count. A flow has dropped a target if it has had a complete invocation since its last line
    /// about it. A target is asked for unless all flows that ever had a line for it have dropped it, and nothing outside
    /// flows has had one since; or if something that is asked for was made from it.
    pub fn find_demands(&self) -> Vec<Demand> {
        let latest: Vec<Option<LatestInvocation>> =
            (0..self.flows.len()).map(|flow| self.find_latest(flow as u32)).collect();
        let mut demands: Vec<Demand> = (0..self.targets.len()).map(|index| self.find_demand(index, &latest)).collect();
        let mut open: Vec<usize> = self.outputs().filter(|index| demands[*index] == Demand::Direct).collect();
        // What was to be made from what failed would have been asked for.
        let failed: Vec<usize> =
            open.iter().copied().filter(|index| self.find_failure(self.targets.get(*index)).is_some()).collect();
        if !failed.is_empty() {
            open.extend(self.find_downstream(failed));
        }
        let mut is_done = vec![false; self.targets.len()];
        let mut is_taken = vec![false; self.targets.len()];
        while let Some(index) = open.pop() {
            if std::mem::replace(&mut is_done[index], true) {
                continue;
            }
            if demands[index] == Demand::None {
                demands[index] = Demand::Indirect;
            }
            for input in self.targets.get(index).takes() {
                is_taken[input.index as usize] = true;
                open.push(input.index as usize);
            }
        }
        // A lazy one that the command has removed is missed by nobody who does not need it.
        for (index, target) in self.targets.iter().enumerate() {
            let is_removed = target.last().is_some_and(|last| last.removed);
            if target.is_lazy() && is_removed && is_taken[index] && demands[index] == Demand::Direct {
                demands[index] = Demand::Indirect;
            }
        }
        demands
    }

    /// Whether a call asks for the target itself.
    fn find_demand(&self, index: usize, latest: &[Option<LatestInvocation>]) -> Demand {
        let last_run = |flow: &FlowHistory| flow.last_runs.get(index).copied().and_then(|run| run.checked_sub(1));
        let mut demand = Demand::Direct;
        for (flow, latest) in self.flows.iter().zip(latest).skip(1) {
            let Some(run) = last_run(flow) else { continue };
            let Some(latest) = latest else { return Demand::Direct };
            let is_outside_since =
                last_run(&self.flows[0]).is_some_and(|run| !self.runs[run as usize].is_over_by(latest.started));
            if is_outside_since || !latest.before.contains(&run) {
                return Demand::Direct;
            }
            demand = Demand::None;
        }
        demand
    }

    /// The last complete invocation of a flow.
    fn find_latest(&self, flow: u32) -> Option<LatestInvocation> {
        let runs_of_flow = || self.runs.iter().enumerate().filter(|(_, run)| run.flow == flow);
        let mut invocations: HashMap<(Option<Fingerprint>, &str, u32), Invocation> = HashMap::new();
        let mut last = None;
        for (_, run) in runs_of_flow().filter(|(_, run)| run.has_targets()) {
            let started = run.started;
            let invocation = invocations.entry(run.invocation()).or_insert(Invocation { started, is_complete: true });
            invocation.is_complete &= run.is_complete();
        }
        for (_, run) in runs_of_flow() {
            if invocations.get(&run.invocation()).is_some_and(|invocation| invocation.is_complete) {
                last = Some(run.invocation());
            }
        }
        let last = last?;
        let started = invocations[&last].started;
        let is_before = |run: &RunJournal| run.invocation() != last && run.is_over_by(started);
        let before = runs_of_flow().filter(|(_, run)| is_before(run)).map(|(number, _)| number as u32).collect();
        Some(LatestInvocation { started, before })
    }

    /// For each flow, whether its last run of its program was complete: all that it asks for is known then, and is there.
    pub fn find_complete_flows(&self) -> Vec<bool> {
        let is_complete = |flow: usize| {
            let runs = self.runs.iter().filter(|run| run.flow as usize == flow && run.has_targets());
            // What made some outputs, and did, says nothing of the others.
            let mut runs = runs.filter(|run| !(run.is_of_some() && run.state == Some(State::Completed)));
            let last = runs.clone().next_back().map(RunJournal::invocation);
            last.is_some() && runs.all(|run| Some(run.invocation()) != last || run.is_complete())
        };
        (0..self.flows.len()).map(is_complete).collect()
    }

    /// All that was made from these, however far down, and themselves.
    pub fn find_downstream(&self, indices: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let consumers = self.find_consumers();
        let mut is_in = vec![false; self.targets.len()];
        let mut open: Vec<usize> = indices.into_iter().collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut is_in[index], true) {
                open.extend(consumers.of(index).iter().map(|consumer| *consumer as usize));
            }
        }
        (0..is_in.len()).filter(|index| is_in[*index]).collect()
    }
}

impl RunJournal {
    /// What tells the run of its program from all others.
    fn invocation(&self) -> (Option<Fingerprint>, &str, u32) {
        match &self.head {
            Some(head) if head.invocation.is_none() => (None, &head.host, head.process),
            Some(head) => (head.invocation, "", 0),
            None => (None, "", 0),
        }
    }

    /// Whether its calls have targets.
    fn has_targets(&self) -> bool {
        self.head.as_ref().is_some_and(|head| matches!(&*head.mode, "cache" | "prefect.cache"))
    }

    /// Whether it asked for some outputs only: a run of `PROGRAM pipex make`.
    pub fn is_of_some(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.asked.is_empty())
    }

    /// Whether it has asked for all that it would ask for.
    fn is_complete(&self) -> bool {
        if self.is_of_some() {
            return false;
        }
        match self.state {
            Some(state) => state == State::Completed,
            None => self.elapsed.is_some() && self.counts.failed + self.counts.skipped == 0,
        }
    }

    /// Whether it had nothing more to say from this moment on.
    fn is_over_by(&self, moment: Timestamp) -> bool {
        !self.is_live && self.moment_at(self.elapsed.unwrap_or_default()) <= moment
    }
}
