//! What a run that goes on is held against: the last one of its flow that was complete.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::project::{Project, RunJournal, clamp_seconds};
use crate::runs::describe_state;
use crate::timeline::Timeline;

/// How many task runs a task function had in it, and how many seconds one takes.
#[derive(Serialize)]
pub struct FormerTask {
    pub count: usize,
    pub mean: f64,
}

/// The task functions of the last run of this flow before the one with this name that completed, and in which something ran; none
/// outside flows.
pub fn find_former(project: &Project, run: &str, program: &str, flow: Option<&str>) -> BTreeMap<String, FormerTask> {
    let is_like = |known: &&RunJournal| {
        let is_of_flow =
            known.head.as_ref().is_some_and(|head| head.program == program && head.flow.as_deref() == flow);
        flow.is_some()
            && is_of_flow
            && known.id.as_str() < run
            && known.counts.completed > 0
            && describe_state(known) == "completed"
    };
    let Some(known) = project.runs.iter().rev().find(is_like) else { return BTreeMap::new() };
    let timeline = Timeline::read(known);
    let mut tasks: BTreeMap<&str, (usize, Sum)> = BTreeMap::new();
    for run in &timeline.runs {
        let (count, sum) = tasks.entry(timeline.function_name(run)).or_default();
        *count += 1;
        if !run.attempts.is_empty() {
            sum.add(timeline.seconds(run));
        }
    }
    // What was there already took its time when it was made.
    let mut made: BTreeMap<&str, Sum> = BTreeMap::new();
    for target in project.targets.iter() {
        if let (Some(function), Some(output)) = (project.function(target), &target.made()) {
            made.entry(&function.name).or_default().add(clamp_seconds(output.elapsed));
        }
    }
    let of_task = |(name, (count, ran)): (&str, (usize, Sum))| {
        let sum = if ran.count > 0 { ran } else { made.get(name).copied().unwrap_or_default() };
        (name.to_owned(), FormerTask { count, mean: sum.seconds / sum.count.max(1) as f64 })
    };
    tasks.into_iter().map(of_task).collect()
}

#[derive(Clone, Copy, Default)]
struct Sum {
    count: usize,
    seconds: f64,
}

impl Sum {
    fn add(&mut self, seconds: f64) {
        self.count += 1;
        self.seconds += seconds;
    }
}
