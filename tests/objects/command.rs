//! The `pipex` command about outputs in a bucket.

use std::process::Command;

use pipex::{flow, task};

use crate::bucket::{child_of_project, endpoint};
use crate::place::{Machine, Place, set};

#[task(target = "{path}/{base}.json")]
fn square(number: u64) -> u64 {
    number * number
}

#[flow]
fn squares() -> pipex::Result<()> {
    (0..12).try_for_each(|number| square(number).base(number.to_string()).run().map(drop))
}

#[test]
#[ignore = "a child of the test below"]
fn child_squares() {
    squares().unwrap();
}

/// What the command says in the project on this machine, to which the server is at this address.
pub fn pipex(machine: &Machine, server: &str, arguments: &[&str]) -> String {
    pipex_with(machine, server, "", arguments)
}

/// The same where this is what a team shares.
pub fn pipex_with(machine: &Machine, server: &str, shared: &str, arguments: &[&str]) -> String {
    let mut pipex = Command::new(set("PIPEX_TESTS_COMMAND"));
    pipex.args(arguments).current_dir(machine.path()).env("TMPDIR", machine.path()).env("PIPEX_LEASE", "2");
    let output = pipex.env(endpoint(), server).env("PIPEX_SHARED", shared).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    // 1 and 3: something is to be seen to.
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{arguments:?}: {said}");
    said
}

#[test]
fn what_is_in_a_bucket_is_shown_and_removed() {
    let (place, machine) = (Place::new(), Machine::new());
    let run = || assert!(child_of_project(&machine, "command::child_squares", &place).status().unwrap().success());
    run();
    let pipex = |arguments: &[&str]| pipex(&machine, &set(endpoint()), arguments);
    let target = format!("{}/7.json", place.path());
    let status = pipex(&["status"]);
    assert!(status.contains("square     12      -"), "{status}");
    assert!(pipex(&["ls"]).contains(&target));
    assert!(pipex(&["show", &target]).contains("49"));
    assert_eq!(pipex(&["show", "--raw", &target]).trim(), "49");
    let why = pipex(&["why", &target]);
    assert!(why.contains("a run would take it as it is"), "{why}");
    let directories = std::fs::read_dir(machine.path()).unwrap().map(|entry| entry.unwrap().path());
    let local = directories.into_iter().find(|path| path.to_string_lossy().contains("pipex-objects-")).unwrap();
    std::fs::write(local.join(".x.json.pipex-tmp"), "what a killed process left").unwrap();
    let gc = pipex(&["gc"]);
    assert!(gc.contains("removed 1 temporary file"), "{gc}");
    let removed = pipex(&["rm", "--yes", &target]);
    assert!(removed.contains(&target), "{removed}");
    assert_eq!(place.outputs().len(), 11);
    let missing = pipex(&["ls", "--missing"]);
    assert!(missing.contains(&target) && missing.lines().count() < 4, "{missing}");
    pipex(&["rm", "--yes", place.path()]);
    assert_eq!(place.outputs(), [""; 0]);
    run();
    assert_eq!(place.outputs().len(), 12);
}
