//! The flow of `benches/prefect/flow.py` in pipex: what it takes cold, cached, and with no tasks at all.
//!
//! Prints JSON, times in seconds. The mode is `prefect.cache`, or what the first argument says. `benches/prefect/run` runs both
//! and prints the table that stands in `docs/src/performance.md`.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pipex::{Config, Mode, Output, Summary, flow, task};
use quick::{quick, rounds};
use serde_json::{Value, json};

mod quick;

/// How many bodies of tasks have run.
static BODIES: AtomicUsize = AtomicUsize::new(0);

#[task]
fn load(station: u32) -> Vec<f64> {
    BODIES.fetch_add(1, Relaxed);
    vec![f64::from(station); 110]
}

#[task]
fn clean(values: &[f64]) -> Vec<f64> {
    BODIES.fetch_add(1, Relaxed);
    values.iter().copied().filter(|value| *value >= 0.0).collect()
}

/// `count` times load, then clean; how long from the first call to the last end.
#[flow(path = path)]
fn pairs(path: &Path, count: u32) -> pipex::Result<Duration> {
    let started = Instant::now();
    let mut submitted: Vec<Output<Vec<f64>>> = Vec::new();
    for station in 0..count {
        let loaded = load(station).base(station.to_string()).submit();
        submitted.push(loaded.clone());
        submitted.push(clean(loaded).submit());
    }
    submitted.iter().try_for_each(Output::wait)?;
    Ok(started.elapsed())
}

/// How long the flow took as its caller sees it, and its tasks alone.
struct Times {
    flow: Duration,
    tasks: Duration,
}

/// Times the flow, and makes sure that as many bodies ran as should.
fn timed(config: Config, path: &Path, count: u32, ran: usize) -> Times {
    let before = BODIES.load(Relaxed);
    let started = Instant::now();
    let tasks = config.scope(|| pairs(path, count)).unwrap_or_else(|error| panic!("{error}"));
    let flow = started.elapsed();
    assert_eq!(BODIES.load(Relaxed) - before, ran, "bodies that ran");
    Times { flow, tasks }
}

fn files(path: &Path) -> usize {
    ["load", "clean"].map(|task| path.join(task).read_dir().map_or(0, Iterator::count)).iter().sum()
}

fn median(runs: &[Times]) -> Value {
    let of = |part: fn(&Times) -> Duration| {
        let mut parts: Vec<Duration> = runs.iter().map(part).collect();
        parts.sort();
        parts[parts.len() / 2].as_secs_f64()
    };
    json!({"flow": of(|times| times.flow), "tasks": of(|times| times.tasks)})
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let count = if quick() { 3 } else { 150 };
    let mode = arguments
        .iter()
        .find(|argument| !argument.starts_with('-'))
        .map_or(Mode::PrefectCache, |mode| mode.parse().unwrap_or_else(|error| panic!("{error}")));
    let tasks = 2 * count as usize;
    let out = tempfile::tempdir().unwrap();
    // A run reads what is known of the project's outputs, which are to be these alone.
    let config = || Config::new().mode(mode).journal(out.path().join("journal"));

    // The first flow runs of a process are nobody's figures, and show that the others do what they are said to do.
    let first = out.path().join("first");
    let summary = Summary::new();
    timed(config().reporter(summary.clone()), &first, count, tasks);
    assert_eq!((summary.completed(), summary.cached()), (tasks, 0), "ran and cached");
    timed(config().reporter(summary.clone()), &first, count, 0);
    assert_eq!((summary.completed(), summary.cached()), (tasks, tasks), "ran and cached");

    let (mut empty, mut cold, mut cached) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds(21) {
        let path = out.path().join(round.to_string());
        empty.push(timed(config(), &path, 0, 0));
        assert_eq!(files(&path), 0, "files before the cold run");
        cold.push(timed(config(), &path, count, tasks));
        assert_eq!(files(&path), tasks, "files after the cold run");
        cached.push(timed(config(), &path, count, 0));
    }
    println!(
        "{}",
        json!({
            "engine": format!("pipex {}", env!("CARGO_PKG_VERSION")),
            "mode": mode.as_str(),
            "tasks": tasks,
            "median": {"empty": median(&empty), "cold": median(&cold), "cached": median(&cached)},
        })
    );
}
