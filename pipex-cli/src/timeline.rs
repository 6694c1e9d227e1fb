//! What a run did when, and on which worker: attempts, lanes, and the critical path. The journal says it line by line, also
//! while the run goes on.

use std::collections::{BTreeMap, HashMap};

use pipex_format::journal::{Ended, Line, Why};
use pipex_format::model::state::State;

use crate::project::{RunJournal, clamp_seconds};
use crate::reading::{read, report_unreadable};

/// The task runs of a run, in the order in which its journal first tells of them.
#[derive(Default)]
pub struct Timeline {
    /// The names of its task functions, by their numbers in the journal.
    pub functions: Vec<String>,
    pub runs: Vec<TimedRun>,
    /// When the last line is about, in seconds since the run started.
    pub until: f64,
    by_target: HashMap<(String, String), usize>,
    /// Those that go on and have no target, by function and name.
    unsaved: HashMap<(u32, String), usize>,
    /// Other outputs of a task run whose own line is still to come, by its function.
    parts: Vec<(u32, (String, String))>,
}

/// A task run.
pub struct TimedRun {
    /// The number of its function in the journal.
    pub function: u32,
    /// Its name; of one that has not ended or was cached, its target.
    pub name: String,
    pub target: Option<String>,
    /// How it stands.
    pub state: State,
    pub why: Why,
    pub stale: Option<String>,
    pub error: Option<String>,
    pub bytes: u64,
    /// When it was submitted, if an executor ran it and says so.
    pub submitted: Option<f64>,
    /// What was done for it; nothing, if it did not run.
    pub attempts: Vec<Attempt>,
    /// The runs that made what it takes: all of them stand before it.
    pub inputs: Vec<usize>,
}

/// An attempt of a task run. Times are seconds.
#[derive(Clone)]
pub struct Attempt {
    /// Since the run started.
    pub at: f64,
    /// `None` while it goes on.
    pub elapsed: Option<f64>,
    /// How much of that was spent on having the arguments, and on saving the output.
    pub loading: f64,
    pub saving: f64,
    /// The bytes of memory that the process had at most, if it says so.
    pub memory: u64,
    pub state: State,
    pub error: Option<String>,
    worker: Worker,
}

/// A thread, of this process or of another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Worker {
    elsewhere: Option<String>,
    number: u32,
}

/// What one worker did, one thing after the other. Where it did several at a time, each has a lane of its own.
pub struct Lane {
    pub name: String,
    /// Task runs and their attempts, in the order of time.
    pub attempts: Vec<(usize, usize)>,
    until: f64,
}

impl Timeline {
    /// What the journal of a run says by now.
    pub fn read(run: &RunJournal) -> Self {
        let mut timeline = Timeline::default();
        if let Err(error) = read(&run.path, |line| timeline.apply(&line)) {
            report_unreadable(&run.path, &error);
        }
        timeline
    }

    /// One more line.
    pub fn apply(&mut self, line: &Line<'_>) {
        match line {
            Line::Task(function) => self.functions.push(function.name.to_string()),
            Line::Began(began) => {
                let run = self.find_or_add(began.task, &began.store, &began.target);
                // What ended since the line was due has said so already.
                if self.runs[run].attempts.iter().all(|attempt| attempt.at != began.at) {
                    self.runs[run].state = State::Running;
                    self.runs[run].attempts.push(Attempt::begun(clamp_seconds(began.at)));
                }
                self.until = self.until.max(clamp_seconds(began.at));
            }
            Line::Cached(cached) if cached.is_part => {
                if let Some(run) = self.runs.iter().rposition(|run| run.function == cached.task) {
                    self.by_target.insert((cached.store.to_string(), cached.target.to_string()), run);
                }
            }
            Line::Cached(cached) => {
                let run = self.find_or_add(cached.task, &cached.store, &cached.target);
                (self.runs[run].state, self.runs[run].why) = (State::Cached, Why::There);
            }
            Line::Ended(ended) if ended.is_part => {
                if let Some(target) = &ended.target {
                    self.parts.push((ended.task, (ended.store.to_string(), target.to_string())));
                }
            }
            Line::Ended(ended) => self.end(ended),
            Line::Over(over) => self.until = self.until.max(clamp_seconds(over.elapsed)),
            _ => {}
        }
    }

