//! Several processes write journals while the command reads.

use pipex::{flow, task};

use crate::Desk;

const MANY: u64 = 300;

#[task(target = "{path}/{funcname}/{base}.json")]
fn square(x: u64) -> u64 {
    x * x
}

#[flow(path = "out")]
fn squares(first: u64) -> pipex::Result<()> {
    (first..first + MANY).try_for_each(|x| square(x).base(x.to_string()).run().map(drop))
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    squares(std::env::var("FIRST").unwrap().parse().unwrap()).unwrap();
}

#[test]
fn two_processes_write_while_status_reads() {
    let desk = Desk::new();
    std::fs::create_dir(desk.file(".pipex")).unwrap();
    // Half of what each does is the other's, too.
    let start = |first: u64| {
        desk.pipeline("together::pipeline").env("FIRST", first.to_string()).stdout(std::process::Stdio::null()).spawn()
    };
    let mut children = [start(0).unwrap(), start(MANY / 2).unwrap()];
    let mut most = 0;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        let fresh = desk.count("square", "fresh");
        assert!(fresh >= most, "what was there is there: {fresh} after {most}");
        assert_eq!(desk.count("square", "stale"), 0);
        most = fresh;
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(desk.count("square", "fresh"), MANY + MANY / 2, "{}", desk.json("status"));
    let runs = desk.json("runs");
    assert!(runs.as_array().unwrap().iter().all(|run| run["state"] == "completed"), "{runs}");
    let ran: u64 = runs.as_array().unwrap().iter().map(|run| run["completed"].as_u64().unwrap()).sum();
    assert_eq!(ran, MANY + MANY / 2, "each once");
}
