//! `PROGRAM pipex make`: what was asked for, and only what that needs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const MADE: &str = env!("CARGO_BIN_EXE_made");
const COMMANDED: &str = env!("CARGO_BIN_EXE_commanded");

const MODES: [&str; 3] = ["", "cache", "prefect.cache"];

fn command(program: &str, here: &Path, line: &str, mode: &str) -> Command {
    let mut command = Command::new(program);
    command.args(line.split_whitespace()).current_dir(here);
    let of_pipex = |name: &str| name.starts_with("PIPEX") || name.starts_with("PREFECT");
    std::env::vars().filter(|(name, _)| of_pipex(name)).for_each(|(name, _)| _ = command.env_remove(name));
    command.env("PIPEX", mode).env("PIPEX_QUIET", "1");
    command
}

struct Said {
    /// What ran, in the order of names.
    ran: Vec<String>,
    told: String,
    code: i32,
}

fn ended(output: Output) -> Said {
    let [out, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let mut ran: Vec<_> = out.lines().map(str::to_owned).collect();
    ran.sort();
    Said { ran, told, code: output.status.code().unwrap() }
}

fn make(here: &Path, line: &str, mode: &str) -> Said {
    ended(command(MADE, here, &format!("pipex make {line}"), mode).output().unwrap())
}

fn files(here: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for directory in ["out", "out/raw", "out/clean", "out/plot"] {
        let entries = fs::read_dir(here.join(directory)).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.extend(
            entries
                .filter(|path| path.is_file())
                .map(|path| path.strip_prefix(here.join("out")).unwrap().to_string_lossy().into_owned()),
        );
    }
    files.sort();
    files
}

#[test]
fn a_target_is_made_with_what_it_needs_and_nothing_else_is() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        let here = here.path();
        let said = make(here, "out/plot/2", mode);
        assert_eq!(said.ran, ["clean 2", "plot 2", "raw 2"], "{mode}: {}", said.told);
        assert_eq!((said.told.as_str(), said.code), ("pipex: out/plot/2 has been made\n", 0), "{mode}");
        assert_eq!(files(here), ["clean/2", "plot/2", "raw/2"]);

        // It is there, and what it was made from need not be.
        fs::remove_file(here.join("out/clean/2")).unwrap();
        let said = make(here, "./out/../out/plot/2", mode);
        assert_eq!((said.ran.len(), said.told.as_str()), (0, "pipex: ./out/../out/plot/2 was there\n"), "{mode}");

        // Several, one of them by all of its path.
        let all = here.canonicalize().unwrap().join("out/raw/3");
        let said = make(here, &format!("out/clean/1 {} out/plot/2", all.display()), mode);
        assert_eq!(said.ran, ["clean 1", "raw 1", "raw 3"], "{mode}: {}", said.told);
        assert_eq!(said.told.lines().count(), 3, "{}", said.told);

        // Of what is deleted, only what is asked for comes back.
        let said = make(here, "--force out/plot/2", mode);
        assert_eq!(said.ran, ["clean 2", "plot 2"], "{mode}: {}", said.told);
        let said = make(here, "out/plot/2 --force", mode);
        assert_eq!(said.ran, ["plot 2"], "{mode}: {}", said.told);
        assert_eq!(said.told, "pipex: out/plot/2 has been made\n");
    }
}

#[test]
fn what_the_flow_itself_asks_for_is_made_until_all_is_there_that_was_asked_for() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        let said = make(here.path(), "out/report -- --days 2", mode);
        let expected = ["clean 1", "clean 2", "raw 1", "raw 2", "report", "sum", "the flow goes on"];
        assert_eq!(said.ran, expected, "{mode}: {}", said.told);
        assert_eq!((said.told.as_str(), said.code), ("pipex: out/report has been made\n", 0));

        let said = make(here.path(), "out/last -- --days 2", mode);
        assert_eq!(said.ran, ["last", "the flow ends", "the flow goes on"], "{mode}: {}", said.told);
        assert_eq!(said.code, 0);
        // And then the whole of it has nothing left to do but what was left out.
        let said = ended(command(MADE, here.path(), "--days 2", "cache").output().unwrap());
        assert_eq!(said.ran, ["plot 1", "plot 2", "split", "the flow ends", "the flow goes on"], "{}", said.told);
    }
}

#[test]
fn until_a_task_all_its_outputs_are_made_and_nothing_behind_them() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        make(here.path(), "out/clean/2", mode);
        let said = make(here.path(), "--until clean", mode);
        assert_eq!(said.ran, ["clean 1", "clean 3", "raw 1", "raw 3"], "{mode}: {}", said.told);
        assert_eq!((said.told.as_str(), said.code), ("pipex: clean: 2 made, 1 there\n", 0), "{mode}");
        let said = make(here.path(), "--until made::clean --force", mode);
        assert_eq!(said.ran, ["clean 1", "clean 2", "clean 3"], "{mode}: {}", said.told);
        // A target behind them is made all the same.
        let said = make(here.path(), "--until clean out/plot/1", mode);
        assert_eq!(said.ran, ["plot 1"], "{mode}: {}", said.told);
        let said = make(here.path(), "--until clen", mode);
        assert_eq!(said.code, 1);
        assert!(
            said.told.ends_with("pipex: no task clen is called in this run; the nearest: clean\n"),
            "{}",
            said.told
        );
    }
}