    fn end(&mut self, ended: &Ended<'_>) {
        let key = (ended.task, ended.name.to_string());
        let run = match (&ended.target, self.unsaved.get(&key)) {
            (Some(target), _) => self.find_or_add(ended.task, &ended.store, target),
            (None, Some(run)) => *run,
            (None, None) => self.add(ended.task, None),
        };
        if self.runs[run].target.is_none() {
            if ended.state == State::AwaitingRetry {
                self.unsaved.insert(key, run);
            } else {
                self.unsaved.remove(&key);
            }
        }
        let parts = std::mem::take(&mut self.parts).into_iter();
        let (parts, others): (Vec<_>, _) = parts.partition(|(function, _)| *function == ended.task);
        self.parts = others;
        self.by_target.extend(parts.into_iter().map(|(_, target)| (target, run)));
        let inputs = ended.given.iter().flat_map(|given| &given.inputs).filter(|input| !input.source);
        let inputs = inputs.filter_map(|input| {
            let key = (input.store.to_string(), input.target.to_string());
            self.by_target.get(&key).copied().filter(|input| *input < run)
        });
        let mut inputs: Vec<_> = inputs.collect();
        inputs.sort_unstable();
        inputs.dedup();
        let (at, elapsed) = (clamp_seconds(ended.at), clamp_seconds(ended.elapsed));
        self.until = self.until.max(at + elapsed);
        let error = ended.error.as_deref().map(str::to_owned);
        let timed = &mut self.runs[run];
        if elapsed > 0.0 {
            timed.attempts.retain(|attempt| attempt.elapsed.is_some());
            let elsewhere = ended.elsewhere.as_deref().map(str::to_owned);
            timed.attempts.push(Attempt {
                at,
                elapsed: Some(elapsed),
                loading: widen(ended.loading).min(elapsed),
                saving: widen(ended.saving).min(elapsed),
                memory: ended.memory,
                state: ended.state,
                error: error.clone(),
                worker: Worker { elsewhere, number: ended.worker },
            });
        }
        ended.name.as_ref().clone_into(&mut timed.name);
        (timed.state, timed.why, timed.error, timed.bytes) = (ended.state, ended.why, error, ended.bytes);
        timed.stale = (!ended.stale.is_empty()).then(|| ended.stale.to_string());
        timed.submitted = ended.submitted.map(clamp_seconds).or(timed.submitted);
        if !inputs.is_empty() {
            timed.inputs = inputs;
        }
    }

    /// The run that makes a target; a new one, if the last that did has ended.
    fn find_or_add(&mut self, function: u32, store: &str, target: &str) -> usize {
        let key = (store.to_owned(), target.to_owned());
        let known = self.by_target.get(&key).copied().filter(|run| !self.runs[*run].state.has_ended());
        known.unwrap_or_else(|| {
            let run = self.add(function, Some(key.1.clone()));
            self.by_target.insert(key, run);
            run
        })
    }

    fn add(&mut self, function: u32, target: Option<String>) -> usize {
        self.runs.push(TimedRun {
            function,
            name: target.clone().unwrap_or_default(),
            target,
            state: State::Pending,
            why: Why::default(),
            stale: None,
            error: None,
            bytes: 0,
            submitted: None,
            attempts: Vec::new(),
            inputs: Vec::new(),
        });
        self.runs.len() - 1
    }

    pub fn function_name(&self, run: &TimedRun) -> &str {
        self.functions.get(run.function as usize).map_or("?", |name| name)
    }

    /// When the attempt ended; of one that goes on, now.
    pub fn end_of(&self, attempt: &Attempt) -> f64 {
        attempt.elapsed.map_or(self.until, |elapsed| attempt.at + elapsed).max(attempt.at)
    }

    /// The seconds that a run ran, all attempts together.
    pub fn seconds(&self, run: &TimedRun) -> f64 {
        run.attempts.iter().map(|attempt| self.end_of(attempt) - attempt.at).sum()
    }

