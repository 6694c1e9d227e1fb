//! What the executor costs, as ratios to what tokio's own tasks cost.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use pipex::{Config, Mode, Output, flow, task};
use quick::{quick, rounds};
use ratio::{head, ratio};

mod quick;
mod ratio;

#[task]
fn empty() {}

#[task]
fn after(_before: ()) {}

#[task]
fn joined(_before: Vec<()>) {}

/// Works for a millisecond: spins, since sleeping takes as long as the system likes.
fn work() {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1) {
        std::hint::spin_loop();
    }
}

#[task]
fn millisecond() {
    work();
}

#[flow]
fn empties(count: u32) -> pipex::Result<()> {
    let outputs: Vec<_> = (0..count).map(|_| empty().submit()).collect();
    outputs.iter().try_for_each(Output::wait)
}

/// Nobody waits for any of them.
#[flow]
fn millions(count: u32) -> pipex::Result<()> {
    (0..count).for_each(|_| drop(empty().submit()));
    Ok(())
}

#[flow]
fn chain(length: u32) -> pipex::Result<()> {
    (1..length).fold(empty().submit(), |last, _| after(last).submit()).wait()
}

#[flow]
fn diamond(width: u32) -> pipex::Result<()> {
    let top = empty().submit();
    joined((0..width).map(|_| after(top.clone()).submit()).collect::<Vec<_>>()).submit().wait()
}

#[flow]
fn milliseconds(count: u32) -> pipex::Result<()> {
    (0..count).for_each(|_| drop(millisecond().submit()));
    Ok(())
}

#[task(target = "{path}/{number}")]
fn saved(number: u32) -> u32 {
    number
}

#[flow(path = path)]
fn saves(path: &Path, count: u32) -> pipex::Result<()> {
    (0..count).for_each(|number| drop(saved(number).submit()));
    Ok(())
}

/// The most memory that this process has had, in MB.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn main() {
    let prefect = |workers: usize| Config::new().mode(Mode::Prefect).workers(workers).quiet(true);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let spawn = |count: u32| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..count).map(|_| tokio::spawn(async { black_box(()) })).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    };
    head();

    const TASKS: u32 = 100_000;
    let two = prefect(2);
    let submit = "100,000 empty tasks, submitted and waited for / `tokio::spawn` and join";
    ratio(submit, "<= 2", rounds(15), TASKS, |_| two.clone().scope(|| empties(TASKS)).unwrap(), |_| spawn(TASKS));
    let name = "a chain of 100,000 / `tokio::spawn` and join";
    ratio(name, "<= 3", rounds(7), TASKS, |_| two.clone().scope(|| chain(TASKS)).unwrap(), |_| spawn(TASKS));
    let name = "a diamond of 100,000 / `tokio::spawn` and join";
    ratio(name, "", rounds(7), TASKS, |_| two.clone().scope(|| diamond(TASKS)).unwrap(), |_| spawn(TASKS));

    let pairs = |count: u32| {
        std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(|| (0..count / 2).for_each(|_| work()))));
    };
    let name = "1,000 tasks of 1 ms at 2 workers / two threads that loop";
    ratio(name, "<= 1.02", rounds(7), 1_000, |_| two.clone().scope(|| milliseconds(1_000)).unwrap(), |_| pairs(1_000));

    let out = tempfile::tempdir().unwrap();
    let cache = |mode: Mode, round: usize| {
        let path = out.path().join(format!("{mode}-{round}"));
        Config::new().mode(mode).workers(2).quiet(true).scope(|| saves(&path, 4_000)).unwrap();
    };
    let name = "4,000 small outputs saved in `prefect.cache` at 2 workers / in `cache`";
    ratio(name, "", rounds(7), 4_000, |round| cache(Mode::PrefectCache, round), |round| cache(Mode::Cache, round));

    if !quick() {
        let before = peak().unwrap_or_default();
        let started = Instant::now();
        let million = two.clone().max_pending(10_000);
        million.scope(|| millions(1_000_000)).unwrap();
        println!(
            "\n1,000,000 empty tasks, at most 10,000 pending: {:.2} s, {:.0} MB more than before",
            started.elapsed().as_secs_f64(),
            peak().unwrap_or_default() - before
        );
    }
}
