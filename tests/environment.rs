//! What the environment says, and what it does not.

use std::path::Path;
use std::process::Output as Said;

use pipex::{Config, Mode, flow, task, testing};

use crate::support::{Bench, child, files};

#[task(remote)]
fn double(x: u32) -> u32 {
    println!("\nran");
    2 * x
}

#[flow]
fn doubles() -> pipex::Result<u32> {
    let one = double(1).base("one").submit();
    Ok(one.load()? + double(2).base("two").run()?.load()?)
}

#[test]
#[ignore = "a child of the tests below"]
fn child_flows() {
    Config::new().mode(Mode::DoNothing).scope(doubles).unwrap();
    testing::scope(|_| doubles()).unwrap();
    println!("\nnow");
    eprintln!("now");
    println!("\nvalue {}", doubles().unwrap());
    doubles().unwrap();
    double(3).base("three").run().unwrap();
}

#[test]
#[ignore = "a child of the tests below"]
fn child_calls() {
    println!("\nvalue {}", double(3).base("three").run().unwrap().load().unwrap());
    double(3).base("three").run().unwrap();
}

/// Neither quiet nor loud: what it says on stderr is what is asked for.
fn run_child(name: &str, out: &Path, mode: Option<&str>, set: &[(&str, &str)]) -> Said {
    let mut child = child(&format!("environment::{name}"), out);
    match mode {
        Some(mode) => child.env("PIPEX", mode),
        None => child.env_remove("PIPEX"),
    };
    let output = child.env("PIPEX_QUIET", "1").envs(set.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn lines(said: &Said) -> Vec<String> {
    String::from_utf8_lossy(&said.stderr).lines().map(str::to_owned).collect()
}

#[test]
fn a_variable_that_is_none_of_pipexs_is_told_once_with_the_nearest() {
    let unknown = [("PIPEX_WROKERS", "2"), ("PIPEX_JURNAL", "x"), ("PIPEX_TESTS_SOMETHING", "1"), ("PIPEXY", "1")];
    for mode in ["cache", "prefect", "prefect.cache"] {
        for (name, first) in [("child_flows", "now"), ("child_calls", "")] {
            let bench = Bench::new();
            let mut told = lines(&run_child(name, bench.path(), Some(mode), &unknown));
            if !first.is_empty() {
                assert_eq!(told.remove(0), first, "neither in mode do_nothing nor in a test's scope");
            }
            told.sort();
            assert_eq!(
                told,
                [
                    "pipex: PIPEX_JURNAL is set, and pipex knows no such variable; the nearest that it knows is PIPEX_JOURNAL",
                    "pipex: PIPEX_WROKERS is set, and pipex knows no such variable; the nearest that it knows is PIPEX_WORKERS",
                ],
                "{mode} {name}"
            );
        }
    }
}

#[test]
fn do_nothing_asks_for_nothing_but_the_mode_and_what_is_to_be_done_instead() {
    // Each of these would be an error, or leave something, if it were asked.
    let others = [
        ("PIPEX_WROKERS", "2"),
        ("PIPEX_WORKERS", "none"),
        ("PIPEX_LIMITS", "none"),
        ("PIPEX_STALE", "none"),
        ("PIPEX_JOURNAL", "/proc/none"),
        ("PIPEX_PATH", ""),
        ("PIPEX_NATS_URL", "none"),
        ("PREFECT_API_URL", "none"),
    ];
    for mode in [None, Some(""), Some("do_nothing")] {
        for name in ["child_flows", "child_calls"] {
            let bench = Bench::new();
            let said = run_child(name, bench.path(), mode, &others);
            assert!(lines(&said).iter().all(|line| line == "now"), "{said:?}");
            assert!(String::from_utf8_lossy(&said.stdout).contains("value 6"), "{said:?}");
            assert_eq!(files(bench.path()), [""; 0]);
        }
    }
}

#[test]
fn what_is_to_be_done_instead_is_done_in_do_nothing_too() {
    let bench = Bench::new();
    for mode in [None, Some("")] {
        let dry = run_child("child_calls_dry", bench.path(), mode, &[("PIPEX_DRY_RUN", "1")]);
        let told = String::from_utf8_lossy(&dry.stdout);
        assert!(told.contains("would run \"double three\"") && !told.contains("ran"), "{dry:?}");

        let order = format!(r#"{{"task":"environment::double","args":{{"x":4}},"base":"{}"}}"#, mode.is_none());
        let one = run_child("child_runs", bench.path(), mode, &[("LINE", &order)]);
        assert!(String::from_utf8_lossy(&one.stdout).contains("double/"), "{one:?}");
    }
    assert_eq!(bench.files(), ["double/false", "double/true"]);
}

#[test]
#[ignore = "a child of the test above"]
fn child_calls_dry() {
    let _ = double(3).base("three").run().unwrap();
}

#[test]
#[ignore = "a child of the test above"]
fn child_runs() {
    pipex::remote::run_command(["run", &std::env::var("LINE").unwrap()]);
}
