//! An error names the thing, and its chain tells the whole story.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use pipex::{Error, Output, State, flow, task};

use crate::support::{Bench, child};

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("station {0} is closed")]
struct Closed(String);

#[task(name = "measure {station} of {base}")]
fn measure(station: &str) -> Result<u64, Closed> {
    if station == "LGA" { Err(Closed(station.to_owned())) } else { Ok(station.len() as u64) }
}

#[task]
fn twice(value: u64) -> u64 {
    2 * value
}

#[test]
fn the_functions_own_error_is_the_source() {
    let bench = Bench::new();
    let error = bench.cache(|| measure("LGA").base("2013").run()).unwrap_err();
    let target = bench.file("measure/2013");
    let told = format!("task run \"measure LGA of 2013\" (target {}): station LGA is closed", target.display());
    assert_eq!((error.to_string(), format!("{error:?}")), (told.clone(), told));
    assert_eq!(error.source().unwrap().downcast_ref(), Some(&Closed("LGA".to_owned())));
    assert_eq!(bench.states(), [("measure", State::Failed)]);
    assert_eq!(bench.files(), [""; 0], "nothing is saved, and nothing is left");

    let named = bench.cache(|| measure("LGA").base("2013").name("by hand").run()).unwrap_err();
    assert!(named.to_string().starts_with("task run \"by hand\""));
}

