//! Threads and processes that reach for the same missing target: one computes, the others wait and use it.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pipex::store::sweep;
use pipex::{Mode, State, flow, task};

use crate::gate::{Gate, wait_at};
use crate::place::{Machine, Place, count, ended, honours, set, set_or_not};
use crate::support::Bench;

#[task]
fn slow(number: u64) -> u64 {
    // One write, so that the lines of threads do not mix.
    println!("made {number}");
    (0..200_000u64).fold(number, |sum, i| sum.wrapping_mul(31).wrapping_add(i))
}

#[task]
fn sum(values: Vec<u64>) -> u64 {
    values.iter().fold(0, |sum, value| sum.wrapping_add(*value))
}

#[flow]
fn many(count: u64) -> pipex::Result<u64> {
    let values: Vec<_> = (0..count).map(|number| slow(number).base(number.to_string()).lazy()).collect();
    sum(values).base("sum").run()?.load()
}

#[test]
#[ignore = "a child of the tests below"]
fn child_many() {
    println!("sum {}", many(set("PIPEX_TESTS_COUNT").parse().unwrap()).unwrap());
}

/// How many targets processes make together.
fn targets(place: &Place) -> u64 {
    place.choose(100, 25)
}

/// A process that makes all of them.
fn start(machine: &Machine, place: &Place) -> Child {
    let mut child = machine.child("processes::child_many", place);
    child.env("PIPEX_TESTS_COUNT", targets(place).to_string()).spawn().unwrap()
}

/// All that these processes made is there and nothing else, each of it was made, and once, if all can see to that.
fn check(place: &Place, children: Vec<Child>, all_can: bool) {
    let said = ended(children);
    assert_eq!(count(&said, "sum ").len(), 1, "all have the same");
    let made = count(&said, "made ");
    assert_eq!(made.len() as u64, targets(place));
    assert!(!all_can || made.values().all(|times| *times == 1), "{made:?}");
    assert_eq!(place.outputs().len() as u64, targets(place) + 1);
}

#[test]
fn processes_share_the_work_and_each_body_runs_once() {
    let (place, machine) = (Place::new(), Machine::new());
    check(&place, (0..4).map(|_| start(&machine, &place)).collect(), true);
    assert_eq!(place.claims(), [""; 0]);
}

#[test]
fn machines_share_the_work_and_each_body_runs_once() {
    let (place, machines) = (Place::new(), [Machine::new(), Machine::new()]);
    let children = machines.iter().flat_map(|machine| [start(machine, &place), start(machine, &place)]).collect();
    check(&place, children, honours("create") && honours("update"));
    assert_eq!(place.claims(), [""; 0]);
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
    let slow = Path::new(&set("PIPEX_PATH")).join("slow");
    while !IS_OVER.load(Ordering::Relaxed) {
        sweep(&slow, false, &mut |left| _ = left.unwrap()).unwrap();
    }
}

#[test]
fn beside_those_who_sweep_each_body_runs_once_as_well() {
    for _ in 0..Place::new().choose(5, 1) {
        let (place, machine) = (Place::new(), Machine::new());
        let sweeper = || {
            let mut child = machine.child("processes::child_sweep", &place);
            child.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
        };
        let mut sweepers = [sweeper(), sweeper()];
        check(&place, (0..3).map(|_| start(&machine, &place)).collect(), true);
        for sweeper in &mut sweepers {
            drop(sweeper.stdin.take());
            assert!(sweeper.wait().unwrap().success());
        }
        assert_eq!(place.claims(), [""; 0]);
    }
}

#[test]
fn threads_share_the_work_too() {
    let bench = Bench::new();
    let (config, count) = (bench.config(Mode::Cache), targets(&bench.place));
    let sums: Vec<u64> = thread::scope(|scope| {
        let start = |_| scope.spawn(|| config.clone().scope(|| many(count)).unwrap());
        let threads: Vec<_> = (0..8).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(sums.iter().all(|sum| *sum == sums[0]));
    let states = bench.states();
    assert_eq!(states.iter().filter(|run| **run == ("slow", State::Completed)).count() as u64, count);
    assert_eq!(bench.place.claims(), [""; 0]);
}

/// Waits at a gate, and gives what it is told to.
#[task]
fn gated(gate: Option<PathBuf>, value: String) -> String {
    println!("begun");
    if let Some(gate) = gate {
        wait_at(&gate);
    }
    value
}

#[test]
#[ignore = "a child of the tests below, and of others"]
fn child_gated() {
    let gate = set_or_not("PIPEX_TESTS_GATE").map(PathBuf::from);
    let base = set_or_not("PIPEX_TESTS_BASE").unwrap_or_else(|| "gated".to_owned());
    let ended = gated(gate, set("PIPEX_TESTS_VALUE")).base(base).run();
    println!("has {}", ended.and_then(|output| output.load()).unwrap());
}

/// A process that gives this value, once the gate is open. What it was given is no reason to make it again.
pub fn start_gated(mut child: Command, value: &str, gate: Option<&Path>) -> Child {
    child.env("PIPEX_TESTS_VALUE", value).env("PIPEX_STALE", "ignore");
    if let Some(gate) = gate {
        child.env("PIPEX_TESTS_GATE", gate);
    }
    child.spawn().unwrap()
}

pub fn has_begun(child: &mut Child) {
    let mut said = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("begun")));
}

/// A gate, and a process of a machine that waits there in the midst of its work.
pub fn at_gate(machine: &Machine, place: &Place, value: &str) -> (Gate, Child) {
    let path = machine.path().join("gate");
    let gate = Gate::new(path.clone());
    let mut child = start_gated(machine.child("processes::child_gated", place), value, Some(&path));
    has_begun(&mut child);
    (gate, child)
}

#[test]
fn what_a_killed_process_had_claimed_is_taken_over() {
    let (place, dies, lives) = (Place::new(), Machine::new(), Machine::new());
    let (_gate, mut killed) = at_gate(&dies, &place, "dead");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(place.claims().len(), 1);
    let said = ended(vec![start_gated(lives.child("processes::child_gated", &place), "alive", None)]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["alive"]);
    assert_eq!((place.outputs(), place.claims()), (vec!["gated/gated".to_owned()], Vec::new()));
}

#[test]
fn a_claim_is_kept_for_as_long_as_its_holder_lives() {
    let (place, first, second) = (Place::new(), Machine::new(), Machine::new());
    let (gate, holds) = at_gate(&first, &place, "first");
    let waits = start_gated(second.child("processes::child_gated", &place), "second", None);
    // Several times the time of a lease.
    thread::sleep(place.choose(Duration::ZERO, Duration::from_secs(7)));
    let _open = gate.open();
    let said = ended(vec![holds, waits]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["first"]);
    assert_eq!(count(&said[1..], "begun").len(), 0);
}
