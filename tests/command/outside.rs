//! A journal is data from outside: it comes along with a project that is cloned or copied.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pipex::{SqliteStore, flow, task};

use crate::{Desk, lines_of};

#[task(target = "{path}/{x}.json")]
fn number(x: u64) -> u64 {
    x
}

#[task(target = "{x}.json", store = SqliteStore::new("out/numbers.sqlite"))]
fn row(x: u64) -> u64 {
    x
}

/// A directory.
#[task(save = false, target = "{path}/pages")]
fn pages(#[target] to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    fs::write(to.join("1.txt"), "one")
}

#[flow(path = "out")]
fn numbers() -> pipex::Result<()> {
    (0..3).try_for_each(|x| number(x).run().map(drop))
}

/// Files, a directory, and rows of a database.
#[flow(path = path)]
fn all(path: &str) -> pipex::Result<()> {
    (0..3).try_for_each(|x| number(x).run().map(drop))?;
    (0..3).try_for_each(|x| row(x).run().map(drop))?;
    pages().run().map(drop)
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    println!();
    match std::env::var("ALL_IN") {
        Ok(path) => all(&path).unwrap(),
        Err(_) => numbers().unwrap(),
    }
    println!("ended well");
}

fn run(desk: &Desk) -> Output {
    run_to_end(&mut desk.pipeline("outside::pipeline"))
}

fn run_all(desk: &Desk, path: &str) {
    assert!(desk.pipeline("outside::pipeline").env("ALL_IN", path).status().unwrap().success());
}

/// Runs the command, and gives what it says; it ends by itself, and does not panic.
fn run_to_text(desk: &Desk, line: &str) -> String {
    let output = run_to_end(desk.command().args(line.split_whitespace()));
    let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)) && !said.contains("panicked"), "{line}: {said}");
    said
}

/// Runs a process that may hang: then it is killed, and the test fails.
fn run_to_end(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (says, said) = mpsc::channel();
    thread::spawn(move || says.send(child.wait_with_output()));
    said.recv_timeout(Duration::from_secs(120)).map(Result::unwrap).unwrap_or_else(|_| {
        Command::new("kill").args(["-9", &id]).status().unwrap();
        panic!("{command:?} hangs");
    })
}

fn fifo(path: impl AsRef<Path>) {
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
    assert!(
        said.contains(
            "cannot bring the journal in .pipex up to date: .pipex/lock is a FIFO where a regular file should be"
        ),
        "{said}"
    );
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
    forge(&desk, &[HEAD.to_owned(), made_line("out/1.json", "1e18", "1e300")]);
    assert_eq!(lines_of(&run(&desk)), "ended well\n");
    // Its own run is known to have made it.
    assert_eq!(lines_of(&run(&desk)), "ended well\n");
}

const COMMANDS: [&str; 13] = [
    "status",
    "ls",
    "ls --json",
    "ls --unrecorded",
    "show out/1.json",
    "why out/1.json",
    "diff out/1.json",
    "rm out --dry-run --downstream",
    "accept --dry-run",
    "graph --format svg",
    "report",
    "gc --dry-run",
    "gc --keep 1B --policy cost --eager --dry-run",
];

#[test]
fn commands_pass_over_what_is_no_journal_and_say_so() {
    let desk = Desk::new();
    assert!(lines_of(&run(&desk)).contains("ended well"));
    put_odd_things(&desk);
    for line in COMMANDS.into_iter().chain(["runs"]) {
        let said = run_to_text(&desk, line);
        for name in ["directory", "fifo", "dangling", "loop"] {
            let lines = said.lines().filter(|line| line.contains(&format!("1-{name}.jsonl: ")));
            let lines: Vec<_> =
                lines.filter(|line| line.starts_with("pipex: passed over what cannot be read")).collect();
            assert_eq!(lines.len(), 1, "{line}: {said}");
        }
    }
    assert_eq!(desk.count("number", "fresh"), 3);
    // Nor are they waited for where the directories should be.
    for directory in ["live", "runs"] {
        fs::remove_dir_all(desk.file(&format!(".pipex/{directory}"))).unwrap();
        fifo(desk.file(&format!(".pipex/{directory}")));
        run_to_text(&desk, "status");
    }
}

