//! What a run did, and what it cost: traces, profiles, and what is seen while it goes on.
//!
//! `tests/fixtures/seen` has two runs whose times are the same each time; what is shown of them stands in the guide as it is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use pipex::{Output, flow, task};
use serde_json::Value;

use crate::Desk;
use crate::gate::{Gate, wait_at};

/// The project with the two runs.
pub fn desk() -> Desk {
    let desk = Desk::new();
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seen/journal/runs");
    fs::create_dir_all(desk.file(".pipex/runs")).unwrap();
    for run in fs::read_dir(runs).unwrap() {
        let run = run.unwrap();
        fs::copy(run.path(), desk.file(".pipex/runs").join(run.file_name())).unwrap();
    }
    desk
}

/// The blocks of this kind in the guide.
fn pictures(kind: &str) -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/seeing.md");
    let guide = fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n'));
    blocks.map(str::to_owned).collect()
}

/// What is shown stands in the guide as it is.
#[track_caller]
fn assert_pictured(kind: &str, shown: &str) {
    let pictures = pictures(kind);
    assert!(pictures.iter().any(|picture| picture == shown), "docs/src/seeing.md has no such block:\n{shown}");
}

#[test]
fn a_profile_says_what_each_function_cost_and_what_is_compared_stands_beside_each_other() {
    let desk = desk();
    assert_pictured("console", &desk.transcribe("profile @2"));
    assert_pictured("console", &desk.transcribe("profile @2 @1"));
    let profile = desk.json("profile");
    let read = &profile["tasks"][0];
    assert_eq!((&read["task"], &read["ran"], &read["cached"]), (&"read".into(), &0.into(), &3.into()));
    assert_eq!((read["spared"].as_f64(), read["spared_by_second"].as_f64()), (Some(6.495), Some(1.0)));
    // Two attempts are one run, and the pause between them is no work.
    let clean = &profile["tasks"][1];
    assert_eq!((&clean["ran"], format!("{:.3}", clean["longest"].as_f64().unwrap())), (&3.into(), "4.600".to_owned()));
    let path = profile["critical_path"]["runs"].as_array().unwrap();
    let names: Vec<_> = path.iter().map(|run| run["target"].as_str().unwrap()).collect();
    assert_eq!(names, ["out/clean/LGA.csv", "out/climate/LGA.json"]);
    assert_eq!(profile["slowest"][0]["name"], "clean JFK");
    assert!(desk.transcribe("profile nothing").contains("there is no run nothing: `pipex runs` lists those there are"));
}