/// An error of a user's that passes on what pipex says, and one that says it itself.
#[derive(Debug, thiserror::Error)]
enum Wrapped {
    #[error(transparent)]
    Passed(#[from] Error),
    #[error("no report: {0}")]
    Said(#[source] Error),
    #[error("no report")]
    Named(#[source] Error),
}

#[task]
fn wraps(how: &str) -> Result<u64, Wrapped> {
    let inner = || measure("LGA").base("inner").run();
    match how {
        "passed" => inner()?,
        "said" => inner().map_err(Wrapped::Said)?,
        _ => inner().map_err(Wrapped::Named)?,
    };
    Ok(1)
}

#[task]
fn by_anyhow(depth: u64) -> anyhow::Result<u64> {
    use anyhow::Context;
    if depth == 0 {
        Err(anyhow::anyhow!("no route")).context("cannot ask the server")
    } else {
        Ok(by_anyhow(depth - 1).name(depth.to_string()).run()?.load()?)
    }
}

#[test]
fn an_error_says_each_of_its_reasons_once() {
    pipex::Config::new().mode(pipex::Mode::DoNothing).scope(|| {
        let told = |how: &str| wraps(how).run().unwrap_err().to_string();
        let inner = "task run \"measure inner\": station LGA is closed";
        assert_eq!(told("passed"), format!("task run \"wraps\": {inner}"));
        assert_eq!(told("said"), format!("task run \"wraps\": no report: {inner}"));
        assert_eq!(told("named"), format!("task run \"wraps\": no report: {inner}"));
        let nested = by_anyhow(2).run().unwrap_err().to_string();
        let said = "task run \"by_anyhow\": task run \"2\": task run \"1\": cannot ask the server: no route";
        assert_eq!(nested, said);
        // However deep: each is told once, and costs no more than that.
        assert_eq!(by_anyhow(100).run().unwrap_err().to_string().matches("task run").count(), 101);
    });
}

/// What pipex cannot load or remove, and what it says at the end of a flow, is told in the same way.
#[test]
fn so_does_every_error_of_pipexs() {
    let bench = Bench::new();
    let output = bench.cache(|| twice(1).base("x").run()).unwrap();
    fs::write(bench.file("twice/x"), "none of pipex's, and longer than the shortest file that has a footer ".repeat(3))
        .unwrap();
    let error = output.load().unwrap_err();
    assert!(error.to_string().starts_with("cannot load the output "), "{error}");
    let reason = error.source().unwrap().to_string();
    assert!(error.to_string().ends_with(&format!(": {reason}")) && !reason.is_empty(), "{error}");

    #[flow]
    fn unasked() -> pipex::Result<()> {
        let failed = measure("LGA").base("a").submit();
        let _ = twice(failed).submit();
        Ok(())
    }
    let error = bench.cache(unasked).unwrap_err().to_string();
    assert_eq!(error.matches("station LGA is closed").count(), 1, "{error}");
}

#[test]
fn a_submitted_error_waits_until_it_is_asked_for() {
    let bench = Bench::new();
    bench.cache(|| {
        let output: Output<u64> = measure("LGA").base("x").submit();
        for error in [output.wait().unwrap_err(), output.load().unwrap_err(), output.keep().unwrap_err()] {
            assert!(error.source().unwrap().is::<Closed>());
        }
        let downstream = twice(output).run().unwrap_err().to_string();
        assert!(downstream.starts_with("task run \"twice x\" (target "), "{downstream}");
        assert!(downstream.contains("so it did not run: task run \"measure LGA of x\""), "{downstream}");
        assert!(downstream.ends_with("station LGA is closed"), "{downstream}");
    });
}

#[task]
fn located(one: Output<u64>, more: Vec<Output<u64>>, count: usize) -> usize {
    usize::from(one.location().is_some()) + more.len() + count
}

/// A parameter declared as an `Output` takes no data, and yet its run has to have succeeded.
#[test]
fn whoever_takes_only_the_location_does_not_run_either() {
    for mode in [pipex::Mode::DoNothing, pipex::Mode::Cache] {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            let good = || measure("EWR").base("good").submit();
            for bad in [measure("LGA").base("bad").submit(), measure("LGA").base("bad").lazy()] {
                let alone = located(bad.clone(), vec![good()], 0).base("alone").run().unwrap_err();
                let among = located(good(), vec![good(), bad], 0).base("among").submit().load().unwrap_err();
                for error in [alone, among] {
                    assert!(format!("{error:?}").contains("so it did not run: task run \"measure"), "{error:?}");
                }
            }
        });
        assert!(!bench.ran().contains(&"located"));
    }
}

#[flow]
fn twice_of(station: &str) -> pipex::Result<u64> {
    let measured = measure(station.to_owned()).base("x").submit();
    let twice = twice(measured.clone()).run()?.load();
    // Asked for, so that the failure is not the flow's.
    assert_eq!(measured.wait().is_err(), station == "LGA");
    twice
}

#[test]
fn what_is_there_does_not_need_what_failed() {
    let bench = Bench::new();
    assert_eq!(bench.cache(|| twice_of("EWR")).unwrap(), 6);
    fs::remove_file(bench.file("measure/x")).unwrap();
    bench.states();
    assert_eq!(bench.cache(|| twice_of("LGA")).unwrap(), 6);
    assert_eq!(bench.states(), [("measure", State::Failed), ("twice", State::Cached)]);
}

#[test]
fn a_directory_that_may_not_be_written() {
    if rustix_is_root() {
        // Root writes everywhere but where nobody can.
        let error = Bench::new().cache(|| twice(1).path("/proc").base("x").run()).unwrap_err();
        let error = format!("{error:?}");
        assert!(error.starts_with("task run \"twice x\" (target /proc/twice/x): cannot claim the target"), "{error}");
        return;
    }
    let bench = Bench::new();
    fs::set_permissions(bench.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let error = format!("{:?}", bench.cache(|| twice(1).base("x").run()).unwrap_err());
    assert!(error.starts_with("task run \"twice x\" (target "), "{error}");
    assert!(error.to_lowercase().contains("permission denied"), "{error}");
}

fn rustix_is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}

#[task]
fn large() -> Vec<u8> {
    vec![7; 4 << 20]
}

#[test]
#[ignore = "a child of the test below"]
fn child_large() {
    let error = large().base("x").run().unwrap_err();
    println!("error {error:?}");
    twice(4).base("small").run().unwrap();
}

/// A limit on the size of files fails a write as a full disk does: in its midst.
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let bench = Bench::new();
    let child = child("errors::child_large", bench.path());
    let mut limited = std::process::Command::new("sh");
    // Blocks of 512 bytes: 1 MiB; the signal that comes with it is ignored, so that the write itself fails.
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\"", "sh"])
        .arg(child.get_program())
        .args(child.get_args());
    limited.envs(child.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = limited.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("error task run \"large x\" (target ") && said.contains("cannot save the output"), "{said}");
    assert!(said.contains("File too large"), "{said}");
    assert!(output.status.success(), "{said}");
    assert_eq!(bench.files(), ["twice/small"]);
}

#[test]
fn a_panic_leaves_nothing_and_the_target_free() {
    #[task]
    fn panics(now: &std::sync::atomic::AtomicBool) -> u64 {
        assert!(!now.load(std::sync::atomic::Ordering::Relaxed), "as asked");
        1
    }
    let bench = Bench::new();
    let now = std::sync::atomic::AtomicBool::new(true);
    let run = || bench.cache(|| panics(&now).base("x").run());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    assert_eq!(bench.files(), [""; 0]);
    now.store(false, std::sync::atomic::Ordering::Relaxed);
    let again = Bench::new();
    assert_eq!(again.cache(|| panics(&now).base("x").run()).unwrap().load().unwrap(), 1);
}

#[test]
fn a_run_that_asks_for_itself_is_told_so() {
    #[task]
    fn endless(depth: u64) -> pipex::Result<u64> {
        endless(depth).base("x").run()?.load()
    }
    let bench = Bench::new();
    let error = format!("{:?}", bench.cache(|| endless(1).base("x").run()).unwrap_err());
    assert!(error.contains("it asks for its own target while it makes it"), "{error}");
    let _: fn(Error) -> String = |error| error.to_string();
}