    /// The seconds that a run waited for room, and between its attempts, while all that it takes was there; `None` of one that
    /// was not submitted to an executor, or did not run.
    pub fn waited(&self, run: &TimedRun) -> Option<f64> {
        let ends = run.inputs.iter().filter_map(|input| self.runs[*input].attempts.last());
        let mut free = ends.map(|attempt| self.end_of(attempt)).fold(run.submitted?, f64::max);
        let mut waited = 0.0;
        for attempt in &run.attempts {
            waited += (attempt.at - free).max(0.0);
            free = self.end_of(attempt);
        }
        (!run.attempts.is_empty()).then_some(waited)
    }

    /// A lane for each worker, and more for those that did several things at a time: each attempt is in the first that is free.
    pub fn lanes(&self) -> Vec<Lane> {
        let attempts = |(number, run): (usize, &TimedRun)| (0..run.attempts.len()).map(move |it| (number, it));
        let mut all: Vec<_> = self.runs.iter().enumerate().flat_map(attempts).collect();
        all.sort_by(|a, b| self.attempt(*a).at.total_cmp(&self.attempt(*b).at));
        let mut workers: BTreeMap<&Worker, Vec<Lane>> = BTreeMap::new();
        for place in all {
            let attempt = self.attempt(place);
            let lanes = workers.entry(&attempt.worker).or_default();
            let free = lanes.iter().position(|lane| lane.until <= attempt.at);
            let free = free.unwrap_or_else(|| {
                let name = attempt.worker.name(lanes.len());
                lanes.push(Lane { name, attempts: Vec::new(), until: 0.0 });
                lanes.len() - 1
            });
            lanes[free].until = self.end_of(attempt);
            lanes[free].attempts.push(place);
        }
        workers.into_values().flatten().collect()
    }

    pub fn attempt(&self, (run, attempt): (usize, usize)) -> &Attempt {
        &self.runs[run].attempts[attempt]
    }

    /// The critical path: the chain of runs, each of which takes what the one before it made, that took the most seconds. With
    /// these runs and any number of workers nothing could have been done sooner.
    ///
    /// It is that of the critical path method (Kelley and Walker, 1959): the longest way through the graph, whose length up to
    /// each run is what that took, and the longest up to any of its inputs.
    pub fn critical_path(&self) -> Vec<usize> {
        let mut lengths: Vec<(f64, Option<usize>)> = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let before = run.inputs.iter().copied().max_by(|a, b| lengths[*a].0.total_cmp(&lengths[*b].0));
            let length = before.map_or(0.0, |before| lengths[before].0);
            lengths.push((length + self.seconds(run), before.filter(|_| length > 0.0)));
        }
        // The first of the longest: what follows it took no time.
        let longest = (0..lengths.len()).rev().max_by(|a, b| lengths[*a].0.total_cmp(&lengths[*b].0));
        let longest = longest.filter(|run| lengths[*run].0 > 0.0);
        let mut path: Vec<_> = std::iter::successors(longest, |run| lengths[*run].1).collect();
        path.reverse();
        path
    }
}

/// In more digits, but no more than were meant.
fn widen(seconds: f32) -> f64 {
    (clamp_seconds(seconds.into()) * 1e6).round() / 1e6
}

impl Attempt {
    /// One that goes on: nobody knows yet on which worker.
    fn begun(at: f64) -> Self {
        let worker = Worker { elsewhere: None, number: u32::MAX };
        let state = State::Running;
        Attempt { at, elapsed: None, loading: 0.0, saving: 0.0, memory: 0, state, error: None, worker }
    }
}

impl Worker {
    /// The name of its lane, of those that it has the one with this number.
    fn name(&self, lane: usize) -> String {
        let name = match self {
            Worker { elsewhere: Some(elsewhere), .. } => elsewhere.clone(),
            Worker { number: u32::MAX, .. } => "running".to_owned(),
            Worker { number, .. } => format!("worker {number}"),
        };
        if lane == 0 { name } else { format!("{name} ({})", lane + 1) }
    }
}
