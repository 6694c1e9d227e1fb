//! Who is told that a flow run has ended: nobody of them can fail it, or hold it up.

use std::fs;
use std::sync::mpsc::channel;
use std::time::Duration;

use pipex::{Mode, State, flow, task};

use crate::support::{Bench, child};

#[task(target = "{path}/{number}.json")]
fn check(number: u64) -> Result<u64, String> {
    if number % 2 == 1 { Err(format!("{number} is odd")) } else { Ok(number) }
}

#[flow]
fn within(count: u64) -> pipex::Result<()> {
    (0..count).for_each(|number| _ = check(number).submit());
    Ok(())
}

/// Its own end is the one that is told, and not that of the flow within.
#[flow]
fn checks(count: u64) -> pipex::Result<()> {
    within(count)
}

#[test]
#[ignore = "a child of the tests below"]
fn child_checks() {
    let count = std::env::var("PIPEX_TESTS_COUNT").unwrap().parse().unwrap();
    println!("\nended: {:?}", checks(count));
}

/// What is said of a run of so many with this hook; `out` is its directory.
fn run(bench: &Bench, hook: &str, count: &str) -> String {
    let mut child = child("hooks::child_checks", bench.path());
    let output = child
        .env("PIPEX", "cache")
        .env("PIPEX_NOTIFY", hook)
        .env("PIPEX_JOURNAL", bench.journal())
        .env("PIPEX_TESTS_COUNT", count)
        .current_dir(bench.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
}

#[test]
fn a_command_gets_what_became_of_a_run_that_failed() {
    let bench = Bench::new();
    let said = run(&bench, "cat > told.json; echo it was told", "50");
    assert!(said.contains("ended: Err") && said.contains("it was told"), "{said}");
    let told: serde_json::Value = serde_json::from_slice(&fs::read(bench.file("told.json")).unwrap()).unwrap();
    assert_eq!((&told["flow"], &told["state"]), (&"checks".into(), &"Failed".into()));
    assert!(told["error"].as_str().unwrap().contains("1 is odd"), "{told}");
    let task = &told["tasks"][0];
    assert_eq!((&task["task"], &task["completed"], &task["failed"]), (&"check".into(), &25.into(), &25.into()));
    let failures = told["failures"].as_array().unwrap();
    assert_eq!((failures.len(), &told["more_failures"]), (20, &5.into()));
    assert!(failures[0]["target"].as_str().unwrap().ends_with("/1.json"), "{told}");
    assert!(failures[0]["error"].as_str().unwrap().ends_with(": 1 is odd"), "{told}");
    assert!(told["run"].as_str().unwrap().contains("-checks-"), "{told}");
}

#[test]
fn of_a_run_that_completed_it_is_told_only_if_it_wants_all() {
    let bench = Bench::new();
    run(&bench, "cat > told.json", "1");
    assert!(!bench.file("told.json").exists());
    run(&bench, "always: cat > told.json", "1");
    let told = fs::read_to_string(bench.file("told.json")).unwrap();
    assert!(told.contains("\"state\":\"Completed\",\"error\":null"), "{told}");
}

#[test]
fn a_command_that_fails_or_hangs_is_told_and_changes_nothing() {
    let bench = Bench::new();
    let said = run(&bench, "always: exit 7", "1");
    assert!(said.contains("ended: Ok"), "{said}");
    assert!(said.contains("pipex: the end of the flow run was not told: the command of PIPEX_NOTIFY (exit 7) failed"));
    // With what it has started, which would hold the pipes of this test open.
    let said = run(&bench, "always: sleep 1000; sleep 1000", "1");
    assert!(said.contains("ended: Ok"), "{said}");
    assert!(said.contains("(sleep 1000; sleep 1000) has not ended within 5 s, and was stopped"), "{said}");
    let said = run(&bench, "always:", "1");
    assert!(said.contains("ended: Err") && said.contains("PIPEX_NOTIFY=always: is not a command"), "{said}");
}

#[test]
fn a_function_is_called_with_the_same_and_its_panic_is_its_own() {
    let bench = Bench::new();
    let (tell, told) = channel();
    let config = bench.config(Mode::PrefectCache).on_failure(|_| panic!("not the flow's"));
    let config = config.on_failure(move |notice| tell.send(notice.clone()).unwrap());
    config.clone().scope(|| checks(1)).unwrap();
    config.scope(|| checks(2)).unwrap_err();
    let notice = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!((notice.state, notice.failures.len(), notice.tasks[0].counts.cached), (State::Failed, 1, 1));
    assert!(told.try_recv().is_err(), "that the first completed was not told");
    // Where nothing is checked and saved, nobody is told.
    bench.config(Mode::DoNothing).on_failure(|_| unreachable!()).scope(|| checks(2)).unwrap_err();
}
