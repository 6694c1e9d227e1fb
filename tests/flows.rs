//! A flow keeps its signature, and tells what went wrong and nobody asked about.

use pipex::{Error, Mode, flow, task};

use crate::support::Bench;

#[task]
fn check(number: u64) -> Result<u64, String> {
    if number % 2 == 1 { Err(format!("{number} is odd")) } else { Ok(number) }
}

/// Submits, and asks for nothing.
#[flow]
fn unasked(count: u64) -> pipex::Result<&'static str> {
    for number in 0..count {
        let _ = check(number).base(number.to_string()).submit();
    }
    Ok("all is well")
}

#[flow]
fn asked() -> pipex::Result<Vec<u64>> {
    let outputs: Vec<_> = (0..4).map(|number| check(number).base(number.to_string()).submit()).collect();
    Ok(outputs.iter().filter_map(|output| output.load().ok()).collect())
}

#[flow]
fn cannot_tell() -> u64 {
    let _ = check(1).base("1").submit();
    7
}

#[flow]
fn own_error() -> Result<(), Box<dyn std::error::Error>> {
    let _ = check(1).base("1").submit();
    Err("its own error".into())
}

#[flow(name = "patterns")]
fn patterns((a, mut b): (u64, u64), text: &str, out: &mut Vec<String>) -> pipex::Result<u64> {
    b += check(2).base(text).run()?.load()?;
    out.push(format!("{text} {a} {b}"));
    Ok(a + b)
}

#[flow]
fn opaque() -> impl Iterator<Item = u64> {
    (0..3).map(|number| check(2 * number).base(number.to_string()).run().unwrap().load().unwrap())
}

#[test]
fn failures_that_nobody_asked_for_are_the_flows() {
    for mode in [Mode::Cache, Mode::DoNothing] {
        let bench = Bench::new();
        assert_eq!(bench.config(mode).scope(|| unasked(1)).unwrap(), "all is well");

        let error = bench.config(mode).scope(|| unasked(100)).unwrap_err();
        assert!(matches!(error, Error::Unasked { count: 50, .. }));
        let error = format!("{error:?}");
        assert!(
            error.starts_with("flow run \"unasked\": 50 submitted task runs failed, unasked: task run \"check 1\""),
            "{error}"
        );
        assert!(error.contains("39 is odd; and 30 more") && !error.contains("41 is odd"), "{error}");
    }
}

#[test]
fn failures_that_were_asked_for_are_not() {
    assert_eq!(Bench::new().cache(asked).unwrap(), [0, 2]);
}

#[test]
fn a_flow_has_its_own_result() {
    let bench = Bench::new();
    assert_eq!(bench.cache(cannot_tell), 7);
    assert_eq!(bench.cache(own_error).unwrap_err().to_string(), "its own error");
    let mut out = Vec::new();
    assert_eq!(bench.cache(|| patterns((1, 2), "x", &mut out)).unwrap(), 5);
    assert_eq!(out, ["x 1 4"]);
    let numbers: Vec<_> = bench.cache(|| opaque().collect());
    assert_eq!(numbers, [0, 2, 4]);
}

#[test]
fn everything_else_runs_when_some_fail() {
    let bench = Bench::new();
    bench.cache(|| unasked(10)).unwrap_err();
    assert_eq!(bench.files(), ["check/0", "check/2", "check/4", "check/6", "check/8"]);
    bench.states();
    bench.cache(|| unasked(10)).unwrap_err();
    assert_eq!(bench.ran(), [""; 0], "run again, it does only the rest");
}
