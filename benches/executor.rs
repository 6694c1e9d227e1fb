//! What the executor costs, as ratios to what tokio's own tasks cost.

#![allow(clippy::disallowed_methods, reason = "it is told its role by a variable of its own")]

use std::any::Any;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use pipex::{Config, Mode, Output, flow, task};
use quick::{quick, rounds};
use ratio::{head, ratio};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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

/// The memory that this process has, or the most that it has had, in kB.
fn memory(which: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the tasks below wait for.
static GATE: Mutex<()> = Mutex::new(());

#[task]
fn gate() {
    drop(GATE.lock());
}

/// Prints how many bytes each of so many takes that wait for another.
#[flow]
fn waiting(count: u32) -> pipex::Result<()> {
    let closed = GATE.lock().unwrap();
    let gate = gate().submit();
    let before = memory("VmRSS:");
    let outputs: Vec<_> = (0..count).map(|_| after(gate.clone()).submit()).collect();
    println!("{}", (memory("VmRSS:") - before) * 1024.0 / f64::from(count));
    drop(closed);
    outputs.iter().try_for_each(Output::wait)
}

/// The same of tokio's tasks.
async fn waiting_in_tokio(count: u32) {
    let (open, gate) = watch::channel(());
    let before = memory("VmRSS:");
    let wait = |mut gate: watch::Receiver<()>| tokio::spawn(async move { gate.changed().await.is_ok() });
    let tasks: Vec<_> = (0..count).map(|_| wait(gate.clone())).collect();
    println!("{}", (memory("VmRSS:") - before) * 1024.0 / f64::from(count));
    open.send(()).unwrap();
    for task in tasks {
        assert!(task.await.unwrap());
    }
}

/// A line as long as the one that the journal has for each of these.
#[derive(Serialize)]
struct Line {
    task: u32,
    name: &'static str,
    state: &'static str,
    why: &'static str,
    at: f64,
    elapsed: f64,
    submitted: f64,
    loading: f64,
    worker: u32,
    attempt: u32,
    caller: &'static str,
}

type Value = Box<dyn Any + Send + Sync>;

/// The least of what a task run has: its function in a box, an output that others can take, states with their times, and a line. It
/// takes what the one before it gives.
fn submit_least(
    began: Instant,
    journal: &Arc<Mutex<Vec<u8>>>,
    before: Option<JoinHandle<()>>,
) -> (Arc<OnceLock<Value>>, JoinHandle<()>) {
    let output = Arc::new(OnceLock::new());
    let function: Box<dyn FnOnce() -> Value + Send> = Box::new(|| Box::new(black_box(0_u8)));
    let (given, journal, submitted) = (Arc::clone(&output), Arc::clone(journal), Instant::now());
    let ended = tokio::spawn(async move {
        if let Some(before) = before {
            before.await.unwrap();
        }
        let started = Instant::now();
        let _ = given.set(function());
        let (at, elapsed) = (began.elapsed().as_secs_f64(), started.elapsed().as_secs_f64());
        let (submitted, [task, worker, attempt]) = ((started - submitted).as_secs_f64(), [0, 0, 1]);
        let [name, state, why, caller] = ["empty", "Completed", "not_saved", "benches/executor.rs:1"];
        let line = Line { task, name, state, why, at, elapsed, submitted, loading: elapsed, worker, attempt, caller };
        serde_json::to_writer(&mut *journal.lock().unwrap(), &line).unwrap();
    });
    (output, ended)
}

async fn least(count: u32) {
    let (began, journal) = (Instant::now(), Arc::default());
    let outputs: Vec<_> = (0..count).map(|_| submit_least(began, &journal, None)).collect();
    for (output, ended) in outputs {
        ended.await.unwrap();
        assert!(output.get().is_some());
    }
}

async fn least_chain(length: u32) {
    let (began, journal) = (Instant::now(), Arc::default());
    let first = submit_least(began, &journal, None);
    let (_, last) = (1..length).fold(first, |(_, before), _| submit_least(began, &journal, Some(before)));
    last.await.unwrap();
}

/// What this program prints in a process of its own that does this.
fn measured(role: &str) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.env("ROLE", role).stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
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
    const TASKS: u32 = 100_000;
    let two = prefect(2);
    match std::env::var("ROLE").as_deref() {
        Ok("waiting") => return two.scope(|| waiting(TASKS)).unwrap(),
        Ok("waiting in tokio") => return runtime.block_on(waiting_in_tokio(TASKS)),
        _ => {}
    }
    head();

    let run_empties = |_| two.clone().scope(|| empties(TASKS)).unwrap();
    let run_chain = |_| two.clone().scope(|| chain(TASKS)).unwrap();
    let submit = "100,000 empty tasks, submitted and waited for / `tokio::spawn` and join";
    ratio(submit, "<= 2", rounds(15), TASKS, run_empties, |_| spawn(TASKS));
    let name = "the same / of tokio's, each with a boxed function, an output, its times and a line by serde_json";
    ratio(name, "", rounds(15), TASKS, run_empties, |_| runtime.block_on(least(TASKS)));
    let bare = two.clone().without_journal();
    let name = "the same without a journal / `tokio::spawn` and join";
    ratio(name, "", rounds(15), TASKS, |_| bare.clone().scope(|| empties(TASKS)).unwrap(), |_| spawn(TASKS));
    let name = "a chain of 100,000 / `tokio::spawn` and join";
    ratio(name, "<= 3", rounds(7), TASKS, run_chain, |_| spawn(TASKS));
    ratio(
        "the same / of tokio's, each with all of the above, which awaits the one before",
        "",
        rounds(7),
        TASKS,
        run_chain,
        |_| runtime.block_on(least_chain(TASKS)),
    );
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

    let (ours, tokio) = (measured("waiting"), measured("waiting in tokio"));
    println!(
        "| bytes of a task that waits for another / tokio's that waits in a `watch` | {ours:.0} | {tokio:.0} | {:+.0} | {:.2} | < 300 |",
        ours - tokio,
        ours / tokio
    );

    if !quick() {
        let before = memory("VmHWM:");
        let started = Instant::now();
        let million = two.clone().max_pending(10_000);
        million.scope(|| millions(10_000_000)).unwrap();
        println!(
            "\n10,000,000 empty tasks, at most 10,000 pending: {:.2} s, {:.0} MB more than before",
            started.elapsed().as_secs_f64(),
            (memory("VmHWM:") - before) / 1024.0
        );
    }
}
