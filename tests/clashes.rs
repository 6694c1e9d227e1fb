//! Two calls that mean different things never share a target.

use pipex::{flow, task};

use crate::support::Bench;

#[task]
fn square(x: u64) -> u64 {
    x * x
}

#[task(target = "{path}/square/{base}")]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[derive(Debug)]
struct Shown(f64);

#[task]
fn shown(x: Shown) -> f64 {
    x.0
}

#[flow]
fn different_arguments() -> pipex::Result<()> {
    square(1).base("x").run()?;
    square(2).base("x").run()?;
    Ok(())
}

#[flow]
fn different_tasks() -> pipex::Result<()> {
    square(2).base("x").run()?;
    cube(2).base("x").run()?;
    Ok(())
}

#[flow]
fn lazily() -> pipex::Result<u64> {
    let first = square(1).base("x").lazy();
    let second = square(2).base("x").lazy();
    Ok(first.load()? + second.load()?)
}

#[flow]
fn the_same_twice() -> pipex::Result<u64> {
    Ok(square(3).base("x").run()?.load()? + square(3).base("x").submit().load()?)
}

#[flow]
fn outer() -> pipex::Result<()> {
    square(1).base("x").run()?;
    inner()
}

#[flow]
fn inner() -> pipex::Result<()> {
    square(2).base("x").run()?;
    Ok(())
}

#[flow]
fn known_by_debug_only() -> pipex::Result<()> {
    shown(Shown(1.0)).base("x").run()?;
    shown(Shown(2.0)).base("x").run()?;
    Ok(())
}

#[test]
fn different_arguments_for_one_target() {
    for flow in [different_arguments, known_by_debug_only, outer] {
        let bench = Bench::new();
        let error = format!("{:?}", bench.cache(flow).unwrap_err());
        assert!(error.contains("fill to the same target with different arguments"), "{error}");
        assert!(error.contains("put what tells them apart into base or into the target's template, as `{args}` does"));
        assert_eq!(error.matches("clashes.rs:").count(), 2, "both calls are named: {error}");
        assert_eq!(bench.files().len(), 1);
    }
}

#[test]
fn different_tasks_for_one_target() {
    let bench = Bench::new();
    let error = format!("{:?}", bench.cache(different_tasks).unwrap_err());
    assert!(error.contains("task `square` called at ") && error.contains("task `cube` called at "), "{error}");
    assert!(error.contains(&bench.file("square/x").display().to_string()), "{error}");
}

#[test]
fn lazy_calls_clash_too() {
    let bench = Bench::new();
    let error = format!("{:?}", bench.cache(lazily).unwrap_err());
    assert!(error.contains("fill to the same target with different arguments"), "{error}");
}

#[test]
fn the_same_call_twice_is_one() {
    let bench = Bench::new();
    assert_eq!(bench.cache(the_same_twice).unwrap(), 18);
    assert_eq!(bench.ran(), ["square"]);
}

#[test]
fn outside_flows_the_process_is_the_run() {
    let bench = Bench::new();
    bench.cache(|| square(1).base("x").run()).unwrap();
    assert!(bench.cache(|| square(2).base("x").run()).is_err());
    bench.cache(|| square(1).base("x").run()).unwrap();
}

#[test]
fn another_flow_run_is_another_matter() {
    let bench = Bench::new();
    bench.cache(the_same_twice).unwrap();
    let error = format!("{:?}", bench.cache(different_arguments).unwrap_err());
    assert!(error.contains("same target"), "{error}");
}
