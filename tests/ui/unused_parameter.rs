// Says: of `year` alone that it is not used
#![deny(unused_variables)]
use pipex::task;

#[derive(serde::Serialize)]
struct Params {
    rate: f64,
}

#[task(target = "{path}/{month}-{params.rate:.2}", name = "{station}")]
fn one(month: u32, station: &str, params: &Params, year: u32) {}

fn main() {}
