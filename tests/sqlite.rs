//! Outputs in a table of a database, of which the file is all there is when nobody uses it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use pipex::store::Listing;
use pipex::{Config, Output, SqliteStore, Store, flow, task};

use crate::kill::kill_after;
use crate::support::{Bench, child, files};

fn database() -> SqliteStore {
    SqliteStore::new(std::env::var("PIPEX_TESTS_DATABASE").unwrap_or_default())
}

#[task(target = "square/{base}.json", store = database())]
fn square(x: u64) -> u64 {
    // Many processes reach for the same targets; each body says that it ran.
    println!("squared {x}");
    x * x
}

#[test]
#[ignore = "a child of the test below"]
fn child_squares() {
    let outputs: Vec<Output<u64>> = (0..50).map(|x| square(x).base(x.to_string()).run().unwrap()).collect();
    let sum: u64 = outputs.iter().map(|output| output.load().unwrap()).sum();
    println!("sum {sum}");
}

#[test]
fn processes_share_a_database() {
    let bench = Bench::new();
    let database = bench.file("deep/outputs.sqlite");
    let run = || {
        let mut child = child("sqlite::child_squares", bench.path());
        child.env("PIPEX_TESTS_DATABASE", &database).stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..3).map(|_| run()).collect();
    let said: String = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .map(|output| {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert_eq!(said.matches("squared ").count(), 50, "each body runs once: {said}");
    assert_eq!(said.matches("sum 40425").count(), 3);

    let again = String::from_utf8(run().wait_with_output().unwrap().stdout).unwrap();
    assert!(again.contains("sum 40425") && !again.contains("squared"), "{again}");
    assert_eq!(files(bench.path()), ["deep/outputs.sqlite"], "nothing but the database");
}

#[flow]
fn say_squares() -> pipex::Result<()> {
    for x in 0..300 {
        square(x).base(x.to_string()).run()?;
        println!("\ndone {x}");
    }
    Ok(())
}

#[test]
#[ignore = "a child of the test below"]
fn child_say_squares() {
    say_squares().unwrap();
}

#[test]
fn killed_again_and_again_it_has_whole_rows_and_completes_in_the_end() {
    let bench = Bench::new();
    let start = || {
        let mut child = child("sqlite::child_say_squares", bench.path());
        child.env("PIPEX_TESTS_DATABASE", bench.file("outputs.sqlite")).stdout(Stdio::piped()).spawn().unwrap()
    };
    let store = SqliteStore::new(bench.file("outputs.sqlite"));
    let check = || {
        let mut there = Vec::new();
        store.list("", &mut |target| there.push(target)).unwrap();
        for target in &there {
            let x: u64 = target.path().file_stem().unwrap().to_str().unwrap().parse().unwrap();
            assert_eq!(Store::<u64>::load(&store, target).unwrap(), x * x);
        }
        there.len() as u64
    };
    for kill in 0..15 {
        kill_after(start(), kill % 13, kill * 7_919 % 200_000);
        assert!(check() >= kill % 13, "what was said to be done is there");
    }
    assert!(start().wait_with_output().unwrap().status.success());
    assert_eq!(check(), 300);
}

#[flow]
fn squares() -> pipex::Result<()> {
    (0..50).try_for_each(|x| square(x).base(x.to_string()).run().map(drop))?;
    hold().submit().wait()
}

/// Says that it runs, and ends when it is told to.
#[task(target = "held", store = database())]
fn hold() -> u64 {
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    7
}

#[test]
#[ignore = "a child of the tests below"]
fn child_flow() {
    match Config::new().signals(true).scope(squares) {
        Ok(()) => println!("\nall is well"),
        Err(error) => println!("\nfailed {error:?}"),
    }
}

/// A child that makes fifty rows and is held then.
fn held(bench: &Bench, mode: &str) -> Child {
    let mut child = child("sqlite::child_flow", bench.path());
    child.env("PIPEX_TESTS_DATABASE", bench.file("outputs.sqlite")).env("PIPEX", mode);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("held", child.stdout.as_mut().unwrap());
    child
}

fn wait_for(start: &str, says: impl Read) {
    let mut says = BufReader::new(says);
    let mut line = String::new();
    while !line.contains(start) {
        line.clear();
        assert_ne!(says.read_line(&mut line).unwrap(), 0, "it ended before it said {start}");
    }
}

/// How many rows the database has without the files beside it.
fn rows(bench: &Bench) -> usize {
    let copy = bench.file("copy.sqlite");
    fs::copy(bench.file("outputs.sqlite"), &copy).unwrap();
    let mut rows = 0;
    SqliteStore::new(&copy).list("", &mut |_| rows += 1).unwrap();
    fs::remove_file(copy).unwrap();
    rows
}

#[test]
fn when_a_flow_has_ended_the_database_is_all_there_is() {
    for mode in ["cache", "prefect.cache"] {
        let bench = Bench::new();
        let mut child = held(&bench, mode);
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        assert!(child.wait_with_output().unwrap().status.success());
        assert_eq!(bench.files(), ["outputs.sqlite"]);
        assert_eq!(rows(&bench), 51);
    }
}

#[test]
fn as_well_as_when_a_signal_has_ended_it() {
    let bench = Bench::new();
    let mut child = held(&bench, "prefect.cache");
    // Else it is closed before it is waited for, and the function that reads it goes on.
    let _held = child.stdin.take();
    let id = child.id().to_string();
    let term = || Command::new("kill").args(["-TERM", &id]).status().unwrap().success();
    assert!(term());
    let mut stderr = child.stderr.take().unwrap();
    wait_for("no more tasks start", &mut stderr);
    assert!(term());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    // Looked for first: a copy that is read stays open while the test below keeps databases open.
    assert_eq!(bench.files().iter().filter(|file| file.contains("wal")).count(), 0);
    assert_eq!(rows(&bench), 50);
}

#[task(target = "edge", store = database())]
fn edge(x: u64) -> u64 {
    x
}

#[flow]
fn edges(x: u64) -> pipex::Result<u64> {
    edge(x).run()?.load()
}

#[test]
#[ignore = "a child of the test below"]
fn child_edges() {
    let x = std::env::var("PIPEX_TESTS_X").unwrap().parse().unwrap();
    println!("\ngave {}", edges(x).unwrap());
}

#[test]
fn what_was_made_of_something_else_is_stale() {
    let bench = Bench::new();
    let journal = bench.journal();
    let gave = |x: &str, stale: &str| {
        let mut child = child("sqlite::child_edges", bench.path());
        child.env("PIPEX_TESTS_DATABASE", bench.file("outputs.sqlite")).env("PIPEX_JOURNAL", &journal);
        let ended = child.env("PIPEX_TESTS_X", x).env("PIPEX_STALE", stale).output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        said.lines().find_map(|line| line.strip_prefix("gave ")).unwrap().to_owned()
    };
    assert_eq!(gave("1", "warn"), "1");
    assert_eq!(gave("2", "warn"), "1", "it is taken, and a line says so");
    assert_eq!(gave("2", "rerun"), "2");
    fs::remove_dir_all(&journal).unwrap();
    assert_eq!(gave("3", "rerun"), "3", "the row says itself what made it");
}

/// Another process has it open, say to look at it.
#[test]
fn and_as_well_as_while_another_looks_at_it() {
    let bench = Bench::new();
    let mut child = held(&bench, "cache");
    let _open = SqliteStore::keep_open();
    let mut there = 0;
    SqliteStore::new(bench.file("outputs.sqlite")).list("", &mut |_| there += 1).unwrap();
    assert_eq!(there, 50);
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(rows(&bench), 51);
}

#[test]
fn a_path_is_a_path() {
    let bench = Bench::new();
    let run = |database: &str| {
        let mut child = child("sqlite::child_flow", bench.path());
        child.env("PIPEX_TESTS_DATABASE", database).current_dir(bench.path()).stdin(Stdio::null());
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    for nothing in [":memory:", ""] {
        let said = run(nothing);
        let told = format!("{nothing:?} names no file, so nothing would be kept in this database");
        assert!(said.contains(&told), "{said}");
        assert_eq!(bench.files(), [""; 0]);
    }
    for name in ["file:x?mode=memory", "file:other.sqlite", "./:memory:"] {
        let said = run(name);
        assert!(said.contains("squared 7") && said.contains("all is well"), "{said}");
        assert_eq!(bench.files(), [name.trim_start_matches("./")]);
        let again = run(name);
        assert!(!again.contains("squared") && again.contains("all is well"), "{again}");
        fs::remove_file(bench.file(name)).unwrap();
    }
}
