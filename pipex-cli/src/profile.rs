//! `pipex profile`: what a run cost, by task function, and what it did not have to pay.

use std::collections::{BTreeMap, HashMap};

use pipex_format::journal::Line;
use pipex_format::model::state::State;
use serde::Serialize;

use crate::project::{Project, clamp_seconds};
use crate::reading::{read, report_unreadable};
use crate::timeline::{TimedRun, Timeline};
use crate::{CommandError, CommandStatus, print};

/// What a run cost.
#[derive(Serialize)]
pub struct Profile {
    run: String,
    /// How long it took, or has by now.
    seconds: f64,
    /// What all task runs took together.
    work: f64,
    tasks: Vec<TaskCost>,
    /// The task runs that took longest.
    slowest: Vec<RunCost>,
    critical_path: CriticalPath,
}

#[derive(Serialize)]
struct CriticalPath {
    seconds: f64,
    runs: Vec<RunCost>,
}

#[derive(Serialize)]
struct RunCost {
    name: String,
    target: Option<String>,
    task: String,
    seconds: f64,
}

/// What the runs of a task function cost. Times are seconds.
#[derive(Serialize)]
struct TaskCost {
    task: String,
    /// How many ran, and how many did not since their outputs were there.
    ran: u64,
    cached: u64,
    /// How long they ran, arguments loaded and outputs saved included, all attempts together.
    total: f64,
    mean: f64,
    p95: f64,
    longest: f64,
    /// How long they waited for room while all that they take was there; `None` if no executor ran them.
    waited: Option<f64>,
    loading: f64,
    saving: f64,
    /// The bytes of memory that the process was seen to have at most while one of them ran.
    memory: Option<u64>,
    /// What those that were cached took when they were made.
    spared: f64,
    /// For each second that runs of it took, in all runs that there are journals of, the seconds that others of them were spared.
    spared_by_second: Option<f64>,
    #[serde(skip)]
    each: Vec<f64>,
}

/// As many of the slowest are named, and as many of the critical path.
const MAX_NAMED: usize = 5;
const MAX_PATH: usize = 20;

pub fn profile(
    project: &Project,
    run: Option<&str>,
    other: Option<&str>,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let number = project.find_run_or_last(run)?;
    let spared = Spared::read(project);
    let profile = Profile::new(project, number, &spared);
    let other = other.map(|other| project.find_run(other)).transpose()?;
    let other = other.map(|other| Profile::new(project, other, &spared));
    match (other, json) {
        (None, true) => print::json(&profile)?,
        (None, false) => profile.show()?,
        (Some(other), true) => print::json(&[profile, other])?,
        (Some(other), false) => profile.show_beside(&other)?,
    }
    Ok(CommandStatus::Clean)
}

/// What caching has spared: by runs and task functions.
#[derive(Default)]
struct Spared {
    by_run: HashMap<(usize, u32), f64>,
    /// In all runs: seconds that they took, and were spared.
    by_function: HashMap<u32, (f64, f64)>,
}

impl Spared {
    fn read(project: &Project) -> Self {
        let mut spared = Spared::default();
        // How long each output took that is, or was, there.
        let mut took: HashMap<(String, String), f64> = HashMap::new();
        for (number, run) in project.runs.iter().enumerate() {
            let function = |task: u32| run.functions.get(task as usize).copied().unwrap_or(u32::MAX);
            let key = |store: &str, target: &str| {
                let target = project.name_from_root(number as u32, store, target);
                (store.to_owned(), target.into_owned())
            };
            let mut spare = |task: u32, seconds: Option<&f64>| {
                let seconds = seconds.copied().unwrap_or(0.0);
                *spared.by_run.entry((number, function(task))).or_default() += seconds;
                spared.by_function.entry(function(task)).or_default().1 += seconds;
            };
            let mut spent = Vec::new();
            let read = read(&run.path, |line| match line {
                Line::Cached(cached) if !cached.is_part => {
                    spare(cached.task, took.get(&key(&cached.store, &cached.target)));
                }
                Line::Ended(ended) if !ended.is_part => {
                    let Some(target) = &ended.target else { return };
                    match ended.state {
                        State::Cached => spare(ended.task, took.get(&key(&ended.store, target))),
                        State::Completed => {
                            let seconds = clamp_seconds(ended.elapsed);
                            took.insert(key(&ended.store, target), seconds);
                            spent.push((function(ended.task), seconds));
                        }
                        _ => {}
                    }
                }
                _ => {}
            });
            spent.into_iter().for_each(|(function, it)| spared.by_function.entry(function).or_default().0 += it);
            if let Err(error) = read {
                report_unreadable(&run.path, &error);
            }
        }
        spared
    }
}

