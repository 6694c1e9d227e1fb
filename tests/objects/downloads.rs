//! Copies of objects on this machine, for functions that open paths.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use pipex::store::{Files, Listing as _};
use pipex::task;

use crate::bucket::endpoint;
use crate::place::{Machine, Place, count, ended, set};
use crate::proxy::{Faults, start};

const LENGTH: usize = 400_000;

#[task(save = false, target = "{path}/{base}.txt", load = load)]
fn text(letter: &str, #[target] to: &Path) -> std::io::Result<String> {
    fs::write(to, letter.repeat(LENGTH))?;
    Ok(String::new())
}

fn load(path: &Path) -> std::io::Result<String> {
    assert!(path.extension().is_some_and(|extension| extension == "txt"), "libraries go by the extension");
    assert!(fs::metadata(path)?.permissions().readonly() || !path.to_string_lossy().contains("downloads"));
    fs::read_to_string(path)
}

/// Loads what has been made, or made now, of each of these letters.
#[test]
#[ignore = "a child of the tests below"]
fn child_texts() {
    for letter in set("PIPEX_TESTS_LETTERS").split(' ') {
        let (base, letter) = letter.split_once('=').unwrap_or((letter, letter));
        text(letter).base(base).run().unwrap();
        let loaded = text(letter.to_owned()).base(base).lazy().load().unwrap();
        assert_eq!(loaded.len(), LENGTH);
        println!("has {}", &loaded[..1]);
    }
}

fn child(machine: &Machine, place: &Place, letters: &str) -> Command {
    let mut child = machine.child("downloads::child_texts", place);
    child.env("PIPEX_TESTS_LETTERS", letters);
    child
}

/// How many objects a machine downloads while it loads these, one after the other.
fn downloads(machine: &Machine, place: &Place, letters: &str, limit: &str) -> usize {
    let faults = Arc::new(Faults::default());
    let mut child = child(machine, place, letters);
    let child = child.env(endpoint(), start(&faults)).env("PIPEX_DOWNLOADS", limit).spawn().unwrap();
    assert_eq!(count(&ended(vec![child]), "has ").len(), letters.split(' ').count());
    faults.downloads.load(Relaxed)
}

fn copies(machine: &Machine) -> Vec<PathBuf> {
    let copies = fs::read_dir(machine.path().join("cache/pipex/downloads")).unwrap();
    copies.map(|copy| copy.unwrap().path()).collect()
}

#[test]
fn a_copy_is_used_again_as_long_as_the_object_is_the_same() {
    let (place, machine) = (Place::new(), Machine::new());
    assert_eq!(downloads(&machine, &place, "a", ""), 1);
    assert_eq!(downloads(&machine, &place, "a", ""), 0);
    Files.remove(&place.target("a.txt")).unwrap();
    let anew = || child(&machine, &place, "a=b").spawn().unwrap();
    assert_eq!(count(&ended(vec![anew()]), "has ").into_keys().collect::<Vec<_>>(), ["b"], "it was written anew");
    copies(&machine).iter().for_each(|copy| fs::remove_file(copy).unwrap());
    let has = count(&ended((0..4).map(|_| anew()).collect()), "has ");
    assert_eq!(has.into_iter().collect::<Vec<_>>(), [("b".to_owned(), 4)]);
    assert_eq!(copies(&machine).len(), 1);
}

#[test]
fn copies_take_no_more_room_than_they_may() {
    let (place, machine) = (Place::new(), Machine::new());
    assert_eq!(downloads(&machine, &place, "a b c", "1MB"), 3);
    assert_eq!(copies(&machine).len(), 2);
    assert_eq!(downloads(&machine, &place, "c b a", "1MB"), 1, "the one that was used longest ago has gone");
    assert_eq!(copies(&machine).len(), 2);
    assert_eq!(downloads(&machine, &place, "a b", "off"), 2);
}