const HEAD: &str = r#"{"run":{"format":1,"pipex":"9","flow":"numbers","program":"p","version":null,"mode":"cache","started":"9999-12-30T00:00:00Z","process":1,"host":"h","directory":"/"}}"#;
const TASK: &str = r#"{"task":{"task":0,"name":"number","module":"m","file":"f.rs","line":1,"code":"00000000000000000000000000000007"}}"#;

/// A line about a target that was made.
fn made_line(target: &str, at: &str, elapsed: &str) -> String {
    let print = "00000000000000000000000000000007";
    let target = serde_json::to_string(target).unwrap();
    format!(
        r#"{{"ended":{{"task":0,"name":"n","target":{target},"state":"Completed","why":"missing","at":{at},"elapsed":{elapsed},"worker":4294967295,"attempt":1,"bytes":18446744073709551615,"there":{{"content":"{print}","stamp":1,"bytes":18446744073709551615,"code":"{print}","arguments":"{print}","inputs":"{print}"}},"given":[{{"name":"x","fingerprint":"{print}","inputs":[{{"target":{target},"content":"{print}"}}]}}]}}}}"#
    )
}

#[test]
fn numbers_that_are_no_times_and_graphs_that_are_none_panic_nothing() {
    let desk = Desk::new();
    assert!(lines_of(&run(&desk)).contains("ended well"));
    let mut lines = vec![HEAD.to_owned(), TASK.to_owned()];
    for (number, (at, elapsed)) in
        [("1e18", "1"), ("1", "1e12"), ("-1e300", "1e300"), ("1e400", "0"), ("1e308", "1e308")].into_iter().enumerate()
    {
        // Each made from itself.
        lines.push(made_line(&format!("out/{number}.json"), at, elapsed));
        lines.push(made_line(&format!("out/forged-{number}.json"), at, elapsed));
    }
    lines.push(r#"{"over":{"elapsed":1e300}}"#.to_owned());
    forge(&desk, &lines);
    for line in COMMANDS.into_iter().chain(["runs", "report 20200101-000000.000-numbers-1", "show out/forged-1.json"]) {
        let said = run_to_text(&desk, line);
        assert!(!said.contains("NaN") && !said.contains("inf,"), "{line}: {said}");
    }
}

/// With a gigabyte of memory.
#[test]
fn a_line_of_two_gigabytes_is_not_held_in_memory() {
    let desk = Desk::new();
    assert!(lines_of(&run(&desk)).contains("ended well"));
    fs::create_dir_all(desk.file(".pipex/runs")).unwrap();
    let journal = File::create(desk.file(".pipex/runs/20200101-000000.000-numbers-1.jsonl")).unwrap();
    journal.set_len(2 << 30).unwrap();
    let mut limited = Command::new("sh");
    let script = "ulimit -v 1000000; exec \"$0\" status";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_pipex")]).current_dir(desk.path()).env_remove("PIPEX_JOURNAL");
    let output = run_to_end(&mut limited);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("numbers-1.jsonl: a line of more than 16 MiB is passed over"), "{said}");
}

#[test]
fn a_database_that_cannot_be_opened_is_a_line() {
    let desk = Desk::new();
    run_all(&desk, "out");
    assert_eq!([desk.count("number", "fresh"), desk.count("row", "fresh")], [3, 3]);
    for file in fs::read_dir(desk.file("out")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.to_str().unwrap().contains("sqlite") {
            fs::remove_file(file).unwrap();
        }
    }
    desk.write("out/numbers.sqlite", &"no database ".repeat(500));
    let said = run_to_text(&desk, "status");
    let lines: Vec<_> = said.lines().filter(|line| line.contains("out/numbers.sqlite")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("cannot be looked at: 3 outputs, such as 0.json: "), "{said}");
    assert_eq!([desk.count("number", "fresh"), desk.count("row", "unknown")], [3, 3]);
    assert_eq!(desk.pipex("status").status.code(), Some(3));
}

