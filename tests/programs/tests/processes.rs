//! What a flow does to the process that it runs in: nothing, unless its program asks for it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PLAIN: &str = env!("CARGO_BIN_EXE_plain");
const COMMANDED: &str = env!("CARGO_BIN_EXE_commanded");
const MARKED: &str = env!("CARGO_BIN_EXE_marked");
const ASYNCHRONOUS: &str = env!("CARGO_BIN_EXE_asynchronous");

/// A program in this directory, in mode `cache`.
fn program(program: &str, here: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(here);
    let of_pipex = |name: &str| name.starts_with("PIPEX") || name.starts_with("PREFECT");
    std::env::vars().filter(|(name, _)| of_pipex(name)).for_each(|(name, _)| _ = command.env_remove(name));
    command.env("PIPEX", "cache").env("PIPEX_QUIET", "1");
    command
}

fn run(name: &str, here: &Path, arguments: &[&str], set: &[(&str, &str)]) -> Output {
    program(name, here, arguments).envs(set.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Whether the process has a handler of its own for SIGINT, as the system says.
fn handles_sigint(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
}

#[test]
fn a_signal_is_the_programs_own_unless_it_asks_pipex() {
    for (name, what, ends) in [
        (PLAIN, "holds", Err(2)),
        (COMMANDED, "holds", Err(2)),
        (PLAIN, "holds-signals-on", Ok(130)),
        (MARKED, "holds", Ok(130)),
        (ASYNCHRONOUS, "holds", Ok(130)),
        (MARKED, "holds-signals-off", Err(2)),
    ] {
        let here = tempfile::tempdir().unwrap();
        let mut command = program(name, here.path(), &[what]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "held");
        if cfg!(target_os = "linux") {
            assert_eq!(handles_sigint(&child), ends.is_ok(), "{name} {what}");
        }
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        if ends.is_ok() {
            let told = BufReader::new(child.stderr.as_mut().unwrap()).lines().next().unwrap().unwrap();
            assert!(told.starts_with("pipex: SIGINT: no more tasks start"), "{told}");
            drop(child.stdin.take());
        }
        let status = child.wait().unwrap();
        assert_eq!(status.code().ok_or(status.signal().unwrap_or_default()), ends, "{name} {what}");
        // What ran could end, where pipex was asked.
        assert_eq!(here.path().join("out/held").exists(), ends.is_ok(), "{name} {what}");
    }
}

#[test]
fn a_dry_run_ends_with_its_error_and_well_where_main_is_pipexs() {
    for (name, code) in [(PLAIN, 1), (COMMANDED, 1), (MARKED, 0), (ASYNCHRONOUS, 0)] {
        for dry in ["1", "list", "jobs"] {
            let here = tempfile::tempdir().unwrap();
            let ended = run(name, here.path(), &[], &[("PIPEX_DRY_RUN", dry)]);
            assert_eq!(ended.status.code(), Some(code), "{name} {dry}: {ended:?}");
            let (said, told) = (text(&ended.stdout), text(&ended.stderr));
            let expected = if dry == "jobs" { r#"{"task":"programs::number""# } else { "the dry run ends here" };
            assert!(said.contains(expected) && !said.contains("main went on"), "{name} {dry}: {ended:?}");
            assert_eq!(told.contains("Error: the dry run ends here"), code == 1, "{name} {dry}: {ended:?}");
            assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
        }
        // For another reason it fails as ever.
        let here = tempfile::tempdir().unwrap();
        let ended = run(name, here.path(), &["another-error"], &[("PIPEX_DRY_RUN", "1")]);
        assert_eq!(ended.status.code(), Some(1), "{name}: {ended:?}");
    }
}

#[test]
fn commands_come_before_main_in_programs_that_have_them() {
    for name in [COMMANDED, MARKED, ASYNCHRONOUS] {
        let here = tempfile::tempdir().unwrap();
        let tasks = run(name, here.path(), &["pipex", "tasks"], &[]);
        assert!(text(&tasks.stdout).starts_with("programs::number(x)  "), "{name}: {tasks:?}");
        assert_eq!(tasks.status.code(), Some(0));
        assert_eq!(run(name, here.path(), &["pipex", "no-command"], &[]).status.code(), Some(2));

        // In whatever mode the program would be.
        for mode in ["cache", "do_nothing", ""] {
            let _ = fs::remove_dir_all(here.path().join("out"));
            for missing in [&["pipex", "missing"][..], &["--list-missing"]] {
                let list = run(name, here.path(), missing, &[("PIPEX", mode)]);
                assert_eq!(list.status.success(), name != COMMANDED, "{name} {mode}: {list:?}");
                let lines = text(&list.stdout);
                assert_eq!(lines.lines().count(), 2, "{name} {mode}: {list:?}");
                let line = lines.lines().next().unwrap();
                let one = run(name, here.path(), &["pipex", "run", line], &[("PIPEX", mode)]);
                assert_eq!(text(&one.stdout), "out/number/1\n", "{name} {mode}: {one:?}");
                assert!(one.status.success());
                fs::remove_file(here.path().join("out/number/1")).unwrap();
            }
        }
        let worker = run(name, here.path(), &["pipex", "worker"], &[]);
        assert_eq!(worker.status.code(), Some(1));
        assert!(text(&worker.stderr).starts_with("pipex: "), "{name}: {worker:?}");
    }
    // The words are the program's own where it does not ask for that.
    let here = tempfile::tempdir().unwrap();
    let ended = run(PLAIN, here.path(), &["pipex", "tasks"], &[]);
    assert_eq!(text(&ended.stdout), "3\nmain went on\n", "{ended:?}");
}

#[test]
fn a_variable_that_used_to_ask_for_something_else_is_told_and_the_flow_runs() {
    let told = |name: &str, mode: &str, set: &[(&str, &str)]| {
        let here = tempfile::tempdir().unwrap();
        let mut set = set.to_vec();
        set.push(("PIPEX", mode));
        let ended = run(name, here.path(), &[], &set);
        assert_eq!(text(&ended.stdout), "3\nmain went on\n", "{name} {mode}: {ended:?}");
        assert!(ended.status.success());
        text(&ended.stderr).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let requests = [("PIPEX_WORKER", "1"), ("PIPEX_RUN", "x"), ("PIPEX_LIST_MISSING", "1")];
    for name in [PLAIN, COMMANDED, MARKED] {
        for mode in ["", "do_nothing", "cache", "prefect", "prefect.cache"] {
            assert_eq!(
                told(name, mode, &requests),
                [
                    "pipex: PIPEX_LIST_MISSING is set, and pipex no longer reads it: \
                     run `PROGRAM pipex missing`, or set PIPEX_DRY_RUN=jobs",
                    "pipex: PIPEX_RUN is set, and pipex no longer reads it: run `PROGRAM pipex run LINE`",
                    "pipex: PIPEX_WORKER is set, and pipex no longer reads it: run `PROGRAM pipex worker`",
                ],
                "{name} {mode}"
            );
        }
    }
    let settings = [("PIPEX_NATS_TOKEN", "secret"), ("PIPEX_PREFECT_REQUIRED", "1"), ("PIPEX_WORKER", "")];
    assert_eq!(
        told(PLAIN, "cache", &settings),
        [
            "pipex: PIPEX_NATS_TOKEN is set, and pipex no longer reads it: set PIPEX_NATS_URL=nats://TOKEN@HOST",
            "pipex: PIPEX_PREFECT_REQUIRED is set, and pipex no longer reads it: set PIPEX_PREFECT=required",
        ]
    );
}
