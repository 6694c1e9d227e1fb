//! What a run has found is known to the next one, however it ended.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use pipex::{Output, flow, task};

use crate::{Desk, lines_of};

fn before(x: u64) -> Output<u64> {
    #[task(target = "{path}/step/{x}.json")]
    fn step(x: u64) -> u64 {
        x
    }
    step(x).submit()
}

fn after(x: u64) -> Output<u64> {
    #[task(target = "{path}/step/{x}.json")]
    fn step(x: u64) -> u64 {
        x.max(1)
    }
    step(x).submit()
}

#[task(target = "{path}/last")]
fn last() {
    println!("\nheld");
    loop {
        std::thread::park();
    }
}

#[flow(path = "out")]
fn steps(version: &str) -> pipex::Result<()> {
    let step = if version == "before" { before } else { after };
    (0..5).try_for_each(|x| step(x).wait())?;
    if version == "before" { last().run().map(drop) } else { Ok(()) }
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    println!();
    steps(&std::env::var("VERSION").unwrap()).unwrap();
}

/// A desk on which a run was killed.
fn killed() -> Desk {
    let desk = Desk::new();
    let mut pipeline = desk.pipeline("killed::pipeline");
    let mut child = pipeline.env("VERSION", "before").stdout(Stdio::piped()).spawn().unwrap();
    let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(says.any(|line| line.unwrap() == "held"));
    child.kill().unwrap();
    child.wait().unwrap();
    desk
}

/// What the next run, with another version, says.
fn next(desk: &Desk) -> String {
    let ended = desk.pipeline("killed::pipeline").env("VERSION", "after").output().unwrap();
    assert!(ended.status.success());
    lines_of(&ended)
}

#[task(target = "{path}/large")]
fn large() -> Vec<u64> {
    vec![1; 4_000_000]
}

#[test]
#[ignore = "a pipeline of the test below"]
fn shares() {
    let path = pipex::Config::new().path("out");
    path.scope(|| large().run()).unwrap();
}

#[test]
fn what_a_killed_process_was_about_to_share_goes_and_what_a_living_one_is_stays() {
    let (desk, shared) = (Desk::new(), tempfile::tempdir().unwrap());
    fs::create_dir(desk.file(".pipex")).unwrap();
    let folder = shared.path().to_str().unwrap();
    let draft = || {
        let mut entries =
            fs::read_dir(shared.path().join("out")).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.find(|path| path.to_string_lossy().contains("/.pipex-shared-"))
    };
    // Stopped while it writes there.
    let (mut child, draft) = loop {
        let mut child = desk.pipeline("killed::shares").env("PIPEX_SHARED", folder).spawn().unwrap();
        while draft().is_none() && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        let stopped = Command::new("kill").args(["-STOP", &child.id().to_string()]).status().unwrap();
        match draft() {
            Some(draft) if stopped.success() => break (child, draft),
            // It was too fast.
            _ => {
                child.kill().unwrap();
                child.wait().unwrap();
                ["out", ".pipex/live"].iter().for_each(|it| _ = fs::remove_dir_all(desk.file(it)));
                let _ = fs::remove_dir_all(shared.path().join("out"));
            }
        }
    };
    let gc = |shared: &str, line: &str| {
        let said = desk.command().env("PIPEX_SHARED", shared).args(line.split(' ')).output().unwrap();
        String::from_utf8([said.stdout, said.stderr].concat()).unwrap()
    };
    let said = gc(folder, "gc");
    assert!(said.contains("removed 0 temporary files") && draft.exists(), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    let said = gc(&format!("{folder},readonly"), "gc");
    assert!(said.contains("removed 0 temporary files") && draft.exists(), "{said}");
    let said = gc(folder, "gc --dry-run");
    assert!(said.contains("would remove 1 temporary file ") && said.contains(draft.to_str().unwrap()), "{said}");
    let said = gc(folder, "gc");
    assert!(said.contains("removed 1 temporary file ") && !draft.exists(), "{said}");
    // What cannot be looked at is said, and the rest is done.
    let said = gc(&format!("{folder},rw"), "gc");
    assert!(said.contains("PIPEX_SHARED=") && said.contains("removed 0 temporary files"), "{said}");
}

#[test]
fn what_a_killed_run_made_is_known_though_it_does_not_say_so_itself() {
    let desk = killed();
    let said = next(&desk);
    assert!(said.contains("step: 5 stale outputs were taken") && said.contains("(changed: code)"), "{said}");
    assert_eq!(desk.count("step", "stale"), 5);
    let live = fs::read_dir(desk.file(".pipex/live")).unwrap().count();
    assert_eq!(live, 0, "the killed run's journal is settled, too");
}

#[test]
fn an_index_that_is_damaged_is_made_again_from_the_journals() {
    let desk = killed();
    next(&desk);
    let index = desk.file(".pipex/index");
    let whole = fs::read(&index).unwrap();
    // Its start, a record, the middle, the table that finds records, their checksums, and the end.
    let flipped = [3, 20, whole.len() / 2, whole.len() - 40, whole.len() - 20, whole.len() - 1].map(|at| {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        flipped
    });
    for damaged in flipped.iter().map(|flipped| &flipped[..]).chain([&whole[..whole.len() / 2], b""]) {
        fs::write(&index, damaged).unwrap();
        let said = next(&desk);
        assert!(said.contains("step: 5 stale outputs were taken"), "{said}");
        assert_eq!(fs::read(&index).unwrap().len(), whole.len(), "it is there again");
    }
    fs::remove_file(&index).unwrap();
    assert!(next(&desk).contains("step: 5 stale outputs were taken"));
}

#[test]
fn a_policy_that_is_none_ends_the_run_before_anything_runs() {
    let desk = Desk::new();
    let mut pipeline = desk.pipeline("killed::pipeline");
    let ended = pipeline.env("VERSION", "after").env("PIPEX_STALE", "always").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("PIPEX_STALE=always is not ignore, warn or rerun"), "{said}");
    assert!(!desk.file("out").exists());
}

#[test]
fn the_journal_is_where_one_says_or_nowhere() {
    let desk = Desk::new();
    let run = |journal: &str| {
        let mut pipeline = desk.pipeline("killed::pipeline");
        assert!(pipeline.env("VERSION", "after").env("PIPEX_JOURNAL", journal).status().unwrap().success());
        let mut names: Vec<_> = fs::read_dir(desk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(run("off"), ["out"]);
    assert_eq!(run("kept/here"), ["kept", "out"]);
    assert_eq!(desk.json("status --journal kept/here")[0]["task"], "step");
}
