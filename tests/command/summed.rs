//! What the command sums up of journals is what they say, whatever becomes of them or of it.

use std::fs;

use pipex::{Output, flow, journal, task};

use crate::Desk;

#[task(target = "{path}/{funcname}/{x}")]
fn double(x: u64) -> Result<u64, &'static str> {
    pipex::record("doubled", 2 * x);
    if std::env::var("FAILS").is_ok_and(|fails| fails == x.to_string()) { Err("it fails") } else { Ok(2 * x) }
}

#[task(target = "{path}/{funcname}.json")]
fn sum(all: Vec<u64>) -> u64 {
    all.iter().sum()
}

#[flow(path = "out")]
fn sums(count: u64) -> pipex::Result<()> {
    let all: Vec<Output<u64>> = (0..count).map(|x| double(x).submit()).collect();
    sum(all).submit();
    Ok(())
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    let _ = sums(std::env::var("COUNT").unwrap().parse().unwrap());
}

fn run(desk: &Desk, count: u64, set: &[(&str, &str)]) {
    let mut command = desk.pipeline("summed::pipeline");
    command.env("PIPEX", "cache").env("COUNT", count.to_string()).envs(set.iter().copied());
    assert!(command.status().unwrap().success());
}

const QUESTIONS: [&str; 8] =
    ["status", "ls", "runs", "profile @1 @1", "why out/sum.json", "show out/double/1", "graph", "profile"];

/// What the command says to all of these questions; `before` each something is done.
fn ask(desk: &Desk, before: impl Fn()) -> Vec<String> {
    let answer = |question: &&str| {
        before();
        let output = desk.pipex(&format!("{question} --json"));
        assert!(matches!(output.status.code(), Some(0 | 3)), "{question}: {}", String::from_utf8_lossy(&output.stderr));
        let said = format!("{question}: {:?} {}", output.status.code(), String::from_utf8_lossy(&output.stdout));
        // Seconds may have passed.
        (0..60).fold(said, |said, seconds| said.replace(&format!("({seconds} s ago)"), "(just now)"))
    };
    QUESTIONS.iter().map(answer).collect()
}

/// Asks with what is summed up, and without.
fn assert_same(desk: &Desk, what: &str) {
    let summary = desk.file(".pipex/summary");
    let summed_up = ask(desk, || {});
    assert!(summary.exists(), "{what}");
    let read = ask(desk, || fs::remove_file(&summary).unwrap());
    summed_up.iter().zip(&read).for_each(|(summed_up, read)| assert_eq!(summed_up, read, "{what}"));
}

#[test]
fn what_is_summed_up_is_what_the_journals_say() {
    let desk = Desk::new();
    run(&desk, 3, &[]);
    assert_same(&desk, "a run");
    run(&desk, 5, &[("FAILS", "4")]);
    assert_same(&desk, "one more, in which something failed");
    run(&desk, 5, &[]);
    run(&desk, 4, &[]);
    assert_same(&desk, "it is over, and one call is gone");
    for line in ["accept --reason arguments,inputs --yes", "accept --undo", "rm out/double/2 --yes"] {
        let output = desk.pipex(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert_same(&desk, line);
    }
    run(&desk, 4, &[("PIPEX_STALE", "rerun")]);
    assert_same(&desk, "all was made again");
    desk.write("out/sum.json", "17");
    assert_same(&desk, "an output was edited");
}

#[test]
fn where_the_journals_are_others_or_it_is_damaged_they_are_read() {
    let desk = Desk::new();
    (2..5).for_each(|count| run(&desk, count, &[]));
    let summary = desk.file(".pipex/summary");
    let whole = ask(&desk, || {});
    let bytes = fs::read(&summary).unwrap();
    let earlier = [b"pipex\0S\x01", &bytes[8..]].concat();
    for damaged in [&bytes[..bytes.len() / 2], &bytes[..12], b"", &[&bytes[..], b"x"].concat(), &earlier] {
        assert_eq!(ask(&desk, || fs::write(&summary, damaged).unwrap()), whole);
    }
    for place in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        fs::write(&summary, &changed).unwrap();
        assert_eq!(desk.pipex("status --json").stdout, desk.pipex("status --json").stdout, "at {place}");
        assert!(fs::read(&summary).unwrap() != changed, "it was written again");
    }
    let runs = journal::runs(&desk.file(".pipex")).unwrap();
    let text = fs::read_to_string(&runs[1]).unwrap();
    assert!(text.contains("\"state\":\"Completed\""), "{text}");
    fs::write(&runs[1], text.replace("\"state\":\"Completed\"", "\"state\":\"Failed\"")).unwrap();
    assert_same(&desk, "a journal was changed");
    assert_ne!(ask(&desk, || {}), whole);
    fs::remove_file(&runs[0]).unwrap();
    assert_same(&desk, "the first is gone");
    fs::rename(&runs[2], desk.file(".pipex/runs/19700101-000000.000-sums-1.jsonl")).unwrap();
    assert_same(&desk, "the last is the first");
}
