//! Servers that fail, and what is asked of them.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pipex::{Output, flow, task};

use crate::bucket::endpoint;
use crate::place::{Machine, Place, count};
use crate::proxy::{Faults, start};

#[task]
fn numbers(number: u64) -> Vec<u64> {
    println!("made {number}");
    vec![number; 100]
}

#[task]
fn large(count: u64) -> Vec<u64> {
    println!("made {count}");
    (0..count).collect()
}

#[flow]
fn many() -> pipex::Result<u64> {
    let count = std::env::var("PIPEX_TESTS_COUNT").map_or(20, |count| count.parse().unwrap());
    let values: Vec<Output<Vec<u64>>> =
        (0..count).map(|number| numbers(number).base(number.to_string()).submit()).collect();
    if std::env::var_os("PIPEX_TESTS_LOADS").is_some() {
        values.iter().try_for_each(|value| value.load().map(drop))?;
    }
    Ok(values.len() as u64)
}

#[test]
#[ignore = "a child of the tests below"]
fn child_many() {
    println!("has {}", many().unwrap());
}

#[test]
#[ignore = "a child of the tests below"]
fn child_large() {
    let values = large(5_000_000).base("large").run().unwrap().load().unwrap();
    println!("has {}", values.iter().sum::<u64>());
}

fn said(mut child: Command, faults: &Arc<Faults>) -> Vec<String> {
    let output = child.env(endpoint(), start(faults)).output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    vec![said.into_owned()]
}

/// All is made once, whatever fails, and nothing is left.
fn check(fail: impl Fn(&Faults)) {
    let (place, machine, faults) = (Place::new(), Machine::new(), Arc::new(Faults::default()));
    fail(&faults);
    let mut child = machine.child("faults::child_many", &place);
    child.env("PIPEX_TESTS_LOADS", "1");
    let made = count(&said(child, &faults), "made ");
    assert!(made.len() == 20 && made.values().all(|times| *times == 1), "{made:?}");
    assert_eq!((place.outputs().len(), place.claims()), (20, Vec::new()));
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    check(|faults| faults.unavailable.store(3, Relaxed));
}

#[test]
fn a_server_that_comes_back_is_waited_for() {
    check(|faults| faults.down.store(20, Relaxed));
}

#[test]
fn an_answer_that_is_lost_is_no_conflict() {
    check(|faults| faults.unanswered.store(5, Relaxed));
}

#[test]
fn what_is_large_goes_in_parts() {
    let (place, machine, faults) = (Place::new(), Machine::new(), Arc::new(Faults::default()));
    faults.unavailable.store(4, Relaxed);
    let child = || machine.child("faults::child_large", &place);
    let first = said(child(), &faults);
    assert_eq!(count(&first, "has ").into_keys().collect::<Vec<_>>(), ["12499997500000"]);
    assert!(faults.requests.load(Relaxed) > 5, "parts of 8 MiB");
    assert_eq!(count(&said(child(), &faults), "made ").len(), 0);
    assert_eq!((place.outputs(), place.claims()), (vec!["large/large".to_owned()], Vec::new()));
}

#[test]
fn killed_in_the_midst_of_parts_it_leaves_nothing_to_be_seen() {
    let (place, machine) = (Place::new(), Machine::new());
    // The lease and what is found out about the server come first, then the parts, and what puts them together.
    for requests in [7, 8, 10, 12, 13, 14] {
        let faults = Arc::new(Faults::default());
        let mut child = machine.child("faults::child_large", &place);
        let mut child = child.env(endpoint(), start(&faults)).spawn().unwrap();
        while faults.requests.load(Relaxed) < requests && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Whole, with a footer that says so, or not there.
        place.outputs().iter().for_each(|object| assert_eq!(place.payload(object).len(), 8 * 5_000_001));
    }
    let said = said(machine.child("faults::child_large", &place), &Arc::new(Faults::default()));
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["12499997500000"]);
    assert_eq!(place.outputs(), ["large/large"]);
}

#[test]
fn what_is_there_is_found_by_listing() {
    let (place, machine) = (Place::new(), Machine::new());
    let child = || {
        let mut child = machine.child("faults::child_many", &place);
        child.env("PIPEX_TESTS_COUNT", "150");
        child
    };
    assert!(child().status().unwrap().success());
    let faults = Arc::new(Faults::default());
    assert_eq!(count(&said(child(), &faults), "made ").len(), 0);
    let requests = faults.requests.load(Relaxed);
    assert!(requests < 15, "{requests} for 150 targets");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let (place, machine) = (Place::new(), Machine::new());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let child = || machine.child("faults::child_many", &place);
    let said = |child: &mut Command| {
        let output = child.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let unreachable = said(child().env("AWS_ENDPOINT", format!("http://{nobody}")));
    assert!(
        unreachable.contains("its server is not to be reached: see to it that it runs, and to what AWS_"),
        "{unreachable}"
    );
    assert!(unreachable.contains(place.path()), "{unreachable}");
    let no_bucket = said(child().env("PIPEX_PATH", "s3://no-such-bucket/run"));
    assert!(no_bucket.contains("s3://no-such-bucket is not there: make it first"), "{no_bucket}");
}
