//! What is known of a run that is watched: how far it is, and how long it may still take.

use std::collections::HashMap;

use jiff::Timestamp;
use pipex_format::journal::Line;
use pipex_format::model::state::State;

use crate::project::{Project, RunJournal};
use crate::runs::describe_end;
use crate::timeline::{TimedRun, Timeline};

/// A run.
pub struct Board {
    pub run: String,
    pub flow: String,
    pub timeline: Timeline,
    started: Timestamp,
    /// How it ended, once it has.
    pub ended: Option<&'static str>,
    /// What the last complete run of the same flow had, by task function.
    former: HashMap<String, FormerTask>,
}

/// How many task runs a task function had, and how long one took.
struct FormerTask {
    count: usize,
    mean: f64,
}

/// How far the task runs of a task function are.
#[derive(Default)]
pub struct Progress {
    pub name: String,
    pub ran: usize,
    pub cached: usize,
    pub running: usize,
    pub failed: usize,
    pub skipped: usize,
    /// How many there will be, by the last complete run; more, if there are more.
    pub total: usize,
}

impl Progress {
    pub fn done(&self) -> usize {
        self.ran + self.cached + self.failed + self.skipped
    }
}

impl Board {
    /// Of a run of which nothing was read; `project` has those before it.
    pub fn new(project: &Project, run: &str) -> Self {
        Board {
            run: run.to_owned(),
            flow: String::new(),
            timeline: Timeline::default(),
            started: Timestamp::now(),
            ended: None,
            former: former(project, run),
        }
    }

    pub fn apply(&mut self, line: Line<'static>) {
        match &line {
            Line::Run(head) => {
                self.flow = head.flow.as_ref().unwrap_or(&head.program).to_string();
                self.started = head.started.parse().unwrap_or(self.started);
            }
            Line::Over(over) => self.ended = Some(describe_end(over.state.unwrap_or(State::Completed))),
            _ => {}
        }
        self.timeline.apply(line);
    }

    /// Nothing more will be read of it.
    pub fn end(&mut self) {
        self.ended.get_or_insert("killed");
    }

    /// Time has gone on.
    pub fn tick(&mut self, now: Timestamp) {
        if self.ended.is_none() {
            self.timeline.until = self.timeline.until.max(now.duration_since(self.started).as_secs_f64());
        }
    }

    /// How far each task function is, in the order of their first task runs.
    pub fn progress(&self) -> Vec<Progress> {
        let mut all: Vec<Progress> = Vec::new();
        for name in &self.timeline.functions {
            let total = self.former.get(name).map_or(0, |former| former.count);
            all.push(Progress { name: name.clone(), total, ..Progress::default() });
        }
        for run in &self.timeline.runs {
            let Some(progress) = all.get_mut(run.function as usize) else { continue };
            let count = match run.state {
                State::Completed => &mut progress.ran,
                State::Cached => &mut progress.cached,
                State::NotReady | State::Cancelled => &mut progress.skipped,
                state if state.is_failure() => &mut progress.failed,
                _ => &mut progress.running,
            };
            *count += 1;
        }
        for progress in &mut all {
            progress.total = progress.total.max(progress.done() + progress.running);
        }
        // Those that the run has not come to yet.
        let mut later: Vec<_> = self.former.keys().filter(|name| !self.timeline.functions.contains(name)).collect();
        later.sort();
        all.extend(later.into_iter().map(|name| Progress {
            name: name.clone(),
            total: self.former[name].count,
            ..Progress::default()
        }));
        all
    }

    /// The seconds that it may still take: what is not done, by what it took in the last complete run, at the pace of what is.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.ended.is_some() || self.former.is_empty() {
            return None;
        }
        let (mut done, mut left) = (0.0, 0.0);
        for progress in self.progress() {
            let mean = self.former.get(&progress.name).map_or(0.0, |former| former.mean);
            done += progress.done() as f64 * mean;
            left += (progress.total - progress.done()) as f64 * mean;
        }
        let running = self.running();
        let begun = running.iter().map(|run| {
            let mean = self.former.get(self.timeline.function_name(run)).map_or(0.0, |former| former.mean);
            self.timeline.seconds(run).min(mean)
        });
        let begun: f64 = begun.sum();
        (done + begun > 0.0).then(|| (left - begun).max(0.0) * self.timeline.until / (done + begun))
    }

    /// The task runs that go on, those that began first before others.
    pub fn running(&self) -> Vec<&TimedRun> {
        let goes_on = |run: &&TimedRun| run.state == State::Running;
        self.timeline.runs.iter().filter(goes_on).collect()
    }

    /// Those that failed, the latest first.
    pub fn failures(&self) -> Vec<&TimedRun> {
        let failed = |run: &&TimedRun| run.state.is_failure();
        self.timeline.runs.iter().rev().filter(failed).collect()
    }
}

/// What the last complete run of the same flow had.
fn former(project: &Project, run: &str) -> HashMap<String, FormerTask> {
    let flow_of = |run: &RunJournal| run.head.as_ref().and_then(|head| head.flow.clone());
    let this = project.runs.iter().find(|known| known.id == run);
    let is_like = |known: &&RunJournal| {
        known.id.as_str() < run
            && known.state == Some(State::Completed)
            && this.is_none_or(|this| flow_of(this) == flow_of(known) && flow_of(known).is_some())
            && known.counts.completed > 0
    };
    let Some(known) = project.runs.iter().rev().find(is_like) else { return HashMap::new() };
    let timeline = Timeline::read(known);
    let mut tasks: HashMap<String, (usize, usize, f64)> = HashMap::new();
    for run in &timeline.runs {
        let task = tasks.entry(timeline.function_name(run).to_owned()).or_default();
        task.0 += 1;
        task.1 += usize::from(!run.attempts.is_empty());
        task.2 += timeline.seconds(run);
    }
    let mean = |(count, ran, seconds): (usize, usize, f64)| FormerTask { count, mean: seconds / ran.max(1) as f64 };
    tasks.into_iter().map(|(name, task)| (name, mean(task))).collect()
}