#[test]
fn one_of_several_outputs_of_a_task_is_made_with_the_others() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        let said = make(here.path(), "out/high out/low -- --days 2", mode);
        assert_eq!(said.ran, ["clean 1", "clean 2", "raw 1", "raw 2", "split"], "{mode}: {}", said.told);
        assert_eq!(said.told, "pipex: out/high has been made\npipex: out/low has been made\n", "{mode}");
        fs::remove_file(here.path().join("out/low")).unwrap();
        let said = make(here.path(), "out/low -- --days 2", mode);
        assert_eq!(
            (said.ran, said.told.as_str()),
            (vec!["split".to_owned()], "pipex: out/low has been made\n"),
            "{mode}"
        );
        let said = make(here.path(), "out/high --force -- --days 2", mode);
        assert_eq!(
            (said.ran, said.told.as_str()),
            (vec!["split".to_owned()], "pipex: out/high has been made\n"),
            "{mode}"
        );
    }
}

#[test]
fn a_target_that_no_call_has_is_an_error_with_the_nearest() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        let said = make(here.path(), "out/plt/2", mode);
        assert_eq!(said.code, 1, "{}", said.told);
        assert_eq!(said.told, "pipex: no call has the target out/plt/2 in this run; the nearest: out/plot/2\n");
        assert!(!said.ran.contains(&"plot 2".to_owned()) && !here.path().join("out/plt").exists());
    }
}

#[test]
fn a_failure_is_told_and_ends_with_1() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        let said = make(here.path(), "out/plot/4 -- --days 4", mode);
        assert_eq!(said.ran, ["clean 4", "plot 4", "raw 4"], "{mode}: {}", said.told);
        assert!(said.told.starts_with("pipex: out/plot/4 could not be made: "), "{mode}: {}", said.told);
        assert!(said.told.contains("no ink") && said.code == 1, "{mode}: {}", said.told);
        assert_eq!(files(here.path()), ["clean/4", "raw/4"]);
        let said = make(here.path(), "--until plot -- --days 4", mode);
        assert!(said.told.contains("plot: 3 made, 0 there, 1 failed") && said.code == 1, "{mode}: {}", said.told);
    }
}

#[test]
fn a_dry_run_says_what_it_would_make() {
    for mode in MODES {
        let here = tempfile::tempdir().unwrap();
        let mut command = command(MADE, here.path(), "pipex make out/plot/2", mode);
        let said = ended(command.env("PIPEX_DRY_RUN", "1").output().unwrap());
        let mut ran: Vec<_> =
            said.ran.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        ran.retain(|line| line.ends_with("not there"));
        assert_eq!(ran, ["clean 1 not there", "plot 1 not there", "raw 1 not there"], "{mode}: {:?}", said.ran);
        assert!(said.code == 0 && said.told.is_empty(), "{}", said.told);
        assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let here = tempfile::tempdir().unwrap();
    for (line, told) in [("", "needs a target"), ("--fore out/x", "--fore"), ("out/x --until", "--until")] {
        let said = make(here.path(), line, "");
        assert!(said.code == 2 && said.told.contains(told) && said.told.contains("usage: "), "{line}: {}", said.told);
    }
    // Nobody would say how it ended.
    let said = ended(command(COMMANDED, here.path(), "pipex make out/number/1", "").output().unwrap());
    assert!(said.code == 2 && said.told.contains("`#[pipex::main]`"), "{}", said.told);
    // What another process was asked for is not asked of this one.
    let request = r#"{"process":1,"targets":["out/plot/1"],"until":[],"force":false}"#;
    let mut command = command(MADE, here.path(), "--days 1", "cache");
    let said = ended(command.env("PIPEX_MAKE", request).output().unwrap());
    assert_eq!(said.ran.last().unwrap(), "the flow goes on", "{:?}", said.ran);
    assert!(said.ran.contains(&"last".to_owned()) && said.code == 0);
}

#[test]
fn the_journal_says_that_no_more_was_asked_for() {
    let here = tempfile::tempdir().unwrap();
    make(here.path(), "out/plot/2 --until clean", "");
    let mut heads = Vec::new();
    for run in pipex::journal::runs(&here.path().join(".pipex")).unwrap() {
        pipex::journal::read(&run, |line| match line {
            pipex::journal::Line::Run(head) => heads.push(format!("{:?} {:?}", head.flow, head.asked)),
            pipex::journal::Line::Over(over) => heads.push(format!("{:?}", over.state)),
            _ => {}
        })
        .unwrap();
    }
    assert_eq!(heads, [r#"Some("days") ["out/plot/2", "clean"]"#, "Some(Completed)"]);
}
