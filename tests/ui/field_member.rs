// Says: at the template: the struct has no such field
use pipex::task;

#[derive(serde::Serialize)]
struct Params {
    rate: f64,
}

#[task(target = "{path}/{params.rat}")]
fn one(params: Params) {}

fn main() {}
