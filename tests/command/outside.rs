//! A journal is data from outside: it comes along with a project that is cloned or copied.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pipex::{flow, task};

use crate::{Desk, lines_of};

#[task(target = "{path}/{x}.json")]
fn number(x: u64) -> u64 {
    x
}

#[flow(path = "out")]
fn numbers() -> pipex::Result<()> {
    (0..3).try_for_each(|x| number(x).run().map(drop))
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    println!();
    numbers().unwrap();
    println!("ended well");
}

fn run(desk: &Desk) -> Output {
    ended(&mut desk.pipeline("outside::pipeline"))
}

/// What a process says that may hang: then it is killed, and the test fails.
fn ended(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (says, said) = mpsc::channel();
    thread::spawn(move || says.send(child.wait_with_output()));
    said.recv_timeout(Duration::from_secs(120)).map(Result::unwrap).unwrap_or_else(|_| {
        Command::new("kill").args(["-9", &id]).status().unwrap();
        panic!("{command:?} hangs");
    })
}

fn fifo(path: impl AsRef<std::path::Path>) {
    assert!(Command::new("mkfifo").arg(path.as_ref()).status().unwrap().success());
}

/// Puts what is no journal where journals are expected.
fn put_odd_things(desk: &Desk) {
    for directory in [".pipex/live", ".pipex/runs"] {
        fs::create_dir_all(desk.file(directory)).unwrap();
        fs::create_dir_all(desk.file(&format!("{directory}/1-directory.jsonl"))).unwrap();
        fifo(desk.file(&format!("{directory}/1-fifo.jsonl")));
        symlink("/nowhere/at/all", desk.file(&format!("{directory}/1-dangling.jsonl"))).unwrap();
        symlink("1-loop.jsonl", desk.file(&format!("{directory}/1-loop.jsonl"))).unwrap();
        fs::write(desk.file(&format!("{directory}/1-binary.jsonl")), [0xff, 0xfe, b'\n', 0]).unwrap();
    }
}

#[test]
fn a_program_passes_over_what_is_no_journal_and_says_so() {
    let desk = Desk::new();
    put_odd_things(&desk);
    for index in [None, Some("1 2 3")] {
        if let Some(index) = index {
            fs::write(desk.file(".pipex/index"), index).unwrap();
        }
        let said = lines_of(&run(&desk));
        assert!(said.contains("ended well"), "{said}");
        for name in ["directory", "fifo", "dangling", "loop"] {
            let said = said.lines().filter(|line| line.contains(&format!("live/1-{name}.jsonl"))).count();
            assert_eq!(said, 1, "{name}");
        }
        let live = fs::read_dir(desk.file(".pipex/live")).unwrap().count();
        assert_eq!(live, 4, "nothing of it has become a journal of a run that has ended");
    }
}

#[test]
fn a_program_neither_waits_for_nor_writes_to_what_stands_where_its_own_files_go() {
    let desk = Desk::new();
    fs::create_dir(desk.file(".pipex")).unwrap();
    fifo(desk.file(".pipex/index"));
    fifo(desk.file(".pipex/lock"));
    symlink(desk.file("elsewhere"), desk.file(".pipex/.gitignore")).unwrap();
    let said = lines_of(&run(&desk));
    assert!(said.contains("ended well"), "{said}");
    assert!(said.contains("cannot bring the journal in .pipex up to date: it is no regular file"), "{said}");
    assert!(!desk.file("elsewhere").exists());
    // What a link leads to stays as it is.
    fs::remove_file(desk.file(".pipex/lock")).unwrap();
    fs::remove_file(desk.file(".pipex/index")).unwrap();
    desk.write("mine", "mine");
    symlink(desk.file("mine"), desk.file(".pipex/index.new")).unwrap();
    assert_eq!(lines_of(&run(&desk)), "ended well\n");
    assert_eq!(fs::read_to_string(desk.file("mine")).unwrap(), "mine");
    assert!(fs::metadata(desk.file(".pipex/index")).unwrap().is_file());
}

/// Lines of a journal that nobody would write who means well.
fn forge(desk: &Desk, lines: &[String]) {
    fs::create_dir_all(desk.file(".pipex/runs")).unwrap();
    let mut file = File::create(desk.file(".pipex/runs/20200101-000000.000-numbers-1.jsonl")).unwrap();
    lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
}

#[test]
fn what_claims_to_be_of_the_future_does_not_hold_against_what_is_found_from_now_on() {
    let desk = Desk::new();
    let head = r#"{"run":{"format":1,"pipex":"9","flow":"numbers","program":"p","version":null,"mode":"cache","started":"9999-12-30T00:00:00Z","process":1,"host":"h","directory":"/"}}"#;
    let print = "00000000000000000000000000000007";
    let ended = format!(
        r#"{{"ended":{{"task":0,"name":"n","target":"out/1.json","state":"Completed","why":"missing","at":1e18,"elapsed":1e300,"worker":0,"attempt":1,"there":{{"content":"{print}","stamp":1,"bytes":1,"code":"{print}","arguments":"{print}","inputs":"{print}"}}}}}}"#
    );
    forge(&desk, &[head.to_owned(), ended]);
    assert_eq!(lines_of(&run(&desk)), "ended well\n");
    // Its own run is known to have made it.
    assert_eq!(lines_of(&run(&desk)), "ended well\n");
}
