//! Who holds a lease for as long as one does, and no longer.

use std::process::{Child, Command};

use pipex::store::{Files, Listing as _};

use crate::place::{Machine, Place, count, ended};
use crate::processes::{at_gate, start_gated};

pub fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn who_was_stopped_for_longer_than_a_lease_overwrites_nothing() {
    let (place, stops, goes_on) = (Place::new(), Machine::new(), Machine::new());
    let (gate, stopped) = at_gate(&stops, &place, "late");
    signal(&stopped, "-STOP");
    let said = ended(vec![start_gated(goes_on.child("processes::child_gated", &place), "in time", None)]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["in time"]);
    let before = Files.entry(&place.target("gated/gated")).unwrap().unwrap();
    let _open = gate.open();
    signal(&stopped, "-CONT");
    let said = ended(vec![stopped]);
    assert_eq!(count(&said, "has ").into_keys().collect::<Vec<_>>(), ["in time"], "it takes what is there");
    let after = Files.entry(&place.target("gated/gated")).unwrap().unwrap();
    assert_eq!((after.stamp, after.saved), (before.stamp, before.saved));
}
