//! What is known of a run that is watched: how far it is, and how long it may still take.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pipex_format::journal::Line;
use pipex_format::model::state::State;

use crate::former::{FormerTask, find_former};
use crate::project::Project;
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
    former: BTreeMap<String, FormerTask>,
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
        let head = project.runs.iter().find(|known| known.id == run).and_then(|known| known.head.as_ref());
        Board {
            run: run.to_owned(),
            flow: String::new(),
            timeline: Timeline::default(),
            started: Timestamp::now(),
            ended: None,
            former: head.map(|head| find_former(project, run, &head.program, head.flow.as_deref())).unwrap_or_default(),
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
        self.timeline.apply(&line);
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
        let later = self.former.iter().filter(|(name, _)| !self.timeline.functions.contains(name));
        all.extend(later.map(|(name, former)| Progress {
            name: name.clone(),
            total: former.count,
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::reading::read;
    use pipex_format::journal;

    /// A run whose program has changed since the last one of its flow that was complete: of its own, `extra`, nothing is known,
    /// and `old` is not asked for any more. Between them one has failed. `tests/command/page.rs` has the page tell of the same.
    #[test]
    fn how_long_it_still_takes_goes_by_the_last_complete_run_at_the_pace_of_this_one() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/eta");
        let runs = journal::runs(&fixture.join("journal")).unwrap();
        let project = Project::read_runs(&fixture.join("journal"), fixture.clone(), &|_| None, runs);
        let run = project.runs.last().unwrap();
        let mut board = Board::new(&project, &run.id);
        assert_eq!(board.seconds_left(), None, "nothing was done by which it could be told");
        read(&run.path, |line| board.apply(line)).unwrap();
        board.tick("2026-01-03T08:00:07Z".parse().unwrap());
        // What took 3 * 2 + 4 + 1 seconds then has taken 7; 3 * 4 - 1 - 4 + 10 are left.
        let expected = 17.0 * 7.0 / 11.0;
        let told = board.seconds_left().unwrap();
        assert!((told - expected).abs() < 1e-9, "{told} is not {expected}");
        let totals: Vec<_> =
            board.progress().into_iter().map(|task| (task.name.clone(), task.done(), task.total)).collect();
        let expected = [("read", 3, 3), ("clean", 1, 3), ("extra", 1, 1), ("old", 0, 1)];
        assert_eq!(totals, expected.map(|(name, done, total)| (name.to_owned(), done, total)));
        // Longer than its like took then: it is not known how much longer.
        board.tick("2026-01-03T08:01:00Z".parse().unwrap());
        assert!((board.seconds_left().unwrap() - 14.0 * 60.0 / 14.0).abs() < 1e-9);
        board.end();
        assert_eq!(board.seconds_left(), None);
    }
}