/// What the Trace Event Format asks of each event, and a reader of all of them: that they are in the order of time, that what is
/// on one lane is within each other or beside, and that flows begin and end within a slice. Gives the slices.
fn check_trace(text: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_str(text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let number = |event: &Value, field: &str| {
        event[field].as_f64().filter(|it| *it >= 0.0).unwrap_or_else(|| panic!("{field} of {event}"))
    };
    let slices: Vec<_> = events.iter().filter(|event| event["ph"] == "X").cloned().collect();
    let mut before = 0.0;
    let mut names = Vec::new();
    let mut open: Vec<(f64, f64)> = Vec::new();
    for event in events {
        let (at, lane) = (number(event, "ts"), number(event, "tid"));
        assert!(
            event["pid"].is_u64() && event["tid"].is_u64() && !event["name"].as_str().unwrap().is_empty(),
            "{event}"
        );
        assert!(at >= before, "{event} stands behind what is later");
        before = at;
        match event["ph"].as_str().unwrap() {
            "M" if event["name"] == "thread_name" => names.push(lane),
            "M" => assert!(event["args"].is_object(), "{event}"),
            "X" => {
                let end = at + number(event, "dur");
                open.retain(|(other, until)| *other != lane || *until > at + 1e-3);
                let is_within = |(other, until): &(f64, f64)| *other != lane || end <= until + 1e-3;
                assert!(open.iter().all(is_within), "{event} ends behind what it is within");
                open.push((lane, end));
            }
            phase @ ("s" | "f") => {
                assert!(phase == "s" || event["bp"] == "e", "{event}");
                let holds = |slice: &&Value| {
                    let from = number(slice, "ts");
                    number(slice, "tid") == lane && from <= at + 1e-3 && at <= from + number(slice, "dur") + 1e-3
                };
                assert!(slices.iter().any(|slice| holds(&slice)), "{event} is within no slice");
                let other = if phase == "s" { "f" } else { "s" };
                let ends: Vec<_> = events.iter().filter(|it| it["ph"] == other && it["id"] == event["id"]).collect();
                assert_eq!(ends.len(), 1, "{event}");
            }
            phase => panic!("{phase}"),
        }
    }
    assert!(slices.iter().all(|slice| names.contains(&number(slice, "tid"))));
    slices
}

#[test]
fn a_trace_has_what_ran_when_and_where_and_what_took_what() {
    let desk = desk();
    assert!(desk.pipex("trace @2 -o run.json").status.success());
    let text = fs::read_to_string(desk.file("run.json")).unwrap();
    let slices = check_trace(&text);
    let find = |name: &str| slices.iter().filter(|slice| slice["name"] == name).cloned().collect::<Vec<_>>();
    // What is on the critical path is there and on its worker's lane.
    let [again, clean] = &find("clean LGA")[..] else { panic!("{slices:?}") };
    assert_eq!((again["tid"].as_u64(), clean["tid"].as_u64()), (Some(0), Some(1)));
    assert_eq!((clean["ts"].as_f64(), clean["dur"].as_f64()), (Some(6e6), Some(4.5e6)));
    assert_eq!((&clean["args"]["key"], &clean["args"]["why"]), (&"out/clean/LGA.csv".into(), &"missing".into()));
    assert_eq!((&clean["args"]["state"], clean["args"]["waited"].as_f64()), (&"Completed".into(), Some(1.5)));
    assert_eq!(find("clean EWR").len(), 1);
    assert_pictured("json", &format!("{:#}\n", slices[0]));
    let critical: Vec<_> = slices.iter().filter(|slice| slice["tid"] == 0 && slice["args"].is_object()).collect();
    let names: Vec<_> = critical.iter().map(|slice| slice["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["read LGA", "clean LGA", "climate LGA", "plot", "report"]);
    let flows = text.matches("\"ph\":\"s\"").count();
    assert_eq!(flows, 3 + 3 + 3 + 4);
}

#[test]
fn each_attempt_is_there_and_says_why_it_failed() {
    let desk = desk();
    let slices = check_trace(&String::from_utf8(desk.pipex("trace").stdout).unwrap());
    let clean: Vec<_> = slices.iter().filter(|slice| slice["args"]["key"] == "out/clean/JFK.csv").collect();
    let states: Vec<_> = clean.iter().map(|slice| slice["args"]["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"AwaitingRetry") && states.contains(&"Failed"), "{states:?}");
    assert!(clean.iter().all(|slice| slice["args"]["error"].is_string() && slice["cname"] == "terrible"));
    assert!(!slices.iter().any(|slice| slice["args"]["state"] == "NotReady"));
}

#[task(target = "{path}/{funcname}/{key}", retries = 1)]
fn numbers(key: u64) -> Result<Vec<u64>, String> {
    static FAILED: std::sync::Once = std::sync::Once::new();
    let mut is_first = false;
    if key == 7 {
        FAILED.call_once(|| is_first = true);
    }
    if is_first { Err("the first time".to_owned()) } else { Ok((0..1000).map(|it| it * key).collect()) }
}

#[task(target = "{path}/sums/{base}")]
fn sum(all: Vec<Vec<u64>>) -> u64 {
    all.iter().flatten().sum()
}

#[flow(path = "out")]
fn sums() -> pipex::Result<u64> {
    let numbers: Vec<Output<_>> = (0..40).map(|key| numbers(key).submit()).collect();
    let sums: Vec<_> = numbers.chunks(8).enumerate().map(|(at, these)| sum(these).base(at).submit()).collect();
    sums.into_iter().map(|sum| sum.load()).sum()
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    sums().unwrap();
}

#[test]
fn a_trace_of_a_real_run_is_one() {
    let desk = Desk::new();
    let mut run = desk.pipeline("seen::pipeline");
    assert!(run.env("PIPEX", "prefect.cache").env("PIPEX_WORKERS", "4").status().unwrap().success());
    let text = String::from_utf8(desk.pipex("trace").stdout).unwrap();
    let slices = check_trace(&text);
    let of = |name: &'static str| {
        slices.iter().filter(move |it| it["cat"] == name && it["tid"] != 0 && it["args"].is_object())
    };
    // One failed, and ran again.
    assert_eq!((of("numbers").count(), of("sum").count()), (41, 5));
    assert!(of("sum").chain(of("numbers")).all(|slice| slice["args"]["waited"].is_number()));
    let inner = |name: &str| slices.iter().filter(|slice| slice["tid"] != 0 && slice["name"] == name).count();
    assert_eq!((inner("save output"), inner("load arguments")), (45, 46));
    assert_eq!(text.matches("\"ph\":\"s\"").count(), 40);
}

#[task(target = "{path}/{funcname}/{key}")]
fn waits(key: u64, gate: &Path) -> Result<u64, String> {
    wait_at(gate);
    if key == 1 { Err("it is odd".to_owned()) } else { Ok(key) }
}

#[flow(path = "out")]
fn held() -> pipex::Result<()> {
    (0..2).for_each(|key| _ = waits(key, Path::new("gate").to_owned()).submit());
    Ok(())
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn held_pipeline() {
    held().unwrap_err();
}

/// A run that a gate holds, while two of its task runs go on.
fn hold(desk: &Desk) -> (Gate, Child) {
    let gate = Gate::new(desk.file("gate"));
    let mut pipeline = desk.pipeline("seen::held_pipeline");
    pipeline.env("PIPEX", "prefect.cache").env("PIPEX_WORKERS", "2").stdout(Stdio::null()).stderr(Stdio::null());
    (gate, pipeline.spawn().unwrap())
}

#[cfg(feature = "watch")]
#[test]
fn a_run_is_watched_in_a_terminal_until_it_has_ended() {
    use crate::terminal::Terminal;

    let desk = Desk::new();
    fs::create_dir(desk.file(".pipex")).unwrap();
    let (mut terminal, end) = Terminal::open();
    let mut command = desk.command();
    command.arg("watch").env("TERM", "xterm").stdin(end.try_clone().unwrap()).stdout(end);
    let mut watch = command.spawn().unwrap();
    // It holds the terminal open.
    drop(command);
    terminal.until("begins");
    let (gate, mut pipeline) = hold(&desk);
    terminal.until("out/waits/1");
    let screen = &terminal.screen;
    assert!(screen.contains("held") && screen.contains("running"), "{screen:?}");
    let _open = gate.open();
    terminal.until("odd");
    terminal.until("failed");
    assert!(pipeline.wait().unwrap().success());
    terminal.press("q");
    assert!(watch.wait().unwrap().success());
    assert!(terminal.close().ends_with("\u{1b}[?1049l\u{1b}[?25h"), "the terminal is as it was");
}

#[test]
fn runs_are_followed_in_lines_while_they_go_on() {
    let desk = Desk::new();
    fs::create_dir(desk.file(".pipex")).unwrap();
    let mut follow = desk.command().args(["runs", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let (gate, mut pipeline) = hold(&desk);
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.ends_with(": running"), "{first}");
    let _open = gate.open();
    let mut said: Vec<_> = lines.by_ref().take(3).collect();
    let last = said.pop().unwrap();
    said.sort();
    assert!(said[0].contains(": waits completed, ") && said[1].contains(": waits failed, "), "{said:?}");
    assert!(said[1].ends_with(": it is odd") && said[1].starts_with(first.trim_end_matches(": running")), "{said:?}");
    assert!(last.contains(": failed (1 ran, 0 cached, 1 failed, 0 skipped), "), "{last}");
    assert!(pipeline.wait().unwrap().success());
    follow.kill().unwrap();
    follow.wait().unwrap();
    let piped = desk.transcribe("watch");
    assert!(piped.contains("this is no terminal: `pipex runs --follow` writes lines\n[1]"), "{piped}");
}
