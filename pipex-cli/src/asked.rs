//! What the last complete run of each flow asked for. What none of them did is orphaned.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use pipex::{Fingerprint, State};

use crate::condition::Asked;
use crate::project::{Flow, Project, Run};

/// The runs of a flow in one run of its program, which may call it for each of its stations.
struct Invocation {
    started: Timestamp,
    /// Whether all of them ended, and well.
    is_complete: bool,
}

/// The last complete invocation of a flow.
struct Latest {
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
    pub fn asked(&self) -> Vec<Asked> {
        let latest: Vec<Option<Latest>> = (0..self.flows.len()).map(|flow| self.latest(flow as u32)).collect();
        let mut asked: Vec<Asked> = (0..self.targets.len()).map(|place| self.asks_for(place, &latest)).collect();
        let mut open: Vec<usize> = self.outputs().filter(|place| asked[*place] == Asked::Yes).collect();
        // What was to be made from what failed would have been asked for.
        let failed: Vec<usize> =
            open.iter().copied().filter(|place| self.failure(&self.targets[*place]).is_some()).collect();
        if !failed.is_empty() {
            open.extend(self.downstream(failed));
        }
        let mut is_done = vec![false; self.targets.len()];
        while let Some(place) = open.pop() {
            if std::mem::replace(&mut is_done[place], true) {
                continue;
            }
            if asked[place] == Asked::No {
                asked[place] = Asked::Through;
            }
            let target = &self.targets[place];
            let takes = target.takes.as_deref().unwrap_or(target.inputs());
            open.extend(takes.iter().map(|input| input.place as usize));
        }
        asked
    }

    /// Whether a call asks for the target itself.
    fn asks_for(&self, place: usize, latest: &[Option<Latest>]) -> Asked {
        let met = |flow: &Flow| flow.met.get(place).copied().and_then(|met| met.checked_sub(1));
        let mut asked = Asked::Yes;
        for (flow, latest) in self.flows.iter().zip(latest).skip(1) {
            let Some(run) = met(flow) else { continue };
            let Some(latest) = latest else { return Asked::Yes };
            let is_outside_since =
                met(&self.flows[0]).is_some_and(|run| !self.runs[run as usize].is_over_by(latest.started));
            if is_outside_since || !latest.before.contains(&run) {
                return Asked::Yes;
            }
            asked = Asked::No;
        }
        asked
    }

    /// The last complete invocation of a flow.
    fn latest(&self, flow: u32) -> Option<Latest> {
        let of_flow = || self.runs.iter().enumerate().filter(|(_, run)| run.flow == flow);
        let mut invocations: HashMap<(Fingerprint, &str, u32), Invocation> = HashMap::new();
        let mut last = None;
        for (_, run) in of_flow().filter(|(_, run)| run.has_targets()) {
            let started = run.started;
            let invocation = invocations.entry(run.invocation()).or_insert(Invocation { started, is_complete: true });
            invocation.is_complete &= run.is_complete();
        }
        for (_, run) in of_flow() {
            if invocations.get(&run.invocation()).is_some_and(|invocation| invocation.is_complete) {
                last = Some(run.invocation());
            }
        }
        let last = last?;
        let started = invocations[&last].started;
        let is_before = |run: &Run| run.invocation() != last && run.is_over_by(started);
        let before = of_flow().filter(|(_, run)| is_before(run)).map(|(number, _)| number as u32).collect();
        Some(Latest { started, before })
    }

    /// All that was made from these, however far down, and themselves.
    pub fn downstream(&self, places: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let consumers = self.consumers();
        let mut is_in = vec![false; self.targets.len()];
        let mut open: Vec<usize> = places.into_iter().collect();
        while let Some(place) = open.pop() {
            if !std::mem::replace(&mut is_in[place], true) {
                open.extend(consumers[place].iter().map(|consumer| *consumer as usize));
            }
        }
        (0..is_in.len()).filter(|place| is_in[*place]).collect()
    }
}

impl Run {
    /// What tells the run of its program from all others.
    fn invocation(&self) -> (Fingerprint, &str, u32) {
        match &self.head {
            Some(head) if head.invocation == Fingerprint::NONE => (Fingerprint::NONE, &head.host, head.process),
            Some(head) => (head.invocation, "", 0),
            None => (Fingerprint::NONE, "", 0),
        }
    }

    /// Whether its calls have targets.
    fn has_targets(&self) -> bool {
        self.head.as_ref().is_some_and(|head| matches!(&*head.mode, "cache" | "prefect.cache"))
    }

    /// Whether it has asked for all that it would ask for.
    fn is_complete(&self) -> bool {
        match self.state {
            Some(state) => state == State::Completed,
            None => self.elapsed.is_some() && self.counts.failed + self.counts.skipped == 0,
        }
    }

    /// Whether it had nothing more to say from this moment on.
    fn is_over_by(&self, moment: Timestamp) -> bool {
        !self.is_live && self.moment(self.elapsed.unwrap_or_default()) <= moment
    }
}
