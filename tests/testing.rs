//! `pipex::testing`: a test's scope is its own, whatever the shell says; and a task is a function that can be called.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pipex::{Error, Mode, Output, Reporter, RunError, State, TaskRun, flow, task, testing};

use crate::support::{Bench, await_a_timer, child, files};

#[task]
fn load(name: &str) -> Vec<u64> {
    name.bytes().map(u64::from).collect()
}

#[task]
fn total(numbers: &[u64]) -> Result<u64, String> {
    if numbers.is_empty() { Err("no numbers".to_owned()) } else { Ok(numbers.iter().sum()) }
}

#[task]
async fn later(number: u64) -> u64 {
    await_a_timer().await;
    number
}

#[task(save = false, target = "{path}/{base}.txt")]
fn write(text: &str, #[target] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, text)
}

#[flow(path = "/proc/nowhere")]
fn totals() -> pipex::Result<u64> {
    let one = total(load("a").base("a").submit()).submit();
    write("text").base("b").run()?;
    one.load()
}

#[test]
fn outputs_go_to_a_directory_that_goes_with_the_scope() {
    for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let seen = testing::scope_in(mode, |out| {
            assert_eq!(total(load("a").base("a").submit()).run().unwrap().load().unwrap(), 97);
            let expected: &[&str] = if mode.caches() { &["load/a", "total/a"] } else { &[] };
            let mut found = files(out);
            found.sort();
            assert_eq!(found, expected, "{mode}");
            out.to_owned()
        });
        assert!(!seen.exists(), "{mode}");
    }
    let value: u64 = testing::scope(|out| {
        assert!(out.is_dir());
        let value = total(load("ab").base("ab").run().unwrap()).run().unwrap().load().unwrap();
        assert!(out.join("total/ab").exists(), "in mode cache");
        value
    });
    assert_eq!(value, 195);
}

#[tokio::test]
async fn async_tests_have_one_as_well() {
    let mut seen = PathBuf::new();
    let value: pipex::Result<u64> = testing::scope_async(Mode::PrefectCache, async |out| {
        out.clone_into(&mut seen);
        let value = later(7).base("x").submit().await?.load()?;
        assert_eq!(files(out), ["later/x"]);
        Ok(value)
    })
    .await;
    assert_eq!(value.unwrap(), 7);
    assert!(seen.is_absolute() && !seen.exists());
}

#[derive(Default)]
struct States(Mutex<Vec<(String, State)>>);

impl Reporter for &'static States {
    fn task_run(&self, run: &TaskRun<'_>) {
        self.0.lock().unwrap().push((run.name(), run.state));
    }
}

#[test]
fn settings_within_it_are_made_as_elsewhere() {
    let states: &'static States = Box::leak(Box::default());
    testing::scope(|out| {
        let config = pipex::Config::new().reporter(states).mode(Mode::PrefectCache);
        assert_eq!(config.scope(|| load("a").base("a").run()?.load()).unwrap(), [97]);
        assert!(out.join("load/a").exists());
    });
    assert_eq!(*states.0.lock().unwrap(), [("load a".to_owned(), State::Completed)]);
}

#[test]
#[ignore = "a child of the test below"]
fn child_scopes() {
    for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let told = testing::scope_in(mode, |out| {
            let flow = {
                #[flow]
                fn here() -> pipex::Result<u64> {
                    total(load("a").base("a").submit()).run()?.load()
                }
                here()
            };
            (flow.map_err(|error| error.to_string()), out.to_owned())
        });
        println!("\n{mode} {:?}", told.0);
    }
}

/// With a shell in which nothing is as the test needs it.
#[test]
fn nothing_of_the_environment_holds_within() {
    let here = tempfile::tempdir().unwrap();
    let mut child = child("testing::child_scopes", &here.path().join("outputs"));
    child.current_dir(here.path()).env("TMPDIR", here.path());
    child.envs([
        ("PIPEX", "prefect"),
        ("PIPEX_DRY_RUN", "1"),
        ("PIPEX_LIST_MISSING", "1"),
        ("PIPEX_RUN", "no such line"),
        ("PIPEX_WORKER", "1"),
        ("PIPEX_WORKERS", "none"),
        ("PIPEX_LIMITS", "none"),
        ("PIPEX_STALE", "none"),
        ("PIPEX_NATS_URL", "none"),
        ("PIPEX_WROKERS", "1"),
        ("PREFECT_API_URL", "http://127.0.0.1:1/api"),
        ("PIPEX_PREFECT", "required"),
        ("PIPEX_PREFECT_REQUIRED", "1"),
        ("PIPEX_JOURNAL", "journal"),
    ]);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    for mode in ["do_nothing", "cache", "prefect", "prefect.cache"] {
        assert!(said.contains(&format!("\n{mode} Ok(97)")), "{output:?}");
    }
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing is shown");
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0, "neither outputs nor a journal are left");
}