impl Profile {
    fn new(project: &Project, number: usize, spared: &Spared) -> Self {
        let run = &project.runs[number];
        let timeline = Timeline::read(run);
        let mut tasks: BTreeMap<u32, TaskCost> = BTreeMap::new();
        for timed in &timeline.runs {
            let task = tasks.entry(timed.function).or_insert_with(|| {
                let function = run.functions.get(timed.function as usize).copied().unwrap_or(u32::MAX);
                TaskCost::new(&timeline, timed, spared, (number, function))
            });
            task.add(&timeline, timed);
        }
        let mut tasks: Vec<_> = tasks.into_values().collect();
        tasks.iter_mut().for_each(TaskCost::finish);
        let cost = |run: &TimedRun| RunCost {
            name: run.name.clone(),
            target: run.target.clone(),
            task: timeline.function_name(run).to_owned(),
            seconds: timeline.seconds(run),
        };
        let mut slowest: Vec<_> = timeline.runs.iter().filter(|run| !run.attempts.is_empty()).collect();
        slowest.sort_by(|a, b| timeline.seconds(b).total_cmp(&timeline.seconds(a)));
        let path: Vec<_> = timeline.critical_path().into_iter().map(|run| cost(&timeline.runs[run])).collect();
        Profile {
            run: run.id.clone(),
            seconds: run.elapsed.unwrap_or(timeline.until),
            work: tasks.iter().map(|task| task.total).sum(),
            tasks,
            slowest: slowest.into_iter().take(MAX_NAMED).map(cost).collect(),
            critical_path: CriticalPath { seconds: path.iter().map(|run| run.seconds).sum(), runs: path },
        }
    }

    fn show(&self) -> Result<(), CommandError> {
        let cells = |task: &TaskCost| {
            vec![
                task.task.clone(),
                count(task.ran),
                count(task.cached),
                seconds(task.total),
                seconds(task.mean),
                seconds(task.p95),
                task.waited.map_or_else(|| "-".to_owned(), seconds),
                task.share(task.loading),
                task.share(task.saving),
                task.memory.map_or_else(|| "-".to_owned(), print::format_bytes),
                seconds(task.spared),
                task.spared_by_second.map_or_else(|| "-".to_owned(), |it| format!("{it:.1} s")),
            ]
        };
        let head = [
            "task",
            " ran",
            " cached",
            " total",
            " mean",
            " p95",
            " waited",
            " loading",
            " saving",
            " memory",
            " spared",
            " a second",
        ];
        print::table(&head, self.tasks.iter().map(cells))?;
        let name = |run: &RunCost| format!("{} {}", run.name, seconds(run.seconds));
        let names = |runs: &[RunCost], link| runs.iter().map(name).collect::<Vec<_>>().join(link);
        if self.slowest.is_empty() {
            print::line("nothing ran")?;
            return Ok(());
        }
        print::line(format!("slowest: {}", names(&self.slowest, ", ")))?;
        let CriticalPath { seconds: length, runs } = &self.critical_path;
        let more = runs.len().saturating_sub(MAX_PATH);
        let more = if more > 0 { format!(" > {more} more") } else { String::new() };
        let shown = &runs[..runs.len().min(MAX_PATH)];
        print::line(format!("critical path, {} of {}:", seconds(*length), seconds(self.seconds)))?;
        print::line(format!("  {}{more}", names(shown, " > ")))?;
        print::line(format!(
            "{} of work: no number of workers does it more than {:.1} times as fast as one",
            seconds(self.work),
            self.work / length.max(f64::MIN_POSITIVE)
        ))?;
        Ok(())
    }

