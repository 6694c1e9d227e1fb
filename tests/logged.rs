//! What task runs log is found afterwards in the journal.

use std::path::Path;

use pipex::journal::{self, Ended, Line};
use pipex::{flow, task};

use crate::support::{Bench, child};

#[task(target = "{path}/{funcname}/{kind}", retries = 1)]
fn work(kind: &str) -> Result<u32, String> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CALLS: AtomicU32 = AtomicU32::new(1);

    match kind {
        "retried" => {
            let call = CALLS.fetch_add(1, Ordering::Relaxed);
            tracing::info!(call, "tries");
            if call == 1 { Err("not yet".to_owned()) } else { Ok(call) }
        }
        "many" => {
            (0..5_000).for_each(|number| tracing::warn!("line {number}"));
            Ok(0)
        }
        "hostile" => {
            log::error!("\x1b[2Jgone\n14:03:07.482 | ERROR   | another\r{}", "x".repeat(50_000));
            Ok(0)
        }
        _ => {
            tracing::debug!("in detail");
            Ok(0)
        }
    }
}

#[flow]
fn works() -> pipex::Result<()> {
    tracing::info!("it is the flow's own");
    ["retried", "many", "hostile", "silent"]
        .map(|kind| work(kind).submit())
        .iter()
        .try_for_each(|out| out.load().map(drop))
}

#[test]
#[ignore = "a child of the test below"]
fn child_works() {
    if std::env::var_os("PIPEX_TESTS_LOGS").is_some() {
        pipex::logging::init();
    }
    works().unwrap();
}

/// The lines about task runs that have ended.
fn run(logs: bool) -> Vec<Ended<'static>> {
    let bench = Bench::new();
    let mut child = child("logged::child_works", bench.path());
    let journal = bench.file("journal");
    child.env("PIPEX", "prefect.cache").env("PIPEX_JOURNAL", &journal);
    if logs {
        child.env("PIPEX_TESTS_LOGS", "1");
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    read(&journal)
}

fn read(journal: &Path) -> Vec<Ended<'static>> {
    let mut all = Vec::new();
    for run in journal::runs(journal).unwrap() {
        journal::read(&run, |line| {
            if let Line::Ended(ended) = line {
                all.push(*ended);
            }
        })
        .unwrap();
    }
    all
}

#[test]
fn each_attempt_has_the_lines_that_it_logged() {
    let all = run(true);
    let of =
        |kind: &str| all.iter().filter(move |ended| ended.target.as_ref().unwrap().ends_with(kind)).collect::<Vec<_>>();
    let [first, second] = of("/retried")[..] else { panic!("{all:?}") };
    for (ended, text) in [(first, "tries  call=1"), (second, "tries  call=2")] {
        let [line] = &ended.logged[..] else { panic!("{ended:?}") };
        assert_eq!((&*line.level, &*line.text), ("INFO", text));
        assert!(line.place.as_ref().unwrap().contains("tests/logged.rs:"), "{line:?}");
        assert!((ended.at..=ended.at + ended.elapsed).contains(&line.at), "{ended:?}");
    }
    let many = &of("/many")[0].logged;
    let left_out: u64 = many.iter().map(|line| line.left_out).sum();
    assert_eq!(left_out + many.len() as u64, 5_000);
    assert_eq!((&*many[0].text, &*many.last().unwrap().text), ("line 0", "line 4999"));
    assert!((20..200).contains(&many.len()), "{}", many.len());
    let [line] = &of("/hostile")[0].logged[..] else { panic!("{all:?}") };
    assert!(line.text.starts_with("[2Jgone\n    14:03:07.482 | ERROR   | anotherxxx"), "{line:?}");
    assert!(line.text.ends_with("x..") && line.text.len() < 5_000, "{}", line.text.len());
    assert!(of("/silent")[0].logged.is_empty());
}

#[test]
fn a_program_that_does_not_log_by_pipex_has_none() {
    let all = run(false);
    assert!(all.len() == 5 && all.iter().all(|ended| ended.logged.is_empty()), "{all:?}");
}
