//! Why runs came to nothing: each cause once, however many it is the cause of; and how runs ended.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pipex::{Config, Output, flow, task};
use serde_json::json;

use crate::Desk;

#[task(target = "{path}/raw")]
fn raw() -> Vec<u64> {
    vec![1, 2, 3]
}

#[task(target = "{path}/joined")]
fn joined(raw: Vec<u64>) -> Result<Vec<u64>, String> {
    if std::env::var("FAILS").is_ok() { Err("it is\nno\u{1b}[2J use".to_owned()) } else { Ok(raw) }
}

#[task(target = "{path}/part/{x}")]
fn part(joined: &[u64], x: u64) -> u64 {
    joined.len() as u64 + x
}

#[task(target = "{path}/end/{x}")]
fn end(part: u64, x: u64) -> u64 {
    part + x
}

/// One is joined, and 63 twice take it.
#[flow(path = "out")]
fn parts() -> pipex::Result<()> {
    let joined = joined(raw().submit()).submit();
    (0..63).for_each(|x| drop(end(part(joined.clone(), x).submit(), x).submit()));
    Ok(())
}

/// Says that it runs, and ends when there is a line.
#[task(target = "{path}/held")]
fn held() -> u64 {
    println!("\nheld");
    std::io::stdin().lines().next().map_or(0, |_| 7)
}

#[flow(path = "out")]
fn holds() -> pipex::Result<()> {
    let held = held().submit();
    (0..5).for_each(|x| drop(end(held.clone(), x).submit()));
    let others: Vec<Output<u64>> = (5..10).map(|x| end(x, x).submit()).collect();
    held.wait()?;
    others.iter().try_for_each(Output::wait)
}

#[flow(path = "out")]
fn panics() {
    raw().submit().wait().unwrap();
    panic!("no");
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    match std::env::var("WHAT").as_deref() {
        Ok("holds") => {
            let grace = Duration::from_secs(std::env::var("GRACE").unwrap().parse().unwrap());
            println!("\nended {:?}", Config::new().signals(true).grace(grace).scope(holds));
        }
        Ok("panics") => _ = std::panic::catch_unwind(panics),
        _ => println!("\nended {:?}", parts().is_ok()),
    }
}

fn run(desk: &Desk, mode: &str, settings: &[(&str, &str)]) {
    let mut pipeline = desk.pipeline("causes::pipeline");
    pipeline.env("PIPEX", mode).env("PIPEX_QUIET", "1").envs(settings.iter().copied());
    assert!(pipeline.output().unwrap().status.success());
}

/// The lines of `pipex status` below its table.
fn explained(desk: &Desk) -> Vec<String> {
    let said = desk.transcribe("status");
    let is_table =
        |line: &&str| line.split_whitespace().nth(1).is_some_and(|cell| cell == "-" || cell.parse::<u64>().is_ok());
    said.lines().skip(2).filter(|line| !is_table(line)).map(str::to_owned).collect()
}

#[test]
fn one_failure_is_told_once_and_what_did_not_run_for_it_is_counted() {
    for mode in ["cache", "prefect.cache"] {
        let desk = Desk::new();
        run(&desk, mode, &[("FAILS", "1")]);
        let said = desk.transcribe("status");
        let head: Vec<&str> =
            said.lines().nth(1).unwrap().split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect();
        assert_eq!(head, ["task", "fresh", "stale", "failed", "not ready", "missing", "size", "newest"], "{said}");
        assert_eq!(
            [desk.count("joined", "failed"), desk.count("part", "not_ready"), desk.count("end", "not_ready")],
            [1, 63, 63]
        );
        let cause = "it is\\nno\\u{1b}[2J use";
        assert_eq!(
            explained(&desk),
            [
                format!("failed: out/joined: {cause}"),
                format!("126 did not run because of out/joined: {cause}"),
                "[3]".to_owned(),
            ]
        );
        let causes =
            desk.json("status").as_array().unwrap().iter().find(|row| row["task"] == "end").unwrap()["causes"].clone();
        assert_eq!(causes[0]["root"], "out/joined");
        assert_eq!([&causes[0]["condition"], &causes[0]["count"]], [&json!("not_ready"), &json!(63)]);
        assert_eq!(desk.json("ls --not-ready").as_array().unwrap().len(), 126);
        assert_eq!(desk.json("ls --failed").as_array().unwrap().len(), 1);
        assert_eq!(desk.json("runs")[0]["state"], "failed");
        // A failure that is over is told no more.
        run(&desk, mode, &[]);
        assert_eq!((explained(&desk), desk.pipex("status").status.code()), (Vec::new(), Some(0)));
    }
}

