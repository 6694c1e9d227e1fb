//! Processes of several machines that reach for the same missing targets.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use pipex::store::{Files, Listing as _};
use pipex::{Output, flow, task};

use crate::bucket::{Machine, Place, count, honours, set};
use crate::gate::{Gate, wait_at};

/// The claims that are held, or were left.
pub fn leases(place: &Place) -> Vec<String> {
    keys(place)
        .iter()
        .filter_map(|key| key.strip_prefix("object "))
        .filter(|key| key.contains(".pipex-"))
        .map(str::to_owned)
        .collect()
}

/// What is being uploaded in parts, or was left of it.
pub fn uploads(place: &Place) -> Vec<String> {
    keys(place).iter().filter_map(|key| key.strip_prefix("upload ")).map(str::to_owned).collect()
}

/// All that the server has here.
fn keys(place: &Place) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/objects/server.py");
    let listed = Command::new(set("PIPEX_TESTS_PYTHON")).arg(script).args(["keys", &place.0]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[task]
fn slow(number: u64) -> u64 {
    println!("made {number}");
    (0..200_000u64).fold(number, |sum, i| sum.wrapping_mul(31).wrapping_add(i))
}

#[flow]
fn many() -> pipex::Result<u64> {
    let values: Vec<Output<u64>> = (0..25).map(|number| slow(number).base(number.to_string()).submit()).collect();
    values.iter().try_fold(0u64, |sum, value| Ok(sum.wrapping_add(value.load()?)))
}

#[test]
#[ignore = "a child of the test below"]
fn child_many() {
    println!("sum {}", many().unwrap());
}

pub fn ended(children: Vec<Child>) -> Vec<String> {
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    outputs
        .map(|output| {
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        })
        .collect()
}

#[test]
fn machines_share_the_work_and_each_body_runs_once() {
    let (place, machines) = (Place::new(), [Machine::new(), Machine::new()]);
    let start = |machine: &Machine| machine.child("machines::child_many", &place).spawn().unwrap();
    let said = ended(machines.iter().flat_map(|machine| [start(machine), start(machine)]).collect());
    assert_eq!(count(&said, "sum ").len(), 1, "all have the same");
    let made = count(&said, "made ");
    assert_eq!(made.len(), 25);
    if honours("create") && honours("update") {
        assert!(made.values().all(|times| *times == 1), "{made:?}");
    }
    assert_eq!((place.objects().len(), leases(&place)), (25, Vec::new()));
}

#[test]
fn processes_of_one_machine_need_no_conditions_of_the_server() {
    let (place, machine) = (Place::new(), Machine::new());
    let start = || machine.child("machines::child_many", &place).spawn().unwrap();
    let made = count(&ended((0..3).map(|_| start()).collect()), "made ");
    assert!(made.len() == 25 && made.values().all(|times| *times == 1), "{made:?}");
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
    let gate = std::env::var_os("PIPEX_TESTS_GATE").map(PathBuf::from);
    let value = set("PIPEX_TESTS_VALUE");
    // What it was given is no reason to make it again.
    let base = std::env::var("PIPEX_TESTS_BASE").unwrap_or_else(|_| "gated".to_owned());
    let ended = gated(gate, value).base(base).run();
    println!("has {}", ended.and_then(|output| output.load()).unwrap());
}

fn start_gated(machine: &Machine, place: &Place, value: &str, gate: Option<&Path>) -> Child {
    let mut child = machine.child("machines::child_gated", place);
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

pub fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn what_a_killed_machine_had_claimed_is_taken_over() {
    let (place, dies, lives) = (Place::new(), Machine::new(), Machine::new());
    let gate = dies.path().join("gate");
    let _gate = Gate::new(gate.clone());
    let mut killed = start_gated(&dies, &place, "dead", Some(&gate));
    has_begun(&mut killed);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(leases(&place).len(), 1);
    let said = ended(vec![start_gated(&lives, &place, "alive", None)]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["alive"]);
    assert_eq!(leases(&place), [""; 0]);
}

#[test]
fn who_was_stopped_for_longer_than_a_lease_overwrites_nothing() {
    let (place, stops, goes_on) = (Place::new(), Machine::new(), Machine::new());
    let path = stops.path().join("gate");
    let gate = Gate::new(path.clone());
    let mut stopped = start_gated(&stops, &place, "late", Some(&path));
    has_begun(&mut stopped);
    signal(&stopped, "-STOP");
    let said = ended(vec![start_gated(&goes_on, &place, "in time", None)]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["in time"]);
    let before = Files.entry(&place.target("gated/gated")).unwrap().unwrap();
    let _open = gate.open();
    signal(&stopped, "-CONT");
    let said = ended(vec![stopped]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["in time"], "it takes what is there");
    let after = Files.entry(&place.target("gated/gated")).unwrap().unwrap();
    assert_eq!((after.stamp, after.saved), (before.stamp, before.saved));
}

#[test]
fn a_claim_is_kept_for_as_long_as_its_holder_lives() {
    let (place, first, second) = (Place::new(), Machine::new(), Machine::new());
    let path = first.path().join("gate");
    let gate = Gate::new(path.clone());
    let mut holds = start_gated(&first, &place, "first", Some(&path));
    has_begun(&mut holds);
    let waits = start_gated(&second, &place, "second", None);
    // Several times the time of a lease.
    thread::sleep(std::time::Duration::from_secs(7));
    drop(gate.open());
    let said = ended(vec![holds, waits]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["first"]);
    assert_eq!(count(&said[1..], "begun").len(), 0);
}
