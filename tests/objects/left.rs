//! What killed processes leave in a bucket goes: claims, and parts of what they were writing.

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pipex::store::{Files, Listing as _};
use pipex::task;

use crate::bucket::{child_of_project, endpoint, uploads};
use crate::command::{pipex, pipex_with};
use crate::gate::Gate;
use crate::machines::signal;
use crate::place::{Machine, Place, count, ended, honours, set};
use crate::processes::has_begun;
use crate::proxy::{Faults, start};

#[task]
fn large(first: u64) -> Vec<u64> {
    (first..first + 4_000_000).collect()
}

#[test]
#[ignore = "a child of the tests below"]
fn child_large() {
    let first = std::env::var("PIPEX_TESTS_FIRST").map_or(0, |first| first.parse().unwrap());
    println!("has {}", large(first).base("large").run().unwrap().load().unwrap()[0]);
}

/// Waits for a request of this kind.
fn await_one(requests: &AtomicUsize, child: &mut Child) {
    while requests.load(Relaxed) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it has ended before");
        thread::yield_now();
    }
}

/// Kills it when it has sent parts, and before they are the object.
fn kill_in_parts(mut child: Command, place: &Place) {
    let faults = Arc::new(Faults::default());
    let gates = tempfile::tempdir().unwrap();
    let _gate = Gate::new(faults.gate.get_or_init(|| gates.path().join("gate")).clone());
    let mut child = child.env(endpoint(), start(&faults)).spawn().unwrap();
    await_one(&faults.completions, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    check(place, 1);
    assert_eq!(place.outputs(), [""; 0]);
}

/// So many claims are left, each with an upload, as far as the server says that.
fn check(place: &Place, left: usize) {
    let claims = place.claims();
    assert_eq!(claims.len(), left, "{claims:?}");
    if honours("uploads") {
        assert_eq!(uploads(place).len(), left);
    }
}

#[test]
fn parts_of_a_killed_process_go_with_its_claim() {
    let (place, dies, lives) = (Place::new(), Machine::new(), Machine::new());
    kill_in_parts(child_of_project(&dies, "left::child_large", &place), &place);
    let gc = |arguments: &[&str]| pipex(&dies, &set(endpoint()), arguments);
    let lease = format!("{}/large/.large.pipex-tmp", place.path());
    let would = gc(&["gc", "--dry-run"]);
    assert!(would.contains(&lease), "{would}");
    check(&place, 1);
    let gc = gc(&["gc"]);
    assert!(gc.contains(&lease), "{gc}");
    check(&place, 0);
    // And with whoever takes the claim over.
    kill_in_parts(dies.child("left::child_large", &place), &place);
    let said = ended(vec![lives.child("left::child_large", &place).spawn().unwrap()]);
    assert_eq!(count(&said, "has ").len(), 1);
    check(&place, 0);
    assert_eq!(place.outputs().len(), 1);
}

#[test]
fn parts_that_were_to_be_shared_go_with_the_next_gc_of_who_puts_there() {
    let (place, machine) = (Place::new(), Machine::new());
    let mut child = child_of_project(&machine, "left::child_large", &place);
    child.env("PIPEX_PATH", "out").env("PIPEX_SHARED", place.path());
    kill_in_parts(child, &place);
    let gc = |rights: &str, arguments: &[&str]| {
        pipex_with(&machine, &set(endpoint()), &format!("{}{rights}", place.path()), arguments)
    };
    assert!(gc(",readonly", &["gc"]).contains("removed 0 temporary files"));
    let lease = format!("{}/out/large/.large@", place.path());
    let would = gc("", &["gc", "--dry-run"]);
    assert!(would.contains(&lease), "{would}");
    check(&place, 1);
    let gc = gc("", &["gc"]);
    assert!(gc.contains(&lease), "{gc}");
    check(&place, 0);
}

#[test]
fn who_may_not_abort_parts_goes_on_and_says_so() {
    let (place, machine, faults) = (Place::new(), Machine::new(), Arc::new(Faults::default()));
    kill_in_parts(machine.child("left::child_large", &place), &place);
    faults.forbids_aborts.store(1, Relaxed);
    let output = machine.child("left::child_large", &place).env(endpoint(), start(&faults)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Azure has nothing to abort.
    assert!(
        output.status.success() && (!honours("uploads") || said.contains("does not allow pipex to abort")),
        "{said}"
    );
    assert_eq!(place.outputs(), ["large/large"]);
}

#[test]
fn who_was_stopped_between_his_parts_overwrites_nothing() {
    let (place, stops, goes_on) = (Place::new(), Machine::new(), Machine::new());
    let faults = Arc::new(Faults::default());
    let gate = Gate::new(faults.gate.get_or_init(|| stops.path().join("gate")).clone());
    let child = |machine: &Machine, first: &str| {
        let mut child = machine.child("left::child_large", &place);
        child.env("PIPEX_TESTS_FIRST", first).env("PIPEX_STALE", "ignore");
        child
    };
    let mut stopped = child(&stops, "1").env(endpoint(), start(&faults)).spawn().unwrap();
    await_one(&faults.completions, &mut stopped);
    signal(&stopped, "-STOP");
    let said = ended(vec![child(&goes_on, "2").spawn().unwrap()]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["2"]);
    let before = Files.entry(&place.target("large/large")).unwrap().unwrap();
    let _open = gate.open();
    signal(&stopped, "-CONT");
    let said = ended(vec![stopped]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["2"], "it takes what is there");
    let after = Files.entry(&place.target("large/large")).unwrap().unwrap();
    assert_eq!((after.stamp, after.saved), (before.stamp, before.saved));
    check(&place, 0);
}

#[test]
fn a_claim_of_another_machine_goes_when_nothing_was_heard_of_it_for_long() {
    let (place, other, here) = (Place::new(), Machine::new(), Machine::new());
    let gated = |mut child: Command, base| {
        child.env("PIPEX_TESTS_BASE", base).env("PIPEX_TESTS_VALUE", base);
        child
    };
    let gates = ["dead", "live"].map(|name| other.path().join(name));
    let [_dead, gate] = gates.clone().map(Gate::new);
    let [mut dead, live] = [("dead", &gates[0]), ("live", &gates[1])].map(|(base, gate)| {
        let mut child = gated(other.child("processes::child_gated", &place), base);
        let mut child = child.env("PIPEX_TESTS_GATE", gate).spawn().unwrap();
        has_begun(&mut child);
        child
    });
    dead.kill().unwrap();
    dead.wait().unwrap();
    let mut known = gated(child_of_project(&here, "processes::child_gated", &place), "known");
    assert!(known.status().unwrap().success());
    let faults = Arc::new(Faults::default());
    let server = start(&faults);
    let gc = || pipex(&here, &server, &["gc"]);
    assert!(gc().contains("removed 0 temporary files"), "both may live");
    assert_eq!(place.claims().len(), 2);
    *faults.old.lock().unwrap() = Some("/.dead".to_owned());
    let said = gc();
    assert!(said.contains("removed 1 temporary file") && said.contains("/.dead"), "{said}");
    assert!(matches!(&*place.claims(), [live] if live.contains("/.live")));
    drop(gate.open());
    assert_eq!(count(&ended(vec![live]), "has ").into_keys().collect::<Vec<_>>(), ["live"]);
}