#[test]
fn an_input_that_is_damaged_is_the_cause_of_all_that_take_it() {
    let desk = Desk::new();
    run(&desk, "cache", &[]);
    let joined = desk.file("out/joined");
    let mut bytes = fs::read(&joined).unwrap();
    bytes[0] ^= 1;
    fs::write(&joined, bytes).unwrap();
    fs::remove_dir_all(desk.file("out/part")).unwrap();
    fs::remove_dir_all(desk.file("out/end")).unwrap();
    run(&desk, "cache", &[]);
    let explained = explained(&desk);
    let because: Vec<_> = explained.iter().filter(|line| line.contains("because of out/joined: ")).collect();
    assert_eq!(because.len(), 1, "those that could not take it, and those that these were for: {explained:?}");
    assert!(because[0].starts_with("126 did not run because of out/joined: cannot load the output"), "{explained:?}");
    assert!(because[0].contains("damaged") && !because[0].contains("task run"), "{explained:?}");
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn wait_for(line: &str, said: &mut impl Read) {
    assert!(
        BufReader::new(said).lines().map_while(Result::ok).any(|said| said.contains(line)),
        "it did not say {line}"
    );
}

#[test]
fn a_run_that_was_stopped_is_cancelled_and_so_is_what_did_not_run_for_it() {
    // In time, at once, and when there is no more time.
    for (grace, signals) in [("600", 1), ("600", 2), ("0", 1)] {
        let desk = Desk::new();
        let mut pipeline = desk.pipeline("causes::pipeline");
        pipeline.envs([("WHAT", "holds"), ("GRACE", grace), ("PIPEX", "prefect.cache"), ("PIPEX_WORKERS", "1")]);
        let pipeline = pipeline.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipeline.spawn().unwrap();
        let stdin = child.stdin.take();
        wait_for("held", child.stdout.as_mut().unwrap());
        send("-INT", &child);
        wait_for("no more tasks start", child.stderr.as_mut().unwrap());
        let is_in_time = (grace, signals) == ("600", 1);
        match is_in_time {
            true => drop(stdin),
            false => {
                (1..signals).for_each(|_| send("-INT", &child));
                assert_eq!(child.wait().unwrap().code(), Some(130));
                drop(stdin);
            }
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(desk.json("runs")[0]["state"], "cancelled", "{grace} {signals}");
        assert!(desk.transcribe("runs").contains("cancelled"));
        let cancelled = desk.json("ls --cancelled").as_array().unwrap().len();
        if is_in_time {
            assert_eq!((cancelled, desk.count("held", "fresh")), (10, 1));
            assert_eq!(explained(&desk)[0], "10 did not run: the flow run was cancelled: signal 2 came");
        } else {
            assert_eq!((cancelled, desk.count("held", "cancelled")), (1, 1));
            assert_eq!(explained(&desk)[0], "cancelled: out/held: its run was cancelled before it had ended");
        }
        assert_eq!(desk.pipex("status").status.code(), Some(3));
    }
}

#[test]
fn a_flow_that_panicked_has_crashed_and_calls_outside_flows_have_ended() {
    let desk = Desk::new();
    run(&desk, "cache", &[("WHAT", "panics")]);
    assert_eq!(desk.json("runs")[0]["state"], "crashed");
    desk.grid("1", &[("WHAT", "outside")]);
    assert_eq!(desk.json("runs")[1]["state"], "ended");
    assert!(Path::new(&desk.file("outside")).exists());
}
