//! Threads and processes that reach for the same missing target: one computes, the others wait and use it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pipex::store::sweep;
use pipex::{Mode, State, flow, task};

use crate::support::{Bench, child};

/// Says in a file that it ran, which all processes append to.
#[task]
fn slow(number: u64, log: &Path) -> std::io::Result<u64> {
    let mut log = OpenOptions::new().append(true).create(true).open(log)?;
    // One write, so that the lines of processes do not mix.
    log.write_all(format!("{number}\n").as_bytes())?;
    Ok((0..200_000u64).fold(number, |sum, i| sum.wrapping_mul(31).wrapping_add(i)))
}

#[task]
fn sum(values: Vec<u64>) -> u64 {
    values.iter().fold(0, |sum, value| sum.wrapping_add(*value))
}

#[flow]
fn many(log: &Path) -> pipex::Result<u64> {
    let values: Vec<_> = (0..100).map(|number| slow(number, log.to_owned()).base(number.to_string()).lazy()).collect();
    sum(values).base("sum").run()?.load()
}

#[test]
#[ignore = "a child of the test below"]
fn child_many() {
    let out = std::env::var("PIPEX_PATH").unwrap();
    println!("sum {}", many(&Path::new(&out).with_extension("log")).unwrap());
}

/// What processes that make all of it say, and how often each body ran.
fn ended(out: &Path, children: Vec<Child>) -> Vec<u64> {
    let said: Vec<String> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .map(|output| {
            assert!(output.status.success());
            let said = String::from_utf8(output.stdout).unwrap();
            said.lines().find(|line| line.contains("sum ")).unwrap().split_once("sum ").unwrap().1.to_owned()
        })
        .collect();
    assert!(said.iter().all(|sum| *sum == said[0]));
    let log = fs::read_to_string(out.with_extension("log")).unwrap();
    let mut ran: Vec<u64> = log.lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    ran
}

#[test]
fn processes_share_the_work_and_each_body_runs_once() {
    let bench = Bench::new();
    let out = bench.file("out");
    let start = || child("processes::child_many", &out).stdout(Stdio::piped()).spawn().unwrap();
    let children = (0..4).map(|_| start()).collect();
    assert_eq!(ended(&out, children), (0..100).collect::<Vec<_>>());
    assert_eq!(bench.files().len(), 100 + 1 + 1, "outputs, and the log: nothing else is left behind");
}

/// Sweeps again and again until nobody has anything more to say to it.
#[test]
#[ignore = "a child of the test below"]
fn child_sweep() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        IS_OVER.store(true, Ordering::Relaxed);
    });
    let slow = Path::new(&std::env::var("PIPEX_PATH").unwrap()).join("slow");
    while !IS_OVER.load(Ordering::Relaxed) {
        sweep(&slow, false, &mut |left| _ = left.unwrap()).unwrap();
    }
}

#[test]
fn beside_those_who_sweep_each_body_runs_once_as_well() {
    for _ in 0..5 {
        let bench = Bench::new();
        let out = bench.file("out");
        let mut sweepers: Vec<_> = (0..2)
            .map(|_| child("processes::child_sweep", &out).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
            .collect();
        let start = || child("processes::child_many", &out).stdout(Stdio::piped()).spawn().unwrap();
        let children = (0..3).map(|_| start()).collect();
        assert_eq!(ended(&out, children), (0..100).collect::<Vec<_>>());
        for sweeper in &mut sweepers {
            drop(sweeper.stdin.take());
            assert!(sweeper.wait().unwrap().success());
        }
        assert_eq!(bench.files().len(), 100 + 1 + 1);
    }
}

#[test]
fn threads_share_the_work_too() {
    let bench = Bench::new();
    let log = bench.file("log");
    let config = bench.config(Mode::Cache);
    let sums: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (config, log) = (config.clone(), &log);
                scope.spawn(move || config.scope(|| many(log)).unwrap())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(sums.iter().all(|sum| *sum == sums[0]));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 100);
    let states = bench.states();
    assert_eq!(states.iter().filter(|run| **run == ("slow", State::Completed)).count(), 100);
}