    /// This run's costs beside another's, which came later.
    fn show_beside(&self, other: &Self) -> Result<(), CommandError> {
        let find = |profile: &'_ Self, name: &str| profile.tasks.iter().position(|task| task.task == name);
        let gone = self.tasks.iter().filter(|task| find(other, &task.task).is_none());
        let mut rows = Vec::new();
        for name in other.tasks.iter().chain(gone).map(|task| &task.task) {
            let [was, is] = [self, other].map(|profile| find(profile, name).map(|task| &profile.tasks[task]));
            let number = |task: Option<&TaskCost>| count(task.map_or(0, |task| task.ran));
            let total = |task: Option<&TaskCost>| task.map_or(0.0, |task| task.total);
            let mean = |task: Option<&TaskCost>| seconds(task.map_or(0.0, |task| task.mean));
            rows.push(vec![
                name.clone(),
                number(was),
                number(is),
                seconds(total(was)),
                seconds(total(is)),
                change(total(is) - total(was)),
                mean(was),
                mean(is),
            ]);
        }
        let whole = |was: f64, is: f64, what: &str| {
            let none = String::new;
            vec![what.to_owned(), none(), none(), seconds(was), seconds(is), change(is - was), none(), none()]
        };
        rows.push(whole(self.critical_path.seconds, other.critical_path.seconds, "critical path"));
        rows.push(whole(self.seconds, other.seconds, "whole run"));
        let head = ["task", " ran", " runs", " took", " takes", " change", " mean was", " mean is"];
        print::table(&head, &rows)?;
        Ok(())
    }
}

impl TaskCost {
    fn new(timeline: &Timeline, run: &TimedRun, spared: &Spared, of: (usize, u32)) -> Self {
        let (took, saved) = spared.by_function.get(&of.1).copied().unwrap_or_default();
        TaskCost {
            task: timeline.function_name(run).to_owned(),
            ran: 0,
            cached: 0,
            total: 0.0,
            mean: 0.0,
            p95: 0.0,
            longest: 0.0,
            waited: None,
            loading: 0.0,
            saving: 0.0,
            memory: None,
            spared: spared.by_run.get(&of).copied().unwrap_or(0.0),
            spared_by_second: (took > 0.0).then_some(saved / took),
            each: Vec::new(),
        }
    }

    fn add(&mut self, timeline: &Timeline, run: &TimedRun) {
        self.cached += u64::from(run.state == State::Cached);
        if run.attempts.is_empty() {
            return;
        }
        self.ran += 1;
        self.each.push(timeline.seconds(run));
        if let Some(waited) = timeline.waited(run) {
            *self.waited.get_or_insert(0.0) += waited;
        }
        for attempt in &run.attempts {
            self.loading += attempt.loading;
            self.saving += attempt.saving;
            self.memory = self.memory.max(Some(attempt.memory).filter(|memory| *memory > 0));
        }
    }

    fn finish(&mut self) {
        self.each.sort_by(f64::total_cmp);
        self.total = self.each.iter().sum();
        let Some(longest) = self.each.last() else { return };
        self.longest = *longest;
        self.mean = self.total / self.each.len() as f64;
        // The nearest rank: of few runs it is the longest.
        self.p95 = self.each[(self.each.len() * 95).div_ceil(100) - 1];
    }

    fn share(&self, seconds: f64) -> String {
        if self.total > 0.0 { format!("{:.0} %", 100.0 * seconds / self.total) } else { "-".to_owned() }
    }
}

fn count(number: u64) -> String {
    if number == 0 { "-".to_owned() } else { number.to_string() }
}

fn seconds(seconds: f64) -> String {
    if seconds < 1e-6 { "-".to_owned() } else { print::format_seconds(seconds) }
}

fn change(by: f64) -> String {
    if by.abs() < 0.0005 { "-".to_owned() } else { format!("{by:+.3} s") }
}
