//! What nobody needs does not run, so large interim outputs can be deleted.

use std::fs;

use pipex::{Mode, Output, flow, task};

use crate::support::Bench;

#[task(target = "{path}/load/{day}")]
fn load(day: u32) -> Vec<u32> {
    vec![day; 3]
}

#[task(target = "{path}/clean/{day}")]
fn clean(raw: Vec<u32>, day: u32) -> u32 {
    raw.iter().sum::<u32>() + day
}

#[task(target = "{path}/report")]
fn report(cleaned: Vec<u32>) -> u32 {
    cleaned.iter().sum()
}

#[flow]
fn year() -> pipex::Result<u32> {
    let cleaned: Vec<_> = (0..10).map(|day| clean(load(day).lazy(), day).lazy()).collect();
    report(cleaned).run()?.load()
}

#[test]
fn deleted_interim_outputs_stay_away() {
    let bench = Bench::new();
    assert_eq!(bench.cache(year).unwrap(), 180);
    assert_eq!(bench.ran().len(), 21);

    fs::remove_dir_all(bench.file("load")).unwrap();
    assert_eq!(bench.cache(year).unwrap(), 180);
    fs::remove_file(bench.file("report")).unwrap();
    bench.ran();
    assert_eq!(bench.cache(year).unwrap(), 180);
    assert_eq!(bench.ran(), ["report"], "every clean file is there, so no load is needed");

    fs::remove_file(bench.file("clean/7")).unwrap();
    fs::remove_file(bench.file("report")).unwrap();
    assert_eq!(bench.cache(year).unwrap(), 180);
    assert_eq!(bench.ran(), ["load", "clean", "report"]);
    assert_eq!(bench.files().iter().filter(|file| file.starts_with("load")).collect::<Vec<_>>(), ["load/7"]);
}

#[test]
fn never_asked_for_never_runs() {
    for mode in [Mode::DoNothing, Mode::Cache] {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            let never = boom().base("never").lazy();
            let also_never = pass(never, 0).lazy();
            drop(also_never);
        });
        assert_eq!(bench.files(), [""; 0]);
    }
}

#[task]
fn boom() -> u64 {
    panic!("a lazy call that nobody asked for ran")
}

#[task]
fn pass(value: u64, step: u64) -> u64 {
    value + step
}

#[task]
fn start() -> u64 {
    1
}

#[test]
fn a_chain_of_any_depth() {
    const DEPTH: u64 = 100_000;
    let bench = Bench::new();
    bench.config(Mode::DoNothing).scope(|| {
        let chain = || (0..DEPTH).fold(start().lazy(), |output, _| pass(output, 1).lazy());
        assert_eq!(chain().load().unwrap(), DEPTH + 1);
        // Taken apart without having run.
        drop(chain());
    });
    bench.cache(|| {
        let chain = (0..DEPTH)
            .fold(start().base("start").lazy(), |output, step| pass(output, 0).base(format!("{step}")).lazy());
        // All is missing but for what is at the end.
        let last = pass(0, 0).base(format!("{}-", DEPTH)).run().unwrap();
        assert_eq!(last.load().unwrap(), 0);
        drop(chain);
    });
    // A failure at the bottom is told at the top, and as deep a chain of causes is taken apart.
    bench.config(Mode::DoNothing).scope(|| {
        let chain = (0..1_000).fold(fails().lazy(), |output, _| pass(output, 1).lazy());
        assert!(format!("{:?}", chain.load().unwrap_err()).contains("no such number"));
    });
}

#[task]
fn fails() -> Result<u64, String> {
    Err("no such number".to_owned())
}

#[test]
fn a_deep_chain_of_targets() {
    const DEPTH: u64 = 2_000;
    let bench = Bench::new();
    let chain =
        || (0..DEPTH).fold(start().base("start").lazy(), |output, step| pass(output, 1).base(step.to_string()).lazy());
    assert_eq!(bench.cache(|| chain().load()).unwrap(), DEPTH + 1);
    assert_eq!(bench.files().len() as u64, DEPTH + 1);
    bench.ran();

    // The last is there, so nothing else is looked at.
    assert_eq!(bench.cache(|| chain().load()).unwrap(), DEPTH + 1);
    assert_eq!(bench.states().len(), 1);
}

#[test]
fn a_diamond_runs_its_tip_once() {
    for mode in [Mode::DoNothing, Mode::Cache] {
        let bench = Bench::new();
        let sum = bench.config(mode).scope(|| {
            let tip = start().base("tip").lazy();
            let sides: Vec<Output<u64>> =
                (0..4).map(|side| pass(tip.clone(), side).base(format!("side-{side}")).lazy()).collect();
            total(sides).base("sum").run()?.load()
        });
        assert_eq!(sum.unwrap(), 4 + 6);
    }
}

#[task]
fn total(values: Vec<u64>) -> u64 {
    values.iter().sum()
}

#[test]
fn threads_that_need_the_same_lazy_output_run_it_once() {
    let bench = Bench::new();
    let tip = bench.cache(|| start().base("tip").lazy());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(tip.load().unwrap(), 1));
        }
    });
    assert_eq!(bench.ran(), ["start"]);
}