#[test]
#[ignore = "a child of the test below"]
fn child_panics() {
    testing::scope(|_| {
        load("a").base("a").run().unwrap();
        panic!("as it should");
    })
}

#[test]
fn what_a_test_that_panics_has_made_is_kept_and_named() {
    let here = tempfile::tempdir().unwrap();
    let output = child("testing::child_panics", here.path()).env("TMPDIR", here.path()).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    let kept = said.lines().find_map(|line| line.strip_prefix("pipex: the outputs of the test that panicked are in "));
    assert_eq!(files(Path::new(kept.unwrap_or_else(|| panic!("{said}")))), ["load/a"]);
}

#[test]
#[ignore = "a child of the test below"]
fn child_calls() {
    println!("\ntotal {:?}", total(&[1, 2]).base("x").call());
    println!("\nlater {:?}", later(3).base("x").call());
}

/// Called as a function, whatever `PIPEX` says: even if it says nothing that means something.
#[test]
fn a_call_calls_and_does_nothing_else() {
    for mode in ["", "do_nothing", "cache", "prefect", "prefect.cache", "no mode"] {
        let bench = Bench::new();
        let mut child = child("testing::child_calls", bench.path());
        let output =
            child.env("PIPEX", mode).env("PIPEX_JOURNAL", bench.journal()).env("PIPEX_WROKERS", "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("total Ok(3)") && said.contains("later Ok(3)"), "{mode}: {output:?}");
        assert_eq!(bench.files(), [""; 0]);
        assert!(!bench.journal().exists() && output.stderr.is_empty(), "{mode}: {output:?}");
    }
    let bench = Bench::new();
    bench.cache(|| {
        total(&[1]).base("x").call().unwrap();
        // With other arguments for the same target: nobody looks at that.
        total(&[2]).base("x").call().unwrap();
    });
    assert_eq!((bench.files(), bench.states()), (vec![], vec![]));
}

#[test]
fn it_takes_outputs_and_tells_errors_as_every_call() {
    testing::scope(|out| {
        // One that is saved, one that has yet to run, one that failed.
        let saved = load("a").base("a").run().unwrap();
        assert_eq!(total(saved).call().unwrap(), 97);
        assert_eq!(total(load("b").base("b").lazy()).call().unwrap(), 98);
        assert!(out.join("load/b").exists(), "it ran, as it does where it was made");

        let failed: Output<u64> = total(&[]).base("none").submit();
        let error = later(failed).name("by hand").call().unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("task run \"by hand\": an argument is not to be had, so it did not run: "), "{said}");
        assert!(said.ends_with(": no numbers"), "{said}");

        let error = total(&[]).call().unwrap_err();
        let Error::Task { source, target: None, .. } = &error else { panic!("{error}") };
        assert_eq!(
            (source.to_string(), error.to_string()),
            ("no numbers".into(), "task run \"total\": no numbers".into())
        );

        let error = write("text").base("x").call().unwrap_err();
        let Error::Task { source, .. } = &error else { panic!("{error}") };
        assert!(matches!(source.downcast_ref(), Some(RunError::NoTarget)), "{error}");
        assert!(error.to_string().contains("pipex::testing::scope"), "{error}");
    });
}

#[flow(path = path)]
fn at(path: &Path) -> pipex::Result<u64> {
    total(load("a").base("a").run()?).run()?.load()
}

#[test]
fn no_flow_writes_elsewhere() {
    testing::scope(|out| {
        assert_eq!(totals().unwrap(), 97);
        assert!(out.join("b.txt").exists() && out.join("total/a").exists(), "not to /proc/nowhere");
        at(Path::new("relative")).unwrap();
        assert!(!Path::new("relative").exists());
        at(&out.join("within")).unwrap();
        assert!(out.join("within/total/a").exists());
    });
}
