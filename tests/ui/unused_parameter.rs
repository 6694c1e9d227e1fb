// Says: of `year` alone that it is not used
#![deny(unused_variables)]
use pipex::task;

#[derive(serde::Serialize)]
struct Params {
    rate: f64,
}

#[task(target = "{path}/{month}-{params.rate:.2}", name = "{station}", memory = rows * 64)]
fn one(month: u32, station: &str, params: &Params, rows: usize, year: u32) {}

fn main() {}
