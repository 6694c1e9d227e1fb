//! `PIPEX` decides how much happens, and nothing else has to change.

use std::process::Stdio;

use pipex::{Config, Mode, Output, State, flow, task};

use crate::support::{Bench, child, files};

#[task]
fn load(name: &str) -> Vec<u64> {
    name.bytes().map(u64::from).collect()
}

#[task]
fn total(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

#[flow]
fn totals() -> pipex::Result<Vec<u64>> {
    let outputs: Vec<Output<u64>> = ["a", "bc"].map(|name| total(load(name).base(name).submit()).submit()).into();
    outputs.iter().map(Output::load).collect()
}

#[test]
fn do_nothing_calls_and_leaves_nothing() {
    let bench = Bench::new();
    let values = bench.config(Mode::DoNothing).scope(totals).unwrap();
    assert_eq!(values, [97, 98 + 99]);
    assert_eq!(bench.files(), [""; 0]);
    assert_eq!(bench.states(), []);
}

#[test]
fn do_nothing_needs_neither_path_nor_base() {
    let value = Config::new().mode(Mode::DoNothing).scope(|| total(load("a").run()?).run()?.load());
    assert_eq!(value.unwrap(), 97);
}

#[test]
fn cache_runs_once_and_then_skips() {
    let bench = Bench::new();
    assert_eq!(bench.cache(totals).unwrap(), [97, 197]);
    assert_eq!(bench.files(), ["load/a", "load/bc", "total/a", "total/bc"]);
    assert_eq!(bench.ran(), ["load", "total", "load", "total"]);

    assert_eq!(bench.cache(totals).unwrap(), [97, 197]);
    assert!(bench.states().iter().all(|(_, state)| *state == State::Cached));
}

#[test]
fn a_deleted_output_is_made_again_and_nothing_else() {
    let bench = Bench::new();
    bench.cache(totals).unwrap();
    bench.ran();
    std::fs::remove_file(bench.file("total/a")).unwrap();
    assert_eq!(bench.cache(totals).unwrap(), [97, 197]);
    assert_eq!(bench.ran(), ["total"]);
}

#[test]
fn an_executor_gives_the_same_values() {
    let bench = Bench::new();
    assert_eq!(bench.config(Mode::Prefect).scope(totals).unwrap(), [97, 197]);
    assert_eq!(bench.files(), [""; 0], "nothing is saved");
    assert_eq!(bench.ran().len(), 4);

    assert_eq!(bench.config(Mode::PrefectCache).scope(totals).unwrap(), [97, 197]);
    assert_eq!(bench.files(), ["load/a", "load/bc", "total/a", "total/bc"]);
    assert_eq!(bench.ran().len(), 4);

    assert_eq!(bench.config(Mode::PrefectCache).scope(totals).unwrap(), [97, 197]);
    assert!(bench.states().iter().all(|(_, state)| *state == State::Cached));
}

#[test]
#[ignore = "a child of the tests below"]
fn child_totals() {
    match totals() {
        Ok(values) => println!("values {values:?}"),
        Err(error) => println!("error {error:?}"),
    }
}

fn child_says(mode: Option<&str>, out: &std::path::Path) -> String {
    let mut child = child("modes::child_totals", out);
    match mode {
        Some(mode) => child.env("PIPEX", mode),
        None => child.env_remove("PIPEX"),
    };
    let output = child.stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_environment_decides() {
    let bench = Bench::new();
    for mode in [None, Some(""), Some("do_nothing")] {
        assert!(child_says(mode, bench.path()).contains("values [97, 197]"));
        assert_eq!(files(bench.path()), [""; 0]);
    }
    assert!(child_says(Some("cache"), bench.path()).contains("values [97, 197]"));
    assert_eq!(bench.files().len(), 4);
}

#[test]
fn another_value_is_an_error_that_names_the_four() {
    let said = child_says(Some("chache"), Bench::new().path());
    assert!(
        said.contains("error PIPEX=chache is not a mode: set it to do_nothing, cache, prefect or prefect.cache"),
        "{said}"
    );
}

#[test]
fn a_config_wins_over_what_is_around_it() {
    let bench = Bench::new();
    let inner = bench.cache(|| Config::new().mode(Mode::DoNothing).scope(totals));
    assert_eq!(inner.unwrap(), [97, 197]);
    assert_eq!(bench.files(), [""; 0]);
}
