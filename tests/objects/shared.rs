//! A bucket that a team shares: what others have made of the same is taken from there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use pipex::store::{Files, Listing as _};
use pipex::{Output, flow, task};
use tempfile::TempDir;

use crate::bucket::{child_of_project, endpoint};
use crate::child::child;
use crate::place::{Machine, Place, count, ended};
use crate::proxy::{Faults, start};

#[task(target = "{path}/rows")]
fn load(file: &Path) -> std::io::Result<Vec<u32>> {
    println!("ran load");
    Ok(fs::read_to_string(file)?.lines().filter_map(|line| line.parse().ok()).collect())
}

#[task(target = "{path}/large.bin")]
fn large(rows: &[u32]) -> Vec<u64> {
    println!("ran large");
    (0..3_000_000).map(|number| number + u64::from(rows[0])).collect()
}

#[task(save = false, target = "{path}/plot.svg")]
fn plot(rows: &[u32], #[target] to: &Path) -> std::io::Result<()> {
    println!("ran plot");
    fs::write(to, format!("<svg><!-- {} --></svg>\n", rows.len()))
}

#[flow(path = "out")]
fn report() -> pipex::Result<u64> {
    let rows = load(Path::new("numbers.txt")).submit();
    plot(rows.clone()).run()?.wait()?;
    let large: Output<Vec<u64>> = large(rows).submit();
    Ok(large.load()?.iter().sum())
}

#[test]
#[ignore = "a child of the test below"]
fn child_report() {
    println!("has {}", report().unwrap());
}

/// What runs in a checkout on a machine of its own that has these numbers.
fn run(numbers: &str, place: &Place, set: &str) -> (Vec<String>, TempDir) {
    let (checkout, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    fs::write(checkout.path().join("numbers.txt"), numbers).unwrap();
    fs::create_dir(checkout.path().join(".pipex")).unwrap();
    let mut child: Command = child("shared::child_report");
    child.env("PIPEX_SHARED", format!("{}{set}", place.path())).env("TMPDIR", machine.path());
    let output = child.current_dir(checkout.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = [String::from_utf8(output.stdout).unwrap()];
    assert_eq!(count(&said, "has ").len(), 1);
    (count(&said, "ran ").into_keys().collect(), checkout)
}

#[test]
fn what_one_machine_has_made_another_takes() {
    let place = Place::new();
    let (ran, made) = run("1\n2\n", &place, "");
    assert_eq!(ran, ["large", "load", "plot"]);
    let objects = place.outputs();
    assert_eq!(objects.len(), 3, "{objects:?}");
    let (ran, taken) = run("1\n2\n", &place, ",readonly");
    assert_eq!(ran, [""; 0]);
    for name in ["out/rows", "out/large.bin", "out/plot.svg"] {
        assert_eq!(fs::read(made.path().join(name)).unwrap(), fs::read(taken.path().join(name)).unwrap());
    }
    let (ran, _) = run("3\n", &place, ",readonly");
    assert_eq!(ran, ["large", "load", "plot"], "what was made of something else is not taken");
    assert_eq!(place.outputs(), objects, "and nothing is put there");
    // Whatever becomes of the bucket, the work goes on.
    objects.iter().for_each(|object| Files.remove(&place.target(object)).unwrap());
    assert_eq!(run("1\n2\n", &place, ",readonly").0, ["large", "load", "plot"]);
}

#[task(target = "{path}/numbers/{number}")]
fn number(number: u64) -> u64 {
    println!("ran number");
    number
}

#[flow(path = "out")]
fn numbers() -> pipex::Result<()> {
    (0..60).try_for_each(|each| number(each).run()?.load().map(|loaded| assert_eq!(loaded, each)))
}

#[test]
#[ignore = "a child of the test below"]
fn child_numbers() {
    numbers().unwrap();
}

#[test]
fn what_is_taken_in_turn_comes_before_it_is_asked_for_and_once() {
    let place = Place::new();
    let run = |faults: &Arc<Faults>| {
        let machine = Machine::new();
        let mut child = child_of_project(&machine, "shared::child_numbers", &place);
        child.env_remove("PIPEX_PATH").env("PIPEX_SHARED", place.path()).env(endpoint(), start(faults));
        count(&ended(vec![child.spawn().unwrap()]), "ran ").len()
    };
    assert_eq!(run(&Arc::default()), 1);
    assert_eq!(place.outputs().len(), 60);
    let faults = Arc::default();
    assert_eq!(run(&faults), 0);
    let requests = faults.requests.load(Relaxed);
    assert!(requests < 90, "{requests}: each is read once, and few are looked for");
    assert!(faults.most.load(Relaxed) > 4, "one was waited for after the other");
}