#[test]
fn what_lies_outside_the_project_goes_only_if_that_is_said_and_is_listed_by_name() {
    let elsewhere = tempfile::tempdir().unwrap();
    let name = elsewhere.path().file_name().unwrap().to_str().unwrap();
    let desk = Desk::new();
    fs::create_dir(desk.file("out")).unwrap();
    symlink(elsewhere.path(), desk.file("out/link")).unwrap();
    let files = || fs::read_dir(elsewhere.path()).unwrap().count();
    // Above the project, absolute, and behind a link.
    for path in [format!("../{name}"), elsewhere.path().to_str().unwrap().to_owned(), "out/link".to_owned()] {
        run_all(&desk, &path);
        assert_eq!(files(), 4);
        let pattern = format!("{path}/**");
        let output = run_to_end(desk.command().args(["rm", &pattern, "--yes"]));
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(files(), 4, "{said}");
        for target in ["0.json", "1.json", "2.json", "pages"] {
            let line = format!("left alone: {path}/{target}: it lies outside the project's directory");
            assert!(said.contains(&line), "{said}");
        }
        let output = run_to_end(desk.command().args(["rm", &pattern, "--yes", "--outside"]));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("outside the project's directory: {path}/1.json\n")), "{said}");
        assert_eq!(files(), 0, "{said}");
    }
    assert!(elsewhere.path().exists());
}

#[test]
fn a_directory_goes_only_if_what_is_in_it_is_what_pipex_wrote() {
    let desk = Desk::new();
    run_all(&desk, "out");
    // Its stamp tells nothing of what is changed in it.
    desk.write("out/pages/1.txt", "mine");
    for line in ["rm out/pages --yes", "rm out/pages --yes --edited --outside"] {
        let said = run_to_text(&desk, line);
        assert!(
            said.contains("left alone: out/pages: it is a directory, and what is in it is not what pipex wrote"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(desk.file("out/pages/1.txt")).unwrap(), "mine");
    }
    desk.write("out/pages/1.txt", "one");
    assert!(run_to_text(&desk, "rm out/pages --yes").contains("removed 1 output"));
    assert!(!desk.file("out/pages").exists());
}

#[test]
fn a_forged_journal_removes_neither_the_project_nor_the_journal() {
    let desk = Desk::new();
    assert!(lines_of(&run(&desk)).contains("ended well"));
    let names = [".", "out/..", "./.pipex", ".pipex/index", "out/../.pipex/runs", "/", "..", "out/../.."];
    let lines = names.map(|name| made_line(name, "1", "1"));
    forge(&desk, &[vec![HEAD.to_owned(), TASK.to_owned()], lines.to_vec()].concat());
    let said = run_to_text(&desk, "rm --task number --yes --outside --edited");
    assert!(desk.file(".pipex/index").exists() && desk.file(".pipex/runs").exists(), "{said}");
}

#[test]
fn names_are_no_commands_to_a_terminal() {
    let desk = Desk::new();
    assert!(lines_of(&run(&desk)).contains("ended well"));
    let name = "out/\u{1b}]0;owned\u{7}\u{9b}2J\n\u{202e}.json";
    forge(
        &desk,
        &[HEAD.replace("\"p\"", "\"\\u001b[2J\""), TASK.replace("number", "\\u001b[2J"), made_line(name, "1", "1")],
    );
    let is_obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r') || c == '\u{202e}';
    for line in COMMANDS.into_iter().chain([
        "runs",
        "status --json",
        "runs --json",
        "ls --missing",
        "graph",
        "graph --format dot",
        "graph --format html",
    ]) {
        let said = run_to_text(&desk, line);
        assert!(!said.contains(is_obeyed), "{line}: {said:?}");
    }
    assert!(run_to_text(&desk, "ls").contains("out/\\u{1b}]0;owned\\u{7}\\u{9b}2J\\n\\u{202e}.json"));
    for line in ["why", "show", "diff", "rm"] {
        let output = run_to_end(desk.command().args([line, name]));
        let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
        assert!(!said.contains(is_obeyed), "{line}: {said:?}");
    }
}
