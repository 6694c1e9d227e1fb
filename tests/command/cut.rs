//! A journal that was cut anywhere is read up to the cut; one that is gone takes only history with it.

use std::fs;

use pipex::journal::{self, Line};
use pipex::{flow, task};

use crate::Desk;

#[task(target = "{path}/{funcname}/{base}")]
fn double(x: u64) -> u64 {
    2 * x
}

#[flow(path = "out")]
fn doubles() -> pipex::Result<()> {
    (0..3).try_for_each(|x| double(x).base(x.to_string()).run().map(drop))
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    doubles().unwrap();
}

fn make_desk() -> Desk {
    let desk = Desk::new();
    assert!(desk.pipeline("cut::pipeline").status().unwrap().success());
    desk
}

#[test]
fn read_up_to_the_cut() {
    let desk = make_desk();
    let [run] = &journal::runs(&desk.file(".pipex")).unwrap()[..] else { panic!("one run") };
    let whole = fs::read(run).unwrap();
    let cut = desk.file("cut.jsonl");
    for length in 0..=whole.len() {
        fs::write(&cut, &whole[..length]).unwrap();
        let mut lines = 0;
        journal::read(&cut, |_| lines += 1).unwrap();
        assert_eq!(lines, whole[..length].iter().filter(|byte| **byte == b'\n').count(), "cut at {length}");
    }
    // Cut, and something else behind it.
    let middle = whole.len() / 2;
    fs::write(&cut, [&whole[..middle], b"\n{}\n"].concat()).unwrap();
    let mut lines = 0;
    journal::read(&cut, |_| lines += 1).unwrap();
    assert_eq!(lines, whole[..middle].iter().filter(|byte| **byte == b'\n').count());
    // The command takes what it gets.
    fs::write(run, &whole[..middle]).unwrap();
    assert!(matches!(desk.pipex("status").status.code(), Some(0 | 3)));
}

#[test]
fn a_line_that_is_too_long_is_passed_over_and_told() {
    let desk = make_desk();
    let [run] = &journal::runs(&desk.file(".pipex")).unwrap()[..] else { panic!("one run") };
    let mut whole = fs::read(run).unwrap();
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    whole.splice(second..second, [vec![b' '; 17 << 20], b"\n".to_vec()].concat());
    fs::write(run, whole).unwrap();
    let mut read = 0;
    let error = journal::read(run, |_| read += 1).unwrap_err();
    assert_eq!((read, error.to_string().as_str()), (lines, "a line of more than 16 MiB is passed over"));
}

#[test]
fn without_it_outputs_are_taken_and_known_again_after_a_run() {
    let desk = make_desk();
    fs::remove_dir_all(desk.file(".pipex")).unwrap();
    assert!(desk.transcribe("status").contains("there is no journal here"));
    assert!(desk.pipeline("cut::pipeline").status().unwrap().success());
    assert_eq!(desk.count("double", "fresh"), 3);
    assert_eq!(desk.json("runs")[0]["completed"], 0);
}

#[test]
fn outputs_whose_journal_is_lost_are_found_by_what_they_say_themselves() {
    let desk = make_desk();
    fs::rename(desk.file("out/double/1"), desk.file("out/double/elsewhere")).unwrap();
    desk.write("out/double/mine", "not pipex's");
    assert_eq!(desk.json("ls --unrecorded"), serde_json::json!(["out/double/elsewhere"]));
    assert_eq!(desk.json("ls --unrecorded out/other"), serde_json::json!([]));
}

#[test]
fn a_line_has_what_is_known_of_a_task_run() {
    let desk = make_desk();
    let [run] = &journal::runs(&desk.file(".pipex")).unwrap()[..] else { panic!("one run") };
    let mut lines = Vec::new();
    journal::read(run, |line| lines.push(line)).unwrap();
    let Line::Run(head) = &lines[0] else { panic!("{:?}", lines[0]) };
    assert_eq!(
        (head.flow.as_deref(), &*head.mode, &*head.directory),
        (Some("doubles"), "cache", desk.path().canonicalize().unwrap().to_str().unwrap())
    );
    assert_eq!(head.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    let ended: Vec<_> =
        lines.iter().filter_map(|line| if let Line::Ended(ended) = line { Some(ended) } else { None }).collect();
    assert_eq!(ended.len(), 3);
    assert_eq!(ended[2].target.as_deref(), Some("out/double/2"));
    assert_eq!(ended[2].given[0].value.as_deref(), Some("2"));
    assert!(ended[2].there.is_some_and(|there| there.bytes == fs::metadata(desk.file("out/double/2")).unwrap().len()));
    assert!(matches!(lines.last(), Some(Line::Over(_))));
    assert!(fs::read_to_string(desk.file(".pipex/.gitignore")).unwrap().contains('*'));
}
