//! The pipeline in pipex, in the mode that `PIPEX` says.

use pipex::{Output, flow, task};

mod work;

#[task]
fn load(station: u32) -> Vec<f64> {
    work::load(station)
}

#[task]
fn clean(values: &[f64]) -> Vec<f64> {
    work::clean(values)
}

/// Takes locations, and has one output in memory at a time.
#[task]
fn merge(cleaned: Vec<Output<Vec<f64>>>) -> pipex::Result<f64> {
    work::merge(cleaned.into_iter().map(Output::take))
}

#[flow(path = "out")]
fn pairs(count: u32) -> pipex::Result<f64> {
    let clean = |station| clean(load(station).base(station).submit()).submit();
    let cleaned: Vec<Output<Vec<f64>>> = (0..count).map(clean).collect();
    merge(cleaned).base("all").run()?.load()
}

fn main() {
    work::main(pairs);
}
