//! `pipex rm` and `pipex gc` take what pipex made, and nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use pipex::{Location, flow, task};

use crate::Desk;

#[task(target = "{path}/{name}.json")]
fn number(name: &str, value: u64) -> u64 {
    let _ = name;
    value
}

#[task(target = "{path}/held/{name}")]
fn held(name: &str) -> u64 {
    let _ = name;
    println!("\nheld");
    loop {
        std::thread::park();
    }
}

#[flow(path = "out")]
fn numbers(count: u64, hold: bool) -> pipex::Result<()> {
    for value in 0..count {
        number(format!("n{value}"), value).run()?;
    }
    if hold { held("one").run().map(drop) } else { Ok(()) }
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    let count = std::env::var("COUNT").unwrap().parse().unwrap();
    numbers(count, std::env::var_os("HOLD").is_some()).unwrap();
}

fn make_desk(count: u64) -> Desk {
    let desk = Desk::new();
    let ended = desk.pipeline("removing::pipeline").env("COUNT", count.to_string()).status().unwrap();
    assert!(ended.success());
    desk
}

fn files(desk: &Desk) -> Vec<String> {
    let names = fs::read_dir(desk.file("out")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_file_that_pipex_did_not_make_stays() {
    let desk = make_desk(3);
    desk.write("out/mine.json", "1");
    desk.write("out/n1.json", "\"edited\"");
    let said = desk.transcribe("rm out/** --yes");
    assert!(said.contains("left alone: out/n1.json"), "{said}");
    assert_eq!(files(&desk), ["mine.json", "n1.json"]);
    let nothing = desk.transcribe("rm out/mine.json --yes");
    assert!(nothing.contains("matches nothing that a pipeline here has made") && nothing.contains("[1]"), "{nothing}");
}

#[test]
fn everything_has_to_be_said_and_nobody_to_ask_is_an_error() {
    let desk = make_desk(2);
    let said = desk.transcribe("rm --yes");
    assert!(said.contains("that is everything") && said.contains("[1]"), "{said}");
    let said = desk.transcribe("rm out");
    assert!(said.contains("say --yes") && said.contains("[1]"), "{said}");
    assert_eq!(files(&desk).len(), 2);
    assert_eq!(desk.json("rm out --yes")["targets"].as_array().unwrap().len(), 2);
    assert!(files(&desk).is_empty());
}

#[test]
fn what_nothing_makes_any_more_is_orphaned() {
    let desk = make_desk(3);
    let ended = desk.pipeline("removing::pipeline").env("COUNT", "2").status().unwrap();
    assert!(ended.success());
    assert_eq!([desk.count("number", "fresh"), desk.count("number", "orphaned")], [2, 1]);
    desk.transcribe("rm --orphaned --yes");
    assert_eq!(files(&desk), ["n0.json", "n1.json"]);
}

#[test]
fn older_than_is_told_by_when_it_was_saved() {
    let desk = make_desk(2);
    assert_eq!(desk.json("ls --older-than 1h").as_array().unwrap().len(), 0);
    assert_eq!(desk.json("ls --older-than 0s").as_array().unwrap().len(), 2);
    assert!(desk.transcribe("ls --older-than tuesday").contains("write a duration such as 7d"));
}

#[test]
fn what_a_killed_process_left_is_told_and_goes_and_what_a_living_one_holds_stays() {
    use std::io::{BufRead as _, BufReader};

    let desk = make_desk(1);
    let hold = || {
        let mut pipeline = desk.pipeline("removing::pipeline");
        let mut child = pipeline.env("COUNT", "1").env("HOLD", "1").stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(says.map_while(Result::ok).any(|line| line == "held"));
        // The journal says it soon after.
        while desk.count("held", "running") == 0 {}
        child
    };
    let temporary = Location::new(desk.file("out/held/one").to_str().unwrap()).sibling();
    let mut child = hold();
    desk.transcribe("gc");
    assert!(temporary.exists(), "it is in use");
    assert_eq!(desk.json("runs")[1]["state"], "running");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(desk.json("runs")[1]["state"], "killed");
    assert_eq!(desk.count("held", "failed"), 1);
    assert!(desk.transcribe("why out/held/one").contains("the process was killed while it was made"));
    assert!(temporary.exists());
    assert!(desk.transcribe("gc").contains("removed 1 temporary file"));
    assert!(!temporary.exists());
}

#[test]
fn beside_processes_that_run_nothing_is_amiss() {
    let desk = make_desk(1);
    let start = || desk.pipeline("removing::pipeline").env("COUNT", "400").stdout(Stdio::null()).spawn().unwrap();
    let mut children = [start(), start()];
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        let gc = desk.pipex("gc --keep 0");
        assert!(gc.status.success(), "{}", String::from_utf8_lossy(&gc.stderr));
    }
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    desk.transcribe("gc --keep 0");
    assert_eq!(files(&desk).len(), 400);
    assert_eq!(desk.count("number", "fresh"), 400);
}

/// It is neither waited for nor removed; the rest goes on.
#[test]
fn what_is_no_file_is_told_by_name_and_stays() {
    let desk = make_desk(2);
    let fifo = desk.file("out/.n0.json.pipex-tmp");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let outside = desk.file("outside");
    desk.write("outside", "of somebody else");
    symlink(&outside, desk.file("out/.n1.json.pipex-tmp")).unwrap();
    desk.write("out/.n2.json.pipex-tmp", "of a killed process");
    for line in ["gc --dry-run", "gc"] {
        let said = desk.transcribe(line);
        assert!(said.contains("out/.n0.json.pipex-tmp is a FIFO where a regular file should be"), "{said}");
        assert!(said.contains("out/.n1.json.pipex-tmp is a symbolic link"), "{said}");
        assert!(said.contains("2 of what is left over could not be removed") && said.contains("[1]"), "{said}");
        assert!(said.contains(&format!("{} 1 temporary file", if line == "gc" { "removed" } else { "would remove" })));
    }
    assert_eq!(files(&desk), [".n0.json.pipex-tmp", ".n1.json.pipex-tmp", "n0.json", "n1.json"]);
    assert_eq!(fs::read_to_string(outside).unwrap(), "of somebody else");
    assert_eq!(desk.pipex("gc --json").status.code(), Some(1));
}
